"""Reads boxes of MPEG-4 files and QuickTime movies, and the tables of a track (ISO/IEC 14496-12)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["BoxError", "Edit", "Mpeg4Track", "child", "children", "read_track"]

I64 = npt.NDArray[np.int64]

_MOST_NUMBER: Final = 1 << 62
_PROTECTED: Final = (b"enca", b"encv", b"drms", b"drmi")


class BoxError(ValueError):
    """Reports that boxes make no sense; the message says which."""


@dataclass(frozen=True)
class Edit:
    """Holds one edit: its length in the movie's time, and where in the track's it begins, -1 for an empty one."""

    duration: int
    begins: int


@dataclass(frozen=True)
class Mpeg4Track:
    """Holds what the index says of one track.

    Attributes:
        number: its id, ``handler`` its kind (``soun``), ``coding`` the name of its coding, ``codings`` how many it has.
        scale: its units of time in a second.
        duration: of its samples, in them; ``alike``: all but the last are equally long, ``step`` is their length.
        samples: how many.
        edits: in order; ``steady``: they play it at its own speed.
        starts: byte of each of its chunks, int64 [chunks].
        sizes: of each chunk in bytes, int64 [chunks]; None where they cannot be told.
        protected: whether it is encrypted.
        outside: whether its samples lie in another file.
    """

    number: int
    handler: bytes
    coding: bytes
    codings: int
    scale: int
    duration: int
    alike: bool
    samples: int
    step: int
    edits: tuple[Edit, ...] = ()
    steady: bool = True
    starts: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    sizes: I64 | None = None
    protected: bool = False
    outside: bool = False


def children(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Gives the boxes that lie one after the other: name and content of each.

    Raises:
        BoxError: one is larger than what it lies in.
    """
    at = 0
    while at + 8 <= len(content):
        size, name, head = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        elif size == 0:
            if name == bytes(4):  # QuickTime ends lists with a zero
                return
            size = len(content) - at
        if size < head or at + size > len(content):
            raise BoxError(f"a box {name!r} of {size} bytes where there are {len(content) - at}")
        yield name, content[at + head : at + size]
        at += size


def child(content: bytes, *path: bytes) -> bytes | None:
    """Gives the content of the first box on a path of names, None if there is none."""
    found: bytes | None = content
    for wanted in path:
        found = next((inner for name, inner in children(found or b"") if name == wanted), None)
        if found is None:
            return None
    return found


def _number(content: bytes, at: int, size: int = 4) -> int:
    if at + size > len(content):
        raise BoxError(f"a box of {len(content)} bytes, too short")
    return int.from_bytes(content[at : at + size], "big")


def _table(content: bytes, at: int, count: int, columns: int, size: int = 4) -> I64:
    """Reads ``count`` rows of big-endian numbers: int64 [count, columns]."""
    if count * columns * size > len(content) - at:
        raise BoxError(f"a table of {count} rows in {len(content)} bytes")
    values = np.frombuffer(content, f">u{size}", count * columns, at)
    if size == 8 and (values >= _MOST_NUMBER).any():
        raise BoxError(f"a table of numbers up to {int(values.max())}")
    return values.astype(np.int64).reshape(count, columns)


