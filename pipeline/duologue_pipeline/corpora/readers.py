"""Reads the documents that a corpus has about one recording: who speaks on which channel, and when."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from duologue_pipeline.transcripts.model import Stream, TranscriptError
from duologue_pipeline.transcripts.place import Untimed, placed, sorted_words

__all__ = ["READERS", "TABLES", "read_document"]


def read_document(reader: str, data: bytes) -> dict[str, Any]:
    """Reads a document about a recording.

    Args:
        reader: a key of :data:`READERS`.
        data: the file.

    Returns:
        Facts such as ``a.speaker_id``, as the tables of a corpus give them (:mod:`duologue_pipeline.corpora.facts`).

    Raises:
        ValueError: it is damaged, or not as this corpus has it.
    """
    try:
        return READERS[reader](json.loads(data))
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ValueError(f"is not as this corpus has it ({type(error).__name__}: {error})"[:200]) from None


def _speakers_by_channel(document: Any) -> dict[str, Any]:
    """CANDOR (``user_id``, ``L`` or ``R``) and otoSpeech (``speaker_id``, 0 or 1): ``speakers[].channel``."""
    facts: dict[str, Any] = {}
    for each in document["speakers"]:
        channel = {"l": 0, "r": 1, "0": 0, "1": 1}.get(str(each["channel"]).casefold())
        if channel is None:
            raise ValueError(f"the channel {each['channel']!r} is neither L nor R, 0 nor 1")
        side = "ab"[channel]
        facts[f"{side}.speaker_id"] = str(each["user_id"] if "user_id" in each else each["speaker_id"])
        facts[f"{side}.channel"] = channel
        facts[f"{side}.words_name"] = facts[f"{side}.speaker_id"]
    return facts


def _open_yap(document: Any) -> dict[str, Any]:
    """Open Yap: ``speaker_id`` of one side, and what it says of the person."""
    facts: dict[str, Any] = {}
    for name in ("speaker_id", "sex", "gender", "age_band", "dialect", "device"):
        if isinstance(document.get(name), str) and document[name]:
            facts["sex" if name == "gender" else name] = document[name]
    return facts


def _if_named(document: Any) -> dict[str, Any]:
    """Takes the speakers where a document names them by channel, and nothing where it is of another form."""
    try:
        return _speakers_by_channel(document)
    except (KeyError, TypeError, ValueError):
        return {}


def _multitalk(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """MultiTalk: a row a dialogue with ``audio_path``, ``speaker_to_channel`` and ``alignments``, both JSON; its speakers are roles."""
    import pyarrow.parquet as pq

    for row in pq.read_table(io.BytesIO(data)).to_pylist():
        recording = PurePosixPath(str(row["audio_path"])).stem
        facts: dict[str, Any] = {}
        said: dict[str, list[Untimed]] = {}
        for word, (start_s, end_s), who in json.loads(row.get("alignments") or "[]"):
            said.setdefault(str(who), []).append(Untimed(str(word), start_s, end_s))
        for who, channel in json.loads(row["speaker_to_channel"]).items():
            if str(channel) not in ("0", "1"):
                facts["refused"] = f"{name} names the channel {channel}; only conversations of two are taken"
                continue
            channel = int(channel)
            facts[f"{'ab'[channel]}.role"] = str(who)
            try:
                words = sorted_words(placed(said.get(str(who), []), where=f"{name}: {recording}"))
                facts[f"{'ab'[channel]}.words"] = Stream(words, channel=channel)
            except TranscriptError as error:
                facts["words_fault"] = str(error)
        yield recording, facts


TABLES: Final[Mapping[str, Callable[[bytes, str], Iterator[tuple[str, dict[str, Any]]]]]] = {"multitalk": _multitalk}
"""The tables that only one corpus has, by the name that its data file uses: they give the facts of each recording."""

READERS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "speakers-by-channel": _speakers_by_channel,
    "speakers-if-named": _if_named,
    "one-speaker": _open_yap,
}
"""The kinds of documents, by the name that the data files use."""
