"""Reads words from the word files that the manifest names (schemas/words.schema.json).

A word file is a JSON list of words with their times in seconds from the first sample of its track. It is checked
against its schema and for what no schema sees (times in another unit, the same words twice), and its times are put onto
the conversation's clock.
"""

import json
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault, Kind, StoreFaultError
from duologue_pipeline.files.kept import kept_copy
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.storage import read_bytes
from duologue_pipeline.records import SPEAKERS, Recording, Speaker, Track, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.rules.words_check import WordsCheckRules
from duologue_schemas import iter_faults, parse_json

__all__ = ["WORDS_POLICIES", "parse_words", "read_json", "read_words", "read_words_bytes"]

WORDS_POLICIES: Final[dict[str, str]] = {
    "optional": "words go into the samples of the tracks that have them",
    "required": "a recording without words on both tracks is refused",
    "none": "words are neither read nor written",
}

_FAULTS_SHOWN = 3
_REASONS: Final[dict[Kind, str]] = {"over_limit": "words_invalid", "unreachable": "words_unreachable"}


def read_words(recording: Recording, *, policy: str) -> tuple[tuple[Word, ...] | None, tuple[Word, ...] | None]:
    """Reads the words of both tracks onto the conversation's clock.

    The times in a word file count from the first sample of its track; the track's ``offset_s`` is added here.

    Args:
        recording: whose tracks may have a ``words_uri``.
        policy: a key of :data:`WORDS_POLICIES`.

    Returns:
        Words of ``a`` and of ``b`` in the order of their files, None for a track that has none (or under policy
        ``none``).

    Raises:
        RejectError: ``words_missing`` or ``words_invalid``.
    """
    if policy == "none":
        return None, None
    if policy == "required":
        without = [name for name, track in zip(SPEAKERS, recording.tracks, strict=True) if track.words_uri is None]
        if without:
            raise RejectError(
                "words_missing",
                f"speaker {' and '.join(without)}: no words_uri, and --words required asks for both; "
                "add it to the manifest or run with --words optional",
            )
    a, b = (_track_words(speaker, track) for speaker, track in zip(SPEAKERS, recording.tracks, strict=True))
    return a, b


def _track_words(speaker: Speaker, track: Track) -> tuple[Word, ...] | None:
    uri = track.words_uri
    if uri is None:
        return None
    try:
        return parse_words(read_json(uri), name=shown(uri), offset_s=track.offset_s)
    except RejectError as error:
        raise RejectError(error.reason, error.detail, {**error.values, "track": speaker}) from None


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
    name, data = shown(uri), read_words_bytes(uri)
    try:
        document = parse_json(data.decode(json.detect_encoding(data)))
    except ValueError as error:
        raise RejectError("words_invalid", f"{name}: not valid JSON ({error})") from None
    limits = load_rules(FilesRules)
    if isinstance(document, list) and len(document) > limits.max_words:
        raise RejectError(
            "words_invalid",
            f"{name}: lists {len(document)} words, up to {limits.max_words} are read; cut the recording into conversations",
            {"found": len(document), "limit": limits.max_words},
        )
    return document


def parse_words(document: Any, *, name: str, offset_s: float = 0.0) -> tuple[Word, ...]:
    """Turns the document of a word file into words, in the order in which they stand there.

    Args:
        document: the parsed JSON.
        name: of the file, for messages.
        offset_s: what is added to the times.

    Raises:
        RejectError: ``words_invalid``; the message has the first faults and where they are.
    """
    faults = [
        *_unit_faults(document),
        *map(str, iter_faults("words", document)),
    ]
    faults = faults or list(_repetition_faults(document))
    if faults:
        more = f" and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        detail = f"{name}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}"
        raise RejectError("words_invalid", detail, {"faults": len(faults)})
    return tuple(
        Word(
            word=item["word"],
            start_ms=round((item["start_s"] + offset_s) * 1000),
            end_ms=round((item["end_s"] + offset_s) * 1000),
            confidence=item.get("confidence"),
        )
        for item in document
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
