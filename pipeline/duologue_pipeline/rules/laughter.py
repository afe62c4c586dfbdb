"""Holds the rule set ``laughter``: what a network that knows sounds must hear for a stretch of speech to be laughter."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["LaughterRules"]


@dataclass(frozen=True, kw_only=True)
class LaughterRules(RuleSet):
    """Sets what :func:`duologue_pipeline.activity.laughter.laughs` takes for laughter.

    Attributes:
        hop_ms: from the middle of one window to that of the next.
        level_dbfs: RMS to which each piece of speech is brought, for the network was trained on recordings of that level.
        score_min: score of a window from which it holds laughter.
        marked_ms: how much of such a window, around its middle, is marked.
        min_ms: the shortest laugh.
        confidence: of one that is found.
    """

    name: ClassVar[str] = "laughter"
    hop_ms: int
    level_dbfs: float
    score_min: float
    marked_ms: int
    min_ms: int
    confidence: float
