"""Measures how much of each speaker is heard in the partner's track, and finds what else is wrong with two tracks.

Both tracks are cut into frames. Where only the partner speaks, what a filtered, delayed copy of the partner's track
explains of this track is bleed; what it does not explain is this side's own sound and counts as noise. The method,
its limits and its measured accuracy are in docs/isolation.md.

Memory is bounded: one segment of audio, histograms, at most ``max_groups`` correlation functions a direction, and what
:mod:`duologue_pipeline.isolation.features` keeps of the whole recording for the other faults. Frames and segments are
counted from the first sample, so the result does not depend on how the caller cuts the signal.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

import numpy as np
import numpy.typing as npt
from scipy.signal import butter

from duologue_pipeline.isolation.bleed import Direction, Measurement
from duologue_pipeline.isolation.evidence import LOWEST_LEVEL_DB, Layout, Room, Segment
from duologue_pipeline.isolation.features import LevelHistogram, LevelTrack, Voices
from duologue_pipeline.isolation.high_pass import BLOCK, BlockFilter
from duologue_pipeline.isolation.offset import find_offset
from duologue_pipeline.isolation.one_signal import SameSignal, one_signal_report
from duologue_pipeline.isolation.shift import Shift
from duologue_pipeline.isolation.swap import find_swap
from duologue_pipeline.isolation.turns import find_mono_mix, find_over_suppression, speech_frames
from duologue_pipeline.isolation.verdict import (
    bleed_verdict,
    find_drift,
    level_exceeded_db,
    offset_by_lag,
    worst_verdict,
)
from duologue_pipeline.records import FaultReport, IsolationReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["SAMPLE_RATES_HZ", "IsolationMeter", "measure_isolation"]

SAMPLE_RATES_HZ = (8000, 16000)

_FILTERED_AT_ONCE = 625 * BLOCK  # what is computed of so many samples stays in the processor's cache

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def measure_isolation(
    blocks: Iterable[tuple[F32, F32]], *, sample_rate_hz: int, rules: IsolationRules | None = None
) -> IsolationReport:
    """Measures bleed in both directions and looks for each of :data:`duologue_pipeline.records.FAULTS`.

    Args:
        blocks: pairs (a, b) of float32 [T] in [-1, 1], equal in length within a pair; any T, in order.
        sample_rate_hz: of both tracks, 8000 or 16000.
        rules: a rule set; the packaged one by default.

    Returns:
        The report. A duplicated signal is reported (``duplicate``, verdict ``fail``), not raised.

    Raises:
        ValueError: another sample rate, or a pair of unequal length or not one-dimensional.
    """
    meter = IsolationMeter(sample_rate_hz=sample_rate_hz, rules=rules)
    for a, b in blocks:
        meter.push(a, b)
    return meter.finish()


class IsolationMeter:
    """Measures isolation as :func:`measure_isolation` does, for callers that push audio."""

    def __init__(self, *, sample_rate_hz: int, rules: IsolationRules | None = None) -> None:
        if sample_rate_hz not in SAMPLE_RATES_HZ:
            raise ValueError(f"sample_rate_hz is {sample_rate_hz}; isolation is measured at one of {SAMPLE_RATES_HZ}")
        self._rules: IsolationRules = load_rules(IsolationRules) if rules is None else rules
        self._layout = layout = Layout.of(self._rules, sample_rate_hz)
        self._high_pass = BlockFilter(
            butter(self._rules.highpass_order, self._rules.highpass_hz, "highpass", fs=sample_rate_hz, output="sos")
        )
        self._raw = np.zeros((2, layout.segment), np.float32)
        self._filled = 0
        self._samples = 0
        self._room = Room()
        # A frame of silence before the recording and one after it, so that every frame has two neighbours.
        self._context = np.zeros((2, layout.frame), np.float32)
        self._levels = (LevelHistogram(), LevelHistogram())
        self._frames = 0
        self._directions = (Direction(0, layout, self._rules), Direction(1, layout, self._rules))
        self._heavy = (Direction(0, layout, self._rules), Direction(1, layout, self._rules))
        level_frame = round(self._rules.level_frame_ms * sample_rate_hz / 1000)
        self._level_frame = level_frame
        self._level_track = LevelTrack(round(self._rules.levels_max_h * 3600 * sample_rate_hz / level_frame))
        self._shift = Shift(layout.segment, sample_rate_hz, self._rules)
        self._voices = Voices(self._rules, sample_rate_hz)
        self._speech_frames = np.zeros(2, np.int64)
        self._same_signal = SameSignal(layout, self._rules)

    def push(self, a: F32, b: F32) -> None:
        """Takes the next samples of both tracks: float32 [T] in [-1, 1], equal T.

        Raises:
            ValueError: the two are not one-dimensional or not equally long.
        """
        if a.ndim != 1 or a.shape != b.shape:
            raise ValueError(f"a block must be two float32 [T] of equal length; found {a.shape} and {b.shape}")
        start = 0
        while start < len(a):
            taken = min(len(a) - start, self._layout.segment - self._filled)
            self._raw[:, self._filled : self._filled + taken] = a[start : start + taken], b[start : start + taken]
            self._filled += taken
            start += taken
            if self._filled == self._layout.segment:
                self._add_segment(after=0)

    def finish(self) -> IsolationReport:
        """Closes the measurement and gives the report; call it once."""
        self._add_segment(after=self._layout.frame)
        rules = self._rules
        duplicate, share = self._same_signal.judge()
        if duplicate:
            mono_mix = replace(find_mono_mix(self._level_track.db()[0], rules), value=share)
            return one_signal_report(share, mono_mix, rules)
        end_ms = round(self._samples * 1000 / self._layout.rate_hz)
        a_from_b, b_from_a = self._bleed(0, end_ms), self._bleed(1, end_ms)
        not_one = (
            FaultReport(None, detail="too little sound to compare the tracks by")
            if duplicate is None
            else FaultReport(False, share, 1.0)
        )
        faults = {"duplicate": not_one, "mono_mix": not_one} | self._faults(a_from_b, b_from_a)
        speech_s = self._speech_frames * self._layout.frame_s
        bleed = bleed_verdict((a_from_b.report, b_from_a.report), (speech_s[1], speech_s[0]), rules)
        verdict = worst_verdict(bleed, faults, rules)
        return IsolationReport(verdict, a_from_b.report, b_from_a.report, faults, rules.version)

    def _faults(self, a_from_b: Measurement, b_from_a: Measurement) -> dict[str, FaultReport]:
        rules, levels_db = self._rules, self._level_track.db()
        # The loudest that a copy ever is: taking a little of a speaker's own speech for a copy does no harm.
        bleed_db = level_exceeded_db(a_from_b.report, 0.0), level_exceeded_db(b_from_a.report, 0.0)
        speaks = speech_frames(levels_db, bleed_db, rules)
        swap = find_swap(self._voices.pieces(), rules)
        of_one = _longer_part(swap, levels_db.shape[1], rules)  # a swap also changes which floor is whose
        if any(level_db is not None and level_db >= rules.heavy_above_db for level_db in bleed_db):
            offset = FaultReport(None, detail="each track holds too much of the other speaker to tell the turns by")
        else:
            by_lag = offset_by_lag(a_from_b, b_from_a, self._layout.rate_hz, rules)
            offset = by_lag or self._shift.find() or find_offset(speaks, rules)
        return {
            "over_suppression": find_over_suppression(levels_db[:, of_one], speaks[:, of_one], rules),
            "swap": swap,
            "offset": offset,
            "drift": find_drift(a_from_b, b_from_a, rules),
        }

    def _add_segment(self, after: int) -> None:
        """Measures the samples pushed so far and ``after`` zeros, up to the last frame that has two neighbours."""
        size, before = self._filled, self._context.shape[1]
        self._filled = 0
        self._samples += size
        signal = np.zeros((2, before + size + after), np.float32)
        signal[:, :before] = self._context
        for first in range(0, size, _FILTERED_AT_ONCE):
            raw = self._raw[:, first : min(first + _FILTERED_AT_ONCE, size)].astype(np.float64)
            self._same_signal.add_samples(raw)
            signal[:, before + first : before + first + raw.shape[1]] = self._high_pass.push(raw)
        frames = signal.shape[1] // self._layout.frame - 2
        self._context = signal[:, max(frames, 0) * self._layout.frame :].copy()
        if frames > 0:
            whole = signal[:, : (frames + 2) * self._layout.frame]
            self._measure(Segment(whole, self._layout, self._frames, self._room))
            self._frames += frames

    def _measure(self, segment: Segment) -> None:
        rules = self._rules
        for levels, track_db in zip(self._levels, segment.levels_db, strict=True):
            levels.add(track_db)
        silence_db = rules.digital_silence_dbfs
        noise_db = np.array([max(levels.percentile_db(rules.noise_percentile), silence_db) for levels in self._levels])
        peak_db = np.array([levels.percentile_db(rules.speech_percentile) for levels in self._levels])
        loud_db = np.maximum(peak_db - rules.speech_below_peak_db, silence_db)
        # Half-way up where a busy track, or bleed, lets little noise be seen; nobody speaks where nothing stands out.
        loud_db = np.maximum(
            noise_db + np.minimum(rules.speech_above_noise_db, (peak_db - noise_db) * rules.speech_range_share), loud_db
        )
        speech_db = loud_db.copy()
        speech_db[peak_db - noise_db < rules.speech_min_range_db] = inf
        speaks = segment.levels_db > speech_db[:, None]
        near_speech = segment.levels_around_db > speech_db[:, None]
        self._speech_frames += speaks.sum(axis=1)

        own = segment.signal[:, self._layout.frame : -self._layout.frame]
        tiles = own[:, : own.shape[1] // self._level_frame * self._level_frame].reshape(2, -1, self._level_frame)
        levels_db = 10 * np.log10(np.mean(np.square(tiles), axis=2, dtype=np.float64) + 10 ** (LOWEST_LEVEL_DB / 10))
        self._level_track.add(levels_db)
        self._shift.add(own, levels_db, peak_db)
        self._voices.add(own, levels_db, noise_db, peak_db)

        silent = np.flatnonzero(~near_speech.any(axis=0))
        for target, source in ((0, 1), (1, 0)):
            around_db = segment.levels_around_db[target]
            below_db = segment.levels_around_db[source] - around_db
            below_own_db = below_db - (peak_db[source] - peak_db[target])
            listens = (
                ~near_speech[target]
                | (below_own_db >= rules.solo_margin_db)
                | ((below_db >= rules.solo_margin_db) & (below_own_db >= -rules.solo_level_tolerance_db))
            )
            weights = 10 ** (-np.maximum(around_db, noise_db[target]) / 10)
            solo = speaks[source] & listens
            # Where the partner is louder, yet not by enough to say that nobody else speaks: all there is under a
            # copy of nearly the voice's own level.
            louder = speaks[source] & ~listens & (below_db > 0)
            self._directions[target].add(segment, np.flatnonzero(solo), silent, weights)
            self._heavy[target].add(segment, np.flatnonzero(louder), silent[:0], weights)

        is_loud = segment.levels_db > loud_db[:, None]
        # Not the frames in which a's copy in b is loud still, or already, and a is not.
        beside = (segment.levels_around_db[0] > loud_db[0]) & ~is_loud[0]
        loud = np.flatnonzero(is_loud.any(axis=0) & ~beside)
        self._same_signal.add_frames(segment, loud)

    def _bleed(self, target: int, end_ms: int) -> Measurement:
        """Measures the bleed into a track while its speaker is quiet, else while the partner is merely louder."""
        rules, measured = self._rules, self._directions[target].measure(end_ms)
        floor_db = measured.report.floor_db
        if measured.report.bleed_db is None and (floor_db is None or floor_db > rules.warn_above_db):
            heavy = self._heavy[target].measure(end_ms)
            report = heavy.report
            if (
                report.bleed_db is not None
                and report.bleed_db >= rules.heavy_above_db
                and (report.coherence or 0.0) >= rules.heavy_min_coherence
            ):
                return heavy
        return measured


def _longer_part(swap: FaultReport, frames: int, rules: IsolationRules) -> slice:
    """Chooses the frames before or after a swap, whichever are more: each speaker stays on one track there."""
    if not swap.found or swap.value is None:
        return slice(None)
    at = round(swap.value * 1000 / rules.level_frame_ms)
    return slice(at) if at > frames / 2 else slice(at, None)
