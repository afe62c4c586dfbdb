"""Reads the documents that a corpus has about one recording: who speaks on which channel, and when."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["READERS", "read_document"]


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
    except (KeyError, TypeError, AttributeError, IndexError) as error:
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


READERS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "speakers-by-channel": _speakers_by_channel,
    "one-speaker": _open_yap,
}
"""The kinds of documents, by the name that the data files use."""
