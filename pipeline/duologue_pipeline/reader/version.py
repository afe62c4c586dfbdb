"""Knows the version of a release that is being read: where each sample of a plan lies in it, and what of it was withdrawn."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.fetch import Place
from duologue_pipeline.reader.index import Index
from duologue_pipeline.reader.plan import Plan
from duologue_pipeline.reader.revocations import Revocation
from duologue_pipeline.reader.runs import Runs, find_runs

__all__ = ["Version", "runs_of"]

_Places = npt.NDArray[np.int64]


class Version:
    """Finds the units of a plan in a version of the release.

    Args:
        root: the folder of the release.
        index: the samples of the version.
        plan: what is read.
        length: frames of a crop; None where samples are given whole.

    Attributes:
        index, plan, length: as given.
        struck: bool [N], the samples of the index that revocations name.
    """

    def __init__(self, root: str, index: Index, plan: Plan, length: int | None) -> None:
        self.index, self.plan, self.length = index, plan, length
        self.struck = np.zeros(len(index), bool)
        self._root = root
        rows = np.arange(len(index)) if plan.keys is index.keys else index.rows_of(plan.keys)
        known = np.zeros(len(index), bool)
        known[rows[(rows >= 0) & (plan.shape > 0)]] = True
        self._runs = None if length is None else runs_of(index, known, length)
        fits = np.append(index.chosen, False)[rows]  # a row of -1 is the last
        if self._runs is not None:  # of a recording that lost a part of itself nothing can be given as it was dealt
            fits &= np.append(self._runs.units, -1)[rows] == plan.shape - 1
            fits &= ~np.append(self._parted(rows), True)[rows]
        self._rows = np.where(fits, rows, -1)

    @property
    def release(self) -> dict[str, Any]:
        """Gives the document of ``dataset.json``."""
        return self.index.release

    def with_plan(self, plan: Plan) -> "Version":
        """Gives the same version for another plan."""
        other = Version(self._root, self.index, plan, self.length)
        other.struck = self.struck
        return other

    def strike(self, entries: tuple[Revocation, ...]) -> None:
        """Leaves out what revocations name."""
        self.struck = self.index.struck(entries)

    def find(self, unit: int) -> tuple[tuple[int, ...], int, int] | None:
        """Finds a unit of the plan.

        Returns:
            (the rows of its samples; its first frame, and the one after its last, where it is a crop, else 0 and 0); None
            where a sample is gone. Whether one is struck is not looked at.
        """
        row = int(self._rows[self.plan.sample[unit]])
        if row < 0:
            return None
        if self._runs is None:
            return (row,), 0, 0
        rows, start, stop = self._runs.crop(row, int(self.plan.part[unit]))
        return (tuple(rows), start, stop) if self.index.chosen[rows].all() else None

    def gone(self, units: _Places) -> npt.NDArray[np.bool_]:
        """Tells which units of the plan are not there, or touch a sample that revocations name: bool."""
        rows = self._rows[self.plan.sample[units]]
        gone = np.append(self.struck, True)[rows]  # a row of -1 is the last
        if self._runs is not None:
            there = np.flatnonzero(rows >= 0)
            lost = self.struck | ~self.index.chosen
            gone[there] = self._runs.touching(rows[there], self.plan.part[units[there]], lost)
        return gone

    def _parted(self, rows: _Places) -> npt.NDArray[np.bool_]:
        """Tells which samples of the index are of a recording of which the plan names a sample that is not there: bool [N]."""
        lost = self.plan.keys.filter(pa.array((rows < 0) & (self.plan.shape > 0)))
        recordings = pc.replace_substring_regex(lost, "-[0-9]+$", "")
        return np.asarray(pc.is_in(self.index.recording.dictionary, value_set=recordings))[self.index.recording.indices]

    def starts(self, units: _Places) -> list[int] | None:
        """Lists the frames of their samples with which units begin that are there; None where samples are given whole."""
        if self._runs is None:
            return None
        rows = self._rows[self.plan.sample[units]]
        starts: list[int] = self._runs.starts(rows, self.plan.part[units]).tolist()
        return starts

    def shards(self, units: _Places) -> npt.NDArray[np.int32]:
        """Gives the place in ``release["shards"]`` of the sample in which each unit begins; -1 where it is gone: int32."""
        return np.append(self.index.shard, np.int32(-1))[self._rows[self.plan.sample[units]]]

    def place(self, row: int) -> Place:
        """Names the bytes of a sample."""
        index = self.index
        shard = index.release["shards"][index.shard[row]]
        return Place(shard["path"], shard["bytes"], int(index.offset[row]), int(index.size[row]))

    def uri(self, row: int) -> str:
        """Names the shard of a sample."""
        return join(self._root, self.index.release["shards"][self.index.shard[row]]["path"])


def runs_of(index: Index, chosen: npt.NDArray[np.bool_], length: int) -> Runs:
    """Finds the crops of the chosen samples."""
    return find_runs(index.recording.indices.to_numpy(), index.segment, index.frames, chosen, length)
