"""Reads and writes the pages of an Ogg file (RFC 3533, section 6)."""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import is_tag_or_padding

__all__ = ["MOST_BYTES", "OggPage", "damaged", "make_page", "read_pages", "truncated"]

MOST_BYTES: Final = 255 * 253
"""What a page of few packets can hold at least."""

_HEADER: Final = struct.Struct("<4sBBqIIIB")  # OggS, version, flags, granule, serial, sequence, checksum, segments
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class OggPage:
    """Holds a page.

    Attributes:
        start, stop: its bytes in the file, ``[start, stop)``.
        continued: whether it begins with the rest of a packet.
        first, last: whether its stream begins or ends with it.
        granule: the time at its end, in samples; -1 where no packet ends on it.
        serial: the number of its stream.
        sequence: its number in its stream.
        lacing: the sizes of the segments; one under 255 ends a packet.
        body: the segments.
    """

    start: int
    stop: int
    continued: bool
    first: bool
    last: bool
    granule: int
    serial: int
    sequence: int
    lacing: bytes
    body: bytes

    def at_time(self, granule: int) -> bytes:
        """Gives the bytes of the page with another time."""
        flags = _CONTINUED * self.continued | _FIRST * self.first | _LAST * self.last
        return _pack(flags, granule, self.serial, self.sequence, self.lacing, self.body)

    def packets(self) -> Iterator[tuple[bytes, bool]]:
        """Gives each packet, or the part of it that lies on this page, and whether it ends here."""
        at = begin = 0
        for size in self.lacing:
            at += size
            if size < 255:
                yield self.body[begin:at], True
                begin = at
        if self.lacing and self.lacing[-1] == 255:
            yield self.body[begin:at], False


def read_pages(handle: BinaryIO, uri: str, at: int = 0) -> Iterator[OggPage]:
    """Reads a file page by page from a place on, up to its end, a page that is cut, or tags that follow the last one.

    Raises:
        RejectError: ``audio_unreadable``: a page's checksum is wrong, or there is something else between the pages.
    """
    begin = at
    handle.seek(at)
    while head := handle.read(_HEADER.size):
        if not b"OggS".startswith(head[:4]):
            if at > begin and is_tag_or_padding(handle, at, handle.seek(0, 2)):
                return
            raise damaged(uri, f"with something else than a page at byte {at}", at)
        if len(head) < _HEADER.size:
            return
        _, version, flags, granule, serial, sequence, checksum, segments = _HEADER.unpack(head)
        lacing = handle.read(segments)
        body = handle.read(sum(lacing))
        if len(lacing) < segments or len(body) < sum(lacing):
            return
        if version or checksum != _checksum(head[:22] + bytes(4) + head[26:] + lacing + body):
            raise damaged(uri, f"whose page at byte {at} is damaged (its checksum is wrong)", at)
        stop = at + len(head) + len(lacing) + len(body)
        continued, first, last = (bool(flags & flag) for flag in (_CONTINUED, _FIRST, _LAST))
        yield OggPage(at, stop, continued, first, last, granule, serial, sequence, lacing, body)
        at = stop


def make_page(packets: Sequence[bytes], *, serial: int, sequence: int, first: bool = False) -> bytes:
    """Makes a page that holds the packets of a header, together no more than :data:`MOST_BYTES`."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    return _pack(_FIRST if first else 0, 0, serial, sequence % (1 << 32), lacing, b"".join(packets))


def truncated(uri: str, fault: str, at: int) -> RejectError:
    """Makes the refusal of a file that is cut short."""
    return RejectError(
        "audio_truncated", f"{uri}: {fault}; the file is cut short: export it again", {"format": "ogg", "at_byte": at}
    )


def damaged(
    uri: str, fault: str, at: int, *, remedy: str = "export it again", values: Mapping[str, float] | None = None
) -> RejectError:
    """Makes the refusal of an Ogg file with a fault that shows at byte ``at``; ``values`` are published."""
    rounded = {name: round(value, 3) for name, value in (values or {}).items()}
    return RejectError(
        "audio_unreadable",
        f"{uri}: an Ogg file {fault}; {remedy}",
        {"format": "ogg", "at_byte": at, **rounded},
    )


def _pack(flags: int, granule: int, serial: int, sequence: int, lacing: bytes, body: bytes) -> bytes:
    page = _HEADER.pack(b"OggS", 0, flags, granule, serial, sequence, 0, len(lacing)) + lacing + body
    return page[:22] + _checksum(page).to_bytes(4, "little") + page[26:]


def _checksum(data: bytes) -> int:
    """Computes the CRC-32 of a page, whose bits are taken in the other order than zlib's are."""
    value = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(value.to_bytes(4, "little").translate(_REVERSED), "big")
