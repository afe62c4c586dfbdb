"""Follows a copy through the recording: at which lag it lies at each time, and whether that lag moves.

A clock that runs too fast moves the copy steadily: by 30 ms in ten minutes at 50 ppm. Summed up as if it stood still,
a copy that moves by more than a sample or two reads too low, and soon is lost. So evidence is kept in short groups,
each group with a peak of its own shows where the copy is, and groups are moved onto each other before they are summed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from duologue_pipeline.isolation.evidence import Evidence, Layout, Segment
from duologue_pipeline.isolation.fit import find_lag, find_peak, phase_correlation
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Groups", "Path", "Seen", "find_path", "move_and_sum", "sharpen"]

_GROUPS_AT_ONCE = 16

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class Groups:
    """Collects the evidence of one direction in order of time, in at most ``max_groups`` groups.

    A group ends when it holds ``group_s`` of evidence or reaches over ``group_max_s``. When there are too many,
    neighbours are joined, and from then on as many new ones are joined before they are added.
    """

    def __init__(self, layout: Layout, rules: IsolationRules) -> None:
        self._layout, self._rules = layout, rules
        self._size = round(rules.group_s / layout.frame_s)
        self._reach = round(rules.group_max_s / layout.frame_s)
        self._open = Evidence.none(layout)
        self._pending: list[Evidence] = []
        self._joined = 1
        self._groups: list[Evidence] = []

    def add(self, segment: Segment, target: int, frames: npt.NDArray[np.intp], weights: F64) -> None:
        """Adds frames of a segment, in order of time.

        Args:
            segment: both tracks.
            target: the track in which a copy is looked for, 0 or 1.
            frames: intp [n], indices of the segment's frames.
            weights: float64 [frames of the segment], the weight of each.
        """
        while len(frames):
            first = self._open.first if self._open.frames else segment.first_frame + int(frames[0])
            near = int(np.searchsorted(frames, first + self._reach - segment.first_frame))
            taken = min(near, self._size - self._open.frames)
            if taken:
                self._open += segment.evidence(target, frames[:taken], weights)
                frames = frames[taken:]
            if self._open.frames >= self._size or len(frames):
                self._close()

    def _close(self) -> None:
        self._pending.append(self._open)
        self._open = Evidence.none(self._layout)
        if len(self._pending) < self._joined:
            return
        self._groups.append(_join_groups(self._pending, self._layout, self._rules))
        self._pending = []
        if len(self._groups) > self._rules.max_groups:
            pairs = [self._groups[i : i + 2] for i in range(0, len(self._groups), 2)]
            self._groups = [_join_groups(pair, self._layout, self._rules) for pair in pairs]
            self._joined *= 2

    def all(self) -> list[Evidence]:
        """Gives the groups so far; the last one may hold less evidence than the others."""
        rest = [group for group in (*self._pending, self._open) if group.frames]
        return [*self._groups, *([_join_groups(rest, self._layout, self._rules)] if rest else [])]


@dataclass(frozen=True)
class Path:
    """Says at which lag the copy lies in each group.

    ``lags`` float64 [groups] are in samples; ``seen`` bool [groups] says which groups show the copy by themselves.
    ``sigmas`` is how far the copy stands out of all groups together. ``ppm`` is the rate at which it moves over the
    groups that show it, None where these are too few or lie on no line; ``ppm_error`` is the standard error of that.
    ``steady`` says whether it moves in both halves as it does in the whole, as by a clock and not by a change of its way.
    """

    lags: F64
    seen: npt.NDArray[np.bool_]
    sigmas: float
    ppm: float | None = None
    ppm_error: float = 0.0
    start: float = 0.0
    moves: bool = False
    steady: bool = True


@dataclass(frozen=True)
class Seen:
    """Holds what each group shows by itself: ``correlations`` float32 [groups, lags], ``peaks`` the highest lag, and its sigmas."""

    correlations: F32
    peaks: Sequence[tuple[int, float]]

    @classmethod
    def of(cls, groups: Sequence[Evidence], layout: Layout, rules: IsolationRules) -> "Seen":
        """Looks at each of the groups, of which there is at least one."""
        correlations = np.empty((len(groups), 2 * layout.frame + 1), np.float32)
        for first in range(0, len(groups), _GROUPS_AT_ONCE):
            crosses = np.stack([group.cross for group in groups[first : first + _GROUPS_AT_ONCE]])
            correlations[first : first + _GROUPS_AT_ONCE] = phase_correlation(crosses, layout, rules)
        return cls(correlations, [find_peak(correlation) for correlation in correlations])

    def __getitem__(self, some: slice) -> "Seen":
        return Seen(self.correlations[some], self.peaks[some])


def find_path(groups: Sequence[Evidence], each: Seen, layout: Layout, rules: IsolationRules) -> Path:
    """Finds the lag of the copy in each group, first in each by itself, then near the line that most agree on.

    ``each`` is what the groups show by themselves.
    """
    still, still_sigmas = find_lag(_total(groups, np.zeros(len(groups)), layout), layout, rules)
    path = Path(np.full(len(groups), float(still)), np.zeros(len(groups), np.bool_), still_sigmas)
    if len(groups) < rules.path_min_groups:
        return path
    at = np.array([group.middle for group in groups]) * layout.frame
    correlations = each.correlations
    lags = np.array([peak for peak, _ in each.peaks], np.float64) - layout.frame
    seen = np.array([sigmas for _, sigmas in each.peaks]) >= rules.group_peak_min_sigma
    near = np.zeros(0, np.bool_)
    if seen.sum() >= rules.path_min_groups:
        slope, start, near = _line(at[seen], lags[seen], rules, layout)
    if not near.size or near.mean() < rules.path_min_share:
        if still_sigmas >= rules.lag_peak_min_sigma:
            return path
        slope, start = _scan(at, correlations, rules, layout)
        lags, seen = _near_line(start + slope * at, correlations, rules, layout)
        if seen.sum() < rules.path_min_groups:
            return path
        slope, start, near = _line(at[seen], lags[seen], rules, layout)
    on_line = start + slope * at
    seen &= np.abs(lags - on_line) <= rules.path_reach_ms * layout.rate_hz / 1000
    moving = np.where(seen, lags, on_line)
    _, sigmas = find_lag(_total(groups, moving - np.median(moving), layout), layout, rules)
    residual = (lags - on_line)[seen]
    residual = residual[np.abs(residual) <= rules.path_line_ms * layout.rate_hz / 1000]
    spread = at[seen].std() * np.sqrt(len(residual))
    error = float(np.hypot(residual.std(), rules.drift_lag_error_samples) / spread) if spread else np.inf
    return Path(
        lags=moving if sigmas >= still_sigmas else path.lags,
        seen=seen,
        sigmas=max(sigmas, still_sigmas),
        ppm=slope * 1e6,
        ppm_error=error * 1e6,
        start=start,
        moves=abs(slope) > rules.drift_min_errors * error,
        steady=_steady(at[seen], lags[seen], slope, rules),
    )


def _steady(at: F64, lags: F64, slope: float, rules: IsolationRules) -> bool:
    """Says whether the lags move in each half of the time as fast as in all of it, give or take what lags are off."""
    first = at <= np.median(at)
    for half in (first, ~first):
        if half.sum() < rules.path_min_groups:
            continue
        own_slope, own_start = np.polyfit(at[half], lags[half], 1)
        off = np.hypot((lags[half] - own_start - own_slope * at[half]).std(), rules.drift_lag_error_samples)
        error = off / (at[half].std() * np.sqrt(half.sum()))
        apart = abs(own_slope - slope)
        if apart > rules.drift_max_unsteady * error and apart * 1e6 > rules.drift_max_disagreement_ppm:
            return False
    return True


def _scan(at: F64, correlations: npt.NDArray[Any], rules: IsolationRules, layout: Layout) -> tuple[float, float]:
    """Finds the line along which all groups together agree best; gives its slope and its start in samples."""
    step = round(rules.drift_scan_step_ms * layout.rate_hz / 1000)
    bins = correlations.shape[1] // step
    coarse = correlations[:, : bins * step].reshape(len(at), bins, step).max(axis=2)
    coarse /= np.median(coarse, axis=1, keepdims=True) + 1e-30
    from_middle = at - at.mean()
    most = rules.drift_scan_max_ppm * 1e-6 * float(np.abs(from_middle).max()) / step
    slopes = np.arange(-round(most), round(most) + 1) * step / float(np.abs(from_middle).max())
    shifts = np.round(slopes[:, None] * from_middle / step).astype(np.intp)
    edge = int(np.abs(shifts).max())
    padded = np.pad(coarse, ((0, 0), (edge, edge)), constant_values=1.0)
    total = np.zeros((len(slopes), bins), np.float32)
    for group, own in zip(padded, shifts.T, strict=True):
        total += sliding_window_view(group, bins)[own + edge]
    best, place = np.unravel_index(int(np.argmax(total)), total.shape)
    middle = (float(place) + 0.5) * step - layout.frame
    return float(slopes[best]), middle - float(slopes[best]) * float(at.mean())


def _near_line(
    on_line: F64, correlations: npt.NDArray[Any], rules: IsolationRules, layout: Layout
) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Finds the highest place of each group near a line, and says whether it stands out there."""
    reach = round(rules.path_line_ms * layout.rate_hz / 1000)
    places = np.round(on_line).astype(np.intp)[:, None] + layout.frame + np.arange(-reach, reach + 1)
    inside = (places >= 0) & (places < correlations.shape[1])
    values = np.take_along_axis(correlations, np.clip(places, 0, correlations.shape[1] - 1), axis=1) * inside
    sigma = 1.4826 * np.median(correlations, axis=1) + 1e-30
    lags = np.take_along_axis(places, values.argmax(axis=1)[:, None], axis=1)[:, 0] - layout.frame
    return lags.astype(np.float64), values.max(axis=1) / sigma >= rules.group_near_line_min_sigma


