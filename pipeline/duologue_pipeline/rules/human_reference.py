"""Holds the rule set ``human_reference``: figures of human conversations, with which those of a corpus are compared."""

from dataclasses import dataclass
from typing import Any, ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["HumanFigure", "HumanReferenceRules", "HumanTurnTaking", "LimitsOfConversations"]


@dataclass(frozen=True, kw_only=True)
class HumanFigure:
    """Holds one figure of human conversations.

    Attributes:
        name: that of the figure of ``statistics.json`` that it stands beside.
        value: in the unit of that figure.
        low: how low it is in few conversations; None where not known.
        high: how high it is in few; None where not known.
        language: primary language subtag of those who were measured, e.g. ``en``.
        of: what was measured.
        source: who says so.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    language: str
    of: str
    source: str

    def document(self) -> dict[str, Any]:
        """Gives its entry in ``statistics.json``: what is known, without the language."""
        known = {"value": self.value, "low": self.low, "high": self.high, "of": self.of, "source": self.source}
        return {key: value for key, value in known.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class LimitsOfConversations:
    """Holds within what so many conversations of people lie.

    Attributes:
        conversations: how many.
        distance_p95_s: 95th percentile of the Wasserstein-1 distance of their floor-transfer offsets to the reference.
        distance_p99_s: its 99th percentile.
        fto_median_low_s: lower end of the 95 % range of the median floor-transfer offset.
        fto_median_high_s: its upper end.
        overlapped_transfers_low: lower end of that of the share of floor transfers in overlap.
        overlapped_transfers_high: its upper end.
        overlap_share_low: lower end of that of the overlap, of the time in which anybody speaks.
        overlap_share_high: its upper end.
    """

    conversations: int
    distance_p95_s: float
    distance_p99_s: float
    fto_median_low_s: float
    fto_median_high_s: float
    overlapped_transfers_low: float
    overlapped_transfers_high: float
    overlap_share_low: float
    overlap_share_high: float


@dataclass(frozen=True, kw_only=True)
class HumanTurnTaking:
    """Holds the floor-transfer offsets of people, with which those of a corpus of their language are compared.

    Attributes:
        language: primary language subtag.
        of: what was measured.
        source: who says so.
        lowest_limit_s: below this distance no corpus is called unlike people, however large it is.
        fewest_conversations: of fewer nothing is said.
        fewest_transfers: of fewer floor transfers nothing is said.
        fto_edges_s: edges of the bins of the histogram, one more than bins.
        fto_counts: floor transfers in each bin; the outermost bins hold what lies beyond. They were counted
            apart from the figure ``overlapped_transfers_share`` (33.5 %, 64,061): the bins below 0 hold 2,158 more (34.6 %), about as
            many as begin within .01 s of 0.
        by_conversations: limits, by rising number of conversations; interpolated between.
    """

    language: str
    of: str
    source: str
    lowest_limit_s: float
    fewest_conversations: int
    fewest_transfers: int
    fto_edges_s: tuple[float, ...]
    fto_counts: tuple[int, ...]
    by_conversations: tuple[LimitsOfConversations, ...]


@dataclass(frozen=True, kw_only=True)
class HumanReferenceRules(RuleSet):
    """Holds the human figures for :func:`duologue_pipeline.events.figures.statistics_document`.

    Attributes:
        figures: each with its own source, which the rule set's only points to.
        cited: figures that others report; the cards tell them and hold nothing against them.
        turn_taking: the reference of the cards (:mod:`duologue_cards.reference`).
    """

    name: ClassVar[str] = "human_reference"
    figures: tuple[HumanFigure, ...]
    cited: tuple[HumanFigure, ...]
    turn_taking: HumanTurnTaking
