"""Looks at bytes of a file in bounded memory: tags, padding and patterns that are known in every container."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError

__all__ = [
    "EXPECTED",
    "MOST_FILES",
    "PADDING_BYTES",
    "after_id3v2",
    "at",
    "find_first",
    "is_tag_or_padding",
    "refuse_cut_short",
    "refuse_many_files",
    "refuse_unaccounted",
]

EXPECTED: Final = "WAV, FLAC, MP3, Ogg/Opus or NIST SPHERE"
"""What a message tells people to give."""

MOST_FILES: Final = 1 << 10
"""Files that may be joined in one; what has more was made to be slow."""

PADDING_BYTES: Final = 1 << 16
"""Zeros that fill up the last block of a disk or card are fewer than this; more could have been a recording."""

_PIECE: Final = 1 << 18
_MOST_TAGS: Final = 16


_PLACEHOLDERS: Final = (
    range(0x7FFF0000, 0x7FFF0001),  # GStreamer to a pipe
    range(0x7FFFEF00, 0x7FFFF100),  # sox, mplayer, espeak
    range(0x7FFFFF00, 0x80000100),  # arecord, opusdec; with or without the header's own bytes
    range(0xFFFFF000, 0x100000000),  # ffmpeg, lame
    range((1 << 63) - 4096, 1 << 63),
    range((1 << 64) - 4096, 1 << 64),
)


def is_placeholder(stated: int) -> bool:
    """Tells whether programs write this for a size that they do not know; a real one is believed where it fits."""
    return any(stated in some for some in _PLACEHOLDERS)


def at(handle: BinaryIO, place: int, count: int) -> bytes:
    """Reads up to ``count`` bytes from a place on."""
    handle.seek(place)
    return handle.read(count)


def after_id3v2(handle: BinaryIO, place: int) -> int:
    """Gives the byte after the ID3v2 tags at a place (their sizes have seven bits a byte), the place if there is none."""
    for _ in range(_MOST_TAGS):
        head = at(handle, place, 10)
        if head[:3] != b"ID3" or len(head) < 10 or max(head[6:]) >= 0x80:
            break
        size = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        place += 10 + size + (10 if head[5] & 0x10 else 0)
    return place


def is_tag_or_padding(handle: BinaryIO, place: int, size: int) -> bool:
    """Tells whether the file, ``size`` bytes long, holds nothing from a place on but tags, or zeros that fill a block."""
    place = min(after_id3v2(handle, place), size + 1)
    if at(handle, place, 8) == b"APETAGEX":  # its size is that of the items and of the footer, without the header
        place += 32 + int.from_bytes(at(handle, place + 12, 4), "little")
    if place == size - 128 and at(handle, place, 3) == b"TAG":
        place = size
    return place == size or (0 < size - place < PADDING_BYTES and not any(at(handle, place, size - place)))


@dataclass(frozen=True)
class Start:
    """Knows the beginning of a file: ``length`` bytes that a pattern matches, ``mark`` among them."""

    pattern: re.Pattern[bytes]
    length: int
    mark: bytes

    def is_at(self, handle: BinaryIO, place: int) -> bool:
        """Tells whether such a file begins at a place."""
        return self.pattern.fullmatch(at(handle, place, self.length)) is not None


def find_first(handle: BufferedReader, starts: Sequence[Start], start: int, stop: int) -> int | None:
    """Gives the first place in ``[start, stop)`` at which a file begins, None if there is none."""
    overlap = max(known.length for known in starts) - 1
    piece = bytearray(_PIECE + overlap)
    while start < stop:
        handle.seek(start)
        length = min(handle.readinto(piece), stop - start)
        # Looking for a mark is ten times as fast as for a pattern.
        marks = {mark for mark in {known.mark for known in starts} if piece.find(mark, 0, length) >= 0}
        found = [known.pattern.search(piece, 0, length) for known in starts if known.mark in marks]
        places = [place.start() for place in found if place is not None]
        if places:
            return start + min(places)
        start += _PIECE
    return None


def refuse_cut_short(uri: str, declared_s: float, found_s: float) -> RejectError:
    """Says that a header declares more audio than there is, in seconds."""
    return RejectError(
        "audio_truncated",
        f"{uri}: the header declares {declared_s:.2f} s and the file holds {found_s:.2f} s; "
        "the file is cut short: export it again",
        {"declared_s": round(declared_s, 2), "found_s": round(found_s, 2)},
    )


def refuse_unaccounted(uri: str, place: int, size: int, declared_s: float) -> RejectError:
    """Says that bytes follow the audio that a header declares, and that nothing says what they are."""
    return RejectError(
        "audio_unreadable",
        f"{uri}: the header declares {declared_s:.2f} s, which end at byte {place}, and {size - place} bytes follow that "
        "are no chunk or tag; if they are audio, the recorder was stopped before it wrote the length: repair the header "
        "(of a WAV: ffmpeg -ignore_length 1 -i IN.wav -c copy OUT.wav); if not, cut them off",
        {"declared_s": round(declared_s, 2), "unaccounted_bytes": size - place},
    )


def refuse_many_files(uri: str) -> RejectError:
    """Says that more files are joined in one than are read."""
    return RejectError(
        "audio_unreadable",
        f"{uri}: more than {MOST_FILES} files are joined in it; convert it",
        {"limited": "files", "limit": MOST_FILES},
    )
