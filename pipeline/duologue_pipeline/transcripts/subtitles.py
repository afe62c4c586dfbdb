"""Reads SubRip and WebVTT: cues with utterance times; ``Name: text`` and ``<v Name>`` name who speaks.

Subtitles of Zoom, Teams and Meet have no word times. WebVTT may hold stamps inside a cue (``<00:00:01.200>``, as YouTube
writes them): then the words have the times between the stamps.

Sources: w3.org/TR/webvtt1, 4 "Syntax" (cue payload text, voice span, timestamp); the SubRip format as the package srt parses it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import over_utterance, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import clock_s

__all__ = ["is_srt", "is_vtt", "read_srt", "read_vtt"]

_TIMES: Final = re.compile(r"\s*([\d:.,]+)\s+-->\s+([\d:.,]+)(?:\s+.*)?")
_VOICE: Final = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_NAME: Final = re.compile(r"^\s*([^\s:<>][^:<>]{0,60}?):\s+(\S.*)$", re.DOTALL)
_STAMP: Final = re.compile(r"<((?:\d+:)?\d{1,2}:\d{2}\.\d{3})>")
_TAG: Final = re.compile(r"</?[A-Za-z][^>]*>")
_NO_CUE: Final = re.compile(r"(WEBVTT|NOTE|STYLE|REGION)(\s|$)|\d+$")
"""How a block begins that is none: the head, a remark, a style, a region, or the number of a cue without text."""
_ENTITIES: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}


@dataclass(frozen=True)
class _Cue:
    """Holds a cue: its time in seconds, its text, and its place for messages."""

    start_s: float
    end_s: float
    text: str
    where: str


def is_vtt(source: Source) -> bool:
    """Tells whether a file is WebVTT."""
    return bool(re.match(r"WEBVTT(\s|$)", source.head))


def is_srt(source: Source) -> bool:
    """Tells whether a file is SubRip: its first line but one is a time with an arrow."""
    rows = [line for line in source.head.split("\n") if line.strip()][:2]
    return len(rows) == 2 and rows[0].strip().isdigit() and _TIMES.fullmatch(rows[1]) is not None


def read_srt(source: Source) -> Transcript:
    """Reads SubRip: a stream for each name before a colon, else one.

    Raises:
        TranscriptError: a cue is not as it should be.
    """
    return _read(source, "srt")


def read_vtt(source: Source) -> Transcript:
    """Reads WebVTT: a stream for each voice or name, else one; words between stamps have word times.

    Raises:
        TranscriptError: a cue is not as it should be.
    """
    return _read(source, "vtt")


def _read(source: Source, kind: str) -> Transcript:
    notes: list[str] = []
    cues = list(_cues(source, notes))
    named = [_voice(cue.text) for cue in cues]
    if sum(bool(name) for name, _ in named) * 2 <= len(cues) and not any(_VOICE.search(cue.text) for cue in cues):
        named = [("", cue.text) for cue in cues]  # people do say colons
    said: dict[str, list[TranscriptWord]] = {}
    with_name = {name for name, _ in named if name}
    for cue, (name, text) in zip(cues, named, strict=True):
        said.setdefault(name, []).extend(_words(cue, text))
    if not with_name:
        return Transcript(kind, (Stream(sorted_words(said.get("", []))),), "track", tuple(notes))
    if said.get(""):
        notes.append(f"{len(said[''])} words stand in cues that name nobody, and are left out")
    streams = tuple(Stream(sorted_words(said[name]), name=name) for name in sorted(with_name))
    return Transcript(kind, streams, "name", tuple(notes))


def _cues(source: Source, notes: list[str]) -> Iterator[_Cue]:
    lost: list[int] = []
    blocks: list[tuple[int, list[str]]] = [(1, [])]
    for number, line in enumerate(source.lines, start=1):
        if line.strip():
            if not blocks[-1][1]:
                blocks[-1] = (number, [])
            blocks[-1][1].append(line)
        elif blocks[-1][1]:
            blocks.append((number, []))
    for number, lines in blocks:
        at = next((place for place, line in enumerate(lines[:2]) if "-->" in line), None)
        if at is None:
            if lines and not _NO_CUE.match(lines[0]):
                lost.append(number)  # a blank line ends a cue, and its rest has no time
            continue
        where = f"{source.name}:{number + at}"
        found = _TIMES.fullmatch(lines[at])
        if found is None:
            raise TranscriptError(f"{where}: expected two times with an arrow (00:00:01.200 --> 00:00:02.500)")
        start_s, end_s = (clock_s(text, where=where) for text in found.groups())
        yield _Cue(start_s, end_s, "\n".join(lines[at + 1 :]), where)
    if lost:
        notes.append(f"{len(lost)} pieces of text stand in no cue and are left out, the first in line {lost[0]}")


def _voice(text: str) -> tuple[str, str]:
    """Splits the text of a cue into who speaks and what they say."""
    voice = _VOICE.search(text)
    if voice:
        return voice[1].strip(), text
    name = _NAME.match(text)
    return (name[1].strip(), name[2]) if name else ("", text)


def _words(cue: _Cue, text: str) -> list[TranscriptWord]:
    parts = _STAMP.split(text)
    texts = [_unescaped(_TAG.sub(" ", part)) for part in parts[::2]]
    if len(parts) == 1:
        return over_utterance(tokens_of(texts[0]), cue.start_s, cue.end_s, where=cue.where)
    times = [cue.start_s, *(clock_s(stamp, where=cue.where) for stamp in parts[1::2]), cue.end_s]
    words = []
    for piece, start_s, end_s in zip(texts, times, times[1:], strict=False):
        tokens = tokens_of(piece)
        if len(tokens) == 1 and end_s >= start_s:
            words.append(TranscriptWord(tokens[0].word, start_s, end_s, marks=tokens[0].marks))
        else:
            words += over_utterance(tokens, start_s, end_s, where=cue.where)
    return words


def _unescaped(text: str) -> str:
    for entity, letter in _ENTITIES.items():
        text = text.replace(entity, letter)
    return text
