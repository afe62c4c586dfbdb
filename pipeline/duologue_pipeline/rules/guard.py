"""Holds the rule set ``guard``: how many recordings of a run may fail for a reason that nobody foresaw."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["GuardRules"]


@dataclass(frozen=True, kw_only=True)
class GuardRules(RuleSet):
    """Bounds the refusals ``internal_error`` of a run, beyond which nothing is published.

    Attributes:
        internal_errors_share: of the recordings of the manifest.
        internal_errors_always_borne: so many stop no run, however small it is: a share of few recordings is less than one.
    """

    name: ClassVar[str] = "guard"
    internal_errors_share: float
    internal_errors_always_borne: int

    def borne(self, recordings: int) -> int:
        """Counts the internal errors that a run over so many recordings bears."""
        return max(self.internal_errors_always_borne, int(self.internal_errors_share * recordings))
