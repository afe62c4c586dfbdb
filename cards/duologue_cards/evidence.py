"""Measures of the table of recordings what the requirements are judged by, with intervals where it is an estimate.

Turn-taking and isolation are over the conversations with both voices. Intervals are 95 % percentile intervals of a bootstrap by
conversation (Efron & Tibshirani 1993, chapter 13): conversations, not floor transfers, are independent of each other. Above
1,000 conversations groups of them are drawn, dealt out in the order of their ids, so that the cost stays the same. The draws
come from a seed, and the rows are sorted first: the same table gives the same figures, whatever its order.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from duologue_schemas.tables import WITHDRAWN

__all__ = ["Estimate", "Evidence", "measure"]

HELD_SHARE: Final = 0.10
"""A speaker who holds less of the speech than this hardly takes part."""

_DISFLUENCIES: Final = ("filler", "hesitation", "repetition", "false_start", "self_correction")
_DRAWS: Final = 400
_GROUPS: Final = 1000
_SEED: Final = 20260101
_BIN_S: Final = 0.01
_MOST_S: Final = 5.0

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Holds a figure over ``n`` conversations with its 95 % interval; None where it cannot be formed.

    Below two conversations there is no interval.
    """

    value: float | None
    n: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Evidence:
    """Holds what was measured over all conversations of a release.

    Attributes:
        conversations: those with both voices; ``hours`` of them.
        languages: primary language subtags, None where one is not stated.
        overlap_s, speech_s: seconds in which both speak, and in which anybody does.
        overlap_share, overlapped_share, fto_median_s: estimates.
        transfers: floor transfers.
        fto_counts: floor transfers in the bins of the human reference.
        words: of all tracks with a transcript; None where no track has one.
        disfluencies, backchannels, interruptions: events of both speakers.
        quieter_share: mean share of the speech of who speaks less; ``balanced_share`` of conversations in which it is .10 at least.
        isolation: verdict -> conversations; ``isolation_hours`` -> hours; ``bleeding_hours`` of conversations in which a direction
            bleeds above the limit of ``warn``.
        broken: fault -> conversations, of one signal on both tracks, both voices on both, and a swap.
        effective_speakers: (sum of s) squared over the sum of s squared, s the recorded seconds of a speaker.
        top_speaker_share: of the recorded seconds of all speakers.
        registers: register, else setting, else topic -> hours; None where none is stated.
        synthetic: conversations whose route is ``synthetic``; ``routes_unknown`` those without a route.
        transcribed_share: of the tracks.
    """

    conversations: int
    hours: float
    languages: tuple[str | None, ...]
    overlap_s: float
    speech_s: float
    overlap_share: Estimate
    overlapped_share: Estimate
    fto_median_s: Estimate
    transfers: int
    fto_counts: tuple[int, ...]
    words: int | None
    disfluencies: int
    backchannels: int
    interruptions: int
    quieter_share: float | None
    balanced_share: float | None
    isolation: Mapping[str, int]
    isolation_hours: Mapping[str, float]
    bleeding_hours: float
    broken: Mapping[str, int]
    effective_speakers: float | None
    top_speaker_share: float | None
    registers: Mapping[str | None, float]
    synthetic: int
    routes_unknown: int
    transcribed_share: float | None


def measure(recordings: pa.Table, *, fto_edges_s: Sequence[float], bleeding_db: float) -> Evidence:
    """Measures the table of recordings.

    Args:
        recordings: the table of ``recordings.parquet``.
        fto_edges_s: edges of the bins of the human reference, in seconds; what lies outside counts in the outermost bins.
        bleeding_db: above it the other voice counts as bleeding.
    """
    rows = _Rows(recordings)
    both = [i for i in range(len(rows)) if WITHDRAWN not in (rows["speaker_a"][i], rows["speaker_b"][i])]
    overlap_s = [rows["overlap_s"][i] for i in both]
    speech_s = [rows["speech_a_s"][i] + rows["speech_b_s"][i] - rows["overlap_s"][i] for i in both]
    ftos_s = [np.array(rows["ftos_s"][i], np.float64) for i in both]
    shares = [_quieter(rows["speech_a_s"][i], rows["speech_b_s"][i]) for i in both]
    known = [share for share in shares if share is not None]
    said = [count for side in "ab" for count in rows[f"said_words_{side}"] if count is not None]
    seconds: dict[str, float] = defaultdict(float)
    for side in "ab":
        for speaker, duration_s in zip(rows[f"speaker_{side}"], rows["duration_s"], strict=True):
            if speaker != WITHDRAWN:
                seconds[speaker] += duration_s
    total_s = math.fsum(seconds.values())
    squares = math.fsum(each * each for each in seconds.values())
    tracks = [has for side in "ab" for has in rows[f"words_{side}"]]
    ftos = np.concatenate([*ftos_s, np.empty(0)])
    return Evidence(
        conversations=len(both),
        hours=math.fsum(rows["duration_s"][i] for i in both) / 3600,
        languages=tuple(dict.fromkeys(sorted((_primary(rows["language"][i]) for i in both), key=str))),
        overlap_s=math.fsum(overlap_s),
        speech_s=math.fsum(speech_s),
        overlap_share=_ratio_estimate(overlap_s, speech_s),
        overlapped_share=_ratio_estimate([int((each < 0).sum()) for each in ftos_s], [len(each) for each in ftos_s]),
        fto_median_s=_median_estimate(ftos_s),
        transfers=len(ftos),
        fto_counts=_binned(ftos, fto_edges_s),
        words=sum(said) if said else None,
        disfluencies=_events(rows["kinds"], both, _DISFLUENCIES),
        backchannels=sum(rows[f"backchannels_{side}"][i] for side in "ab" for i in both),
        interruptions=sum(rows[f"interruptions_{side}"][i] for side in "ab" for i in both),
        quieter_share=math.fsum(known) / len(known) if known else None,
        balanced_share=sum(share >= HELD_SHARE for share in known) / len(known) if known else None,
        isolation=Counter(rows["isolation"][i] for i in both),
        isolation_hours=_hours((rows["isolation"][i], rows["duration_s"][i]) for i in both),
        bleeding_hours=math.fsum(rows["duration_s"][i] for i in both if _bleeds(rows, i, bleeding_db)) / 3600,
        broken={
            fault: sum(rows[f"{fault}_found"][i] is True for i in both) for fault in ("duplicate", "mono_mix", "swap")
        },
        effective_speakers=total_s * total_s / squares if squares else None,
        top_speaker_share=max(seconds.values()) / total_s if total_s else None,
        registers=_hours(
            (rows["register"][i] or rows["setting"][i] or rows["topic"][i], rows["duration_s"][i])
            for i in range(len(rows))
        ),
        synthetic=rows["route"].count("synthetic"),
        routes_unknown=rows["route"].count(None),
        transcribed_share=sum(tracks) / len(tracks) if tracks else None,
    )


