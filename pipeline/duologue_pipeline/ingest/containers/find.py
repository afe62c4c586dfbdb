"""Knows a container by its first bytes and has it looked through."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.sections import Layout, Section

__all__ = ["find_layout"]


def _whole(path: Path, uri: str) -> Layout:
    """Takes the file as one section; whether that was all of it is seen when it has been decoded."""
    return Layout((Section(0, path.stat().st_size),))


_CONTAINERS: Final[dict[str, Callable[[Path, str], Layout]]] = {
    "riff": _whole,
    "aiff": _whole,
    "au": _whole,
    "caf": _whole,
    "flac": _whole,
    "sphere": _whole,
    "ogg": _whole,  # part coded: ogg_layout
    "mp3": _whole,  # part coded: mp3_layout
}


def find_layout(path: Path, uri: str) -> Layout:
    """Looks through a file of audio and gives its sections.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_empty``, ``audio_truncated`` or ``audio_unreadable``.
    """
    if path.stat().st_size == 0:
        raise RejectError("audio_empty", f"{uri}: the file has 0 bytes; export the track again", {"bytes": 0})
    with path.open("rb") as handle:
        head = handle.read(16)
        if head[:3] == b"ID3":
            handle.seek(_after_id3v2(head))
            head = handle.read(16)
    return _CONTAINERS[_kind(head) or "mp3"](path, uri)


def _kind(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff"):
        return "riff"
    if head[:4] == b"FORM":
        return "aiff"
    if head[:4] in (b".snd", b"dns."):
        return "au"
    return {b"caff": "caf", b"fLaC": "flac", b"NIST": "sphere", b"OggS": "ogg"}.get(head[:4])


def _after_id3v2(head: bytes) -> int:
    """Gives where an ID3v2 tag ends: its size is 28 bits, seven a byte, and a footer may follow."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if len(head) > 5 and head[5] & 0x10 else 0)
