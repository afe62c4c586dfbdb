"""Forms figures of facts: shares, rates and distributions, each with a bootstrap interval over conversations.

Conversations are drawn with replacement, all items of one group together (Efron & Tibshirani 1993, "An introduction to the
bootstrap", percentile interval): two turns of one conversation are no two independent observations. The draws come from a seed
that the names of the groups give, so the same input gives the same figures.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.score.facts import Facts

__all__ = ["FIGURES", "Distribution", "Draws", "Ratio", "figures_document", "times_document"]

_Floats = npt.NDArray[np.float64]
_Counts = npt.NDArray[np.int64]

_MINUTE_MS: Final = 60_000
_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True)
class Ratio:
    """Names a figure that is a sum over a sum: ``scale * part / whole``, over all conversations."""

    part: str
    whole: str
    scale: float = 1.0


@dataclass(frozen=True)
class Distribution:
    """Names a figure that is a distribution of times, in seconds."""

    times: str


FIGURES: Final[Mapping[str, Mapping[str, Ratio | Distribution]]] = {
    "take_over": {
        "after_user_turns": Ratio("user_turns_taken", "user_turns"),
        "answered": Ratio("user_turns_answered", "user_turns"),
    },
    "floor": {
        "floor_transfer_offset_s": Distribution("offset"),
        "response_gap_s": Distribution("gap"),
        "overlap_onset_s": Distribution("overlap_onset"),
        "overlapped_transfers": Ratio("transfers_overlapped", "transfers"),
    },
    "interrupted_by_user": {
        "per_minute": Ratio("user_interruptions", "time", _MINUTE_MS),
        "floor_yielded": Ratio("user_interruptions_floor", "user_interruptions"),
        "floor_yielded_in_time": Ratio("user_interruptions_in_time", "user_interruptions"),
        "response_latency_s": Distribution("response"),
        "stop_latency_s": Distribution("stop"),
        "success_latency_s": Distribution("success"),
        "penalty_latency_s": Distribution("penalty"),
    },
    "interrupts_user": {
        "per_minute": Ratio("model_interruptions", "time", _MINUTE_MS),
        "floor_taken": Ratio("model_interruptions_floor", "model_interruptions"),
    },
    "backchannels": {
        "per_minute": Ratio("backchannels", "time", _MINUTE_MS),
        "in_speech": Ratio("backchannels_in_speech", "backchannels"),
        "duration_s": Distribution("backchannel"),
        "latency_s": Distribution("backchannel_latency"),
    },
    "pauses": {
        "of_user_left_alone": Ratio("user_pauses_silent", "user_pauses"),
        "of_user_per_minute": Ratio("user_pauses", "time", _MINUTE_MS),
        "of_model_per_minute": Ratio("model_pauses", "time", _MINUTE_MS),
        "of_model_s": Distribution("pause"),
    },
    "speech": {
        "model_share_of_time": Ratio("model_speech", "time"),
        "overlap_share_of_speech": Ratio("overlap", "anybody"),
    },
}
"""Every figure by its group and name; docs/evaluation.md says of each what it means and whose definition it is."""


class Draws:
    """Draws groups of conversations with replacement, the same draws for every figure.

    Args:
        groups: of each conversation.
        rules: how often, and how wide the interval is.
    """

    def __init__(self, groups: Sequence[str], rules: ScoreRules) -> None:
        names = sorted(set(groups))
        place = {name: i for i, name in enumerate(names)}
        self._group = np.array([place[name] for name in groups], np.int64)
        self._edges = (50 - rules.interval_percent / 2, 50 + rules.interval_percent / 2)
        seed = int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:8])
        drawn = np.random.default_rng(seed).integers(0, max(len(names), 1), (rules.resamples, len(names)))
        self._weights: _Counts = np.zeros((rules.resamples if len(names) > 1 else 0, len(names)), np.int64)
        for row, places in enumerate(drawn[: len(self._weights)]):
            self._weights[row] = np.bincount(places, minlength=len(names))

    def ratio(self, parts: _Floats, wholes: _Floats, scale: float = 1.0) -> dict[str, Any]:
        """Forms a sum over a sum.

        Args:
            parts: float64 [conversations].
            wholes: float64 [conversations].
            scale: the value is this times the sum of parts over that of wholes.

        Returns:
            ``value`` (None where the whole is nothing), ``low`` and ``high`` (None for one group, which tells nothing of others).
        """
        part, whole = (np.bincount(self._group, of, len(self._weights.T)) for of in (parts, wholes))
        value = float(scale * parts.sum() / wholes.sum()) if wholes.sum() else None
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = scale * (self._weights @ part) / (self._weights @ whole)
        return {"value": value, **self._interval(drawn[np.isfinite(drawn)], value)}

    def median(self, values: _Floats, conversation: _Counts) -> dict[str, Any]:
        """Finds the median of values, and its interval.

        Args:
            values: float64 [N].
            conversation: int64 [N], the place of the conversation that each is of.
        """
        if not len(values):
            return {"median": None, "low": None, "high": None}
        order = np.argsort(values, kind="stable")
        values, group = values[order], self._group[conversation[order]]
        step = max(1, _AT_ONCE // len(values))
        drawn = [
            _medians(values, self._weights[first : first + step][:, group])
            for first in range(0, len(self._weights), step)
        ]
        median = float(np.median(values))
        return {"median": median, **self._interval(np.concatenate([np.zeros(0), *drawn]), median)}

    def _interval(self, drawn: _Floats, value: float | None) -> dict[str, Any]:
        if value is None or not len(drawn):
            return {"low": None, "high": None}
        low, high = np.percentile(drawn, self._edges)
        return {"low": float(low), "high": float(high)}


def _medians(values: _Floats, weights: _Counts) -> _Floats:
    """Finds the median of sorted values of which row r holds each ``weights[r]`` times; rows without any are left out."""
    until = np.cumsum(weights, axis=1)
    until = until[until[:, -1] > 0]
    middles = [(until[:, -1:] - 1) // 2, until[:, -1:] // 2]
    low, high = (values[(until <= middle).sum(axis=1)] for middle in middles)
    return (low + high) / 2


def figures_document(facts: Sequence[Facts], groups: Sequence[str], rules: ScoreRules) -> dict[str, Any]:
    """Forms all :data:`FIGURES` of conversations.

    Args:
        facts: of each conversation.
        groups: of each conversation, as :class:`Draws` takes them.
        rules: the rule set ``score``.

    Returns:
        Group -> name -> the figure: a ratio has ``value``, ``low``, ``high``, ``part`` and ``whole``, a distribution ``count``,
        ``mean``, ``median`` with ``low`` and ``high``, ``p10`` and ``p90``. What cannot be formed is None. Beside them
        ``conversations``, ``groups`` and ``hours``.
    """
    draws = Draws(groups, rules)
    document: dict[str, Any] = {
        "conversations": len(facts),
        "groups": len(set(groups)),
        "hours": _sums(facts, "time").sum() / 3_600_000,
    }
    for group, figures in FIGURES.items():
        document[group] = {
            name: _ratio(figure, facts, draws)
            if isinstance(figure, Ratio)
            else times_document([each.times_ms.get(figure.times, ()) for each in facts], draws)
            for name, figure in figures.items()
        }
    return document


def times_document(times_ms: Sequence[Sequence[int]], draws: Draws) -> dict[str, Any]:
    """Describes the times of conversations as a distribution in seconds; ``times_ms`` has a sequence for each."""
    values = np.array([time for each in times_ms for time in each], np.float64) / 1000
    conversation = np.repeat(np.arange(len(times_ms)), [len(each) for each in times_ms]).astype(np.int64)
    p10, p90 = np.percentile(values, (10, 90)) if len(values) else (None, None)
    return {
        "count": len(values),
        "mean": float(values.mean()) if len(values) else None,
        **draws.median(values, conversation),
        "p10": None if p10 is None else float(p10),
        "p90": None if p90 is None else float(p90),
    }


def _sums(facts: Sequence[Facts], name: str) -> _Floats:
    return np.array([each.counts.get(name, 0) for each in facts], np.float64)


def _ratio(figure: Ratio, facts: Sequence[Facts], draws: Draws) -> dict[str, Any]:
    parts, wholes = _sums(facts, figure.part), _sums(facts, figure.whole)
    return {**draws.ratio(parts, wholes, figure.scale), "part": int(parts.sum()), "whole": int(wholes.sum())}
