"""Finds the events that only words show: disfluencies, laughter, and completions of the other's sentence.

It also tells which clauses are left open.

A **co-completion** (Lerner 1991; act ``^2`` of SwDA) is a candidate: the holder's last word cannot end a phrase or is a
hesitation, the listener then says a few words that are no backchannel, and the holder takes one of them up or agrees.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from duologue_pipeline.events.floor import Ipu
from duologue_pipeline.records import Event, Span, Speaker, Vocalisation, Word
from duologue_pipeline.rules.events import EventConfidences, EventsRules
from duologue_pipeline.words.disfluency import Disfluency
from duologue_pipeline.words.lexicon import is_fragment
from duologue_pipeline.words.track import TrackWords

__all__ = ["Transcript", "completes", "disfluency_events", "laughter_events", "vocalisation_events"]

_OPEN: Final = ("article", "determiner", "place", "preposition", "nominative", "nominative_contraction", "auxiliary")
"""Word classes that cannot end a clause. Conjunctions can: many a turn trails off in "so" or "but"."""


class Transcript:
    """Tells what the words of one speaker show about clauses and agreement.

    Args:
        track: the words.
    """

    def __init__(self, track: TrackWords) -> None:
        lexicon = track.lexicon
        self.words = track.words
        self._track = track
        self._starts = [word.start_ms for word in self.words]
        self._open = frozenset().union(*(lexicon.word_classes.get(name, frozenset()) for name in _OPEN))
        self._function = frozenset().union(*lexicon.word_classes.values())
        self._questions = {len(begin) for begin in lexicon.question_begins}
        self._agree = frozenset(
            phrase[0] for name in ("acknowledgement", "reaction") for phrase in lexicon.backchannels.get(name, ())
        )

    def count(self, first: int, last: int) -> int:
        """Counts those of the words ``[first, last)`` that are words and not bracketed tokens."""
        return sum(self._track.spoken[first:last])

    def spoken(self, first: int, last: int) -> list[str]:
        """Lists the normal forms of the words ``[first, last)``, without fillers and bracketed tokens."""
        own = self._track
        return [
            normal
            for normal, spoken in zip(own.normals[first:last], own.spoken[first:last], strict=True)
            if spoken and normal not in own.lexicon.fillers
        ]

    def left_open(self, at_ms: int, *, within_ms: int) -> bool:
        """Tells whether the clause is open at ``at_ms``: its last word, said at most ``within_ms`` ago, cannot end it."""
        last = bisect_left(self._starts, at_ms) - 1
        if last < 0 or at_ms - self.words[last].end_ms > within_ms:
            return False
        normal = self._track.normals[last]
        return normal in self._open or normal in self._track.lexicon.fillers or is_fragment(normal)

    def following(self, at_ms: int, *, within_ms: int, count: int) -> list[str]:
        """Lists the first ``count`` words from ``at_ms`` on; none if the first begins more than ``within_ms`` later."""
        first = bisect_left(self._starts, at_ms)
        if first == len(self.words) or self._starts[first] - at_ms > within_ms:
            return []
        return self.spoken(first, min(first + count, len(self.words)))

    def supplies(self, spoken: Sequence[str]) -> bool:
        """Tells whether these words could be what another's clause lacks: content, and no agreement or question."""
        return (
            any(normal not in self._function for normal in spoken)
            and spoken[-1] not in self._open
            and not self.agrees(spoken[0])
            and not any(tuple(spoken[:length]) in self._track.lexicon.question_begins for length in self._questions)
        )

    def agrees(self, normal: str) -> bool:
        """Tells whether agreement begins with this word."""
        return normal in self._agree


def completes(ipu: Ipu, own: Transcript, other: Transcript, rules: EventsRules) -> bool:
    """Tells whether an IPU may complete what the other speaker was saying."""
    supplied = own.spoken(ipu.unit.first, ipu.unit.last)
    if len(supplied) > rules.completion_max_words or not own.supplies(supplied):
        return False
    if not other.left_open(ipu.span.start_ms, within_ms=rules.completion_within_ms):
        return False
    after = other.following(ipu.span.start_ms, within_ms=rules.completion_within_ms, count=rules.completion_after_words)
    return bool(after) and (own.agrees(after[0]) or not set(supplied).isdisjoint(after))


def disfluency_events(
    speaker: Speaker, words: Sequence[Word], found: Sequence[Disfluency], confidences: EventConfidences
) -> list[Event]:
    """Makes events of the disfluencies of one speaker, their parts as stretches of time."""

    certain = confidences.of_disfluencies()

    def part(indices: tuple[int, int] | None) -> Span | None:
        if indices is None:
            return None
        said = words[indices[0] : indices[1]]
        return Span(said[0].start_ms, max(word.end_ms for word in said))

    return [
        Event(
            each.kind,
            speaker,
            each.start_ms,
            each.end_ms,
            confidence=certain[each.kind],
            source="words",
            reparandum=part(each.reparandum),
            interregnum=part(each.interregnum),
            repair=part(each.repair),
        )
        for each in found
    ]


def laughter_events(speaker: Speaker, track: TrackWords, *, joined_ms: int, confidence: float) -> list[Event]:
    """Makes events of the laughter that the transcript names, neighbouring tokens joined."""
    spans: list[Span] = []
    for word, laughs in zip(track.words, track.laughter, strict=True):
        if not laughs:
            continue
        if spans and word.start_ms - spans[-1].end_ms < joined_ms:
            spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, word.end_ms))
        else:
            spans.append(Span(word.start_ms, word.end_ms))
    return [
        Event("laughter", speaker, span.start_ms, span.end_ms, confidence=confidence, source="words") for span in spans
    ]


def vocalisation_events(speaker: Speaker, found: Sequence[Vocalisation]) -> list[Event]:
    """Makes events of fillers and laughter as far as the signal suggests them; breaths are no event."""
    return [
        Event(each.kind, speaker, each.start_ms, each.end_ms, confidence=each.confidence)
        for each in found
        if each.kind in ("filler", "laughter")
    ]
