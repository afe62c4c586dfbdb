"""Reads the tiers of Praat's TextGrid and of ELAN's EAF: a stream a tier, named as the file names it.

A tier whose intervals hold one word each has word times; any other has utterance times. Which tier is whose is told by a
person (``--tier NAME=a``, or ``words_channel`` in the manifest). ELAN's time slots may lack a value: such a border lies
between its neighbours, and the words are marked so. Media that begin later (``TIME_ORIGIN``) are taken into account.

Sources: Praat manual, "TextGrid file formats"; MPI, "EAF annotation format" 3.0. Own code: praatio reads a TextGrid that is
cut off to where it ends and says nothing, and pympi gives slots without a value no place.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from duologue_pipeline.transcripts.model import Stream, Timing, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import over_utterance, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of

__all__ = ["is_eaf", "is_textgrid", "read_eaf", "read_textgrid"]

_WORD_TIER_SHARE: Final = 0.95
_PRAAT: Final = re.compile(r'"(?:[^"]|"")*"|(?<!\S)<\w+>|(?<!\S)[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?!\S)|!.*')


@dataclass(frozen=True)
class _Interval:
    """Holds an interval of a tier; ``sure`` is False where a border of it was placed."""

    start_s: float
    end_s: float
    text: str
    sure: bool = True


# --- Praat ----------------------------------------------------------------------------------------------------------


def is_textgrid(source: Source) -> bool:
    """Tells whether a file is a TextGrid of Praat, in its long or short form."""
    return "ooTextFile" in source.head[:100] and "TextGrid" in source.head[:200]


def read_textgrid(source: Source) -> Transcript:
    """Reads a TextGrid: a stream for each tier of intervals that has text; tiers of points are left out.

    Raises:
        TranscriptError: it is damaged.
    """
    streams, points = [], []
    for kind, name, rows in _grid(source):
        where = f"{source.name}: tier {name!r}"
        if kind == "TextTier":
            points.append(name)
            continue
        intervals = [_Interval(start_s, end_s, text) for start_s, end_s, text in rows if text.strip()]
        _check(intervals, where)
        if intervals:
            streams.append(_tier(name, intervals, where))
    notes = [f"tiers of points are left out: {', '.join(map(repr, points[:5]))}"] if points else []
    return _of_tiers("textgrid", source, streams, notes)


def _grid(source: Source) -> Iterator[tuple[str, str, list[tuple[float, float, str]]]]:
    """Takes a TextGrid apart as Praat does: what counts are quoted texts, numbers that stand free, and their order."""
    found = [token for token in _PRAAT.findall(source.text) if not token.startswith("!")]
    place = 2 if found[1:2] == ['"TextGrid"'] else 1

    def text() -> str:
        nonlocal place
        place += 1
        token = found[place - 1] if place <= len(found) else ""
        if not token.startswith('"'):
            raise TranscriptError(
                f"{source.name}: the TextGrid is damaged: found {token[:40]!r} where a text should stand"
            )
        return token[1:-1].replace('""', '"')

    def number() -> float:
        nonlocal place
        place += 1
        token = found[place - 1] if place <= len(found) else ""
        if not token or token[0] in '"<':
            told = (
                "it ends before the tiers that it announces"
                if not token
                else f"found {token[:40]} where a number should stand"
            )
            raise TranscriptError(f"{source.name}: the TextGrid is damaged: {told}")
        return float(token)

    number(), number()
    if found[place : place + 1] == ["<exists>"]:
        place += 1
    for _ in range(int(number())):
        kind, name = text(), text()
        number(), number()
        rows = []
        for _ in range(int(number())):
            start_s = number()
            end_s = number() if kind == "IntervalTier" else start_s
            rows.append((start_s, end_s, text()))
        yield kind, name, rows


# --- ELAN -----------------------------------------------------------------------------------------------------------


def is_eaf(source: Source) -> bool:
    """Tells whether a file is an annotation document of ELAN."""
    return "<ANNOTATION_DOCUMENT" in source.head


def read_eaf(source: Source) -> Transcript:
    """Reads an annotation document of ELAN: a stream for each tier with times that has text.

    Raises:
        TranscriptError: it is damaged.
    """
    if "<!DOCTYPE" in source.head or "<!ENTITY" in source.text:
        raise TranscriptError(f"{source.name}: declares entities, which ELAN never writes; save it with ELAN again")
    try:
        root = ElementTree.fromstring(
            source.text
        )  # of a text, whatever encoding it names, which was told from the bytes
    except ElementTree.ParseError as error:
        raise TranscriptError(f"{source.name}: the EAF is damaged ({error})") from None
    slots = _slots(root, source.name)
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    origin_s = _milliseconds(None if media is None else media.get("TIME_ORIGIN", "0"), source.name) / 1000
    streams, placed_slots = [], 0
    for tier in root.iter("TIER"):
        name = tier.get("TIER_ID") or ""
        where, intervals = f"{source.name}: tier {name!r}", []
        for each in tier.iter("ALIGNABLE_ANNOTATION"):
            refs = [each.get("TIME_SLOT_REF1"), each.get("TIME_SLOT_REF2")]
            text = each.findtext("ANNOTATION_VALUE") or ""
            if not text.strip():
                continue
            if any(ref not in slots for ref in refs):
                raise TranscriptError(f"{where}: {each.get('ANNOTATION_ID')} names a time slot that is not there")
            (start_s, sure), (end_s, sure_too) = (slots[str(ref)] for ref in refs)
            placed_slots += not (sure and sure_too)
            intervals.append(
                _Interval(max(0.0, start_s - origin_s), max(0.0, end_s - origin_s), text, sure and sure_too)
            )
        _check(intervals, where)
        if intervals:
            streams.append(_tier(name, intervals, where))
    notes = (
        [f"{placed_slots} annotations have no time at a border; it lies between its neighbours"] if placed_slots else []
    )
    return _of_tiers("eaf", source, streams, notes)


def _slots(root: ElementTree.Element, name: str) -> dict[str, tuple[float, bool]]:
    """Gives the time of each slot in seconds, and whether the file has it; others lie evenly between their neighbours."""
    order = [(slot.get("TIME_SLOT_ID") or "", slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")]
    times = [None if value is None else _milliseconds(value, name) / 1000 for _, value in order]
    known = [place for place, time in enumerate(times) if time is not None]
    found = {}
    for place, (slot, _) in enumerate(order):
        time = times[place]
        if time is not None:
            found[slot] = (time, True)
            continue
        before, after = bisect_left(known, place) - 1, bisect_right(known, place)
        first = known[max(before, 0)] if known else None
        last = known[min(after, len(known) - 1)] if known else None
        if first is None or last is None:
            raise TranscriptError(f"{name}: no time slot has a value; time the annotations in ELAN")
        left, right = times[first], times[last]
        assert left is not None
        assert right is not None
        share = (place - first) / (last - first) if first < place < last else 0.0
        found[slot] = (left + (right - left) * share, False)
    return found


def _milliseconds(value: str | None, name: str) -> float:
    try:
        found = float(value or 0)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise TranscriptError(f"{name}: found the time {value!r}, expected milliseconds"[:200])
    return found


# --- both -----------------------------------------------------------------------------------------------------------


def _check(intervals: Sequence[_Interval], where: str) -> None:
    for each in intervals:
        if not (math.isfinite(each.start_s) and math.isfinite(each.end_s)) or each.start_s < 0:
            raise TranscriptError(f"{where}: an interval begins at {each.start_s} and ends at {each.end_s}")


def _tier(name: str, intervals: Sequence[_Interval], where: str) -> Stream:
    """Makes a stream of a tier: words where nearly every interval holds one, else words of utterances."""
    tokens = [(each, tokens_of(each.text)) for each in intervals]
    single = sum(len(found) <= 1 for _, found in tokens)
    by_word = bool(tokens) and single >= _WORD_TIER_SHARE * len(tokens)
    words: list[TranscriptWord] = []
    for each, found in tokens:
        start_s, end_s = round(each.start_s, 6), round(each.end_s, 6)
        if by_word and len(found) == 1:
            timing: Timing = "word" if each.sure else "interpolated"
            if end_s < start_s:
                raise TranscriptError(
                    f"{where}: {each.text[:30]!r} ends at {end_s:g} s, before it begins ({start_s:g} s)"
                )
            words.append(TranscriptWord(found[0].word, start_s, end_s, timing=timing, marks=found[0].marks))
        else:
            words += over_utterance(found, start_s, end_s, where=where)
    return Stream(sorted_words(words), name=name)


def _of_tiers(kind: str, source: Source, streams: Sequence[Stream], notes: Sequence[str]) -> Transcript:
    if not streams:
        raise TranscriptError(f"{source.name}: has no tier of intervals with text")
    return Transcript(kind, tuple(streams), "track" if len(streams) == 1 else "name", tuple(notes))
