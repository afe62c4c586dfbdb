"""Holds the rule set ``backchannel_words``: which inter-pausal units are backchannels, from words."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["BackchannelWordsRules"]


@dataclass(frozen=True, kw_only=True)
class BackchannelWordsRules(RuleSet):
    """Sets what :func:`duologue_pipeline.words.backchannels.backchannel_ipus` takes for a backchannel.

    Attributes:
        ipu_silence_ms: the shortest own silence between two inter-pausal units (IPUs).
        max_words: the most words of a backchannel.
        max_ms: the longest backchannel.
        own_turn_before_ms: no own turn ends nearer before it.
        own_turn_after_ms: and none begins nearer after it.
        other_silent_before_ms: the other speaker has spoken within this time before it.
        question_max_words: so many of the other's last words are read as a question.
        question_before_ms: an acknowledgement within this time after a question is an answer.
        timing_max_words: the most words of a backchannel where the language has no lexicon.
        timing_max_ms: the longest one there.
        timing_lone_before_ms: its own silence before it there, at the least.
        timing_lone_after_ms: its own silence after it there, at the least.
        timing_resume_ms: within this time after it the other speaker goes on there.
    """

    name: ClassVar[str] = "backchannel_words"
    ipu_silence_ms: int
    max_words: int
    max_ms: int
    own_turn_before_ms: int
    own_turn_after_ms: int
    other_silent_before_ms: int
    question_max_words: int
    question_before_ms: int
    timing_max_words: int
    timing_max_ms: int
    timing_lone_before_ms: int
    timing_lone_after_ms: int
    timing_resume_ms: int
