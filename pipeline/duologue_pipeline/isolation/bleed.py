"""Turns the evidence of one direction into its report: the level of the copy, its lag, and the floor."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from duologue_pipeline.isolation.clock import Groups, Path, Seen, find_path, move_and_sum, sharpen
from duologue_pipeline.isolation.evidence import Evidence, Layout, Segment
from duologue_pipeline.isolation.fit import Fit, db, fit_filter
from duologue_pipeline.records import BleedPoint, BleedReport, Span
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Direction", "Measurement", "Stretches"]

NO_PATH = Path(np.zeros(0), np.zeros(0, np.bool_), 0.0)


class Stretches:
    """Joins frames to at most ``most`` stretches of time; where there are more, it joins the nearest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bounds = np.zeros((2, 0), np.int64)

    def add(self, frames: npt.NDArray[np.intp]) -> None:
        """Adds frames in order of time: intp [n], numbers from the first frame of the recording."""
        bounds = np.concatenate([self._bounds, np.stack([frames, frames + 1])], axis=1)
        gaps = bounds[0, 1:] - bounds[1, :-1]
        apart = gaps > 0
        if apart.sum() >= self._most:
            widest = np.sort(gaps)[-self._most + 1]
            apart &= gaps >= widest
            apart &= (gaps > widest) | (np.cumsum(gaps == widest) <= self._most - 1 - np.sum(gaps > widest))
        if bounds.size:
            self._bounds = np.stack([bounds[0, np.append(True, apart)], bounds[1, np.append(apart, True)]])

    def spans(self, frame_ms: float, end_ms: int) -> tuple[Span, ...]:
        """Gives the stretches in milliseconds of the conversation; the last one ends at ``end_ms`` at the latest."""
        return tuple(
            Span(round(first * frame_ms), min(round(last * frame_ms), end_ms))
            for first, last in self._bounds.T.tolist()
        )


@dataclass(frozen=True)
class Measurement:
    """Holds the report of a direction, and the path of its copy through the groups."""

    report: BleedReport
    path: Path