def _line(at: F64, lags: F64, rules: IsolationRules, layout: Layout) -> tuple[float, float, npt.NDArray[np.bool_]]:
    """Finds the line that most points lie near; gives slope, start, and bool [n], which points these are."""
    reach = rules.path_line_ms * layout.rate_hz / 1000
    first, second = np.triu_indices(len(at), 1)
    slopes = (lags[second] - lags[first]) / (at[second] - at[first])
    possible = np.abs(slopes) <= rules.drift_max_ppm * 1e-6
    slopes = np.append(slopes[possible], 0.0)
    starts = np.append(lags[first][possible] - slopes[:-1] * at[first][possible], np.median(lags))
    off = np.abs(lags - starts[:, None] - slopes[:, None] * at)
    best = int(np.argmin(np.minimum(off, reach).sum(axis=1)))
    near = off[best] <= reach
    if near.sum() < 2:
        return 0.0, float(np.median(lags)), near
    slope, start = np.polyfit(at[near], lags[near], 1).tolist()
    return slope, start, near


def _join_groups(groups: Sequence[Evidence], layout: Layout, rules: IsolationRules) -> Evidence:
    """Sums neighbouring groups, each moved so that its copy, where it shows one, lies as in the middle one."""
    if len(groups) == 1:
        return groups[0]
    peaks = Seen.of(groups, layout, rules).peaks
    lags = np.array([peak for peak, _ in peaks], np.float64) - layout.frame
    clear = np.array([sigmas for _, sigmas in peaks]) >= rules.group_peak_min_sigma
    middle = float(np.median(lags))
    near = np.abs(lags - middle) <= rules.path_line_ms * layout.rate_hz / 1000
    return move_and_sum(groups, lags - middle if clear.all() and near.all() else np.zeros(len(groups)), layout)


