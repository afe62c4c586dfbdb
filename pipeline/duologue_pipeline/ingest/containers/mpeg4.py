"""Looks through MPEG-4 files and QuickTime movies (m4a, mp4, mov, 3gp): every byte is in a box, and every byte of sound in the index.

The index (``moov``) is written last by most recorders: where it is missing or tells of bytes that are not there, the file is
cut short. Whole and fragmented files are read. Edit lists say which samples are a delay of the encoder or were cut off, and
when the sound begins.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.decoders import DECODERS, DELAYED
from duologue_pipeline.ingest.containers.look import at, check_files, is_tag_or_padding
from duologue_pipeline.ingest.containers.mpeg4_boxes import BoxError, Mpeg4Track, child, children, read_track
from duologue_pipeline.ingest.containers.mpeg4_fragments import Fragments, read_fragment, read_presets
from duologue_pipeline.ingest.sections import Apart, Layout, Section
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["mpeg4_layout"]

_MOST_BOXES: Final = 200_000
_TAKE_OUT: Final = "take the sound of the speaker out (ffmpeg -i IN -map 0:a:0 -c copy OUT.m4a)"
_AGAIN: Final = "export it again"
_EDGE_S: Final = 0.002  # edits are counted in milliseconds
_GAPLESS: Final = re.compile(rb"iTunSMPB.{4}data.{8} [0-9A-F]{8} ([0-9A-F]{8}) ([0-9A-F]{8}) ([0-9A-F]{16})", re.DOTALL)
_MOST_DELAY: Final = 1 << 14  # samples; FFmpeg believes no longer one either


@dataclass
class _Parts:
    moov: bytes | None
    media: list[tuple[int, int]]
    fragments: list[tuple[int, bytes]]


def mpeg4_layout(path: Path, uri: str) -> Layout:
    """Looks through an MPEG-4 file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Returns:
        One section, decoded apart; ``start_known`` says whether the delay of its encoder is named.

    Raises:
        RejectError: ``audio_truncated``: a box or its samples go beyond the end, or there is no index; ``audio_unreadable``:
            there is no stream of sound or more than one, it is encrypted, played at another speed, or bytes lie
            among the sound that the index does not name.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        parts = _walk(handle, size, uri)
        if parts.moov is None:
            raise _cut(uri, "it has no index (moov): the recorder was stopped before it wrote it")
        try:
            tracks = [read_track(content) for name, content in children(parts.moov) if name == b"trak"]
            presets = read_presets(parts.moov)
            fragments = Fragments()
            for place, moof in parts.fragments:
                read_fragment(moof, place, presets, fragments)
            mvhd = child(parts.moov, b"mvhd") or bytes(24)
        except (BoxError, IndexError) as error:
            raise _unreadable(uri, f"its index makes no sense ({error})", _AGAIN) from None
        sound = _sound(tracks, uri)
        _check_bytes(handle, tracks, fragments, parts.media, size, uri)
    movie_scale = int.from_bytes(mvhd[20:24] if mvhd[0] == 1 else mvhd[12:16], "big")
    return _layout(sound, fragments, movie_scale, _gapless(parts.moov), size, uri)


