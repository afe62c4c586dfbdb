"""Looks through WebM and Matroska files (webm, mka, mkv): every byte is in an element, every packet of sound is counted.

A browser writes a segment and clusters without a size; they end where the next one begins. A recorder that was killed leaves a
last element that goes beyond the end of the file, which is cut short then (RFC 8794, RFC 9559).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.decoders import DECODERS
from duologue_pipeline.ingest.containers.look import at, is_tag_or_padding
from duologue_pipeline.ingest.sections import Apart, Layout, Section

__all__ = ["matroska_layout"]

_EBML, _SEGMENT, _CLUSTER, _TRACKS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B
_TRACK_ENTRY, _NUMBER, _TYPE, _CODEC, _DELAY, _ENCODINGS, _ENCRYPTION = 0xAE, 0xD7, 0x83, 0x86, 0x56AA, 0x6D80, 0x5035
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK, _ENCRYPTED_BLOCK = 0xA3, 0xA0, 0xA1, 0xAF
_IN_SEGMENT: Final = frozenset(
    [0x114D9B74, 0x1549A966, _TRACKS, _CLUSTER, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0x1941A469, 0xEC, 0xBF]
)
_IN_CLUSTER: Final = frozenset([0xE7, 0x5854, 0xA7, 0xAB, _SIMPLE_BLOCK, _BLOCK_GROUP, _ENCRYPTED_BLOCK, 0xEC, 0xBF])
_AUDIO: Final = 2
_MOST_TRACKS_BYTES: Final = 1 << 24
_PARSED_ANEW: Final = ("A_MPEG", "A_AC3", "A_EAC3")  # FFmpeg cuts their packets itself
_ON_TIME: Final = ("A_OPUS", "A_VORBIS", "A_FLAC", "A_PCM", "A_ALAC")
"""Codings that name the delay of their encoder in their own header, or have none."""


@dataclass(frozen=True)
class _Element:
    name: int
    start: int
    stop: int | None  # None: it has no size


@dataclass(frozen=True)
class _Track:
    number: int
    codec: str
    delay: int
    encrypted: bool


def matroska_layout(path: Path, uri: str) -> Layout:
    """Looks through a WebM or Matroska file and accounts for its bytes.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Returns:
        One section, decoded apart; ``start_known`` says whether the delay of its encoder is named.

    Raises:
        RejectError: ``audio_truncated``: an element goes beyond the end; ``audio_unreadable``: something is no element,
            there is no stream of sound or more than one, or it is encrypted; ``audio_empty``: it has no packet.
    """
    size = path.stat().st_size
    with path.open("rb", buffering=1 << 16) as handle:
        walk = _Walk(handle, size, uri)
        walk.file()
    track = walk.track
    if track is None:
        raise walk.unreadable("has no list of its streams", 0)
    if not walk.packets:
        raise RejectError("audio_empty", f"{uri}: its stream of sound holds no packets; export the track again")
    counted = None if track.codec.startswith(_PARSED_ANEW) else walk.packets
    apart = Apart(kind="matroska", demuxer="matroska", decoders=DECODERS, packets=counted)
    known = track.codec.startswith(_ON_TIME) or track.delay > 0
    return Layout((Section(0, size, apart=apart),), start_known=known)


class _Walk:
    """Goes from element to element."""

    def __init__(self, handle: BinaryIO, size: int, uri: str) -> None:
        self._handle, self._size, self._uri = handle, size, uri
        self.track: _Track | None = None
        self.packets = 0

    def file(self) -> None:
        """Goes through the whole file."""
        head = self._element(0, self._size)
        if head.name != _EBML or head.stop is None:
            raise self.unreadable("has no header", 0)
        place, segments = head.stop, 0
        while place < self._size:
            if segments and is_tag_or_padding(self._handle, place, self._size):
                return
            element = self._element(place, self._size)
            if element.name == _SEGMENT and not segments:
                segments += 1
                place = self._segment(element)
            elif element.name in (0xEC, 0xBF) and element.stop is not None:
                place = element.stop
            elif element.name in (_EBML, _SEGMENT) and segments:
                raise self.unreadable("is followed by another one in the same file", place, "take them apart")
            else:
                raise self.unreadable("has bytes that are no element", place)
        if not segments:
            raise self.cut("it ends before its first segment")

    def _segment(self, segment: _Element) -> int:
        place, stop = segment.start, self._size if segment.stop is None else segment.stop
        while place < stop:
            if segment.stop is None and is_tag_or_padding(self._handle, place, self._size):
                return place
            element = self._element(place, stop)
            if element.name == _EBML and segment.stop is None:
                return place
            if element.name not in _IN_SEGMENT:
                raise self.unreadable("has bytes that are no element", place)
            if element.name == _CLUSTER:
                place = self._cluster(element, stop)
                continue
            if element.stop is None:
                raise self.unreadable("has an element without a size", place)
            if element.name == _TRACKS and self.track is None:
                self._tracks(element)
            place = element.stop
        return place

    def _cluster(self, cluster: _Element, most: int) -> int:
        place, stop = cluster.start, most if cluster.stop is None else cluster.stop
        while place < stop:
            element = self._element(place, stop)
            if element.name not in _IN_CLUSTER:
                if cluster.stop is None and (
                    element.name in _IN_SEGMENT
                    or element.name == _EBML
                    or is_tag_or_padding(self._handle, place, self._size)
                ):
                    return place
                raise self.unreadable("has bytes that are no element", place)
            if element.stop is None:
                raise self.unreadable("has an element without a size", place)
            if element.name == _SIMPLE_BLOCK:
                self._block(element.start, element.stop)
            elif element.name == _ENCRYPTED_BLOCK:
                raise self.unreadable("is encrypted (DRM)", place, "get it without protection")
            elif element.name == _BLOCK_GROUP:
                inner = element.start
                while inner < element.stop:
                    part = self._element(inner, element.stop)
                    if part.stop is None:
                        raise self.unreadable("has an element without a size", inner)
                    if part.name == _BLOCK:
                        self._block(part.start, part.stop)
                    inner = part.stop
            place = element.stop
        return place

    def _block(self, start: int, stop: int) -> None:
        head = at(self._handle, start, min(13, stop - start))
        number, used = _vint(head, 0, keep_marker=False)
        if number is None or len(head) < used + 3:
            raise self.unreadable("has a block that is too short", start)
        if self.track is None or number != self.track.number or stop - start <= used + 3:
            return
        laced = head[used + 2] & 0x06
        self.packets += head[used + 3] + 1 if laced else 1

    def _tracks(self, tracks: _Element) -> None:
        stop = tracks.stop or tracks.start
        if stop - tracks.start > _MOST_TRACKS_BYTES:
            raise self.unreadable("has a list of its streams that is too long", tracks.start)
        content = at(self._handle, tracks.start, stop - tracks.start)
        found, videos = [], 0
        for name, entry in _inner(content):
            if name != _TRACK_ENTRY:
                continue
            values = dict(_inner(entry))
            kind, number, delay = (int.from_bytes(values.get(each, b""), "big") for each in (_TYPE, _NUMBER, _DELAY))
            videos += kind == 1
            if kind == _AUDIO:
                encodings = [dict(_inner(each)) for _, each in _inner(values.get(_ENCODINGS, b""))]
                codec = values.get(_CODEC, b"").rstrip(b"\0").decode("ascii", "replace")
                found.append(_Track(number, codec, delay, any(_ENCRYPTION in each for each in encodings)))
        if not found:
            what = "is a video without sound" if videos else "has no stream of sound"
            raise self.unreadable(what, tracks.start, "export the recording with its sound")
        if len(found) > 1:
            what = f"has {len(found)} streams of sound, and none is known to be the speaker's"
            raise self.unreadable(what, tracks.start, "take it out (ffmpeg -i IN -map 0:a:0 -c copy OUT.mka)")
        if found[0].encrypted:
            raise self.unreadable("is encrypted (DRM)", tracks.start, "get it without protection")
        (self.track,) = found

    def _element(self, place: int, most: int) -> _Element:
        head = at(self._handle, place, 12)
        name, used = _vint(head, 0, keep_marker=True)
        if name is None or used > 4:
            if len(head) < 4:
                raise self.cut(f"the element at byte {place} is not all there")
            raise self.unreadable("has bytes that are no element", place)
        size, after = _vint(head, used, keep_marker=False)
        if size is None:
            if len(head) < 12:
                raise self.cut(f"the element at byte {place} is not all there")
            raise self.unreadable("has bytes that are no element", place)
        if size == (1 << 7 * (after - used)) - 1:
            return _Element(name, place + after, None)
        stop = place + after + size
        if stop > self._size:
            raise self.cut(f"the element at byte {place} has {size} bytes and {self._size - place - after} are there")
        if stop > most:
            raise self.unreadable("has an element that goes beyond the one around it", place)
        return _Element(name, place + after, stop)

    def unreadable(self, fault: str, place: int, remedy: str = "export it again") -> RejectError:
        """Says that the file is damaged, or none that is read."""
        return RejectError(
            "audio_unreadable",
            f"{self._uri}: a WebM or Matroska file that {fault} (byte {place}); {remedy}",
            {"container": "matroska", "byte": place},
        )

    def cut(self, fault: str) -> RejectError:
        """Says that the file ends too early."""
        return RejectError(
            "audio_truncated",
            f"{self._uri}: a WebM or Matroska file that is cut short: {fault}; export it again",
            {"container": "matroska"},
        )


def _vint(content: bytes, place: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Reads a number of variable length, and gives it with the byte after it; None if it is none."""
    if place >= len(content) or not content[place]:
        return None, place
    length = 9 - content[place].bit_length()
    if place + length > len(content):
        return None, place
    value = int.from_bytes(content[place : place + length], "big")
    return value if keep_marker else value - (1 << 7 * length), place + length


def _inner(content: bytes) -> list[tuple[int, bytes]]:
    """Takes the elements in one that is held in memory; what is damaged ends them."""
    found, place = [], 0
    while place < len(content):
        name, after = _vint(content, place, keep_marker=True)
        size, start = _vint(content, after, keep_marker=False)
        if name is None or size is None or start + size > len(content):
            break
        found.append((name, content[start : start + size]))
        place = start + size
    return found
