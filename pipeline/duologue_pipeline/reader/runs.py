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
        following: int64 [N], the row of the next segment of the run, -1 at its end.
        first: int64 [N], the frame of the sample with which its first crop begins.
        units: int64 [N], how many crops begin in the sample.
        frames: int64 [N], of the samples.
        length: frames of a crop.
    """

    def __init__(self, following: _Places, first: _Places, units: _Places, frames: _Places, length: int) -> None:
        self.units = units
        self._following, self._first, self._frames, self._length = following, first, frames, length

    def crop(self, row: int, part: int) -> tuple[list[int], int, int]:
        """Finds what a crop is made of.

        Args:
            row: the sample in which it begins.
            part: which of the crops that begin there, from 0.

        Returns:
            (the rows of its samples in their order; its first frame, and the one after its last, counted from the first
            frame of the first of them).
        """
        start = int(self._first[row]) + part * self._length
        rows, end = [row], int(self._frames[row])
        while end < start + self._length and self._following[rows[-1]] >= 0:
            rows.append(int(self._following[rows[-1]]))
            end += int(self._frames[rows[-1]])
        return rows, start, min(end, start + self._length)

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
    following = np.full(count, -1, np.int64)
    following[order[:-1][joins[1:]]] = order[1:][joins[1:]]
    ends = np.cumsum(own[order])
    run_starts = np.maximum.accumulate(np.where(joins, 0, np.arange(len(order))))
    begin = ends - own[order]
    begin -= begin[run_starts]
    first, units = np.zeros(count, np.int64), np.zeros(count, np.int64)
    first[order] = -begin % length
    units[order] = np.maximum(0, -((first[order] - own[order]) // length))
    return Runs(following, first, units, own, length)
