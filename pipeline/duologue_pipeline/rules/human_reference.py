"""The rule set ``human_reference``: figures of human conversations, to hold those of a corpus against."""

from dataclasses import dataclass
from typing import Any, ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["HumanFigure", "HumanReferenceRules"]


@dataclass(frozen=True, kw_only=True)
class HumanFigure:
    """One figure of people.

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
        """What ``statistics.json`` says about it under its name: what is known, without the language."""
        known = {"value": self.value, "low": self.low, "high": self.high, "of": self.of, "source": self.source}
        return {key: value for key, value in known.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class HumanReferenceRules(RuleSet):
    """Figures of people for :func:`duologue_pipeline.events.turn_taking.statistics_document`.

    Attributes:
        figures: each with its own source, which the rule set's only points to.
    """

    name: ClassVar[str] = "human_reference"
    figures: tuple[HumanFigure, ...]
