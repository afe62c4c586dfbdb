"""Looks through an AIFF or AIFF-C (Apple, "Audio Interchange File Format", 1989 and 1991)."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.chunks import Grammar, chunked_layout
from duologue_pipeline.ingest.containers.look import Start
from duologue_pipeline.ingest.sections import Layout

__all__ = ["aiff_layout"]

_AIFF: Final = Grammar(
    kind="AIFF",
    start=Start(re.compile(rb"FORM....AIF[FC]", re.DOTALL), 12, b"AIF"),
    outer=slice(4, 8),
    head_bytes=12,
    byte_order="big",
    name_bytes=4,
    size_bytes=4,
    inclusive=False,
    align=2,
    data=b"SSND",
    data_head=8,
    format=b"COMM",
    trailers=re.compile(
        rb"MARK|INST|MIDI|AESD|APPL|COMT|NAME|AUTH|\(c\) |ANNO|ID3 |CHAN|PEAK|FVER|LIST|JUNK|FLLR|afsp"
    ),
    name=re.compile(rb"[ -~]{4}"),
)
_WIDTHS: Final = {
    **dict.fromkeys((b"NONE", b"sowt", b"twos", b"raw "), 0),  # as wide as the bits say
    **dict.fromkeys((b"in24", b"ni24"), 3),
    **dict.fromkeys((b"in32", b"ni32", b"fl32", b"FL32"), 4),
    **dict.fromkeys((b"fl64", b"FL64"), 8),
    **dict.fromkeys((b"ulaw", b"ULAW", b"alaw", b"ALAW"), 1),
}
_PACKETS: Final = {b"ima4": (34, 64)}  # bytes and samples of a packet of one channel
_LARGEST: Final = 0xFFFFFFFF
_MOST_HZ: Final = 1 << 31


def aiff_layout(path: Path, uri: str) -> Layout:
    """Looks through an AIFF file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.containers.chunks.chunked_layout`.
    """
    return chunked_layout(path, uri, (_AIFF,), _read_format)


@dataclass(frozen=True)
class _AiffFormat:
    content: bytes  # of COMM
    is_aifc: bool
    rate_hz: float
    frame_bytes: int
    counted: bool
    frame_samples: int = 1
    most_bytes: int | None = _LARGEST - 4096

    def samples(self, count: int) -> int | None:
        return count // self.frame_bytes if self.counted else None

    def seconds(self, count: int) -> float:
        return count // self.frame_bytes * self.frame_samples / self.rate_hz

    def readable(self, count: int) -> bool:
        return True

    def header(self, count: int) -> bytes:
        frames = count // self.frame_bytes
        content = self.content[:2] + struct.pack(">I", min(_LARGEST, frames)) + self.content[6:]
        form = (b"AIFC" + b"FVER" + struct.pack(">II", 4, 0xA2805140)) if self.is_aifc else b"AIFF"
        comm = b"COMM" + struct.pack(">I", len(content)) + content + b"\0" * (len(content) % 2)
        ssnd = b"SSND" + struct.pack(">III", count + 8, 0, 0)
        return b"FORM" + struct.pack(">I", len(form) + len(comm) + len(ssnd) + count) + form + comm + ssnd


def _read_format(chunks: Mapping[bytes, bytes], grammar: Grammar, uri: str) -> _AiffFormat:
    def refuse(fault: str, remedy: str = "the header is wrong: export the track again") -> RejectError:
        return RejectError("audio_unreadable", f"{uri}: {fault}; {remedy}", {"container": "aiff"})

    content = chunks[grammar.format]
    if len(content) < 18:
        raise refuse(f"its format chunk has {len(content)} bytes")
    channels, _, bits, exponent, mantissa = struct.unpack(">HIHHQ", content[:18])
    is_aifc = len(content) >= 22
    coding = content[18:22] if is_aifc else b"NONE"
    rate_hz = mantissa * 2.0 ** min(1023 - 64, exponent - 16383 - 63) if exponent < 0x7FFF else 0.0
    if not channels or not 1 <= rate_hz < _MOST_HZ or not 1 <= bits <= 64:
        raise refuse(f"its header says {channels} channels of {bits} bits at {rate_hz:.6g} Hz")
    if coding in _WIDTHS:
        frame_bytes = channels * (_WIDTHS[coding] or (bits + 7) // 8)
        return _AiffFormat(content, is_aifc, rate_hz, frame_bytes, counted=True)
    if coding not in _PACKETS:
        raise refuse(f"its samples are coded as {coding!r}, which is not read", "convert it to FLAC")
    packet_bytes, packet_samples = _PACKETS[coding]
    return _AiffFormat(content, is_aifc, rate_hz, channels * packet_bytes, False, packet_samples)
