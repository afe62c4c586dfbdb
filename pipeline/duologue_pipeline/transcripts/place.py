"""Gives times to words that have none: between their neighbours, or over the utterance that holds them.

Times that are made here are never taken for measured: the words are marked ``interpolated`` or ``utterance``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from duologue_pipeline.transcripts.model import TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.spoken import Token, bare

__all__ = ["Untimed", "over_utterance", "placed", "sorted_words"]


@dataclass(frozen=True)
class Untimed:
    """Holds a word as a transcript gives it: its times may be None."""

    text: str
    start_s: float | None
    end_s: float | None
    confidence: float | None = None


def placed(
    words: Sequence[Untimed], *, start_s: float | None = None, end_s: float | None = None, where: str
) -> list[TranscriptWord]:
    """Makes words of what a transcript gives, in its order; those without times lie between their neighbours.

    Words of one gap share all of it by their letters; what has no neighbour on one side takes the border of its segment.

    Args:
        words: of one segment, or of a whole channel.
        start_s, end_s: of the segment, None where it has none.
        where: its place, for messages.

    Raises:
        TranscriptError: a word ends before it begins, or no word has a time and the segment has none either.
    """
    known: list[tuple[Token, Untimed]] = []
    for number, word in enumerate(words):
        token = bare(word.text)
        if token is None:
            continue
        if word.start_s is not None and word.end_s is not None and word.end_s < word.start_s:
            raise TranscriptError(
                f"{where}, word {number} ({word.text.strip()[:30]!r}): ends at {word.end_s:g} s, before it begins "
                f"({word.start_s:g} s); correct its times"
            )
        known.append((token, word))
    found: list[TranscriptWord] = []
    at = 0
    while at < len(known):
        token, word = known[at]
        if word.start_s is not None and word.end_s is not None:
            found.append(TranscriptWord(token.word, word.start_s, word.end_s, word.confidence, marks=token.marks))
            at += 1
            continue
        last = at
        while last < len(known) and (known[last][1].start_s is None or known[last][1].end_s is None):
            last += 1
        before_s = found[-1].end_s if found else start_s
        after_s = known[last][1].start_s if last < len(known) else end_s
        if before_s is None and after_s is None:
            raise TranscriptError(
                f"{where}: none of the words has a time, as of {token.word[:30]!r}; recognise again with word times"
            )
        before_s = after_s if before_s is None else before_s
        after_s = before_s if after_s is None else after_s
        assert before_s is not None
        assert after_s is not None
        found += _shared([part for part, _ in known[at:last]], before_s, max(before_s, after_s), "interpolated")
        at = last
    return found


def over_utterance(tokens: Sequence[Token], start_s: float, end_s: float, *, where: str) -> list[TranscriptWord]:
    """Spreads the words of an utterance over its time, by their letters; they are marked ``utterance``.

    Raises:
        TranscriptError: it ends before it begins.
    """
    if end_s < start_s:
        raise TranscriptError(
            f"{where}: ends at {end_s:g} s, before it begins ({start_s:g} s); correct the times of the utterance"
        )
    return _shared(tokens, start_s, end_s, "utterance")


def sorted_words(words: Iterable[TranscriptWord]) -> tuple[TranscriptWord, ...]:
    """Sorts words by start and end; equal ones stay in the order of their file."""
    return tuple(sorted(words, key=lambda word: (word.start_s, word.end_s)))


def _shared(tokens: Sequence[Token], start_s: float, end_s: float, timing: str) -> list[TranscriptWord]:
    """Shares a stretch of time between words by the number of their letters."""
    assert timing in ("interpolated", "utterance")
    lengths = [max(1, len(token.word)) for token in tokens]
    total, so_far, words = sum(lengths), 0, []
    for token, length in zip(tokens, lengths, strict=True):
        first = round(start_s + (end_s - start_s) * so_far / total, 3)
        so_far += length
        last = end_s if so_far == total else round(start_s + (end_s - start_s) * so_far / total, 3)
        first, last = min(max(first, start_s), end_s), min(max(last, start_s), end_s)
        words.append(
            TranscriptWord(
                token.word,
                first,
                max(first, last),
                timing="interpolated" if timing == "interpolated" else "utterance",
                marks=token.marks,
            )
        )
    return words