def _walk(handle: BinaryIO, size: int, uri: str) -> _Parts:
    """Goes from box to box, and keeps the index, the headers of the fragments and where the media lies."""
    most = load_rules(IngestRules).index_bytes_most
    parts, place, boxes, kept = _Parts(None, [], []), 0, 0, 0
    while place < size:
        head = at(handle, place, 16)
        length, name, head_bytes = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, head_bytes = int.from_bytes(head[8:16], "big"), 16
        elif length == 0 and name != bytes(4):
            length = size - place
        boxes += 1
        if boxes > _MOST_BOXES:
            raise _unreadable(uri, f"more than {_MOST_BOXES} boxes", "convert it")
        if length < head_bytes or not all(32 <= byte < 127 or byte == 0xA9 for byte in name):
            if place and is_tag_or_padding(handle, place, size):
                break
            raise _unreadable(uri, f"bytes at {place} that are no box", _AGAIN)
        if place + length > size:
            found = size - place
            raise _cut(
                uri, f"its box {name.decode('latin-1')} at byte {place} has {length} bytes and {found} are there"
            )
        if name in (b"moov", b"moof"):
            kept += length
            if kept > most:
                raise _unreadable(uri, f"an index of more than {most >> 20} MiB", "convert it")
            content = at(handle, place + head_bytes, length - head_bytes)
            if name == b"moof":
                parts.fragments.append((place, content))
            elif parts.moov is not None:
                raise _unreadable(uri, "a second index: files are joined in it", "take them apart")
            else:
                parts.moov = content
        elif name == b"mdat":
            parts.media.append((place + head_bytes, place + length))
        place += length
    return parts


def _sound(tracks: Sequence[Mpeg4Track], uri: str) -> Mpeg4Track:
    found = [track for track in tracks if track.handler == b"soun"]
    others = sum(track.handler == b"vide" for track in tracks)
    if not found:
        what = "a video without sound" if others else "no stream of sound"
        raise _unreadable(uri, what, "export the recording with its sound", streams=0)
    if len(found) > 1:
        raise _unreadable(
            uri, f"{len(found)} streams of sound, and none is known to be the speaker's", _TAKE_OUT, streams=len(found)
        )
    (track,) = found
    if track.protected:
        raise _unreadable(uri, "its sound is encrypted (DRM)", "get it without protection")
    if track.outside:
        raise _unreadable(uri, "its sound lies in another file", "export it as a file that holds its sound")
    if track.codings != 1:
        raise _unreadable(uri, f"its sound changes its coding ({track.codings} descriptions)", "convert it")
    if not track.steady:
        raise _unreadable(
            uri, "its edit list plays the sound at another speed or holds it", "export it as it was recorded"
        )
    if not track.scale:
        raise _unreadable(uri, "its sound has no time scale", _AGAIN)
    return track


def _check_bytes(
    handle: BinaryIO,
    tracks: Sequence[Mpeg4Track],
    fragments: Fragments,
    media: list[tuple[int, int]],
    size: int,
    uri: str,
) -> None:
    """Holds the bytes that the index names against those that are there."""
    known = [track for track in tracks if track.sizes is not None]
    starts = np.concatenate([np.asarray(fragments.starts, np.int64), *(track.starts for track in known)])
    sizes = np.concatenate(
        [np.asarray(fragments.sizes, np.int64), *(track.sizes for track in known if track.sizes is not None)]
    )
    if len(starts) and int((starts + sizes).max()) > size:
        raise _cut(uri, f"its index names bytes up to {int((starts + sizes).max())} and the file has {size}")
    for track in tracks:
        if len(track.starts) and int(track.starts.max()) >= size:
            raise _cut(uri, f"its index names byte {int(track.starts.max())} and the file has {size}")
    if any(track.sizes is None and track.samples for track in tracks):
        return  # PCM, counted when it is decoded
    order = np.argsort(starts, kind="stable")
    ends = np.maximum.accumulate((starts + sizes)[order]) if len(order) else starts
    rules, unnamed = load_rules(IngestRules), 0
    for begin, end in media:
        at_byte = begin
        first, last = np.searchsorted(ends, begin, "right"), np.searchsorted(starts[order], end, "left")
        inner_starts, inner_ends = starts[order][first:last], ends[first:last]
        before = np.concatenate([[begin], inner_ends])[: len(inner_starts)]
        holes = [int(i) for i in np.flatnonzero(inner_starts > before)]
        check_files(uri, len(holes))
        edges = [(int(inner_ends[i - 1]) if i else begin, int(inner_starts[i])) for i in holes]
        at_byte = int(inner_ends[-1]) if len(inner_ends) else begin
        for hole_begin, hole_end in [*edges, (at_byte, end)]:
            if hole_end > hole_begin and not _is_zero(handle, hole_begin, hole_end, rules.padding_bytes_most):
                unnamed += hole_end - hole_begin
    if unnamed > rules.unnamed_bytes_most:
        raise _unreadable(uri, f"{unnamed} bytes among its sound that its index does not name", "repair or " + _AGAIN)


