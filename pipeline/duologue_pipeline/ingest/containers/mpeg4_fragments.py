"""Reads the fragments of an MPEG-4 file: where their samples lie and how long they last (ISO/IEC 14496-12, 8.8)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from duologue_pipeline.ingest.containers.mpeg4_boxes import BoxError, children

__all__ = ["Fragments", "Preset", "read_fragment", "read_presets"]


@dataclass(frozen=True)
class Preset:
    """Holds what a sample of a track is where a fragment does not say it: duration and size."""

    duration: int
    size: int


@dataclass
class Fragments:
    """Collects what the fragments hold: bytes, and by number of track how many samples and how long."""

    starts: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    durations: Counter[int] = field(default_factory=Counter)
    samples: Counter[int] = field(default_factory=Counter)


def _numbers(content: bytes, at: int, count: int) -> list[int]:
    if at + 4 * count > len(content):
        raise BoxError(f"a fragment's box of {len(content)} bytes, too short")
    return [int.from_bytes(content[i : i + 4], "big") for i in range(at, at + 4 * count, 4)]


def read_presets(moov: bytes) -> dict[int, Preset]:
    """Reads what the index says of samples in fragments, by number of track."""
    presets = {}
    for name, mvex in children(moov):
        for inner, trex in children(mvex) if name == b"mvex" else ():
            if inner == b"trex":
                number, _, duration, size = _numbers(trex, 4, 4)
                presets[number] = Preset(duration, size)
    return presets


def read_fragment(moof: bytes, place: int, presets: Mapping[int, Preset], into: Fragments) -> None:
    """Reads one fragment.

    Args:
        moof: content of its box.
        place: byte at which the box begins.
        presets: from :func:`read_presets`.
        into: takes what it holds.

    Raises:
        BoxError: it makes no sense.
    """
    goes_on = place
    for name, traf in children(moof):
        if name != b"traf":
            continue
        number, preset, base = 0, Preset(0, 0), place
        at = base
        for inner, content in children(traf):
            if inner == b"tfhd":
                number, preset, base = _header(content, place, goes_on, presets)
                at = base
            elif inner == b"trun":
                at = _run(content, base, at, number, preset, into)
        goes_on = at


def _header(tfhd: bytes, place: int, goes_on: int, presets: Mapping[int, Preset]) -> tuple[int, Preset, int]:
    flags, number = int.from_bytes(tfhd[1:4], "big"), _numbers(tfhd, 4, 1)[0]
    preset, at, base = presets.get(number, Preset(0, 0)), 8, place if flags & 0x20000 else goes_on
    if flags & 1:
        high, low = _numbers(tfhd, at, 2)
        base, at = high << 32 | low, at + 8
    at += 4 if flags & 2 else 0
    duration, size = preset.duration, preset.size
    if flags & 8:
        duration, at = _numbers(tfhd, at, 1)[0], at + 4
    if flags & 16:
        size = _numbers(tfhd, at, 1)[0]
    return number, Preset(duration, size), base


def _run(trun: bytes, base: int, at: int, number: int, preset: Preset, into: Fragments) -> int:
    flags, count = int.from_bytes(trun[1:4], "big"), _numbers(trun, 4, 1)[0]
    place = 8
    if flags & 1:
        offset = _numbers(trun, place, 1)[0]
        at, place = base + (offset - (1 << 32) if offset >> 31 else offset), place + 4
    place += 4 if flags & 4 else 0
    columns = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    if count > (1 << 24) or (columns and place + 4 * count * len(columns) > len(trun)):
        raise BoxError(f"a fragment of {count} samples in {len(trun)} bytes")
    rows = _numbers(trun, place, count * len(columns)) if columns else []
    own = {flag: sum(rows[i :: len(columns)]) for i, flag in enumerate(columns)}
    size = own.get(0x200, count * preset.size)
    if not 0 <= at < 1 << 62:
        raise BoxError(f"a fragment whose samples lie at byte {at}")
    into.starts.append(at)
    into.sizes.append(size)
    into.durations[number] += own.get(0x100, count * preset.duration)
    into.samples[number] += count
    return at + size
