"""Reads words from the word files and transcripts that the manifest names (schemas/words.schema.json, docs/transcripts.md).

A word file is a JSON list of words with their times in seconds from the first sample of its track, or an object around it;
a transcript of another program is brought to that form first. It is checked against its schema and for what no schema sees
(times in another unit, the same words twice), and its times are put onto the conversation's clock.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from statistics import median
from typing import Any, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault, Kind, StoreFaultError
from duologue_pipeline.files.kept import kept_copy
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.storage import read_bytes
from duologue_pipeline.records import SPEAKERS, Recording, Span, Speaker, Track, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.rules.words_check import WordsCheckRules
from duologue_pipeline.transcripts.choose import Wanted, stream_of
from duologue_pipeline.transcripts.formats import format_of, read_transcript
from duologue_pipeline.transcripts.model import TranscriptError
from duologue_pipeline.transcripts.own import is_of_both, words_document
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import Token, without_brackets
from duologue_schemas import iter_faults, parse_json

__all__ = [
    "WORDS_POLICIES",
    "Transcripts",
    "parse_words",
    "read_json",
    "read_transcripts",
    "read_words",
    "read_words_bytes",
]

WORDS_POLICIES: Final[dict[str, str]] = {
    "optional": "words go into the samples of the tracks that have them",
    "required": "a recording without words on both tracks is refused",
    "none": "words are neither read nor written",
}

_FAULTS_SHOWN = 3
_REASONS: Final[dict[Kind, str]] = {"over_limit": "words_invalid", "unreachable": "words_unreachable"}


@dataclass(frozen=True)
class Transcripts:
    """Holds the written words of both speakers.

    Attributes:
        words: of each speaker on the conversation's clock, in the order of their file; None for who has none.
        transcribed: the stretches that were written down, sorted and disjoint; None where all of the track was.
        faults: what was wrong with the transcript of a speaker, of whom none is used.
        formats: which one the file of a speaker has (:data:`duologue_pipeline.transcripts.names.FORMAT_NAMES`), if it could be read.
    """

    words: Mapping[Speaker, tuple[Word, ...] | None]
    transcribed: Mapping[Speaker, tuple[Span, ...] | None]
    faults: Mapping[Speaker, str]
    formats: Mapping[Speaker, str] = field(default_factory=dict)


def read_words(recording: Recording, *, policy: str) -> tuple[tuple[Word, ...] | None, tuple[Word, ...] | None]:
    """Reads the words of both tracks onto the conversation's clock.

    Args:
        recording: whose tracks may have a ``words_uri``.
        policy: a key of :data:`WORDS_POLICIES`.

    Returns:
        Words of ``a`` and of ``b`` as of :func:`read_transcripts`.

    Raises:
        RejectError: ``words_missing`` or ``words_invalid``.
    """
    found = read_transcripts(recording, policy=policy)
    return found.words["a"], found.words["b"]


def read_transcripts(recording: Recording, *, policy: str, bear_faults: bool = False) -> Transcripts:
    """Reads the words files or transcripts of both tracks onto the conversation's clock.

    The times in a word file count from the first sample of its track; ``begins_s`` of the track is added here.

    Args:
        recording: whose tracks may have a ``words_uri``.
        policy: a key of :data:`WORDS_POLICIES`.
        bear_faults: whether a transcript that is there and cannot be used costs its words and not the recording; under
            ``required`` it always costs the recording.

    Raises:
        RejectError: ``words_missing`` or ``words_invalid``.
    """
    words: dict[Speaker, tuple[Word, ...] | None] = {"a": None, "b": None}
    transcribed: dict[Speaker, tuple[Span, ...] | None] = {"a": None, "b": None}
    faults: dict[Speaker, str] = {}
    formats: dict[Speaker, str] = {}
    if policy == "none":
        return Transcripts(words, transcribed, faults)
    if policy == "required":
        without = [name for name, track in zip(SPEAKERS, recording.tracks, strict=True) if track.words_uri is None]
        if without:
            raise RejectError(
                "words_missing",
                f"speaker {' and '.join(without)}: no words_uri, and --words required asks for both; "
                "add it to the manifest or run with --words optional",
            )
    for speaker, track in zip(SPEAKERS, recording.tracks, strict=True):
        if track.words_uri is None:
            continue
        try:
            document, format_name = _document(recording, track, track.words_uri)
            if is_of_both(document):
                if speaker not in document:
                    if policy == "required":
                        raise RejectError("words_missing", f"{shown(track.words_uri)}: has no words of {speaker}")
                    continue
                document = document[speaker]
                _check_count(document, shown(track.words_uri), load_rules(FilesRules).max_words)
                words[speaker] = parse_words(
                    document, name=f"{shown(track.words_uri)}: {speaker}", offset_s=track.begins_s
                )
                formats[speaker] = format_name
                continue
            words[speaker] = parse_words(document, name=shown(track.words_uri), offset_s=track.begins_s)
            transcribed[speaker] = _transcribed(document, track.begins_s)
            formats[speaker] = format_name
        except RejectError as error:
            if error.reason != "words_invalid" or not bear_faults or policy == "required":
                raise RejectError(error.reason, error.detail, {**error.values, "track": speaker}) from None
            faults[speaker] = error.detail
    return Transcripts(words, transcribed, faults, formats)


def _document(recording: Recording, track: Track, uri: str) -> tuple[Any, str]:
    """Reads the words of a track as the document of a words file, whatever format they are in, and names that."""
    name, data = shown(uri), read_words_bytes(uri)
    source = Source(data, name)
    other_words = [each.words_uri for each in recording.tracks if each is not track]
    wanted = Wanted(
        label=track.words_channel,
        channel=track.channel,
        shared=uri in other_words,
        shared_audio=recording.a.uri == recording.b.uri,
        recordings=(recording.recording_id, PurePosixPath(track.uri).stem),
    )
    try:
        found = format_of(source)
        if found in (None, "words") and source.document is not None:
            return _own(data, name), "words"
        document = words_document(stream_of(read_transcript(source), wanted, name=name), source="transcript")
    except TranscriptError as error:
        raise RejectError("words_invalid", str(error)) from None
    _check_count(document, name, load_rules(FilesRules).max_words)
    return document, found or "words"


def _transcribed(document: Any, offset_s: float) -> tuple[Span, ...] | None:
    """Gives the stretches that were transcribed on the conversation's clock, joined where they touch."""
    if not isinstance(document, dict) or "transcribed" not in document:
        return None
    joined: list[Span] = []
    for each in sorted(document["transcribed"], key=lambda span: (span["start_s"], span["end_s"])):
        span = Span(round((each["start_s"] + offset_s) * 1000), round((each["end_s"] + offset_s) * 1000))
        if joined and span.start_ms <= joined[-1].end_ms:
            joined[-1] = Span(joined[-1].start_ms, max(joined[-1].end_ms, span.end_ms))
        else:
            joined.append(span)
    return tuple(joined)


