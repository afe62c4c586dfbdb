"""Judges by turn-taking alone whether one track is late, and says how sure that is.

People begin to speak some 200 ms after their partner ends (Stivers et al. 2009, doi:10.1073/pnas.0903616106; Heldner &
Edlund 2010, doi:10.1016/j.wocn.2010.08.002), some of them later, hardly anybody much earlier, and seldom both at once. Each
shift of b against a is a hypothesis. If b is late by it, b follows a's ends by the delay of b's answers and the shift, and a
follows b's ends by the delay of a's answers less the shift. The two delays are not known: each hypothesis is summed over all
of them, by how usual they are. So one who merely takes long to answer explains what a late track would only explain with a
partner who answers before the end.

Nothing is compared with zero: each count is held against those at lags of many seconds, which no answer ties together.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft
from scipy.special import logsumexp

from duologue_pipeline.isolation.turns import stretches
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Evidence", "find_offset", "judge", "too_little", "weigh"]

_LOWEST = -600.0
"""Exponents under it would be 0."""

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Says what the turns tell of an offset.

    ``log_ratio`` is the natural logarithm of how much better the turns fit an offset, any of ``offset_min_s`` to
    ``offset_max_s`` either way, than none. ``offset_s`` is the offset that they fit best, ``shift_s`` the
    smaller shift, which is none; both in seconds that b is late.
    """

    log_ratio: float
    offset_s: float
    shift_s: float


def find_offset(speaks: Bools, rules: IsolationRules) -> FaultReport:
    """Judges whether one track is late, by who speaks when: ``speaks`` is bool [2, frames].

    The confidence is how likely it is that there is an offset, or that there is none, where one recording in ten has one;
    docs/isolation.md has how often that proved right.
    """
    lacking = too_little(speaks, rules)
    return FaultReport(None, detail=lacking) if lacking else judge(weigh(speaks, rules), rules)


def too_little(speaks: Bools, rules: IsolationRules) -> str:
    """Says what there is too little of to judge by turns, "" for nothing: ``speaks`` is bool [2, frames]."""
    seconds = speaks.shape[1] * rules.level_frame_ms / 1000
    if seconds < rules.offset_min_recording_s:
        return f"too short to judge by turns: {seconds:.0f} s"
    turns = min(len(stretches(own)[0]) for own in speaks)
    return f"too few turns to judge by: {turns} of one speaker" if turns < rules.offset_min_turns else ""


def judge(evidence: Evidence, rules: IsolationRules) -> FaultReport:
    """Says whether there is an offset, or none, and how likely that is."""
    likely = 1 / (1 + exp(-(rules.offset_log_odds + rules.offset_log_odds_slope * evidence.log_ratio)))
    if likely >= rules.offset_found_from:
        late = "b lies late against a" if evidence.offset_s > 0 else "a lies late against b"
        detail = f"by the turns, {late} by about {abs(evidence.offset_s):.1f} s"
        return FaultReport(True, round(evidence.offset_s, 3), round(likely, 3), detail)
    if likely <= rules.offset_none_up_to:
        return FaultReport(False, round(evidence.shift_s, 3), round(1 - likely, 3))
    return FaultReport(None, detail="the turns fit an offset about as well as slow answers without one")


def weigh(speaks: Bools, rules: IsolationRules) -> Evidence:
    """Compares all shifts by how well the turns fit them: ``speaks`` is bool [2, frames], with turns of both."""
    per_s = 1000 / rules.level_frame_ms
    most = round(rules.offset_max_s * per_s)
    shifts_s = np.arange(-most, most + 1) / per_s
    follows_a, follows_b = _answers(speaks[0], speaks[1], rules), _answers(speaks[1], speaks[0], rules)
    overlap = _above_chance(_circular(speaks[0], speaks[1]), rules)
    fit = _over_delays(follows_a, rules) + _over_delays(follows_b, rules)[::-1]
    middle = len(overlap) // 2
    fit -= rules.offset_overlap_weight * overlap[middle - most : middle + most + 1]
    late = np.abs(shifts_s) > rules.offset_min_s - 0.5 / per_s
    log_ratio = logsumexp(fit[late]) - log(late.sum()) - logsumexp(fit[~late]) + log((~late).sum())
    offset_s = shifts_s[late][np.argmax(fit[late])]
    return Evidence(float(log_ratio), float(offset_s), float(shifts_s[~late][np.argmax(fit[~late])]))


def _answers(first: Bools, second: Bools, rules: IsolationRules) -> F64:
    """Counts the ends of the first speaker that the second one's beginnings follow by each lag, above chance."""
    size = len(first) + 1  # an end may lie behind the last frame
    begins, ends = np.bincount(stretches(second)[0], minlength=size), np.bincount(stretches(first)[1], minlength=size)
    frames = np.minimum(np.arange(size), size - np.arange(size))
    bell = np.exp(-0.5 * (frames * rules.level_frame_ms / 1000 / rules.response_spread_s) ** 2)
    return _above_chance(irfft(rfft(_circular(ends, begins)) * rfft(bell), size), rules)


def _circular(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> F64:
    """Sums first(t) * second(t + lag) for lags of 0 to a whole turn: float64 [frames]."""
    product: F64 = irfft(rfft(first.astype(np.float64)).conj() * rfft(second.astype(np.float64)), len(first))
    return product


def _above_chance(counts: F64, rules: IsolationRules) -> F64:
    """Gives counts at lags of up to ``offset_far_s[0]`` either way in standard deviations of those further off."""
    near, far = (round(reach_s * 1000 / rules.level_frame_ms) for reach_s in rules.offset_far_s)
    others = np.arange(near, max(min(far, len(counts) // 2), near + 1))
    others = np.concatenate([others, -others]) % len(counts)
    spread = float(counts[others].std())
    lags = np.arange(-near, near + 1) % len(counts)
    return (counts[lags] - counts[others].mean()) / (spread or 1.0)


def _over_delays(follows: F64, rules: IsolationRules) -> F64:
    """Sums over the delays of answers, by how usual each is, how well the lags fit each shift: float64 [shifts], logarithms."""
    per_s = 1000 / rules.level_frame_ms
    first, last = (round(delay_s * per_s) for delay_s in rules.response_range_s)
    off_s = np.arange(first, last + 1) / per_s - rules.response_s
    early, late = np.exp(-0.5 * (off_s / rules.response_early_s) ** 2), 1 / (1 + (off_s / rules.response_late_s) ** 2)
    usual = np.where(off_s < 0, early, late)
    most, middle = round(rules.offset_max_s * per_s), len(follows) // 2
    within = follows[middle - most + first : middle + most + last + 1]
    highest = float(within.max())
    fits = np.exp(np.maximum(within - highest, _LOWEST))
    summed: F64 = np.log(np.correlate(fits, usual / usual.sum(), "valid")) + highest
    return summed
