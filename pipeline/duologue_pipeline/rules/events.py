"""Holds the rule set ``events``: what happens between two speakers, and with what confidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["EventConfidences", "EventsRules"]


@dataclass(frozen=True, kw_only=True)
class EventConfidences:
    """Sets the confidence of an event: the precision of its kind, as measured; where it was not, a guess.

    Attributes:
        co_completion: of a completion of the other's clause.
        laughter: of laughter that the transcript names.
        filler: of a filled pause.
        hesitation: of a silence, or a drawn-out word, where a clause cannot end.
        repetition: of what is said again.
        false_start: of what is given up.
        self_correction: of what is said otherwise.
    """

    co_completion: float
    laughter: float
    filler: float
    hesitation: float
    repetition: float
    false_start: float
    self_correction: float

    def of_disfluencies(self) -> Mapping[str, float]:
        """Gives the confidence of each kind of disfluency, by the kind's name."""
        return {
            "filler": self.filler,
            "hesitation": self.hesitation,
            "repetition": self.repetition,
            "false_start": self.false_start,
            "self_correction": self.self_correction,
        }


@dataclass(frozen=True, kw_only=True)
class EventsRules(RuleSet):
    """Sets what :mod:`duologue_pipeline.events.find` takes for which event, and with what confidence.

    Attributes:
        ipu_silence_ms: the shortest own silence between two inter-pausal units (IPUs).
        hear_onset_ms: who begins sooner after the holder's IPU began is taken not to know of it.
        terminal_overlap_ms: who begins sooner before the holder's end clips the last syllable only.
        take_over_ms: what is longer takes the turn over.
        take_over_words: so does what has more words.
        success_max_ms: the longest stop latency of a barge-in that counts as successful.
        completion_max_words: the most words of a completion of the other's clause.
        completion_within_ms: the longest silence before a completion, and before the holder speaks after it began.
        completion_after_words: words of the holder after it began in which it may be taken up.
        confidences: of the events that are a guess.
    """

    name: ClassVar[str] = "events"
    ipu_silence_ms: int
    hear_onset_ms: int
    terminal_overlap_ms: int
    take_over_ms: int
    take_over_words: int
    success_max_ms: int
    completion_max_words: int
    completion_within_ms: int
    completion_after_words: int
    confidences: EventConfidences