class Direction:
    """Collects the evidence of how much of the source is heard in the target."""

    def __init__(self, target: int, layout: Layout, rules: IsolationRules) -> None:
        self._target, self._layout, self._rules = target, layout, rules
        self._groups = Groups(layout, rules)
        self._silence = Evidence.none(layout)
        self._stretches = Stretches(rules.max_spans)
        self._solo_frames = 0

    def add(
        self,
        segment: Segment,
        solo: npt.NDArray[np.intp],
        silent: npt.NDArray[np.intp],
        weights: npt.NDArray[np.float64],
    ) -> None:
        """Adds the evidence of one segment.

        Args:
            segment: both tracks.
            solo: intp [n], the frames of the segment in which only the source speaks.
            silent: intp [n], those in which nobody speaks.
            weights: float64 [frames], the weight of each frame of the segment, 1 / power.
        """
        self._groups.add(segment, self._target, solo, weights)
        self._silence += segment.evidence(self._target, silent, weights)
        self._stretches.add(solo + segment.first_frame)
        self._solo_frames += len(solo)

    def measure(self, end_ms: int) -> Measurement:
        """Closes the measurement of a recording of ``end_ms`` milliseconds."""
        layout, rules = self._layout, self._rules
        solo_s = self._solo_frames * layout.frame_s
        spans = self._stretches.spans(layout.frame_s * 1000, end_ms)
        if solo_s < rules.min_solo_s:
            nothing = BleedReport(None, None, lag_ms=None, coherence=None, solo_s=solo_s, spans=spans)
            return Measurement(nothing, NO_PATH)
        groups = self._groups.all()
        if self._silence.frames * layout.frame_s >= rules.min_silence_s:
            # What the tracks share while nobody speaks (hum, a common noise) is no copy of a voice.
            noise = self._silence.cross / self._silence.weight
            groups = [replace(group, cross=group.cross - group.weight * noise) for group in groups]
        path = self._path(groups)
        if path.ppm is not None and path.moves:
            groups = [sharpen(group, path.ppm, layout, rules) for group in groups]
        blocks, lags = self._blocks(groups, path)
        fits = [fit_filter(block, lag, layout, rules) for block, lag in zip(blocks, lags, strict=True)]
        level = float(np.median([fit.gain for fit in fits]))
        floor = self._floor(float(np.median([fit.chance / fit.source for fit in fits])))
        found = path.sigmas >= rules.lag_peak_min_sigma
        heard = found and level >= floor
        tail = self._tail(blocks, lags) if heard and level >= floor * 10 ** (rules.tail_above_floor_db / 10) else 1.0
        report = BleedReport(
            bleed_db=db(level * tail) if heard else None,
            floor_db=db(floor),
            lag_ms=float(np.median(lags)) * 1000 / layout.rate_hz if heard else None,
            coherence=float(np.median([fit.coherence for fit in fits])),
            solo_s=solo_s,
            spans=spans,
            over_time=tuple(
                self._point(block, fit, lag, found, tail, end_ms)
                for block, fit, lag in zip(blocks, fits, lags, strict=True)
            ),
        )
        return Measurement(report, path)

    def _path(self, groups: list[Evidence]) -> Path:
        """Finds the path of the copy; where the whole shows none, the half or third that shows it best decides.

        A copy that begins or ends in the middle drowns in the whole, where the stretches without it weigh most.
        """
        rules = self._rules
        each = Seen.of(groups, self._layout, rules)
        whole = find_path(groups, each, self._layout, rules)
        if whole.sigmas >= rules.lag_peak_min_sigma or len(groups) < 3 * rules.path_min_groups:
            return whole
        pieces = [
            slice(int(piece[0]), int(piece[-1]) + 1)
            for count in (2, 3)
            for piece in np.array_split(np.arange(len(groups)), count)
        ]
        best = max((find_path(groups[piece], each[piece], self._layout, rules) for piece in pieces), key=_sigmas)
        if best.sigmas < rules.lag_peak_min_sigma:
            return whole
        lag = float(np.median(best.lags))
        return Path(np.full(len(groups), lag), np.zeros(len(groups), np.bool_), best.sigmas)

    def _blocks(self, groups: list[Evidence], path: Path) -> tuple[list[Evidence], list[int]]:
        """Joins the groups to at most ``max_blocks`` blocks, and gives the lag of the copy in each."""
        solo_s = sum(group.frames for group in groups) * self._layout.frame_s
        count = max(1, min(self._rules.max_blocks, round(solo_s / self._rules.block_s), len(groups)))
        # A copy that moves may begin or end further off than can be seen.
        inside = np.flatnonzero(np.abs(path.lags) <= self._layout.frame)
        blocks, lags = [], []
        for members in np.array_split(inside, count):
            if len(members):
                lag = round(float(np.median(path.lags[members])))
                own = [groups[i] for i in members]
                blocks.append(move_and_sum(own, path.lags[members] - lag, self._layout))
                lags.append(lag)
        return blocks, lags

    def _floor(self, chance: float) -> float:
        rules = self._rules
        return max(chance * 10 ** (rules.floor_above_chance_db / 10), 10 ** (rules.lowest_floor_db / 10))

    def _tail(self, blocks: list[Evidence], lags: list[int]) -> float:
        """Gives how much more power a filter as long as a room's tail explains, as a ratio of at least 1."""
        layout, rules = self._layout, self._rules
        middle = round(float(np.median(lags)))
        together = move_and_sum(blocks, np.array(lags, np.float64) - middle, layout)
        short = fit_filter(together, middle, layout, rules).gain
        long = fit_filter(together, middle, layout, rules, long=True).gain
        return float(np.clip(long / short, 1.0, 10 ** (rules.tail_max_db / 10))) if short > 0 else 1.0

    def _point(self, block: Evidence, fit: Fit, lag: int, heard: bool, tail: float, end_ms: int) -> BleedPoint:
        frame_ms = self._layout.frame_s * 1000
        floor = self._floor(max(fit.chance, 0.0) / fit.source)
        seen = heard and fit.gain >= floor
        return BleedPoint(
            start_ms=round(block.first * frame_ms),
            end_ms=min(round(block.last * frame_ms), end_ms),
            bleed_db=db(fit.gain * tail) if seen else None,
            floor_db=db(floor),
            lag_ms=lag * 1000 / self._layout.rate_hz if seen else None,
            coherence=fit.coherence,
        )


def _sigmas(path: Path) -> float:
    return path.sigmas
