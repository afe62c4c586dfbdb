"""Walks through a file of chunks (WAV, W64, AIFF, CAF), whole, unfinished or joined from several.

A recorder writes the sizes last, so a killed one leaves 0 or a placeholder; a pipe cannot be rewound and keeps a
placeholder too; sizes of 32 bits wrap at 4 GiB. The samples are all there then. A size is believed where what follows
is the end of the file, chunks up to the end, another such file, a tag, or zeros that fill a block of the disk. Where it
is neither believed nor known to be a placeholder, the file is refused: what follows may be audio or anything.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import (
    Start,
    after_id3v2,
    at,
    check_files,
    find_first,
    is_placeholder,
    is_tag_or_padding,
    refuse_cut_short,
    refuse_unaccounted,
)
from duologue_pipeline.ingest.sections import Layout, Section

__all__ = ["Format", "Grammar", "chunked_layout"]

_WRAP: Final = 1 << 32
_MOST_WRAPS: Final = 64
_MOST_CHUNKS: Final = 1 << 14
_MOST_CONTENT: Final = 1 << 12  # bytes of a chunk that are looked at
_MOST_TRAILERS: Final = 256
_TRAILERS_WITHIN: Final = 1 << 20  # bytes before the end in which chunks after an open data chunk are looked for


@dataclass(frozen=True)
class Grammar:
    """Says how the chunks of a container are written.

    Attributes:
        kind: name of the container in messages.
        start: what a file of it begins with.
        outer: where in that its own size is, None if it has none; ``head_bytes`` follow before the first chunk.
        byte_order: ``little`` or ``big``.
        name_bytes, size_bytes: of the head of a chunk.
        inclusive: whether the size of a chunk counts its head.
        align: bytes to a multiple of which a chunk is filled up.
        data: name of the chunk with the samples, which begin ``data_head`` bytes within it.
        format: name of the chunk that describes them.
        trailers: names of chunks that hold no samples, and are looked for behind samples without an end.
        name: what the name of a chunk looks like.
        is_decoded: whether the decoder knows the container; if not, the samples get another header.
    """

    kind: str
    start: Start
    outer: slice | None
    head_bytes: int
    byte_order: str
    name_bytes: int
    size_bytes: int
    inclusive: bool
    align: int
    data: bytes
    data_head: int
    format: bytes
    trailers: re.Pattern[bytes]
    name: re.Pattern[bytes]
    is_decoded: bool = True

    def number(self, content: bytes) -> int:
        """Reads a size."""
        return int.from_bytes(content, "big" if self.byte_order == "big" else "little")


class Format(Protocol):
    """Describes samples, so that bytes of them can be counted and given a header of their own."""

    @property
    def counted(self) -> bool:
        """Whether a frame is one sample of every channel, so that bytes can be counted as samples."""

    @property
    def frame_bytes(self) -> int:
        """Bytes that are not divided: a sample of every channel, or a block of a codec."""

    @property
    def most_bytes(self) -> int | None:
        """Bytes that a header can speak of, None if any number."""

    def samples(self, count: int) -> int | None:
        """Gives how many samples per channel lie in so many bytes, None if a codec decides."""

    def seconds(self, count: int) -> float:
        """Gives how long so many bytes are, about."""

    def header(self, count: int) -> bytes:
        """Writes the header of a file of so many bytes of samples."""

    def readable(self, count: int) -> bool:
        """Tells whether the decoder reads so many bytes rightly behind the file's own header."""


ReadFormat = Callable[[Mapping[bytes, bytes], Grammar, str], Format]
"""Reads the format from the chunks of a file; the grammar, and the uri for messages."""


def chunked_layout(path: Path, uri: str, grammars: tuple[Grammar, ...], read_format: ReadFormat) -> Layout:
    """Looks through a file of chunks and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.
        grammars: of the containers that it may be, or be joined from.
        read_format: reads how the samples are coded.

    Raises:
        RejectError: ``audio_truncated``: it ends before a size that it states; ``audio_unreadable``: its header makes
            no sense, it holds a codec that is not read, or bytes that nothing accounts for.
    """
    size = path.stat().st_size
    sections: list[Section] = []
    plain = True
    with path.open("rb") as handle:
        place = after_id3v2(handle, 0)
        while not sections or place < size:
            check_files(uri, len(sections) + 1)
            walk = _Walk(handle, place, size, uri, grammars)
            some = walk.sections(read_format)
            sections += some
            plain = plain and walk.plain and (place, walk.stop) == (0, size)
            place = walk.stop
    if plain and len(sections) == 1:
        return Layout((Section(0, size, samples=sections[0].samples),))
    return Layout(tuple(sections))


@dataclass(frozen=True)
class _Data:
    """Samples: where they are, how many bytes the header states, and whether it was left open."""

    start: int
    stop: int
    stated: int
    is_open: bool = False


