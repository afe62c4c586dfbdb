"""Holds the formulas of Full-Duplex-Bench v1 that its own figures are made by, so that they can stand beside ours.

Source: DanielLin94144/Full-Duplex-Bench@d7336bd ``v1_v1.5/evaluation``: ``eval_pause_handling.py``,
``eval_smooth_turn_taking.py`` and ``eval_user_interruption.py`` share the rule of :func:`takes_turn`, ``eval_backchannel.py`` has
one of its own. Its words are those that ASR hears in ``output.wav``, ours those of ``output.json``.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.records import Span, Word
from duologue_pipeline.rules.score import ScoreRules

__all__ = ["backchannel_takes_turn", "counted_bins", "divergence", "ground_truth", "takes_turn"]

_EPSILON: Final = 1e-10

_Floats = npt.NDArray[np.float64]


def takes_turn(words: Sequence[Word], rules: ScoreRules) -> bool:
    """Tells whether the words of an output take the turn: they span a second, or are more than three.

    From the first word's start to the last word's end, silences and the time before the user's turn ends included.
    """
    if not words:
        return False
    spanned_s = (words[-1].end_ms - words[0].start_ms) / 1000
    return spanned_s >= rules.fdb_take_over_s or len(words) > rules.fdb_take_over_words


def backchannel_takes_turn(speech: Sequence[Span], words: Sequence[Word], rules: ScoreRules) -> bool:
    """Tells whether an output of the backchannel task takes the turn.

    A stretch longer than three seconds does. Else the **last** stretch decides, as in the original, which overwrites what it found
    before: it does if it lasts a second or touches more than two words.
    """
    if any(span.duration_ms / 1000 > rules.fdb_backchannel_speech_s for span in speech):
        return True
    if not speech:
        return False
    last = speech[-1]
    touched = sum(word.start_ms <= last.end_ms and word.end_ms > last.start_ms for word in words)
    return last.duration_ms / 1000 >= rules.fdb_take_over_s or touched > rules.fdb_backchannel_words


def counted_bins(stretches: Sequence[Span], duration_ms: int, rules: ScoreRules) -> _Floats:
    """Counts in how many stretches each bin of an item lies: float64 [duration // .2 s + 1]."""
    width_ms = rules.histogram_ms
    bins = np.zeros(duration_ms // width_ms + 1)
    for span in stretches:
        bins[span.start_ms // width_ms : span.end_ms // width_ms + 1] += 1
    return bins


def ground_truth(backchannels: Sequence[Span], duration_ms: int, rules: ScoreRules) -> list[float]:
    """Makes the distribution of ``icc_gt_distribution.json``: the share of each bin, which sums to 1; no bin is quite 0."""
    bins = counted_bins(backchannels, duration_ms, rules) + _EPSILON
    return [float(share) for share in bins / bins.sum()]


def divergence(predicted: Sequence[Span], duration_ms: int, truth: Sequence[float], rules: ScoreRules) -> float:
    """Measures how far the backchannels of an output lie from where people give them.

    Args:
        predicted: the backchannels.
        duration_ms: of the output.
        truth: the distribution over the item, which is stretched to the bins of the output.
        rules: the rule set ``score``.

    Returns:
        The Jensen-Shannon distance, the square root of the divergence in nats, 0 to .83; 1 where there is no backchannel, as in
        the original.
    """
    if not predicted:
        return 1.0
    mine = np.array(ground_truth(predicted, duration_ms, rules))
    theirs = np.interp(np.linspace(0, 1, len(mine)), np.linspace(0, 1, len(truth)), np.array(truth, np.float64))
    theirs /= theirs.sum()
    mean = (mine + theirs) / 2
    return float(np.sqrt(max(0.0, (_relative(mine, mean) + _relative(theirs, mean)) / 2)))


def _relative(p: _Floats, q: _Floats) -> float:
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())
