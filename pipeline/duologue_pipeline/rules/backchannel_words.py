"""Holds the rule set ``backchannel_words``: which inter-pausal units are backchannels, by words or timing."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["Agreement", "BackchannelConfidences", "BackchannelWordsRules"]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Sets the share of some backchannels that people take for one, in [0, 1].

    Attributes:
        apart: of those that stand apart from what their speaker says otherwise.
        near: of those that are near to it.
    """

    apart: float
    near: float


@dataclass(frozen=True, kw_only=True)
class BackchannelConfidences:
    """Sets the confidence of a backchannel: how often people agree with such ones, as measured.

    Attributes:
        near_ms: own talk less than this before or after it is near; by words only turns count, else all that is heard.
        brief_ms: the longest brief one where only timing tells.
        acknowledgement: of those with words like "yeah".
        continuer: of those with words like "uh-huh" alone.
        reaction: of those with words like "really", and of assessments.
        brief: of brief ones of which only timing tells.
        long: of others of which only timing tells.
    """

    near_ms: int
    brief_ms: int
    acknowledgement: Agreement
    continuer: Agreement
    reaction: Agreement
    brief: Agreement
    long: Agreement


@dataclass(frozen=True, kw_only=True)
class BackchannelWordsRules(RuleSet):
    """Sets what :func:`duologue_pipeline.words.backchannels.backchannel_ipus` takes for a backchannel.

    Attributes:
        ipu_silence_ms: the shortest own silence between two inter-pausal units (IPUs).
        max_words: the most words of a backchannel.
        max_ms: the longest backchannel.
        own_turn_before_ms: no own turn ends nearer before it.
        other_silent_before_ms: the other speaker has spoken within this time before it.
        question_max_words: so many of the other's last words are read as a question.
        question_before_ms: within this time after a question it is an answer.
        timing_max_words: the most words of more than a letter in a backchannel where only timing tells.
        timing_max_ms: the longest one there.
        timing_lone_before_ms: its own silence before it there, at the least.
        timing_lone_after_ms: its own silence after it there, at the least.
        timing_other_within_ms: so long before it one listens there whether the other speaker has the floor,
        timing_other_spoke_ms: who then has spoken for this long, at the least.
        timing_resume_ms: within this time after it the other speaker goes on there, as the next to speak.
        confidences: of the backchannels found.
    """

    name: ClassVar[str] = "backchannel_words"
    ipu_silence_ms: int
    max_words: int
    max_ms: int
    own_turn_before_ms: int
    other_silent_before_ms: int
    question_max_words: int
    question_before_ms: int
    timing_max_words: int
    timing_max_ms: int
    timing_lone_before_ms: int
    timing_lone_after_ms: int
    timing_other_within_ms: int
    timing_other_spoke_ms: int
    timing_resume_ms: int
    confidences: BackchannelConfidences