class _Rows:
    """Reads columns as lists, each once, in the order of the ids; a column that an earlier release lacks is null."""

    def __init__(self, recordings: pa.Table) -> None:
        self._recordings = recordings.sort_by("recording_id")
        self._read: dict[str, list[Any]] = {}

    def __len__(self) -> int:
        length: int = self._recordings.num_rows
        return length

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self._read:
            there = name in self._recordings.column_names
            self._read[name] = self._recordings[name].to_pylist() if there else [None] * len(self)
        return self._read[name]


def _primary(language: str | None) -> str | None:
    return None if language is None else language.partition("-")[0].lower()


def _quieter(a_s: float, b_s: float) -> float | None:
    return min(a_s, b_s) / (a_s + b_s) if a_s + b_s > 0 else None


def _bleeds(rows: _Rows, i: int, above_db: float) -> bool:
    levels_db = (rows["bleed_db_a_from_b"][i], rows["bleed_db_b_from_a"][i])
    return any(level is not None and level > above_db for level in levels_db)


def _hours(pairs: Iterable[tuple[Any, float]]) -> dict[Any, float]:
    """Sums up seconds by name, in hours, in the order of the names."""
    found: dict[Any, list[float]] = defaultdict(list)
    for name, duration_s in pairs:
        found[name].append(duration_s)
    return {name: math.fsum(found[name]) / 3600 for name in sorted(found, key=lambda name: (name is None, str(name)))}


def _events(kinds: Sequence[Any], of: Iterable[int], wanted: Sequence[str]) -> int:
    return sum(each["events"] for i in of for each in kinds[i] or () if each["kind"] in wanted)


def _binned(values: _Floats, edges: Sequence[float]) -> tuple[int, ...]:
    # A hair above each value: -0.1 is the lower edge of its bin, however it is rounded.
    places = np.searchsorted(np.array(edges[1:-1]), values + 1e-9, side="right")
    return tuple(int(count) for count in np.bincount(places, minlength=len(edges) - 1))


def _weights(n: int) -> tuple[_Floats, npt.NDArray[np.int64]]:
    """Draws how often each group is taken [draws, groups], and says in which group each conversation is [n]."""
    groups = min(n, _GROUPS)
    drawn = np.random.default_rng(_SEED).multinomial(groups, np.full(groups, 1 / groups), size=_DRAWS)
    return drawn.astype(np.float64), np.arange(n) % groups


def _interval(values: _Floats) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _ratio_estimate(parts: Sequence[float], wholes: Sequence[float]) -> Estimate:
    n, whole = len(parts), math.fsum(wholes)
    if not whole > 0:
        return Estimate(None, n)
    value = math.fsum(parts) / whole
    if n < 2:
        return Estimate(value, n)
    weights, group = _weights(n)
    part_sums, whole_sums = (weights @ np.bincount(group, np.array(each)) for each in (parts, wholes))
    usable = whole_sums > 0
    return Estimate(value, n, _interval(part_sums[usable] / whole_sums[usable]))


def _median_estimate(conversations: Sequence[_Floats]) -> Estimate:
    n = len(conversations)
    values = np.concatenate([*conversations, np.empty(0)])
    if not len(values):
        return Estimate(None, n)
    median = float(np.median(values))
    if n < 2:
        return Estimate(median, n)
    weights, group = _weights(n)
    bins = round(2 * _MOST_S / _BIN_S) + 1
    histogram = np.zeros((weights.shape[1], bins))
    for number, each in enumerate(conversations):
        places = np.rint((np.clip(each, -_MOST_S, _MOST_S) + _MOST_S) / _BIN_S).astype(np.int64)
        histogram[group[number]] += np.bincount(places, minlength=bins)
    cumulative = np.cumsum(weights @ histogram, axis=1)
    drawn = cumulative[cumulative[:, -1] > 0]
    medians_s = (drawn < drawn[:, -1:] / 2).sum(axis=1) * _BIN_S - _MOST_S
    return Estimate(median, n, _interval(medians_s))
