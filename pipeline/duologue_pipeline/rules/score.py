"""Holds the rule set ``score``: what counts when the output of a model is scored as a speaker."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["ScoreRules"]


@dataclass(frozen=True, kw_only=True)
class ScoreRules(RuleSet):
    """Holds what the events leave open when one of the two is scored; their own thresholds are in the rule set ``events``.

    Attributes:
        answer_room_ms: a turn that nobody follows counts as unanswered only if the conversation goes on for so long after it.
        histogram_ms: width of the bins in which backchannels are counted over an item.
        resamples: of the bootstrap.
        interval_percent: how much of them lies between ``low`` and ``high``.
        fdb_take_over_s: words of the model that span at least so long take the turn, by Full-Duplex-Bench.
        fdb_take_over_words: and so do more words than these.
        fdb_backchannel_speech_s: in its backchannel task a stretch of speech longer than this takes the turn.
        fdb_backchannel_words: and so does the last stretch, with more words than these.
    """

    name: ClassVar[str] = "score"
    answer_room_ms: int
    histogram_ms: int
    resamples: int
    interval_percent: float
    fdb_take_over_s: float
    fdb_take_over_words: int
    fdb_backchannel_speech_s: float
    fdb_backchannel_words: int
