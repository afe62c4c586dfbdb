"""Looks at bytes of a file in bounded memory: tags, padding and patterns that are known in every container."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain, repeat
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = [
    "EXPECTED",
    "Start",
    "after_id3v2",
    "at",
    "check_files",
    "find_first",
    "is_placeholder",
    "is_tag_or_padding",
    "refuse_cut_short",
    "refuse_unaccounted",
]

EXPECTED: Final = "WAV, FLAC, MP3, Ogg/Opus, m4a, WebM or NIST SPHERE"
"""What a message tells people to give."""

_PIECES: Final = (1 << 12, 1 << 15, 1 << 18)  # bytes looked at at a time, at first and later
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
    zeros = size - place
    return zeros == 0 or (0 < zeros <= load_rules(IngestRules).padding_bytes_most and not any(at(handle, place, zeros)))


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
    buffer = bytearray(_PIECES[-1] + overlap)
    sizes = chain(_PIECES, repeat(_PIECES[-1]))
    while start < stop:
        size = next(sizes)
        handle.seek(start)
        piece = memoryview(buffer)[: size + overlap]
        length = min(handle.readinto(piece), stop - start)
        # Looking for a mark is ten times as fast as for a pattern.
        marks = {mark for mark in {known.mark for known in starts} if buffer.find(mark, 0, length) >= 0}
        found = [known.pattern.search(buffer, 0, length) for known in starts if known.mark in marks]
        places = [place.start() for place in found if place is not None]
        if places:
            return start + min(places)
        start += size
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


def check_files(uri: str, count: int) -> None:
    """Checks that no more files are joined in one than are read.

    Raises:
        RejectError: ``audio_unreadable``.
    """
    most = load_rules(IngestRules).sections_most
    if count > most:
        raise RejectError(
            "audio_unreadable",
            f"{uri}: more than {most} files are joined in it; convert it",
            {"limited": "files", "limit": most},
        )
