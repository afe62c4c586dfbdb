"""Reads words from the word files that the manifest names (schemas/words.schema.json).

A word file is a JSON list of words with their times in seconds from the first sample of its track. It is checked
against its schema, and its times are put onto the conversation's clock.
"""

import json
from typing import Any, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.storage import local_copy, read_bytes
from duologue_pipeline.records import Recording, Track, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_schemas import iter_faults

__all__ = ["WORDS_POLICIES", "parse_words", "read_json", "read_words"]

WORDS_POLICIES: Final[dict[str, str]] = {
    "optional": "words go into the samples of the tracks that have them",
    "required": "a recording without words on both tracks is refused",
    "none": "words are neither read nor written",
}

_FAULTS_SHOWN = 3


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
        without = [track.speaker_id for track in recording.tracks if track.words_uri is None]
        if without:
            raise RejectError(
                "words_missing",
                f"speaker {' and '.join(without)}: no words_uri, and --words required asks for both; "
                "add it to the manifest or run with --words optional",
            )
    a, b = (_track_words(track) for track in recording.tracks)
    return a, b


def _track_words(track: Track) -> tuple[Word, ...] | None:
    uri = track.words_uri
    return None if uri is None else parse_words(read_json(uri), name=shown(uri), offset_s=track.offset_s)


def read_json(uri: str) -> Any:
    """Reads the JSON document of a word file.

    Raises:
        RejectError: ``words_missing``, or ``words_invalid`` where it is not JSON.
    """
    limits, name = load_rules(FilesRules), shown(uri)
    try:
        with local_copy(uri, max_bytes=limits.max_words_bytes) as path:
            document = json.loads(read_bytes(str(path), max_bytes=limits.max_words_bytes))
    except FileFault as fault:
        reason = "words_invalid" if fault.kind == "over_limit" else "words_missing"
        told = str(fault).removeprefix(f"{name}: ")
        raise RejectError(reason, f"{name}: the word file cannot be read ({told})", fault.values) from None
    except OSError as error:
        raise RejectError("words_missing", f"{name}: the word file cannot be read ({error})") from None
    except (ValueError, RecursionError) as error:
        raise RejectError("words_invalid", f"{name}: not valid JSON ({error})") from None
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
    faults = [f"{fault.field}: {fault.message}" for fault in iter_faults("words", document)]
    if faults:
        more = f" and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
        raise RejectError("words_invalid", f"{name}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}")
    return tuple(
        Word(
            word=item["word"],
            start_ms=round((item["start_s"] + offset_s) * 1000),
            end_ms=round((item["end_s"] + offset_s) * 1000),
            confidence=item.get("confidence"),
        )
        for item in document
    )
