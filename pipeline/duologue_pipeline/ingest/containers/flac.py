"""Looks through a FLAC file, one stream or several joined (RFC 9639).

A frame has checksums and says itself where it ends, so nothing between the header and the end can go by unseen, but
libsndfile stops at the number of samples that STREAMINFO declares. So a stream is decoded as if that were left open,
and what came out is then compared with it, and with the MD5 of the samples.
"""

import re
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import (
    Start,
    after_id3v2,
    at,
    check_files,
    find_first,
    is_tag_or_padding,
)
from duologue_pipeline.ingest.sections import Layout, Section

__all__ = ["flac_layout"]

_START: Final = Start(re.compile(rb"fLaC[\x00\x80]\x00\x00\x22.{34}", re.DOTALL), 42, b"fLaC")
_MOST_BLOCKS: Final = 1 << 12  # of metadata
_TAG: Final = re.compile(rb"TAG|APETAGEX|ID3")
_MOST_TAGS: Final = 256
_TAGS_WITHIN: Final = 1 << 20  # bytes before the end in which tags are looked for


def flac_layout(path: Path, uri: str) -> Layout:
    """Looks through a FLAC file and gives its streams.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_unreadable``: the file ends in its header, or the header makes no sense.
    """
    size = path.stat().st_size
    sections: list[Section] = []
    with path.open("rb") as handle:
        place: int | None = after_id3v2(handle, 0)
        while place is not None:
            check_files(uri, len(sections) + 1)
            frames = _after_metadata(handle, place, size, uri)
            following = find_first(handle, [_START], frames, size)
            stop = _before_tags(handle, frames, size if following is None else following)
            sections.append(_section(handle, place, frames, stop))
            place = following
    return Layout(tuple(sections))


def _section(handle: BufferedReader, place: int, frames: int, stop: int) -> Section:
    head = at(handle, place, _START.length)
    field = int.from_bytes(head[18:26], "big")
    samples = field & ((1 << 36) - 1)
    if not samples:
        return Section(place, stop)
    left_open = (field >> 36 << 36).to_bytes(8, "big")
    # STREAMINFO alone, as the last block of metadata: the frames need no other.
    header = b"fLaC\x80" + head[5:18] + left_open + head[26:42]
    return Section(frames, stop, header, samples=samples)


def _after_metadata(handle: BufferedReader, place: int, size: int, uri: str) -> int:
    if not _START.is_at(handle, place):
        raise RejectError(
            "audio_unreadable",
            f"{uri}: a FLAC whose header is damaged or cut short: export it again",
            {"container": "flac"},
        )
    place += 4
    for _ in range(_MOST_BLOCKS):
        head = at(handle, place, 4)
        place += 4 + int.from_bytes(head[1:], "big")
        if len(head) < 4 or place > size:
            raise RejectError(
                "audio_unreadable", f"{uri}: the file ends in its header; export it again", {"container": "flac"}
            )
        if head[0] & 0x80:
            return place
    raise RejectError(
        "audio_unreadable", f"{uri}: more than {_MOST_BLOCKS} blocks of metadata; convert it", {"container": "flac"}
    )


def _before_tags(handle: BufferedReader, start: int, stop: int) -> int:
    """Gives where the tags begin that other programs put behind the last frame, ``stop`` if there are none."""
    first = max(start, stop - _TAGS_WITHIN)
    for found in islice(_TAG.finditer(at(handle, first, stop - first)), _MOST_TAGS):
        if is_tag_or_padding(handle, first + found.start(), stop):
            return first + found.start()
    return stop