def read_words_bytes(uri: str) -> bytes:
    """Reads the bytes of a word file or a transcript.

    Raises:
        RejectError: ``words_missing``, ``words_unreachable`` where it may work another time, or ``words_invalid`` where it is
            larger than such a file may be.
        StoreFaultError: an object store could not be asked.
    """
    limits, name = load_rules(FilesRules), shown(uri)
    try:
        with kept_copy(uri, max_bytes=limits.max_words_bytes) as path:
            return read_bytes(str(path), max_bytes=limits.max_words_bytes)
    except StoreFaultError:
        raise
    except FileFault as fault:
        reason = _REASONS.get(fault.kind, "words_missing")
        told = str(fault).removeprefix(f"{name}: ")
        raise RejectError(reason, f"{name}: the word file cannot be read ({told})", fault.values) from None
    except OSError as error:
        raise RejectError("words_missing", f"{name}: the word file cannot be read ({error})") from None


def read_json(uri: str) -> Any:
    """Reads the JSON document of a word file.

    Raises:
        RejectError: ``words_missing``, ``words_unreachable`` where it may work another time, or ``words_invalid`` where it
            is not JSON, gives a field twice or holds NaN.
        StoreFaultError: an object store could not be asked.
    """
    return _own(read_words_bytes(uri), shown(uri))


