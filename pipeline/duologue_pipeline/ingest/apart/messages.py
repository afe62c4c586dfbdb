"""Names what the process that decodes says to the one that asked: a letter, a size of four bytes and as many bytes.

Nothing but the standard library is imported here, so that the process starts at once.
"""

import json
from collections.abc import Iterator
from typing import IO, Any, Final

__all__ = ["BEGIN", "END", "FAULT", "PCM", "SILENCE", "read_messages", "write_json", "write_message"]

BEGIN: Final = b"B"
"""``{"rate_hz", "channels", "format", "planar", "start_s"}``, once and first."""
PCM: Final = b"P"
"""Samples: all of a channel, then all of the next one, where they are planar; else interleaved."""
SILENCE: Final = b"S"
"""Samples per channel of silence, eight bytes, little-endian."""
END: Final = b"E"
"""``{"packets", "filled", "gaps"}``, once and last."""
FAULT: Final = b"F"
"""``{"reason", "detail", "at_s"}`` in place of the end."""

_MOST_BYTES: Final = 1 << 28


def write_message(stream: IO[bytes], kind: bytes, *parts: bytes | memoryview) -> None:
    """Writes one message."""
    stream.write(kind + sum(len(part) for part in parts).to_bytes(4, "little"))
    for part in parts:
        stream.write(part)


def write_json(stream: IO[bytes], kind: bytes, document: dict[str, Any]) -> None:
    """Writes one message that holds a document, and sends it off."""
    write_message(stream, kind, json.dumps(document).encode())
    stream.flush()


def read_messages(stream: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Reads messages up to the end of the stream; one that is cut short is none."""
    while len(head := stream.read(5)) == 5:
        size = int.from_bytes(head[1:], "little")
        if size > _MOST_BYTES:
            return
        content = stream.read(size)
        if len(content) < size:
            return
        yield head[:1], content
