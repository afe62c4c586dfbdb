"""Finds where a stretch of speech begins and ends on the waveform: at a change from noise to sound and back.

The network of voice activity tells that there is speech, but up to 300 ms late. So both edges of each stretch are moved
to where the sound itself begins and ends, and a stretch is split at its long silences.

Each hop of 10 ms gets a score: above 0 where it sounds, below where it is like the silence around it. An edge lies
where the scores from it to the inside of the stretch sum up highest: the maximum-likelihood change point (Page 1954,
*Continuous inspection schemes*, Biometrika 41), which a short closure does not stop and a lone click does not move.

The score is the log-likelihood ratio of "speech on top of the noise" over "noise alone" in each of twelve bands
(after Sohn, Kim & Sung 1999, *A statistical model-based voice activity detection*, IEEE SPL 6), averaged over the bands
that speak loudest for it, so that a hiss in two bands counts as much as a vowel in five. What such scores are in noise
alone is measured in the silences around, so that no noise has to be white. Three things bound what is taken for noise:
where the network is sure of speech the scores tell how low sound can score, digital silence is no noise where there is
any, and a hop far under the speech of its stretch is no sound whatever the noise: else breath and room would be speech
wherever a line is silent.

An end does not reach far beyond the frame at which the network decided, which is late already; a beginning does, but
against a price beyond the first part of the pause, so that the pause is not filled from both sides.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.bands import HOP_MS, LOWEST_DBFS, power_of
from duologue_pipeline.activity.reverberation import above_the_tail
from duologue_pipeline.activity.runs import runs_of
from duologue_pipeline.rules.activity import ActivityRules

__all__ = ["edges_on_the_waveform", "sound_scores", "without_tails"]

_SPREAD_PERCENTILE: Final = 84.1  # a standard deviation above the median
_BLOCKS_AT_ONCE: Final = 40  # of two minutes

_Floats = npt.NDArray[np.float32]
_Levels = npt.NDArray[np.uint8]
_Noise = Sequence[npt.NDArray[np.floating[Any]]]


def sound_scores(
    bands: _Levels, speech: npt.NDArray[np.bool_], sure: npt.NDArray[np.bool_], rules: ActivityRules
) -> tuple[_Floats, _Noise]:
    """Scores how much each hop of 10 ms stands out of the noise around it.

    Args:
        bands: uint8 [H, B], levels of :class:`duologue_pipeline.activity.bands.BandLevels`.
        speech: bool [H], where there may be speech: noise is measured elsewhere, if there is enough of it.
        sure: bool [H], where the network is sure of speech: most of it has to score as sound.
        rules: the rule set ``activity``.

    Returns:
        The scores, float32 [H] without unit, of which 0 is ``edge_noise_sigmas`` over the usual score of noise, or the
        ``edge_sure_percentile`` of those of sure speech if that is less; and the power of the noise that each block of
        ``edge_block_ms`` was held against, float [B] each.
    """
    context, block = rules.edge_context_ms // HOP_MS, rules.edge_block_ms // HOP_MS
    guard = np.ones(2 * (rules.edge_guard_ms // HOP_MS) + 1, np.bool_)
    quiet = ~np.convolve(speech, guard, "same").astype(bool) if speech.size else ~speech
    quiet = quiet[: speech.size]
    sounding = bands.max(axis=1) > 2 * (rules.edge_digital_dbfs - LOWEST_DBFS)
    scores = np.empty(len(bands), np.float32)
    noises = []
    for start, first, power in _powers_around(bands, block, context):
        around = slice(first, first + len(power))
        # A gate leaves digital zeros, beside which any noise would be speech.
        real = sounding[around] if sounding[around].any() else np.ones(len(power), np.bool_)
        noise_hops = np.flatnonzero(quiet[around] & real)
        measured = noise_hops.size * HOP_MS >= rules.edge_min_quiet_ms
        # Without silences the noise is guessed from the quietest moments, which lie below it.
        if measured:
            noise = _percentile(np.sort(power[noise_hops].T), 50)
        else:
            noise = rules.edge_guess_factor * _percentile(np.sort(power[real].T), rules.edge_guess_percentile)
        ratios = _ratios(power, np.maximum(noise, noise.max() * 10 ** (-rules.edge_empty_below_db / 10)), rules)
        usual, high = rules.edge_guess_usual, rules.edge_guess_high
        if measured:
            ordered = np.sort(ratios[noise_hops])
            usual, high = float(_percentile(ordered, 50)), float(_percentile(ordered, _SPREAD_PERCENTILE))
        zero = min(usual + rules.edge_noise_sigmas * (high - usual), rules.edge_zero_max)
        sure_scores = np.sort(ratios[sure[around]])
        if sure_scores.size * HOP_MS >= rules.edge_min_sure_ms:
            zero = min(zero, float(_percentile(sure_scores, rules.edge_sure_percentile)))
        scores[start : start + block] = ratios[start - first :][:block] - np.float32(zero)
        noises.append(noise)
    return scores, noises


def without_tails(
    scores: _Floats, noises: _Noise, bands: _Levels, decay_db_per_s: float, rules: ActivityRules
) -> _Floats:
    """Lowers the scores of a track that was recorded in a room where the sound only dies away.

    Args:
        scores: float32 [H], from :func:`sound_scores`.
        noises: float [B] for each block of hops, from there.
        bands: uint8 [H, B], as given there.
        decay_db_per_s: how fast the room lets sound die away, from
            :func:`duologue_pipeline.activity.reverberation.room_decay`.
        rules: the rule set ``activity``.

    Returns:
        float32 [H], nowhere more than ``scores``.
    """
    context, block = rules.edge_context_ms // HOP_MS, rules.edge_block_ms // HOP_MS
    lowered = np.empty_like(scores)
    for start, noise in zip(range(0, len(bands), block), noises, strict=True):
        first, last = max(0, start - context), min(len(bands), start + block)
        above = above_the_tail(_smoothed_power(bands, first, last), noise, decay_db_per_s, rules)
        lowered[start:last] = np.minimum(scores[start:last], above[start - first :])
    return lowered


def _powers_around(bands: _Levels, block: int, context: int) -> Iterator[tuple[int, int, _Floats]]:
    """Gives for each block of hops its first hop, the first hop of what lies around it, and the smoothed power of that.

    Neighbours share most of what lies around them, so the power of many blocks is made at once.
    """
    for begin in range(0, len(bands), block * _BLOCKS_AT_ONCE):
        end = min(begin + block * _BLOCKS_AT_ONCE, len(bands))
        before = max(0, begin - context)
        power = _smoothed_power(bands, before, min(len(bands), end + context))
        for start in range(begin, end, block):
            first = max(0, start - context)
            yield start, first, power[first - before : start + block + context - before]


def _smoothed_power(bands: _Levels, first: int, last: int) -> _Floats:
    """Averages the power of each hop with that of its neighbours: float32 [last - first, B]."""
    padded = np.pad(power_of(bands[max(0, first - 1) : last + 1]), ((1, 1), (0, 0)), mode="edge")
    mean: _Floats = (padded[:-2] + padded[1:-1] + padded[2:]) * np.float32(1 / 3)
    return mean[min(first, 1) :][: last - first]


def _percentile(ordered: _Floats, percent: float) -> _Floats:
    """Reads a percentile of float32 [..., N], sorted along the last axis, between its two neighbours: float32 [...]."""
    place = percent / 100 * (ordered.shape[-1] - 1)
    below, above = ordered[..., int(place)], ordered[..., -int(-place // 1)]
    between: _Floats = below + np.float32(place % 1) * (above - below)
    return between


def _ratios(power: _Floats, noise: _Floats, rules: ActivityRules) -> _Floats:
    """Measures how much likelier each hop is speech on top of noise than noise alone: float32 [H], at least -1.

    The log-likelihood ratio, averaged over the best bands, in units in which a band of pure noise has -1.
    """
    snr = 10 ** (rules.edge_speech_snr_db / 10)
    ratios = power * (float(snr / (1 + snr) / np.log1p(snr)) / noise)
    ratios -= 1
    np.clip(ratios, -1, rules.edge_ratio_max, out=ratios)
    best = min(rules.edge_best_bands, ratios.shape[1])
    ratios.partition(-best, axis=1)
    mean: _Floats = ratios[:, -best:] @ np.full(best, 1 / best, np.float32)
    return mean


def edges_on_the_waveform(
    runs: Sequence[tuple[int, int]], scores: _Floats, levels_dbfs: _Floats, rules: ActivityRules
) -> Iterator[tuple[int, int]]:
    """Moves the edges of stretches of speech to where the sound begins and ends.

    Args:
        runs: ``(first hop, hop after the last)``, sorted and disjoint.
        scores: float32 [H], from :func:`sound_scores`.
        levels_dbfs: float32 [H] in dBFS, the level of each hop of 10 ms.
        rules: the rule set ``activity``.

    Yields:
        Runs, sorted and disjoint; one whose edges cross was no sound of its own and is left out.
    """
    search, inside = rules.edge_search_ms // HOP_MS, rules.edge_inside_ms // HOP_MS
    before, after = rules.edge_reach_ms // HOP_MS, rules.edge_reach_after_ms // HOP_MS
    runs = [part for run in runs for part in _parts(run, scores, levels_dbfs, rules)]
    ends = [0, *(end for _, end in runs)]
    starts = [*(start for start, _ in runs), scores.size]
    for i, (start, end) in enumerate(runs):
        first, last = max(start - before, ends[i]), min(end, start + search)
        peak_dbfs = float(levels_dbfs[start : min(end, start + inside)].max())
        evidence = _sound(scores, levels_dbfs, first, last, peak_dbfs, rules)
        near = start - round(rules.edge_reach_share * (start - ends[i]))
        evidence[: max(0, near - first)] -= np.float32(rules.edge_far_weight)
        onset = first + _change(evidence, start - first)
        first, last = max(start, end - search), min(end + after, starts[i + 1])
        peak_dbfs = float(levels_dbfs[max(start, end - inside) : end].max())
        offset = last - _change(_sound(scores, levels_dbfs, first, last, peak_dbfs, rules)[::-1], last - end)
        if onset < offset:
            yield onset, offset


def _parts(run: tuple[int, int], scores: _Floats, levels_dbfs: _Floats, rules: ActivityRules) -> list[tuple[int, int]]:
    """Splits a stretch at its long silences, each of which the network takes up to 300 ms to see."""
    start, end = run
    sound = _sound(scores, levels_dbfs, start, end, float(levels_dbfs[start:end].max()), rules)
    silences = [(a + start, b + start) for a, b in runs_of(sound < 0) if (b - a) * HOP_MS >= rules.edge_split_ms]
    bounds = [start, *(hop for silence in silences for hop in silence), end]
    return [(a, b) for a, b in zip(bounds[::2], bounds[1::2], strict=True) if a < b]


def _sound(
    scores: _Floats, levels_dbfs: _Floats, first: int, last: int, peak_dbfs: float, rules: ActivityRules
) -> _Floats:
    """Weighs the evidence of sound hop by hop: the lesser of the score and of the level over what is too soft."""
    above_db = levels_dbfs[first:last] - (peak_dbfs - rules.edge_below_speech_db)
    evidence: _Floats = np.clip(np.minimum(scores[first:last], above_db), -rules.edge_silence_weight, 1)
    return evidence


def _change(evidence: _Floats, decided: int) -> int:
    """Finds the hop from which the evidence sums up highest; gives ``decided`` where nothing speaks for sound."""
    sums = np.cumsum(evidence[::-1])[::-1]
    best = int(np.argmax(sums)) if sums.size else 0
    return best if sums.size and sums[best] > 0 else decided