def read_track(trak: bytes) -> Mpeg4Track:
    """Reads the tables of one track.

    Args:
        trak: content of its box.

    Raises:
        BoxError: they make no sense.
    """
    mdia = child(trak, b"mdia") or b""
    mdhd, hdlr, stbl = child(mdia, b"mdhd"), child(mdia, b"hdlr"), child(mdia, b"minf", b"stbl")
    tkhd = child(trak, b"tkhd")
    if mdhd is None or hdlr is None or stbl is None or tkhd is None:
        raise BoxError("a track without its tables")
    stsd = child(stbl, b"stsd") or bytes(8)
    codings = [name for name, _ in children(stsd[8:])]
    sinf = any(name == b"sinf" for _, entry in children(stsd[8:]) for name, _ in _tolerant(entry[28:]))
    scale = _number(mdhd, 20 if mdhd[0] == 1 else 12)
    stts = child(stbl, b"stts") or bytes(8)
    runs = _table(stts, 8, _number(stts, 4), 2)
    runs = runs[runs[:, 0] > 0]
    if (runs[:, 0].astype(np.float64) * runs[:, 1]).sum() > _MOST_NUMBER:
        raise BoxError("samples that last for ever")
    starts, sizes, samples = _chunks(stbl)
    edits, steady = _edits(child(trak, b"edts", b"elst"))
    dref = child(mdia, b"minf", b"dinf", b"dref")
    coding = codings[0] if codings else b""
    return Mpeg4Track(
        number=_number(tkhd, 20 if tkhd[0] == 1 else 12),
        handler=hdlr[8:12],
        coding=coding,
        codings=len(codings),
        scale=scale,
        duration=int((runs[:, 0] * runs[:, 1]).sum()),
        alike=len(runs) <= 1 or (len(runs) == 2 and int(runs[1, 0]) == 1),
        step=int(runs[0, 1]) if len(runs) else 0,
        samples=samples,
        edits=edits,
        steady=steady,
        starts=starts,
        sizes=sizes,
        protected=sinf or coding in _PROTECTED,
        outside=dref is not None and any(not _number(entry, 0) & 1 for _, entry in children(dref[8:])),
    )


def _tolerant(content: bytes) -> list[tuple[bytes, bytes]]:
    try:
        return list(children(content))
    except BoxError:
        return []


def _edits(elst: bytes | None) -> tuple[tuple[Edit, ...], bool]:
    if elst is None:
        return (), True
    wide = 8 if elst[0] == 1 else 4
    count, row = _number(elst, 4), 2 * wide + 4
    if count * row > len(elst) - 8:
        raise BoxError(f"a list of {count} edits in {len(elst)} bytes")
    edits, steady = [], True
    for at in range(8, 8 + count * row, row):
        begins = int.from_bytes(elst[at + wide : at + 2 * wide], "big", signed=True)
        edits.append(Edit(_number(elst, at, wide), begins))
        steady = steady and elst[at + 2 * wide : at + row] == b"\0\1\0\0"
    return tuple(edits), steady


def _chunks(stbl: bytes) -> tuple[I64, I64 | None, int]:
    """Finds where the chunks of a track lie and how long they are, and how many samples there are."""
    stsz, stz2, stsc = child(stbl, b"stsz"), child(stbl, b"stz2"), child(stbl, b"stsc") or bytes(8)
    stco, co64 = child(stbl, b"stco"), child(stbl, b"co64")
    offsets, wide = (co64, 8) if stco is None and co64 is not None else (stco or bytes(8), 4)
    starts = _table(offsets, 8, _number(offsets, 4), 1, wide)[:, 0]
    sizes: I64 | None
    if stz2 is not None:
        sizes, samples = None, _number(stz2, 8)
    else:
        stsz = stsz or bytes(12)
        each, samples = _number(stsz, 4), _number(stsz, 8)
        sizes = None if each else _table(stsz, 12, samples, 1)[:, 0]
    runs = _table(stsc, 8, _number(stsc, 4), 3)
    if not len(starts) or not len(runs):
        if samples:
            raise BoxError(f"{samples} samples that lie nowhere")
        return starts[:0], sizes, samples
    if (runs[:, 2] != runs[0, 2]).any():
        raise BoxError("samples of several codings in one track")
    first = runs[:, 0] - 1
    if first[0] != 0 or (np.diff(first) <= 0).any() or first[-1] >= len(starts):
        raise BoxError("chunks that are not in order")
    counts = np.repeat(runs[:, 1], np.diff(np.append(first, len(starts))))
    ends = np.cumsum(counts)
    if ends[-1] != samples:
        raise BoxError(f"{samples} samples, {int(ends[-1])} of them in chunks")
    if sizes is None:
        if stz2 is not None or each == 1:  # PCM in QuickTime is counted in samples of one channel
            return starts, None, samples
        return starts, counts * each, samples
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return starts, sums[ends] - sums[ends - counts], samples