def _own(data: bytes, name: str) -> Any:
    """Parses the JSON document of a words file, strictly."""
    try:
        document = parse_json(data.decode(json.detect_encoding(data)))
    except ValueError as error:
        raise RejectError("words_invalid", f"{name}: not valid JSON ({error})") from None
    limits = load_rules(FilesRules)
    _check_count(document, name, limits.max_words)
    return document


def _check_count(document: Any, name: str, most: int) -> None:
    words = document.get("words") if isinstance(document, dict) else document
    if isinstance(words, list) and len(words) > most:
        raise RejectError(
            "words_invalid",
            f"{name}: lists {len(words)} words, up to {most} are read; cut the recording into conversations",
            {"found": len(words), "limit": most},
        )


def parse_words(document: Any, *, name: str, offset_s: float = 0.0) -> tuple[Word, ...]:
    """Turns the document of a word file into words, in the order in which they stand there.

    A word within ``(( ))`` is marked ``unsure`` and loses the brackets.

    Args:
        document: the parsed JSON.
        name: of the file, for messages.
        offset_s: what is added to the times.

    Raises:
        RejectError: ``words_invalid``; the message has the first faults and where they are.
    """
    words = document.get("words") if isinstance(document, dict) else document
    faults = [*_unit_faults(words), *map(str, iter_faults("words", document))]
    faults = faults or list(_repetition_faults(words or []))
    if faults:
        more = f" and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        detail = f"{name}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}"
        raise RejectError("words_invalid", detail, {"faults": len(faults)})
    timing = document["timing"] if isinstance(document, dict) else "word"
    tokens = [without_brackets(Token(item["word"], tuple(item.get("marks", ())))) for item in words or ()]
    return tuple(
        Word(
            word=token.word,
            start_ms=round((item["start_s"] + offset_s) * 1000),
            end_ms=round((item["end_s"] + offset_s) * 1000),
            confidence=item.get("confidence"),
            timing=item.get("timing", timing),
            marks=token.marks,
        )
        for item, token in zip(words or (), tokens, strict=True)
    )


def _unit_faults(document: Any) -> Iterator[str]:
    """Finds times that are no seconds: nobody says a word for a minute."""
    rules = load_rules(WordsCheckRules)
    items = [item for item in document if isinstance(item, dict)] if isinstance(document, list) else []
    times = [(item.get("start_s"), item.get("end_s")) for item in items]
    lengths = [end - start for start, end in times if isinstance(start, int | float) and isinstance(end, int | float)]
    if lengths and (typical := median(lengths)) > rules.max_typical_word_s:
        yield (
            f"half of the words last {typical:g} s and longer: the times look like milliseconds or samples; write "
            "start_s and end_s in seconds"
        )


def _repetition_faults(document: list[dict[str, Any]]) -> Iterator[str]:
    """Finds a list that stands in its file twice; a few words that a recogniser gave twice are left as they are."""
    places: dict[tuple[str, float, float], int] = {}
    repeated = Counter[int]()
    for place, item in enumerate(document):
        if item["end_s"] > item["start_s"]:
            first = places.setdefault((item["word"], item["start_s"], item["end_s"]), place)
            if first != place:
                repeated[first] += 1
    if repeated.total() > load_rules(WordsCheckRules).max_repeated_share * len(document):
        first = min(repeated)
        yield (
            f"{repeated.total()} of the {len(document)} words stand there more than once with the same times, "
            f"{document[first]['word']!r} at {document[first]['start_s']:g} s first; keep each word once"
        )
