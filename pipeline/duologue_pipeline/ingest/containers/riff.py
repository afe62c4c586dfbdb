"""Looks through a WAV: RIFF, RIFX, RF64 or BW64, whole, unfinished or joined from several.

A recorder writes the sizes last, so a killed one leaves 0 or a placeholder; a pipe cannot be rewound and keeps a
placeholder too; sizes of 32 bits wrap at 4 GiB. The samples are all there then. A size is believed where what follows
is the end of the file, chunks up to the end, another WAV, a tag, or zeros that fill a block of the disk. Where it is
neither believed nor known to be a placeholder, the file is refused: what follows may be audio or anything.

Sources: Microsoft/IBM "Multimedia Programming Interface" (1991), EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64).
"""

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import (
    after_id3v2,
    at,
    find_first,
    is_tag_or_padding,
    refuse_cut_short,
    refuse_unaccounted,
)
from duologue_pipeline.ingest.containers.wave_format import WaveFormat, read_wave_format
from duologue_pipeline.ingest.sections import Layout, Section

__all__ = ["riff_layout"]

_START: Final = re.compile(rb"(?:RIFF|RIFX|RF64|BW64)....WAVE", re.DOTALL)
_HEADER_BYTES: Final = 36  # the least that a RIFF with a header holds; it is written before there are samples
_WRAP: Final = 1 << 32
_MOST_WRAPS: Final = 64
_MOST_CHUNKS: Final = 1 << 14
_MOST_WAVES: Final = 1 << 10  # in one file
_PLACEHOLDERS: Final = (
    range(0x7FFF0000, 0x7FFF0001),  # GStreamer to a pipe
    range(0x7FFFEF00, 0x7FFFF100),  # sox, mplayer, espeak
    range(0x7FFFFF00, 0x80000100),  # arecord, opusdec; with or without the header's own bytes
    range(0xFFFFF000, 0x100000000),  # ffmpeg, lame
    range((1 << 64) - 4096, 1 << 64),
)
"""What programs write for a size that they do not know; a file of really such a size is believed all the same."""
_TRAILERS: Final = re.compile(rb"LIST|id3 |ID3 |bext|iXML|axml|cue |smpl|inst|JUNK|junk|PAD |FLLR|fact|_PMX|afsp|DISP")
_MOST_TRAILERS: Final = 256
_TRAILERS_WITHIN: Final = 1 << 20  # bytes before the end in which chunks after an open data chunk are looked for


def riff_layout(path: Path, uri: str) -> Layout:
    """Looks through a WAV file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_truncated``: it ends before a size that it states; ``audio_unreadable``: its header makes
            no sense, it holds a codec that is not read, or bytes that nothing accounts for.
    """
    size = path.stat().st_size
    sections: list[Section] = []
    plain = True
    with path.open("rb") as handle:
        place = after_id3v2(handle, 0)
        while place < size:
            if len(sections) > _MOST_WAVES:
                raise RejectError(
                    "audio_unreadable", f"{uri}: more than {_MOST_WAVES} WAVs are joined in it; convert it"
                )
            wave = _Wave(handle, place, size, uri)
            sections += wave.sections()
            plain = plain and wave.plain and (place, wave.stop) == (0, size)
            place = wave.stop
    if plain and len(sections) == 1:
        return Layout((Section(0, size, samples=sections[0].samples),))
    return Layout(tuple(sections))


@dataclass(frozen=True)
class _Data:
    """A data chunk: where its samples are, and what the header says of their number."""

    start: int
    stop: int
    stated: int


