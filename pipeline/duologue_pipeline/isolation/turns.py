"""Finds who speaks when, whether one signal holds two voices, and whether a track is turned down while the other speaks.

All work on who is loud when, in frames of ``level_frame_ms`` (:mod:`duologue_pipeline.isolation.features`).

Where one track is turned down as soon as the other is loud, its noise floor is lower then than when nobody speaks, and what
would have been overlap ends where the other begins.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, binary_erosion, maximum_filter1d

from duologue_pipeline.isolation.features import quiet_and_peak_db
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["confidence", "find_mono_mix", "find_over_suppression", "speech_frames", "stretches"]

F32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Frames = npt.NDArray[np.intp]


def confidence(value: float, threshold: float) -> float:
    """Gives how far a value lies from its threshold: 1/2 at it, towards 1 away from it on either side."""
    share = max(value, 0.0) / threshold
    return round(1 - 0.5 / share if share > 1 else 1 - 0.5 * share, 3)


def speech_frames(levels_db: F32, bleed_db: tuple[float | None, float | None], rules: IsolationRules) -> Bools:
    """Finds the frames in which each track has speech of its own: bool [2, frames].

    ``levels_db`` is float32 [2, frames] in dBFS. ``bleed_db`` is the level of the partner's copy in a and in b: what is
    not above it is not the track's own.
    """
    quiet_db, peak_db = quiet_and_peak_db(levels_db, rules)
    above_quiet = np.minimum(rules.speech_above_noise_db, (peak_db - quiet_db) * rules.speech_range_share)
    threshold_db = np.maximum(quiet_db + above_quiet, peak_db - rules.speech_below_peak_db)
    speaks: Bools = levels_db > threshold_db[:, None]
    speaks[peak_db - quiet_db < rules.speech_min_range_db] = False
    reach = 2 * round(rules.frame_and_max_lag_ms / rules.level_frame_ms) + 1
    for track, level_db in enumerate(bleed_db):
        if level_db is not None:
            copy_db = maximum_filter1d(levels_db[1 - track], reach) + level_db
            speaks[track] &= levels_db[track] > copy_db + rules.own_above_copy_db
    return np.stack([_fill(own, rules) for own in speaks])


def _fill(speaks: Bools, rules: IsolationRules) -> Bools:
    """Joins stretches less than ``turn_join_ms`` apart, and drops those shorter than ``turn_min_ms``."""
    starts, ends = stretches(speaks)
    if not len(starts):
        return speaks
    apart = starts[1:] - ends[:-1] >= rules.turn_join_ms / rules.level_frame_ms
    starts, ends = starts[np.append(True, apart)], ends[np.append(apart, True)]
    long = ends - starts >= rules.turn_min_ms / rules.level_frame_ms
    filled = np.zeros(len(speaks) + 1, np.int64)
    filled[starts[long]] += 1
    filled[ends[long]] -= 1
    return np.cumsum(filled)[:-1] > 0


def stretches(speaks: Bools) -> tuple[Frames, Frames]:
    """Gives the first frame of each stretch of speech, and the frame after its last: intp [stretches] each, of bool [frames]."""
    edges = np.diff(np.concatenate([[False], speaks, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def find_mono_mix(levels_db: F32, rules: IsolationRules) -> FaultReport:
    """Judges whether the one signal of both tracks is a mix of both speakers or the track of one.

    ``levels_db`` is float32 [frames] in dBFS. The track of one speaker is silent while the other has turns; in a mix
    hardly anybody is silent for long. It goes by the share of the time that lies in silences of ``mono_silence_s`` and
    more; there is no value.
    """
    frame_s = rules.level_frame_ms / 1000
    if len(levels_db) * frame_s < rules.mono_min_s:
        return FaultReport(None, detail="one signal, too short to tell a mix from one voice")
    starts, ends = stretches(~speech_frames(np.stack([levels_db, levels_db]), (None, None), rules)[0])
    long = (ends - starts) * frame_s >= rules.mono_silence_s
    share = round(float((ends - starts)[long].sum()) / len(levels_db), 3)
    if share <= rules.mono_max_silence_share:
        sure = confidence(1 - share, 1 - rules.mono_max_silence_share)
        return FaultReport(True, None, sure, "both tracks carry both speakers, or one who is never silent for long")
    if share >= rules.mono_single_silence_share:
        return FaultReport(False, None, confidence(share, rules.mono_single_silence_share))
    return FaultReport(None, detail="one signal; of one voice or of two is not clear")


def find_over_suppression(levels_db: F32, speaks: Bools, rules: IsolationRules) -> FaultReport:
    """Finds a track that is turned down while the other one is loud.

    ``levels_db`` is float32 [2, frames] in dBFS, ``speaks`` bool [2, frames].
    """
    found = [_floor_drop_db(levels_db[track], speaks[track], speaks[1 - track], rules) for track in (0, 1)]
    drops = [-np.inf if drop is None else drop for drop in found]
    worst = int(np.argmax(drops))
    threshold = rules.suppression_min_db
    if drops[worst] >= threshold:
        names = "ab"
        detail = f"the floor of {names[worst]} drops by {drops[worst]:.0f} dB while {names[1 - worst]} talks"
        return FaultReport(True, round(drops[worst], 1), confidence(drops[worst], threshold), detail)
    cut = _cut_share(speaks, rules)
    if cut >= rules.suppression_min_cut_share:
        detail = f"hardly anybody overlaps, and {cut:.0%} of one's ends lie in the moment in which the other begins"
        return FaultReport(True, None, confidence(cut, rules.suppression_min_cut_share), detail)
    if not np.isfinite(drops[worst]):
        return FaultReport(None, detail="too little of a track without its own speaker's voice to compare")
    return FaultReport(False, round(drops[worst], 1), confidence(drops[worst], threshold))


def _floor_drop_db(level_db: F32, own: Bools, other: Bools, rules: IsolationRules) -> float | None:
    """Measures how much lower a track's noise is while the other speaker talks than while nobody does."""
    frames = 1 / rules.level_frame_ms
    away = ~binary_dilation(own, iterations=round(rules.suppression_away_ms * frames))
    talk = away & binary_erosion(other, iterations=round(rules.suppression_into_talk_ms * frames))
    silence = away & ~binary_dilation(other, iterations=round(rules.suppression_away_ms * frames))
    if min(talk.sum(), silence.sum()) * rules.level_frame_ms < rules.suppression_min_evidence_s * 1000:
        return None
    lowest = rules.digital_silence_dbfs
    quiet = float(np.percentile(level_db[silence], rules.suppression_silence_percentile))
    talking = float(np.percentile(level_db[talk], rules.suppression_talk_percentile))
    return max(quiet, lowest) - max(talking, lowest)