def move_and_sum(groups: Sequence[Evidence], moves: F64, layout: Layout) -> Evidence:
    """Sums groups after it has moved each one by its own ``moves``.

    Args:
        groups: at least one.
        moves: float64 [groups], in samples: what lay this much later now lies at 0.
        layout: the rules in samples.
    """
    total = sum(groups[1:], groups[0])
    return replace(total, cross=_total(groups, moves, layout)) if np.any(moves) else total


def sharpen(group: Evidence, ppm: float, layout: Layout, rules: IsolationRules) -> Evidence:
    """Gives a group back what it lost of a copy that moved at this rate while the group was summed."""
    cycles = (
        np.arange(layout.n_fft // 2 + 1) / layout.n_fft * abs(ppm) * 1e-6 * (group.last - group.first) * layout.frame
    )
    kept = np.maximum(np.sinc(cycles), rules.sharpen_min_share)
    left = np.where(cycles < rules.sharpen_max_cycles, kept, 1.0)
    return replace(group, cross=(group.cross / left).astype(np.complex64))


def _total(groups: Sequence[Evidence], moves: F64, layout: Layout) -> npt.NDArray[np.complex64]:
    phase = -2j * np.pi * np.arange(layout.n_fft // 2 + 1) / layout.n_fft
    total = np.zeros(layout.n_fft // 2 + 1, np.complex64)
    for group, move in zip(groups, moves, strict=True):
        total += group.cross * np.exp(phase * move).astype(np.complex64) if move else group.cross
    return total
