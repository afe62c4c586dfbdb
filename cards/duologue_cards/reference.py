"""Holds turn-taking of a corpus against that of people, allowing for how few conversations there are.

The reference and its intervals come from the rules (``human_reference``), as a parsed document; it is of one language.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

__all__ = ["CardRules", "distance_s", "interpolated", "limits"]


@dataclass(frozen=True)
class CardRules:
    """Holds what the cards take from the rules of the pipeline.

    Attributes:
        turn_taking: of people, ``turn_taking`` of the rules ``human_reference`` as a document.
        warn_above_db, fail_above_db: limits of the verdict on isolation, of the level of the other voice.
    """

    turn_taking: Mapping[str, Any]
    warn_above_db: float
    fail_above_db: float


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


def limits(reference: Mapping[str, Any], conversations: int) -> dict[str, float]:
    """Gives the limits of as many conversations of people: ``distance_p95_s``, ``distance_p99_s`` and the 95 % ranges.

    Args:
        reference: the document of the rules.
        conversations: how many there are, 1 or more.
    """
    rows = reference["by_conversations"]
    names = [name for name in rows[0] if name != "conversations"]
    sizes = [row["conversations"] for row in rows]
    return {name: interpolated(sizes, [row[name] for row in rows], conversations) for name in names}


def interpolated(places: Sequence[float], values: Sequence[float], place: float) -> float:
    """Interpolates linearly between rising places; outside of them the value of the nearest stays."""
    i = bisect_right(places, place)
    if i == 0 or i == len(places):
        return values[min(i, len(places) - 1)]
    share = (place - places[i - 1]) / (places[i] - places[i - 1])
    return values[i - 1] + share * (values[i] - values[i - 1])