def _is_zero(handle: BinaryIO, begin: int, end: int, most: int) -> bool:
    return end - begin <= most and not any(at(handle, begin, end - begin))


def _layout(
    track: Mpeg4Track, fragments: Fragments, movie_scale: int, gapless: tuple[int, int] | None, size: int, uri: str
) -> Layout:
    duration = track.duration + fragments.durations.get(track.number, 0)
    samples = track.samples + fragments.samples.get(track.number, 0)
    if not samples or not duration:
        raise RejectError("audio_empty", f"{uri}: its stream of sound holds no samples; export the track again")
    played, named = _played(track, duration, movie_scale, uri)
    delay = 0
    if gapless is not None and not named:
        delay, stated = gapless  # FFmpeg leaves out as much of the beginning, and does not move the rest
        rest = max(0, played - delay)
        played, named = stated if rest - 3 * track.step <= stated <= rest + track.step else rest, True
    exact = track.alike and not fragments.samples.get(track.number)
    apart = Apart(
        kind="mpeg-4",
        demuxer="mov",
        decoders=DECODERS,
        seconds=played / track.scale,
        rate_hz=track.scale,
        padding_s=3 * track.step / track.scale,
        early_s=delay / track.scale,
    )
    section = Section(0, size, samples=played if exact else None, apart=apart)
    return Layout((section,), start_known=named or track.coding not in DELAYED)


def _played(track: Mpeg4Track, duration: int, movie_scale: int, uri: str) -> tuple[int, bool]:
    """Gives how long the sound is that is played, in units of the track, and whether an edit leaves out its beginning.

    A first edit that is empty says when the sound begins.
    """
    edits = [edit for edit in track.edits if edit.begins >= 0]
    if not track.edits or not movie_scale:
        return duration, False
    if len(edits) != 1 or any(edit.begins < -1 for edit in track.edits) or track.edits[-1] is not edits[0]:
        fault = f"an edit list that puts its sound together of {len(edits)} pieces"
        raise _unreadable(uri, fault, "export it as it was recorded, or convert it (ffmpeg -i IN -c:a flac OUT.flac)")
    (edit,) = edits
    there, edge = duration - edit.begins, _EDGE_S * track.scale
    wanted = edit.duration * track.scale / movie_scale if edit.duration else there
    if there <= 0 or wanted > there + edge + track.step:
        plays, holds = wanted / track.scale, max(0, there) / track.scale
        raise _cut(uri, f"its edit list plays {plays:.2f} s and its index has {holds:.2f} s")
    return there if wanted > there - edge else round(wanted), edit.begins > 0


def _gapless(moov: bytes) -> tuple[int, int] | None:
    """Reads what iTunes writes for players: samples of delay, and samples of sound; None if it is not there."""
    found = _GAPLESS.search(moov)
    if found is None:
        return None
    delay, _, sound = (int(part, 16) for part in found.groups())
    return (delay, sound) if 0 < delay < _MOST_DELAY and 0 < sound < 1 << 48 else None


def _unreadable(uri: str, fault: str, remedy: str, **values: int) -> RejectError:
    return RejectError(
        "audio_unreadable",
        f"{uri}: an MPEG-4 file (m4a, mp4, mov) with this fault: {fault}; {remedy}",
        {"container": "mpeg-4", **values},
    )


def _cut(uri: str, fault: str) -> RejectError:
    return RejectError(
        "audio_truncated",
        f"{uri}: an MPEG-4 file (m4a, mp4, mov) that is cut short: {fault}; {_AGAIN}",
        {"container": "mpeg-4"},
    )
