"""Holds back the words that have no times of their own: events are made of measured times alone.

Words that were placed between their neighbours, or spread over an utterance, are tagged and counted; what they show about
when something happens is nothing (docs/adr/0035-where-the-times-of-words-come-from.md).
"""

from collections.abc import Sequence
from dataclasses import replace

from duologue_pipeline.records import Span, Vocalisation, Word
from duologue_pipeline.words.disfluency import Disfluency
from duologue_pipeline.words.track import TrackWords

__all__ = ["is_timed", "timed_disfluencies", "timed_places", "timed_words", "vocalisations_outside"]


def is_timed(word: Word) -> bool:
    """Tells whether the transcript gives the times of the word itself."""
    return word.timing == "word"


def timed_places(words: Sequence[Word]) -> list[int]:
    """Lists the places of the words that have times of their own."""
    return [place for place, word in enumerate(words) if is_timed(word)]


def timed_words(track: TrackWords) -> TrackWords:
    """Takes the words with times of their own; a track that has words and none such is not known from words."""
    places = timed_places(track.words)
    if len(places) == len(track.words):
        return track
    return TrackWords(
        words=tuple(track.words[i] for i in places),
        normals=tuple(track.normals[i] for i in places),
        spoken=tuple(track.spoken[i] for i in places),
        laughter=tuple(track.laughter[i] for i in places),
        lexicon=track.lexicon,
        known=track.known and bool(places),
    )


def timed_disfluencies(found: Sequence[Disfluency], track: TrackWords) -> list[Disfluency]:
    """Takes the disfluencies that no word without times of its own is part of or borders on, for :func:`timed_words`.

    Args:
        found: in all words of the speaker.
        track: all words of the speaker, in order of time.

    Returns:
        Those that are left; their ranges count the words with times of their own alone.
    """
    places = timed_places(track.words)
    if len(places) == len(track.words):
        return list(found)
    if not places:
        return []
    untimed = [Span(word.start_ms, word.end_ms) for word in track.words if not is_timed(word)]
    new = {old: place for place, old in enumerate(places)}

    def moved(part: tuple[int, int] | None) -> tuple[int, int] | None:
        return None if part is None else (new[part[0]], new[part[1] - 1] + 1)

    return [
        replace(
            each,
            reparandum=moved(each.reparandum),
            interregnum=moved(each.interregnum),
            repair=moved(each.repair),
            edit_terms=tuple(new[i] for i in each.edit_terms),
        )
        for each in found
        if all(i in new for part in (each.reparandum, each.interregnum, each.repair) if part for i in range(*part))
        and all(i in new for i in each.edit_terms)
        and all(span.end_ms < each.start_ms or span.start_ms > each.end_ms for span in untimed)
    ]


def vocalisations_outside(found: Sequence[Vocalisation], transcribed: Sequence[Span] | None) -> list[Vocalisation]:
    """Takes the sounds that lie outside of what was transcribed, of which no words could tell; none where all was."""
    if transcribed is None:
        return []
    return [
        each
        for each in found
        if not any(span.start_ms < each.end_ms and each.start_ms < span.end_ms for span in transcribed)
    ]