def _cut_share(speaks: Bools, rules: IsolationRules) -> float:
    """Gives the share of one speaker's ends that lie where the other begins; 0 if more than a few lie after it.

    Of people, more end after the other has begun than in that very moment: between them lies nothing special.
    """
    (starts_a, ends_a), (starts_b, ends_b) = stretches(speaks[0]), stretches(speaks[1])
    frames = 1 / rules.level_frame_ms
    before = round(rules.suppression_cut_before_ms * frames)
    after = round(rules.suppression_cut_after_ms * frames)
    later = round(rules.suppression_cut_later_ms * frames)
    shares = [0.0]
    for ends, starts in ((ends_a, starts_b), (ends_b, starts_a)):
        if min(len(ends), len(starts)) < rules.suppression_min_turns:
            continue
        nearest = _to_nearest(starts, ends)
        at_once = int(np.sum((nearest >= -after) & (nearest <= before)))
        overlapped = int(np.sum((nearest < -after) & (nearest >= -later)))
        if at_once >= rules.suppression_min_cuts and overlapped <= rules.suppression_max_overlapped_share * at_once:
            shares.append(at_once / len(ends))
    return max(shares)


def _to_nearest(starts: Frames, ends: Frames) -> Frames:
    """Gives how many frames after each end the beginning lies that is nearest, below 0 before it: int [ends].

    Both are sorted, and there is a beginning; of two as near it is the earlier one. In a conversation of hours a table of
    each with each would take hundreds of megabytes.
    """
    right = np.minimum(np.searchsorted(starts, ends), len(starts) - 1)
    before, after = starts[np.maximum(right - 1, 0)] - ends, starts[right] - ends
    nearest: Frames = np.where(np.abs(before + 0.5) <= np.abs(after + 0.5), before, after)
    return nearest
