"""Plans an epoch: which samples it is made of, in which order they come, and which of them a reader gets.

The plan of a dataset is made once, of the version of the release that is there when it is opened. What is withdrawn later leaves
a gap in it and moves nothing else, so that all readers deal alike. A state names its plan in a few words, and
:mod:`duologue_pipeline.reader.restore` makes it again in a later version.
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.reader.index import Index, digest
from duologue_pipeline.reader.order import Hashes, epoch_order, part_hashes

__all__ = ["Plan", "packed", "plan_of", "unpacked"]

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Plan:
    """Holds what the epochs of a dataset are made of, in the order of the index.

    Attributes:
        keys: texts [N], of all samples of the split.
        hashes: uint64 [N], of the keys.
        shape: int64 [N], 0 where a sample is not chosen, else 1 + the number of units that begin in it.
        told: what a state says of the samples, beside the shape.
    """

    keys: pa.Array
    hashes: Hashes
    shape: _Places
    told: Mapping[str, Any]

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """Says of the samples what a state says of them; made when the first state is asked for, as millions are to be sorted."""
        if "shape" in self.told or not (self.shape != 2).any():
            return self.told
        return {**self.told, "shape": packed(self.shape[pc.sort_indices(self.keys).to_numpy()])}

    @cached_property
    def sample(self) -> _Places:
        """Gives the place in ``keys`` of each unit: int64 [U]."""
        return np.repeat(np.arange(len(self.keys)), self._units)

    @cached_property
    def part(self) -> _Places:
        """Tells which unit of its sample each is, from 0: int64 [U]."""
        units = self._units
        return np.arange(int(units.sum())) - np.repeat(np.cumsum(units) - units, units)

    def place_of(self, key: str) -> int:
        """Finds a sample in ``keys``; -1 where there is none."""
        found: int = pc.index(self.keys, key).as_py()
        return found

    def __len__(self) -> int:
        """Counts the units of an epoch."""
        return int(self._units.sum())

    def order(self, *, seed: int | None, epoch: int) -> _Places:
        """Orders the units for an epoch: int64 [U]."""
        return epoch_order(self._unit_hashes, seed=seed, epoch=epoch)

    @cached_property
    def _units(self) -> _Places:
        return np.maximum(self.shape - 1, 0)

    @cached_property
    def _unit_hashes(self) -> Hashes:
        return part_hashes(self.hashes[self.sample], self.part)


def plan_of(index: Index, units: _Places | None, *, shuffled: bool) -> Plan:
    """Plans the epochs of a version.

    Args:
        index: its samples.
        units: int64 [N], how many units begin in each sample; None: each chosen sample is one.
        shuffled: whether the order is that of the hashes; else a state says how the samples follow one another.
    """
    release = index.release
    shape = np.where(index.chosen, 1 + (np.ones(len(index), np.int64) if units is None else units), 0)
    told: dict[str, Any] = {
        "name": release["name"],
        "run": release["run"]["fingerprint"],
        "samples": len(index),
        "keys_sha256": digest(np.sort(index.hashes)),
        "revocations_bytes": (release.get("revocations") or {"bytes": 0})["bytes"],
    }
    if not shuffled:
        told["order_sha256"] = digest(index.hashes)
        told["leads"] = _leads(index)
    return Plan(index.keys, index.hashes, shape, told)


def packed(shape: _Places) -> str:
    """Writes the shape of a plan, in the order of the keys, as text."""
    return base64.b64encode(zlib.compress(shape.astype("<u2").tobytes(), 9)).decode()


def unpacked(text: str, count: int) -> _Places:
    """Reads the shape of a plan of so many samples; ValueError where it is none."""
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(base64.b64decode(text, validate=True), 2 * count + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(data) != 2 * count:
        raise ValueError("it is of another number of samples")
    return np.frombuffer(data, "<u2").astype(np.int64)


def _leads(index: Index) -> dict[str, list[str]]:
    """Lists the samples that a shard begins with out of their order, by their hashes; see :mod:`duologue_pipeline.shards.write`."""
    if len(index) < 2:
        return {}
    ranks = pc.rank(index.recording.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)  # each is there once
    place = ranks[index.recording.indices.to_numpy()] * (1 << 31) + index.segment
    falls = np.flatnonzero((np.diff(place) < 0) & (np.diff(index.shard) == 0))
    leads: dict[str, list[str]] = {}
    for row in falls:  # the last one of a shard counts: what it begins with ends there
        start = int(np.searchsorted(index.shard, index.shard[row]))
        leads[index.stem(index.shard[row])] = [f"{each:016x}" for each in index.hashes[start : row + 1].tolist()]
    return leads
