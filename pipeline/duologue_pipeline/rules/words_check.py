"""Holds the rule set ``words_check``: whether the words of a track can be its words."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["WordsCheckRules"]


@dataclass(frozen=True, kw_only=True)
class WordsCheckRules(RuleSet):
    """Sets which words cannot be a speaker's, by where they lie or in themselves.

    Of written words (:mod:`duologue_pipeline.words.check`) and of recognised ones, whose names begin with ``heard_``
    (:mod:`duologue_pipeline.words.heard`).

    Attributes:
        max_shift_ms: the largest shift between words and activity that is tried.
        shift_ms: words that agree best at this shift or a larger one are shifted.
        min_agreement: words that agree with nobody so well are undetermined; a correlation.
        min_gain: how much better words must agree elsewhere to be shifted or on the wrong track.
        min_words: fewer words are undetermined.
        min_words_ms: so is a shorter time of words or of activity.
        max_outside_share: words of which a larger share lies before or after the audio of their track are not its words.
        max_typical_word_s: where half of the words are longer, their times are no seconds.
        max_repeated_share: where more of the words are there already with the same times, the list was written twice.
        heard_join_ms: a silence from which recognised words on its two sides lie in different stretches of speech.
        heard_reach_ms: how far from all speech a recognised word may lie; farther off nobody said it.
        heard_max_letters_per_s: nobody says more letters (or Chinese characters) a second.
        heard_word_min_ms: a recognised word is at least so long where its stretch has room.
        heard_short_ms: the words of a stretch of speech no longer than this are left out
        heard_short_min_confidence: where their mean confidence is lower.
        heard_unsure_ms: the words of a stretch of speech no longer than this are marked ``unsure``
        heard_unsure_below_confidence: where their mean confidence is lower.
    """

    name: ClassVar[str] = "words_check"
    max_shift_ms: int
    shift_ms: int
    min_agreement: float
    min_gain: float
    min_words: int
    min_words_ms: int
    max_outside_share: float
    max_typical_word_s: float
    max_repeated_share: float
    heard_join_ms: int
    heard_reach_ms: int
    heard_max_letters_per_s: float
    heard_word_min_ms: int
    heard_short_ms: int
    heard_short_min_confidence: float
    heard_unsure_ms: int
    heard_unsure_below_confidence: float
