"""Looks through a Core Audio Format file (Apple, "Core Audio Format Specification 1.0").

The size of its data may be -1, "up to the end of the file", by the specification itself.
"""

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

__all__ = ["caf_layout"]

_CAF: Final = Grammar(
    kind="CAF",
    start=Start(re.compile(rb"caff\x00\x01..desc\x00{7}\x20", re.DOTALL), 20, b"caff"),
    outer=None,
    head_bytes=8,
    byte_order="big",
    name_bytes=4,
    size_bytes=8,
    inclusive=False,
    align=1,
    data=b"data",
    data_head=4,
    format=b"desc",
    trailers=re.compile(rb"pakt|info|uuid|free|chan|kuki|strg|mark|regn|inst|midi|peak|edct|ovvw|umid|strg"),
    name=re.compile(rb"[ -~]{4}"),
)
_MOST_HZ: Final = 1 << 31


def caf_layout(path: Path, uri: str) -> Layout:
    """Looks through a CAF file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.containers.chunks.chunked_layout`.
    """
    return chunked_layout(path, uri, (_CAF,), _read_format)


@dataclass(frozen=True)
class _CafFormat:
    content: bytes  # of desc
    rate_hz: float
    frame_bytes: int
    counted: bool = True
    most_bytes: int | None = None

    def samples(self, count: int) -> int | None:
        return count // self.frame_bytes

    def seconds(self, count: int) -> float:
        return count // self.frame_bytes / self.rate_hz

    def readable(self, count: int) -> bool:
        return True

    def header(self, count: int) -> bytes:
        desc = b"desc" + struct.pack(">Q", len(self.content)) + self.content
        return b"caff\0\1\0\0" + desc + b"data" + struct.pack(">QI", count + 4, 0)


def _read_format(chunks: Mapping[bytes, bytes], grammar: Grammar, uri: str) -> _CafFormat:
    content = chunks[grammar.format]
    fault, remedy = f"its format chunk has {len(content)} bytes", "the header is wrong: export the track again"
    if len(content) == 32:
        rate_hz, coding, _, packet_bytes, _, channels, bits = struct.unpack(">d4sIIIII", content)
        sound = 1 <= rate_hz < _MOST_HZ and 1 <= channels <= 0xFFFF and 1 <= bits <= 64
        fault = f"its header says {channels} channels of {bits} bits at {rate_hz:.6g} Hz, {packet_bytes} bytes a frame"
        if coding not in (b"lpcm", b"ulaw", b"alaw"):
            fault, remedy = f"its samples are coded as {coding!r}, which is not read", "convert it to FLAC"
        elif sound and packet_bytes == channels * ((bits + 7) // 8):
            return _CafFormat(content, rate_hz, packet_bytes)
    raise RejectError("audio_unreadable", f"{uri}: {fault}; {remedy}", {"container": "caf"})
