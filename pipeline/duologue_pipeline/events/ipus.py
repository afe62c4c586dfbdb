"""Makes the inter-pausal units (IPUs) of a speaker: from activity, from words, or from both.

- From **activity** alone: stretches of speech, joined across own silences under 200 ms.
- From **words** alone: the same over the words. A word without duration counts as one millisecond.
- From **both**: activity says when, words say what. An IPU of the activity holds the words that lie in it for the most
  part, and keeps its own edges. A word that no IPU of the activity meets belongs to the nearest one less than 200 ms
  away; failing that it makes an IPU of its own, for detectors miss quiet words. Words stay in order: none lies in an
  earlier IPU than the word before it. An IPU without words stays: transcripts miss short sounds.

The definition of the IPU is that of Nguyen et al. 2023, "Generative spoken dialogue language modeling" (dGSLM).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from duologue_pipeline.records import Span, Speaker, Word
from duologue_pipeline.words.ipu_ranges import ipu_ranges

__all__ = ["Unit", "join_ipus", "other_speaker", "spoken_units", "units_as_words"]


@dataclass(frozen=True)
class Unit:
    """Holds an IPU, and which of its speaker's words are in it.

    These are ``words[first:last]`` in order of time, none if both are equal. ``source`` is ``activity``, ``words`` or
    ``both``.
    """

    speaker: Speaker
    span: Span
    source: str
    first: int = 0
    last: int = 0


def other_speaker(speaker: Speaker) -> Speaker:
    """Gives the one whom a speaker talks to."""
    return "b" if speaker == "a" else "a"


def join_ipus(spans: Sequence[Span], silence_ms: int) -> list[Span]:
    """Joins speech across silences shorter than ``silence_ms``; ``spans`` are sorted by start and may overlap."""
    return [
        Span(spans[first].start_ms, max(span.end_ms for span in spans[first:last]))
        for first, last in ipu_ranges(spans, silence_ms)
    ]


def spoken_units(
    speaker: Speaker,
    spans: Sequence[Span] | None,
    words: Sequence[Word] | None,
    *,
    silence_ms: int,
    duration_ms: int,
) -> list[Unit]:
    """Makes the IPUs of one speaker from what is there: activity, words, or both.

    Args:
        speaker: who speaks.
        spans: their activity, sorted and disjoint; None if there is none.
        words: theirs, in order of start; None if there are none.
        silence_ms: the shortest own silence between two IPUs.
        duration_ms: of the conversation, to which words are cut.

    Returns:
        Sorted, disjoint, never empty.
    """
    ipus = join_ipus(spans or (), silence_ms)
    homes: list[Span] = []  # of each word: an IPU of the activity, or the word itself where it is alone
    alone: list[Span] = []
    for word in words or ():
        said = _cut(word, duration_ms)
        place = _nearest(ipus, said, silence_ms)
        home = said if place is None else ipus[place]
        # A word that begins before another may lie in a later IPU if the transcript overlaps itself: words stay in
        # order.
        if homes and home.start_ms < homes[-1].start_ms:
            home = homes[-1]
        elif place is None:
            alone.append(said)
        homes.append(home)
    heard = {ipu.start_ms for ipu in ipus}
    joined = join_ipus(sorted([*ipus, *alone]), silence_ms)
    starts = [span.start_ms for span in joined]
    places = [bisect_left(starts, home.start_ms + 1) - 1 for home in homes]
    units = []
    for number, span in enumerate(joined):
        first, last = bisect_left(places, number), bisect_left(places, number + 1)
        source = "activity" if first == last else "both" if span.start_ms in heard else "words"
        units.append(Unit(speaker, span, source, first, last))
    return units


def units_as_words(
    units: Sequence[Unit], words: Sequence[Word] | None, *, silence_ms: int, duration_ms: int
) -> list[Word]:
    """Moves the times of a speaker's words so that whoever finds IPUs in words finds these units.

    Units that come from words alone keep the times of their words. Elsewhere the first word begins and the last one
    ends with the unit, and no silence in between is as long as ``silence_ms``; a unit without words holds an empty one.
    """
    said: list[Word] = []
    for unit in units:
        own = (words or ())[unit.first : unit.last] or [Word("", unit.span.start_ms, unit.span.end_ms)]
        if unit.source == "words":
            spans = [_cut(word, duration_ms) for word in own]
        else:
            spans = _stretched(own, unit.span, silence_ms)
        said += [
            replace(word, start_ms=span.start_ms, end_ms=span.end_ms) for word, span in zip(own, spans, strict=True)
        ]
    return said


def _stretched(words: Sequence[Word], over: Span, silence_ms: int) -> list[Span]:
    """Moves the times of words, in order of start, as little as it takes to make one IPU over this time."""
    starts_ms = [over.start_ms]
    for word in words[1:]:
        starts_ms.append(min(max(word.start_ms, starts_ms[-1]), over.end_ms))
    spans = []
    for word, start_ms, next_ms in zip(words, starts_ms, [*starts_ms[1:], over.end_ms], strict=True):
        end_ms = min(max(word.end_ms, start_ms), over.end_ms)
        spans.append(Span(start_ms, next_ms if next_ms - end_ms >= silence_ms else end_ms))
    spans[-1] = Span(spans[-1].start_ms, over.end_ms)
    return spans


def _cut(word: Word, duration_ms: int) -> Span:
    """Gives the time in which a word is said, inside the conversation and at least a millisecond long."""
    start_ms = min(max(word.start_ms, 0), max(duration_ms - 1, 0))
    return Span(start_ms, max(min(word.end_ms, duration_ms), start_ms + 1))


def _nearest(ipus: Sequence[Span], said: Span, reach_ms: int) -> int | None:
    """Finds the IPU that shares most with what is said, or else the nearest one less than ``reach_ms`` away."""
    best: tuple[int, int] | None = None
    at = bisect_left(ipus, said)
    for place in range(max(at - 1, 0), len(ipus)):
        shared_ms = min(ipus[place].end_ms, said.end_ms) - max(ipus[place].start_ms, said.start_ms)
        if shared_ms > -reach_ms and (best is None or shared_ms > best[0]):
            best = shared_ms, place
        if ipus[place].start_ms >= said.end_ms:
            break
    return None if best is None else best[1]
