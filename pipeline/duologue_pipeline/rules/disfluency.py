"""Holds the rule set ``disfluency``: fillers, edit terms, hesitations and repairs, from words."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["DisfluencyRules"]


@dataclass(frozen=True, kw_only=True)
class DisfluencyRules(RuleSet):
    """Sets what :mod:`duologue_pipeline.words.disfluency` and :mod:`duologue_pipeline.words.repairs` find.

    Attributes:
        signs: the signs of word order that are looked for (:mod:`duologue_pipeline.words.repair_signs`).
        restart_max_gap_ms: after a longer silence nothing is taken back.
        pause_ms: a longer silence between two words is a pause to the word order rules.
        clause_silence_ms: after a longer silence a clause begins.
        alone_silence_ms: a word between two longer silences stands alone.
        restart_max_words: the most words of a reparandum that the word order rules look at.
        hesitation_min_ms: the shortest silent hesitation.
        hesitation_max_ms: the longest; after that the speaker has stopped.
        drawn_out_min_ms: a word of this length that cannot end a phrase is a hesitation.
        model_word_probability: words in a row as likely to be taken back are a reparandum; above 1 the model is not
            asked.
        model_max_gap_ms: the model sees nothing across a longer silence.
    """

    name: ClassVar[str] = "disfluency"
    signs: tuple[str, ...]
    restart_max_gap_ms: int
    pause_ms: int
    clause_silence_ms: int
    alone_silence_ms: int
    restart_max_words: int
    hesitation_min_ms: int
    hesitation_max_ms: int
    drawn_out_min_ms: int
    model_word_probability: float
    model_max_gap_ms: int
