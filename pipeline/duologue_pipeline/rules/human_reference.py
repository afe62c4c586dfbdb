"""Holds the rule set ``human_reference``: figures of human conversations, with which those of a corpus are compared."""

from dataclasses import dataclass
from typing import Any, ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["HumanFigure", "HumanReferenceRules"]


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
class HumanReferenceRules(RuleSet):
    """Holds the human figures for :func:`duologue_pipeline.events.figures.statistics_document`.

    Attributes:
        figures: each with its own source, which the rule set's only points to.
    """

    name: ClassVar[str] = "human_reference"
    figures: tuple[HumanFigure, ...]
