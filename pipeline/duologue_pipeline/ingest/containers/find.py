"""Knows a container by its first bytes and has it looked through."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.aiff import aiff_layout
from duologue_pipeline.ingest.containers.asf import asf_layout
from duologue_pipeline.ingest.containers.au import au_layout
from duologue_pipeline.ingest.containers.caf import caf_layout
from duologue_pipeline.ingest.containers.flac import flac_layout
from duologue_pipeline.ingest.containers.foreign import HEAD_BYTES, refuse_foreign
from duologue_pipeline.ingest.containers.look import after_id3v2, at
from duologue_pipeline.ingest.containers.matroska import matroska_layout
from duologue_pipeline.ingest.containers.mp3 import mp3_layout
from duologue_pipeline.ingest.containers.mpeg4 import mpeg4_layout
from duologue_pipeline.ingest.containers.ogg import ogg_layout
from duologue_pipeline.ingest.containers.riff import riff_layout
from duologue_pipeline.ingest.containers.speech_frames import adts_layout, amr_layout, gsm_layout, is_gsm
from duologue_pipeline.ingest.containers.sphere import sphere_layout
from duologue_pipeline.ingest.sections import Layout

__all__ = ["find_layout"]


_CONTAINERS: Final[dict[str, Callable[[Path, str], Layout]]] = {
    "riff": riff_layout,
    "aiff": aiff_layout,
    "au": au_layout,
    "caf": caf_layout,
    "flac": flac_layout,
    "sphere": sphere_layout,
    "ogg": ogg_layout,
    "mp3": mp3_layout,
    "mpeg-4": mpeg4_layout,
    "matroska": matroska_layout,
    "amr": amr_layout,
    "aac": adts_layout,
    "asf": asf_layout,
    "gsm": gsm_layout,
}
_MARKS: Final = {
    b"caff": "caf",
    b"fLaC": "flac",
    b"NIST": "sphere",
    b"OggS": "ogg",
    b"\x1aE\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75": "asf",
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
        head = at(handle, after_id3v2(handle, 0), HEAD_BYTES)
    kind = _kind(head)
    if kind is None and (refusal := refuse_foreign(head, uri)) is not None:
        raise refusal
    return _CONTAINERS[kind or ("gsm" if is_gsm(path) else "mp3")](path, uri)


def _kind(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff"):
        return "riff"
    if head[:4] == b"FORM":
        return "aiff"
    if head[:4] in (b".snd", b"dns."):
        return "au"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"styp", b"sidx", b"moof", b"free", b"skip"):
        return "mpeg-4"
    if head[:5] == b"#!AMR":
        return "amr"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return _MARKS.get(head[:4])
