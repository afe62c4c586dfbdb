"""Divides what follows one another in a recording into crops of one length, by the columns of the index alone."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError

__all__ = ["Runs", "crop_frames", "find_runs"]

_Places = npt.NDArray[np.int64]


class Runs:
    """Knows which samples follow one another, and where crops begin in them.

    A run is a stretch of consecutive segments of one recording. It is cut from its beginning on into crops of ``length``
    frames, of which the last may be shorter; each frame lies in exactly one crop. A crop belongs to the sample in which it
    begins.

    Args:
        order: int64 [M], the rows of the runs, one behind the other.
        begins, ends: int64 [M], where they begin and end, in frames of all runs.
        run_ends: int64 [M], where their runs end.
        first: int64 [N], the frame of the sample with which its first crop begins.
        units: int64 [N], how many crops begin in the sample.
        length: frames of a crop.
    """

    def __init__(
        self,
        order: _Places,
        begins: _Places,
        ends: _Places,
        run_ends: _Places,
        first: _Places,
        units: _Places,
        length: int,
    ) -> None:
        self.units = units
        self._order, self._begins, self._ends, self._run_ends = order, begins, ends, run_ends
        self._first, self._length = first, length
        self._position = np.full(len(units), -1, np.int64)
        self._position[order] = np.arange(len(order))

    def crop(self, row: int, part: int) -> tuple[list[int], int, int]:
        """Finds what a crop is made of.

        Args:
            row: the sample in which it begins.
            part: which of the crops that begin there, from 0.

        Returns:
            (the rows of its samples in their order; its first frame, and the one after its last, counted from the first
            frame of the first of them).
        """
        (place,), (last,), (stop,) = self._stretches(np.array([row]), np.array([part]))
        start = int(self._first[row]) + part * self._length
        return self._order[place : last + 1].tolist(), start, int(stop - self._begins[place])

    def touching(self, rows: _Places, parts: _Places, marked: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tells which crops touch a sample that is marked.

        Args:
            rows: int64 [U], the samples in which they begin.
            parts: int64 [U], which of the crops that begin there.
            marked: bool [N].

        Returns:
            bool [U].
        """
        place, last, _ = self._stretches(rows, parts)
        before = np.concatenate([[0], np.cumsum(marked[self._order])])
        touching: npt.NDArray[np.bool_] = before[last + 1] > before[place]
        return touching

    def _stretches(self, rows: _Places, parts: _Places) -> tuple[_Places, _Places, _Places]:
        """Finds the first and the last place of crops in the order, and the frame at which they end."""
        place = self._position[rows]
        start = self._begins[place] + self.starts(rows, parts)
        stop = np.minimum(start + self._length, self._run_ends[place])
        return place, np.searchsorted(self._ends, stop), stop

    def starts(self, rows: _Places, parts: _Places) -> _Places:
        """Gives the frames of samples with which their crops begin."""
        return self._first[rows] + parts * self._length


def crop_frames(crop_s: Any, frame_rate_hz: float) -> int:
    """Gives the length of a crop in frames: the nearest whole number.

    Raises:
        UsageError: it is no length, or shorter than half a frame.
    """
    number = isinstance(crop_s, int | float) and not isinstance(crop_s, bool) and math.isfinite(crop_s)
    frames = round(crop_s * frame_rate_hz) if number and 0 < crop_s < 1e6 else 0
    if frames < 1:
        raise UsageError(
            f"crop_s {crop_s!r}: expected a length in seconds, at least one frame of {1 / frame_rate_hz:g} s; or None for "
            "samples as they are"
        )
    return frames


def find_runs(
    recording: npt.NDArray[Any],
    segment: npt.NDArray[Any],
    frames: npt.NDArray[Any],
    chosen: npt.NDArray[np.bool_],
    length: int,
) -> Runs:
    """Finds the runs of consecutive segments, and the crops in them.

    Args:
        recording: int [N], which recording each sample is of.
        segment: int [N], which piece of it.
        frames: int [N], how many frames it has.
        chosen: bool [N], whether it may be used.
        length: frames of a crop.
    """
    count = len(frames)
    own = np.where(chosen, frames, 0).astype(np.int64)
    order = np.lexsort((segment, recording))
    order = order[chosen[order]]
    joins = np.zeros(len(order), bool)
    joins[1:] = (np.diff(recording[order]) == 0) & (np.diff(segment[order].astype(np.int64)) == 1)
    ends = np.cumsum(own[order])
    begins = ends - own[order]
    run = np.cumsum(~joins) - 1
    opens = np.flatnonzero(~joins)
    run_ends = ends[np.append(opens[1:], len(order)) - 1][run] if len(order) else ends
    first, units = np.zeros(count, np.int64), np.zeros(count, np.int64)
    first[order] = -(begins - begins[opens][run]) % length
    units[order] = np.maximum(0, -((first[order] - own[order]) // length))
    return Runs(order, begins, ends, run_ends, first, units, length)