class _Walk:
    """One file among those joined; ``stop`` is where it ends and another may begin."""

    def __init__(self, handle: BufferedReader, start: int, size: int, uri: str, grammars: tuple[Grammar, ...]) -> None:
        self._handle, self._size, self._uri, self._grammars = handle, size, uri, grammars
        found = next((grammar for grammar in grammars if grammar.start.is_at(handle, start)), None)
        if found is None:
            raise RejectError(
                "audio_unreadable",
                f"{uri}: a {grammars[0].kind} file by its first letters that holds no such audio; convert it",
                {"container": grammars[0].kind.lower()},
            )
        self._grammar = found
        self._start = start
        self._outer_open, self._outer_stop = False, size
        if found.outer is not None:
            self._take_outer(found.number(at(handle, start, found.head_bytes)[found.outer]))
        self._long_size: int | None = None  # of the data, from ds64
        self._chunks: dict[bytes, bytes] = {}
        self._data: list[_Data] = []
        self._unknown_at: int | None = None
        self.plain = found.is_decoded
        self.stop = size
        self._walk(start + found.head_bytes)

    def _take_outer(self, stated: int) -> None:
        """Notes the size of the whole: it is written before there are samples, and again after them."""
        self._outer_open = stated <= 2 * self._grammar.head_bytes + 12 or is_placeholder(stated)
        self._outer_stop = self._start + stated + (0 if self._grammar.inclusive else 8)

    def _refuse(
        self, fault: str, remedy: str = "the file is cut short or its header is wrong: export it again"
    ) -> RejectError:
        return RejectError(
            "audio_unreadable", f"{self._uri}: {fault}; {remedy}", {"container": self._grammar.kind.lower()}
        )

    def _head(self, place: int) -> tuple[bytes, int, int]:
        """Reads the head of a chunk: its name, where its content begins, and how many bytes that has."""
        grammar = self._grammar
        length = grammar.name_bytes + grammar.size_bytes
        head = at(self._handle, place, length)
        stated = grammar.number(head[grammar.name_bytes :])
        return head[: grammar.name_bytes], place + length, stated - (length if grammar.inclusive else 0)

    def _is_chunk(self, place: int) -> bool:
        name, content, stated = self._head(place)
        return self._is_name(name) and stated >= 0 and content + stated <= self._size

    def _is_name(self, name: bytes) -> bool:
        return self._grammar.name.fullmatch(name) is not None

    def _starts(self, place: int) -> bool:
        return any(grammar.start.is_at(self._handle, place) for grammar in self._grammars)

    def _walk(self, place: int) -> None:
        grammar = self._grammar
        for _ in range(_MOST_CHUNKS):
            if place >= self._size:
                return
            if self._data and self._starts(place):
                self.stop = place
                return
            if self._data and is_tag_or_padding(self._handle, place, self._size):
                return
            name, content, stated = self._head(place)
            if name == grammar.data and content + grammar.data_head <= self._size:
                if self._long_size is not None and stated == 0xFFFFFFFF:
                    stated = self._long_size
                place = self._take_data(content + grammar.data_head, max(0, stated - grammar.data_head))
                continue
            if content + stated > self._size and (not self._data or grammar.trailers.fullmatch(name)):
                raise self._refuse_cut_chunk(name, stated, self._size - content)
            if not self._is_chunk(place):
                self._unknown_at = place
                return
            self._take(name, at(self._handle, content, min(stated, _MOST_CONTENT)))
            place = self._after(content + stated)
        raise self._refuse(f"it has more than {_MOST_CHUNKS} chunks", "convert it")

    def _refuse_cut_chunk(self, name: bytes, stated: int, found: int) -> RejectError:
        return RejectError(
            "audio_truncated",
            f"{self._uri}: its chunk {name[:4]!r} says {stated} bytes and {max(0, found)} are there; "
            "the file is cut short or its header is wrong: export it again",
            {"declared_bytes": stated, "found_bytes": max(0, found)},
        )

    def _take(self, name: bytes, content: bytes) -> None:
        if name == self._grammar.format:
            if self._chunks.get(name, content) != content:
                raise self._refuse("it has two formats")
            self.plain = self.plain and not self._data and name not in self._chunks  # libsndfile reads one, and first
        elif name == b"ds64" and len(content) >= 16:
            outer, self._long_size = (self._grammar.number(content[first : first + 8]) for first in (0, 8))
            self._take_outer(outer)
        elif name == b"LIST" and content[:4] == b"wavl":
            raise self._refuse("its samples lie in a list of pieces (wavl)", "convert it to FLAC")
        self._chunks.setdefault(name, content)

    def _after(self, place: int) -> int:
        """Gives where the next chunk is: one of an odd size is filled up, which some forget."""
        padded = place + -(place - self._start) % self._grammar.align
        if padded != place and not self._is_name(self._head(padded)[0]) and self._is_name(self._head(place)[0]):
            self.plain = False
            return place
        return padded

    def _take_data(self, start: int, stated: int) -> int:
        there = self._size - start
        for count in range(stated, min(there, stated + _MOST_WRAPS * _WRAP) + 1, _WRAP):
            following = self._after(start + count)
            if self._is_accounted(following, count == 0 < there):
                self.plain = self.plain and count == stated
                self._data.append(_Data(start, start + count, count))
                return following
        if not stated or is_placeholder(stated) or (stated < there and self._is_unfinished()):
            self.plain = False
            stop = self._open_end(start)
            self._data.append(_Data(start, stop, stop - start, is_open=True))
            return stop
        self._data.append(_Data(start, min(start + stated, self._size), stated))
        if stated < there:
            self._unknown_at = start + stated
        return self._size

    def _is_unfinished(self) -> bool:
        """Tells whether the size of the whole is a placeholder, or right where that of the samples is not."""
        return self._grammar.outer is not None and (self._outer_open or abs(self._outer_stop - self._size) <= 1)

    def _is_accounted(self, place: int, chunks_only: bool) -> bool:
        """Tells whether everything from a place on is chunks, tags, padding or the beginning of other samples."""
        for _ in range(_MOST_CHUNKS):
            if chunks_only and not self._is_chunk(place):
                return False
            chunks_only = False
            if place >= self._size or self._starts(place) or is_tag_or_padding(self._handle, place, self._size):
                return True
            name, content, stated = self._head(place)
            if name == self._grammar.data or self._grammar.trailers.fullmatch(name):
                return True  # a chunk of this name is no sound; if it is damaged, that is said where it is read
            if not self._is_chunk(place):
                return False
            place = self._after(content + stated)
        return False

    def _open_end(self, start: int) -> int:
        """Gives where samples end whose number is not known: at another file, at chunks up to the end, or at the end."""
        starts = [grammar.start for grammar in self._grammars]
        following = find_first(self._handle, starts, start, self._size)
        if following is not None:
            return following
        if at(self._handle, max(start, self._size - 128), 3) == b"TAG":
            return max(start, self._size - 128)
        tail = max(start, self._size - _TRAILERS_WITHIN)
        named = self._grammar.trailers.finditer(at(self._handle, tail, _TRAILERS_WITHIN))
        ends = (
            tail + found.start() for found in islice(named, _MOST_TRAILERS) if self._reaches_end(tail + found.start())
        )
        return next(ends, self._size)

    def _reaches_end(self, place: int) -> bool:
        for _ in range(_MOST_TRAILERS):
            if place >= self._size:
                return place - self._size < self._grammar.align
            name, content, stated = self._head(place)
            if not self._is_name(name):
                return is_tag_or_padding(self._handle, place, self._size)
            place = self._after(content + max(0, stated))
        return False

    def sections(self, read_format: ReadFormat) -> list[Section]:
        """Gives the stretches of samples, each with a header of its own.

        Raises:
            RejectError: as :func:`chunked_layout`.
        """
        if self._grammar.format not in self._chunks:
            raise self._refuse("it has no chunk that describes its samples")
        if not self._data:
            raise self._refuse("it has no chunk of samples")
        samples = read_format(self._chunks, self._grammar, self._uri)
        self._data = [self._with_its_fill(data, samples) for data in self._data]
        for data in self._data:
            if not samples.counted and data.stated > data.stop - data.start:
                raise refuse_cut_short(self._uri, samples.seconds(data.stated), samples.seconds(data.stop - data.start))
            if samples.most_bytes is not None and data.stop - data.start > samples.most_bytes:
                raise self._refuse(f"it has more than {samples.most_bytes} bytes of samples", "convert it to FLAC")
        if self._unknown_at is not None:
            declared_s = sum(samples.seconds(data.stop - data.start) for data in self._data)
            raise refuse_unaccounted(self._uri, self._unknown_at, self._size, declared_s)
        self.plain = self.plain and all(samples.readable(data.stop - data.start) for data in self._data)
        return [_section(data, samples) for data in self._data]

    def _with_its_fill(self, data: _Data, samples: Format) -> _Data:
        """Counts the byte that fills up samples of an odd size, where it is the end of a sample: the size is wrong then."""
        count = data.stop - data.start
        short = count % 2 and samples.counted and (count + 1) % samples.frame_bytes == 0
        if not short or data.is_open or not data.stop < self._size or self._after(data.stop) != data.stop + 1:
            return data
        self.plain = False
        return _Data(data.start, data.stop + 1, data.stated + 1)


def _section(data: _Data, samples: Format) -> Section:
    count, stated = data.stop - data.start, data.stated
    if data.is_open and not samples.counted:
        count -= count % samples.frame_bytes  # a block of a codec that was not written to its end
    return Section(data.start, data.start + count, samples.header(count), samples=samples.samples(stated))
