"""Looks through an AU file (Sun/NeXT ``.snd``), whole, unfinished or joined from several.

Its header is six numbers and the samples are the rest of the file; the size may be 0xFFFFFFFF, "not known".
"""

import re
import struct
from io import BufferedReader
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import (
    Start,
    after_id3v2,
    at,
    check_files,
    find_first,
    is_placeholder,
    is_tag_or_padding,
    refuse_unaccounted,
)
from duologue_pipeline.ingest.sections import Layout, Section

__all__ = ["au_layout"]

_WIDTHS: Final = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}  # bytes of a sample, by the number of the coding
_UNKNOWN: Final = 0xFFFFFFFF
_WRAP: Final = 1 << 32
_MOST_HEADER: Final = 1 << 16
_STARTS: Final = (
    Start(re.compile(rb"\.snd\0\0......\0\0\0[\x01-\x07\x1b]", re.DOTALL), 16, b".snd"),
    Start(re.compile(rb"dns\...\0\0....[\x01-\x07\x1b]\0\0\0", re.DOTALL), 16, b"dns."),
)
"""A header up to its coding, of either byte order."""


def au_layout(path: Path, uri: str) -> Layout:
    """Looks through an AU file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_unreadable``: its header makes no sense, or bytes follow the size that it states. That it
            ends before that size shows when it is decoded.
    """
    size = path.stat().st_size
    sections: list[Section] = []
    with path.open("rb") as handle:
        place = after_id3v2(handle, 0)
        plain = place == 0
        while not sections or (place < size and not is_tag_or_padding(handle, place, size)):
            check_files(uri, len(sections) + 1)
            section, as_stated = _one(handle, place, size, uri)
            sections.append(section)
            plain = plain and as_stated
            place = section.stop
    if plain and len(sections) == 1 and sections[0].stop == size:
        return Layout((Section(0, size, samples=sections[0].samples),))
    return Layout(tuple(sections))


def _one(handle: BufferedReader, place: int, size: int, uri: str) -> tuple[Section, bool]:
    head = at(handle, place, 24)
    order = ">" if head[:4] == b".snd" else "<"
    if len(head) < 24:
        raise RejectError(
            "audio_unreadable", f"{uri}: the file ends in its header; export it again", {"container": "au"}
        )
    magic, offset, stated, coding, rate_hz, channels = struct.unpack(order + "4sIIIII", head)
    if coding not in _WIDTHS:
        raise RejectError(
            "audio_unreadable",
            f"{uri}: an AU of coding {coding}, which is not read; convert it to FLAC",
            {"container": "au"},
        )
    if not 24 <= offset <= _MOST_HEADER or not 1 <= channels <= 0xFFFF or not 1 <= rate_hz < 1 << 31:
        raise RejectError(
            "audio_unreadable",
            f"{uri}: its header says {channels} channels at {rate_hz} Hz after {offset} bytes; "
            "the header is wrong: export the track again",
            {"container": "au"},
        )
    frame_bytes = channels * _WIDTHS[coding]
    start = place + offset
    if start > size:
        raise RejectError(
            "audio_unreadable", f"{uri}: the file ends in its header; export it again", {"container": "au"}
        )
    stop = _stop(handle, start, stated, size)
    if stop is None:
        raise refuse_unaccounted(uri, start + stated, size, stated // frame_bytes / rate_hz)
    count = stop - start
    declared = stated if stated > size - start and not is_placeholder(stated) else count
    header = struct.pack(order + "4sIIIII", magic, 24, min(_UNKNOWN, count), coding, rate_hz, channels)
    return Section(start, stop, header, samples=declared // frame_bytes), count == stated


def _stop(handle: BufferedReader, start: int, stated: int, size: int) -> int | None:
    """Gives where the samples end, None if bytes follow the stated size that nothing accounts for."""
    there = size - start
    if stated:
        for count in range(stated, there + 1, _WRAP):
            stop = start + count
            if (
                stop == size
                or any(known.is_at(handle, stop) for known in _STARTS)
                or is_tag_or_padding(handle, stop, size)
            ):
                return stop
    if not stated or is_placeholder(stated):
        following = find_first(handle, _STARTS, start, size)
        return size if following is None else following
    return size if stated > there else None
