"""Turns transcript files into words files, one a track: which stream is whose is said by the file or by a person."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import write_bytes
from duologue_pipeline.transcripts.choose import DIARIZED
from duologue_pipeline.transcripts.formats import read_transcript
from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError
from duologue_pipeline.transcripts.own import words_document
from duologue_pipeline.transcripts.source import Source

__all__ = ["Imported", "WordsFile", "import_file", "write_words_files"]


@dataclass(frozen=True)
class WordsFile:
    """Holds a words file before it is written: its name, and its document (schemas/words.schema.json)."""

    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Imported:
    """Holds what one transcript file gives: its format, its words files, and what the person should know."""

    format: str
    files: Sequence[WordsFile]
    notes: Sequence[str]


def import_file(
    source: Source,
    *,
    format: str = "auto",
    track: str | None = None,
    channels: Mapping[int, str] | None = None,
    tiers: Mapping[str, str] | None = None,
) -> Imported:
    """Reads a transcript and gives the words file of each of its tracks.

    Args:
        source: the file.
        format: a key of :data:`duologue_pipeline.transcripts.formats.FORMATS`, or ``auto``.
        track: ``a`` or ``b``: the file holds the words of this track alone, whatever it says of speakers.
        channels: channel, counted from 0 -> track; None takes 0 as a and 1 as b.
        tiers: name of a tier or a speaker -> track; channels and tiers that are not named are left out and told.

    Returns:
        Its words files: ``NAME.json`` where the file is of one track that nobody named, ``NAME.a.json`` and
        ``NAME.b.json`` else. NAME is that of the file, or of the recording where it holds several.

    Raises:
        TranscriptError: it cannot be read, or it cannot be told whose words they are.
    """
    transcript = read_transcript(source, format=format)
    chosen = list(_chosen(transcript, source.name, track=track, channels=channels, tiers=tiers))
    notes = list(transcript.notes)
    kept = [stream for stream, _ in chosen]
    left = [each for each in transcript.streams if not any(each is one for one in kept) and each.words]
    if left:
        told = ", ".join(each.label or each.recording for each in left[:5])
        notes.append(f"left out: {told} ({sum(len(each.words) for each in left)} words)")
    several = len({stream.recording for stream in transcript.streams}) > 1
    files = []
    for stream, side in chosen:
        stem = stream.recording if several else Path(source.name).stem
        name = re.sub(r"[^\w.-]", "_", stem) + (f".{side}" if side else "") + ".json"
        files.append(WordsFile(name, words_document(stream, source=transcript.format)))
    twice = sorted({each.name for each in files if [one.name for one in files].count(each.name) > 1})
    if twice:
        raise TranscriptError(f"{source.name}: several streams would be written to {twice[0]}; name one for each track")
    return Imported(transcript.format, files, notes)


def write_words_files(files: Sequence[WordsFile], folder: Path) -> None:
    """Writes words files into a folder; a file that is there already is only ever written as it is.

    Raises:
        UsageError: one is there with other words, or the folder cannot be written.
    """
    texts = {folder / each.name: json.dumps(each.document, ensure_ascii=False, indent=1) + "\n" for each in files}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            if path.exists() and path.read_bytes() != text.encode():
                raise UsageError(f"{path}: is there already with other words; choose another --out, or move it away")
        for path, text in texts.items():
            write_bytes(str(path), text.encode())
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); choose another --out"
        ) from None


def _chosen(
    transcript: Transcript,
    name: str,
    *,
    track: str | None,
    channels: Mapping[int, str] | None,
    tiers: Mapping[str, str] | None,
) -> Iterator[tuple[Stream, str]]:
    streams = transcript.streams
    if track is not None:
        if len({stream.recording for stream in streams}) < len(streams):
            raise TranscriptError(
                f"{name}: has {len(streams)} streams ({_labels(streams)}), and --track is for files of one"
            )
        yield from ((stream, track) for stream in streams)
        return
    if tiers:
        names = {stream.name for stream in streams}
        for wanted in tiers:
            if wanted not in names:
                raise TranscriptError(f"{name}: has no tier {wanted!r}; it has {_labels(streams)}")
        yield from ((stream, tiers[stream.name]) for stream in streams if stream.name in tiers)
        return
    if transcript.separation == "diarized":
        raise TranscriptError(f"{name}: {DIARIZED}. If it is of one track, say which: --track a")
    if transcript.separation == "track":
        yield from ((stream, "") for stream in streams)
        return
    if transcript.separation == "name":
        raise TranscriptError(f"{name}: whose words are whose? Say it with --tier NAME=a; it has {_labels(streams)}")
    sides = {0: "a", 1: "b"} if channels is None else channels
    beyond = sorted({stream.channel for stream in streams if stream.channel is not None} - {0, 1})
    if beyond and channels is None:
        raise TranscriptError(f"{name}: has channels {beyond} beside 0 and 1; say which are whose with --channel 2=a")
    for stream in streams:
        if stream.channel is not None and stream.channel in sides:
            yield stream, sides[stream.channel]


def _labels(streams: Sequence[Stream]) -> str:
    labels = list(dict.fromkeys(repr(stream.name) if stream.name else stream.label for stream in streams))
    return ", ".join(labels[:8]) + (", ..." if len(labels) > 8 else "")