class _Wave:
    """One WAV in a file; ``stop`` is where it ends and another may begin."""

    def __init__(self, handle: BinaryIO, start: int, size: int, uri: str) -> None:
        self._handle, self._size, self._uri = handle, size, uri
        head = at(handle, start, 12)
        if head[8:12] != b"WAVE":
            raise self._refuse(f"a RIFF file that holds no WAVE but {head[8:12]!r}", "convert it")
        self._byte_order = "big" if head[:4] == b"RIFX" else "little"
        riff_size = self._number(head[4:8])
        self._riff_start = start
        self._riff_stop = start + 8 + riff_size
        self._riff_open = riff_size <= _HEADER_BYTES or _is_placeholder(riff_size)
        self._long_sizes = head[:4] in (b"RF64", b"BW64")
        self._data_size: int | None = None  # from ds64
        self._format: WaveFormat | None = None
        self._data: list[_Data] = []
        self._unknown_at: int | None = None
        self.plain = head[:4] != b"BW64"
        self.stop = size
        self._walk(start + 12)

    def _number(self, content: bytes) -> int:
        return int.from_bytes(content, "big" if self._byte_order == "big" else "little")

    def _refuse(self, fault: str, remedy: str = "export the track again") -> RejectError:
        return RejectError("audio_unreadable", f"{self._uri}: {fault}; {remedy}", {"container": "wave"})

    def _walk(self, place: int) -> None:
        for _ in range(_MOST_CHUNKS):
            if place >= self._size:
                return
            if self._data and _starts_wave(self._handle, place):
                self.stop = place
                return
            if self._data and is_tag_or_padding(self._handle, place, self._size):
                return
            name, stated = self._chunk(place)
            content = place + 8
            if name == b"data" and content <= self._size:
                place = self._take_data(content, self._data_size if self._is_long(stated) else stated)
                continue
            if content + stated > self._size and (not self._data or _TRAILERS.fullmatch(name)):
                raise RejectError(
                    "audio_truncated",
                    f"{self._uri}: its chunk {name!r} says {stated} bytes and {self._size - content} are there; the file "
                    "is cut short or its header is wrong: export it again",
                    {"declared_bytes": stated, "found_bytes": max(0, self._size - content)},
                )
            if not _is_name(name) or content + stated > self._size:
                self._unknown_at = place
                return
            self._take(name, at(self._handle, content, min(stated, 1 << 12)))
            place = self._after(content + stated, stated)
        raise self._refuse(f"it has more than {_MOST_CHUNKS} chunks")

    def _chunk(self, place: int) -> tuple[bytes, int]:
        head = at(self._handle, place, 8)
        return head[:4], self._number(head[4:])

    def _is_long(self, stated: int) -> bool:
        return self._long_sizes and stated == 0xFFFFFFFF and self._data_size is not None

    def _take(self, name: bytes, content: bytes) -> None:
        if name == b"fmt ":
            found = read_wave_format(content, self._byte_order, self._uri)
            if self._format is not None and self._format != found:
                raise self._refuse("it has two formats")
            self._format = found
            self.plain = self.plain and not self._data
        elif name == b"ds64" and len(content) >= 16:
            riff_size, self._data_size = (int.from_bytes(content[first : first + 8], "little") for first in (0, 8))
            self._riff_stop = self._riff_start + 8 + riff_size
            self._riff_open = riff_size <= _HEADER_BYTES or _is_placeholder(riff_size)
        elif name == b"LIST" and content[:4] == b"wavl":
            raise self._refuse("its samples lie in a list of pieces (wavl)", "convert it to FLAC")

    def _after(self, place: int, stated: int) -> int:
        """Gives where the next chunk is: one of an odd size is followed by a byte of padding, which some forget."""
        if stated % 2 == 0:
            return place
        unpadded, padded = (_is_name(self._chunk(place + shift)[0]) for shift in (0, 1))
        if unpadded and not padded:
            self.plain = False
            return place
        return place + 1

    def _take_data(self, start: int, stated: int | None) -> int:
        stated = stated or 0
        there = self._size - start
        for count in range(stated, min(there, stated + _MOST_WRAPS * _WRAP) + 1, _WRAP):
            following = self._after(start + count, count)
            if self._has_chunks(following) or ((count or not there) and self._is_accounted(following)):
                self.plain = self.plain and count == stated
                self._data.append(_Data(start, start + count, count))
                return following
        if not stated or _is_placeholder(stated) or (stated < there and self._is_unfinished()):
            self.plain = False
            stop = self._open_end(start)
            self._data.append(_Data(start, stop, stop - start))
            return stop
        self._data.append(_Data(start, min(start + stated, self._size), stated))
        if stated < there:
            self._unknown_at = start + stated
        return self._size

    def _is_unfinished(self) -> bool:
        """Tells whether the size of the RIFF is a placeholder, or right where that of the data is not."""
        return self._riff_open or abs(self._riff_stop - self._size) <= 1

    def _is_accounted(self, place: int) -> bool:
        """Tells whether everything from a place on is chunks, tags, padding or the beginning of other samples."""
        for _ in range(_MOST_CHUNKS):
            name, stated = self._chunk(place)
            if place >= self._size or name == b"data" or _starts_wave(self._handle, place):
                return True
            if is_tag_or_padding(self._handle, place, self._size):
                return True
            if _TRAILERS.fullmatch(name):
                return True  # a chunk of this name is no audio; if it is damaged, that is said where it is read
            if not _is_name(name) or place + 8 + stated > self._size:
                return False
            place = self._after(place + 8 + stated, stated)
        return False

    def _has_chunks(self, place: int) -> bool:
        name, stated = self._chunk(place)
        return _is_name(name) and place + 8 + stated <= self._size and self._is_accounted(place)

    def _open_end(self, start: int) -> int:
        """Gives where samples end whose number is not known: at another WAV, at chunks up to the end, or at the end."""
        following = find_first(self._handle, _START, 12, start, self._size)
        if following is not None:
            return following
        if at(self._handle, max(start, self._size - 128), 3) == b"TAG":
            return max(start, self._size - 128)
        tail = max(start, self._size - _TRAILERS_WITHIN)
        for found in islice(_TRAILERS.finditer(at(self._handle, tail, _TRAILERS_WITHIN)), _MOST_TRAILERS):
            if self._reaches_end(tail + found.start()):
                return tail + found.start()
        return self._size

    def _reaches_end(self, place: int) -> bool:
        for _ in range(_MOST_TRAILERS):
            if place >= self._size:
                return place - self._size <= 1
            name, stated = self._chunk(place)
            if not _is_name(name):
                return is_tag_or_padding(self._handle, place, self._size)
            place = self._after(place + 8 + stated, stated)
        return False

    def sections(self) -> list[Section]:
        """Gives the stretches of samples, each with a header of its own.

        Raises:
            RejectError: as :func:`riff_layout`.
        """
        wave = self._format
        if wave is None:
            raise self._refuse(
                "it has no format chunk", "the file is cut short or its header is wrong: export it again"
            )
        if not self._data:
            raise self._refuse("it has no data chunk", "the file is cut short or its header is wrong: export it again")
        for data in self._data:
            if not wave.counted and data.stated > data.stop - data.start:
                raise refuse_cut_short(self._uri, wave.seconds(data.stated), wave.seconds(data.stop - data.start))
        if self._unknown_at is not None:
            declared = sum(wave.seconds(data.stop - data.start) for data in self._data)
            raise refuse_unaccounted(self._uri, self._unknown_at, self._size, declared)
        if self._byte_order == "big" and self._data[-1].stop - self._data[0].start >= _WRAP:
            raise self._refuse("it is a RIFX of more than 4 GiB", "convert it to FLAC")
        return [
            Section(data.start, data.stop, wave.header(data.stop - data.start), samples=wave.samples(data.stated))
            for data in self._data
        ]


def _is_placeholder(stated: int) -> bool:
    return any(stated in some for some in _PLACEHOLDERS)


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= letter < 0x7F for letter in name)


def _starts_wave(handle: BinaryIO, place: int) -> bool:
    return _START.fullmatch(at(handle, place, 12)) is not None
