"""Brings the transcripts of a corpus to words files, with its known slips mended and its marks mapped."""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from duologue_pipeline.corpora.adapter import Adapter, FileRule
from duologue_pipeline.corpora.own_words import READERS_OF_WORDS
from duologue_pipeline.transcripts.choose import Wanted, stream_of
from duologue_pipeline.transcripts.formats import read_transcript
from duologue_pipeline.transcripts.model import MARKS, Stream, Transcript
from duologue_pipeline.transcripts.own import words_document
from duologue_pipeline.transcripts.place import sorted_words
from duologue_pipeline.transcripts.source import Source

__all__ = ["PackedFiles", "SharedWords", "refusal_in", "stream_for", "transcript_of", "words_file"]


class PackedFiles(Mapping[str, bytes]):
    """Holds many small files by their name, compressed: the words of a corpus of thousands of hours fit into memory so."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> None:
        """Keeps a file."""
        self._packed[name] = zlib.compress(data, 6)

    def __getitem__(self, name: str) -> bytes:
        return zlib.decompress(self._packed[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


class SharedWords:
    """Holds the words of transcripts that are of many recordings, by what they call a recording or an audio file."""

    def __init__(self) -> None:
        self._streams: dict[str, list[tuple[Stream, str]]] = {}

    def add(self, transcript: Transcript) -> None:
        """Adds the streams of a transcript."""
        for stream in transcript.streams:
            self._streams.setdefault(stream.recording, []).append((stream, transcript.format))

    def of(self, audio: str) -> tuple[Stream, str] | None:
        """Gives the words of a file of one track and their format; None where there are none, or they are not told apart.

        Args:
            audio: its name without the suffix.
        """
        found = self._streams.get(audio, [])
        return found[0] if len(found) == 1 else None


def transcript_of(adapter: Adapter, rule: FileRule, data: bytes, *, name: str, recording: str) -> Transcript:
    """Reads a transcript as its corpus writes it.

    Args:
        adapter: whose slips and tags are mended before.
        rule: its format and encoding.
        data: the file.
        name: of it, for messages.
        recording: whose it is.

    Raises:
        TranscriptError: it cannot be read.
    """
    source = Source(data, name, rule.encoding)
    fixes = [(re.escape(was), now) for was, now in adapter.fixes.get(recording, ())]
    changes = [*fixes, *adapter.replace]
    if changes:
        text = source.text
        for was, now in changes:
            text = re.sub(was, now, text)
        source = Source(text.encode(), name)
    if rule.format in READERS_OF_WORDS:
        return READERS_OF_WORDS[rule.format](source)
    return read_transcript(source, format=rule.format)


def refusal_in(rule: FileRule, data: bytes, *, name: str) -> str:
    """Tells why a recording cannot be used, by a line of its transcript (``refuse_if``); empty where it can."""
    if not rule.refuse_if:
        return ""
    pattern, why = rule.refuse_if
    found = re.search(pattern, Source(data, name, rule.encoding).text, re.MULTILINE)
    return f"{why} ({' '.join(found[0].split())[:60]})" if found else ""


def stream_for(
    transcript: Transcript, *, channel: int, label: str | None, shared: bool, recording: str, name: str
) -> Stream | None:
    """Chooses the words of a track.

    Args:
        transcript: of one side, or of both.
        channel: of the track.
        label: what the transcript calls its stream, where the corpus says it.
        shared: whether it is of both sides.
        recording: what the corpus calls it.
        name: of the file, for messages.

    Returns:
        None where the transcript numbers its channels and has none of this track.

    Raises:
        TranscriptError: it cannot be told.
    """
    by_channel = shared and transcript.separation == "channel" and label is None
    if by_channel and all(stream.channel != channel for stream in transcript.streams):
        return None
    wanted = Wanted(label=label, channel=channel, shared=shared, shared_audio=by_channel, recordings=(recording,))
    return stream_of(transcript, wanted, name=name)


def words_file(adapter: Adapter, stream: Stream, *, source: str) -> bytes:
    """Writes a words file, a word a line, with the marks of the corpus mapped."""
    words = []
    for word in stream.words:
        mark = adapter.marks.get(word.word.casefold())
        if mark is None:
            words.append(word)
        elif mark:
            words.append(replace(word, marks=tuple(each for each in MARKS if each in {*word.marks, mark})))
    document: dict[str, Any] = words_document(replace(stream, words=sorted_words(words)), source=source)
    head = orjson.dumps({name: value for name, value in document.items() if name != "words"})
    rows = b",\n".join(orjson.dumps(word) for word in document["words"])
    return head[:-1] + b', "words": [\n' + rows + b"\n]}\n"
