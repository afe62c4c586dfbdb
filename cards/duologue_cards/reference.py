"""Holds turn-taking of a corpus against that of people, allowing for how few conversations there are.

The reference and its intervals come from the rule file ``human_reference.json`` of the pipeline; it is of one language.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol

__all__ = [
    "CardRules",
    "HumanFigure",
    "HumanTurnTaking",
    "LimitsOfConversations",
    "distance_s",
    "fto_counts",
    "interpolated",
    "limit",
    "others_report",
    "told_of_people",
]


class LimitsOfConversations(Protocol):
    """Holds within what so many conversations of people lie (``rules/human_reference.py`` of the pipeline explains each)."""

    @property
    def conversations(self) -> int: ...
    @property
    def distance_p95_s(self) -> float: ...
    @property
    def distance_p99_s(self) -> float: ...
    @property
    def fto_median_low_s(self) -> float: ...
    @property
    def fto_median_high_s(self) -> float: ...
    @property
    def overlapped_transfers_low(self) -> float: ...
    @property
    def overlapped_transfers_high(self) -> float: ...
    @property
    def overlap_share_low(self) -> float: ...
    @property
    def overlap_share_high(self) -> float: ...


class HumanFigure(Protocol):
    """Holds one figure of people, with what was measured and who says so."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def of(self) -> str: ...
    @property
    def source(self) -> str: ...


class HumanTurnTaking(Protocol):
    """Holds the turn-taking of people, as the rules of the pipeline give it."""

    @property
    def language(self) -> str: ...
    @property
    def of(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def lowest_limit_s(self) -> float: ...
    @property
    def fewest_conversations(self) -> int: ...
    @property
    def fewest_transfers(self) -> int: ...
    @property
    def fto_edges_s(self) -> tuple[float, ...]: ...
    @property
    def fto_counts(self) -> tuple[int, ...]: ...
    @property
    def by_conversations(self) -> Sequence[LimitsOfConversations]: ...


@dataclass(frozen=True)
class CardRules:
    """Holds what the cards take from the rules of the pipeline.

    Attributes:
        turn_taking: of people, from the rules ``human_reference``.
        people: name of a figure -> that of people in the language of ``turn_taking``, from the same rules.
        cited: figures of people that others report, which are told and not held against anything.
        warn_above_db, fail_above_db: limits of the verdict on isolation, of the level of the other voice.
        regimes: gives the rules of consent of a place (ISO 3166), each as ``id``, ``title``, ``purposes``, ``citation`` and ``url``.
    """

    turn_taking: HumanTurnTaking
    people: Mapping[str, HumanFigure]
    cited: Sequence[HumanFigure]
    warn_above_db: float
    fail_above_db: float
    regimes: Callable[[str], Sequence[Mapping[str, Any]]] = lambda _: ()


def told_of_people(rules: CardRules) -> str:
    """Says who the turn-taking is held against and how they were measured, and what others report."""
    return (
        f"Beside people: {rules.turn_taking.of} ({rules.turn_taking.source}). Theirs come from word times, those here from voice "
        f"activity. {others_report(rules)}"
    )


def others_report(rules: CardRules) -> str:
    """Says what others report of people, which is no limit."""
    cited = "; ".join(f"{each.of} ({each.source})" for each in rules.cited)
    return f"For comparison, no limits: {cited}."


def distance_s(counts: Sequence[int], human: Sequence[int], edges_s: Sequence[float]) -> float | None:
    """Measures the Wasserstein-1 distance of two histograms of floor-transfer offsets, in seconds.

    It is the area between the two distribution functions (Vallender 1974), here of bins: what moves inside a bin is not seen.

    Args:
        counts, human: floor transfers in each bin.
        edges_s: of the bins, one more than these.

    Returns:
        None where a histogram is empty.
    """
    totals = sum(counts), sum(human)
    if not all(totals):
        return None
    pairs = zip(accumulate(counts), accumulate(human), strict=True)
    widths = [high - low for low, high in pairwise(edges_s)]
    return sum(
        width * abs(ours / totals[0] - theirs / totals[1]) for width, (ours, theirs) in zip(widths, pairs, strict=True)
    )


def fto_counts(ftos_ms: Mapping[int, int], edges_s: Sequence[float]) -> tuple[int, ...]:
    """Counts floor-transfer offsets in bins; what lies outside counts in the outermost ones.

    Args:
        ftos_ms: offset in milliseconds -> how many.
        edges_s: of the bins, in seconds.
    """
    edges_ms = [round(1000 * edge) for edge in edges_s[1:-1]]
    counts = [0] * (len(edges_ms) + 1)
    for fto_ms, count in ftos_ms.items():
        counts[bisect_right(edges_ms, fto_ms)] += count
    return tuple(counts)


def limit(reference: HumanTurnTaking, conversations: int, read: Callable[[LimitsOfConversations], float]) -> float:
    """Gives a limit of as many conversations of people, interpolated between those of the rules.

    Args:
        reference: turn-taking of people.
        conversations: how many there are, 1 or more.
        read: takes the limit out of a row of the rules.
    """
    rows = reference.by_conversations
    return interpolated([row.conversations for row in rows], [read(row) for row in rows], conversations)


def interpolated(places: Sequence[float], values: Sequence[float], place: float) -> float:
    """Interpolates linearly between rising places; outside of them the value of the nearest stays."""
    i = bisect_right(places, place)
    if i == 0 or i == len(places):
        return values[min(i, len(places) - 1)]
    share = (place - places[i - 1]) / (places[i] - places[i - 1])
    return values[i - 1] + share * (values[i] - values[i - 1])
