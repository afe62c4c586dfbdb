"""Looks through Windows Media files (wma, asf): objects, and packets of one size (Microsoft, "Advanced Systems Format")."""

from io import BufferedReader
from pathlib import Path
from typing import Final
from uuid import UUID

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.decoders import DECODERS
from duologue_pipeline.ingest.containers.look import at, is_tag_or_padding
from duologue_pipeline.ingest.sections import Apart, Layout, Section

__all__ = ["asf_layout"]


def _guid(text: str) -> bytes:
    return UUID(text).bytes_le


_HEADER: Final = _guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
_DATA: Final = _guid("75B22636-668E-11CF-A6D9-00AA0062CE6C")
_INDEXES: Final = (
    _guid("33000890-E5B1-11CF-89F4-00A0C90349CB"),
    _guid("D6E229D3-35DA-11D1-9034-00A0C90349BE"),
    _guid("FEB103F8-12AD-4C64-840F-2A1D2F7AD48C"),
    _guid("3CB73FD0-0C4A-4803-953D-EDF7B6228F0C"),
)
_FILE: Final = _guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
_STREAM: Final = _guid("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
_AUDIO: Final = _guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B")
_VIDEO: Final = _guid("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B")
_ENCRYPTED: Final = (
    _guid("2211B3FB-BD23-11D2-B4B7-00A0C955FC6E"),
    _guid("298AE614-2622-4C17-B935-DAE07EE9289C"),
)
_DATA_HEAD: Final = 50
_MOST_HEADER: Final = 1 << 24
_LIVE: Final = 1


def asf_layout(path: Path, uri: str) -> Layout:
    """Looks through a Windows Media file and accounts for its bytes. Nothing in it names the delay of its encoder.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_truncated``: there are fewer packets than it says; ``audio_unreadable``: there is no stream of
            sound or more than one, it is encrypted, or bytes are no object.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = at(handle, 0, 30)
        length = int.from_bytes(head[16:24], "little")
        if head[:16] != _HEADER or not 30 <= length <= min(size, _MOST_HEADER):
            if length > size:
                raise _cut(uri, f"its header has {length} bytes and the file {size}")
            raise _unreadable(uri, "a header that makes no sense")
        packet_bytes, seconds = _read_header(at(handle, 30, length - 30), uri)
        data = at(handle, length, _DATA_HEAD)
        if data[:16] != _DATA:
            raise (
                _unreadable(uri, "no object of data after its header")
                if len(data) >= 16
                else _cut(uri, "it ends in its header")
            )
        stop = length + int.from_bytes(data[16:24], "little")
        packets = int.from_bytes(data[40:48], "little")
        if seconds is None:  # it was written while it was recorded: no count in it is true
            rest = (size - length - _DATA_HEAD) % packet_bytes
            if stop <= length + _DATA_HEAD and rest and not is_tag_or_padding(handle, size - rest, size):
                raise _cut(uri, "its last packet is not all there")
            stop = size if stop <= length + _DATA_HEAD else stop
        elif stop - length - _DATA_HEAD != packets * packet_bytes:
            raise _unreadable(uri, f"{packets} packets of {packet_bytes} bytes in {stop - length - _DATA_HEAD} bytes")
        if stop > size:
            raise _cut(uri, f"it says that its data end at byte {stop}, and it has {size}")
        _check_rest(handle, stop, size, uri)
    apart = Apart(kind="asf", demuxer="asf", decoders=DECODERS, seconds=seconds)
    return Layout((Section(0, size, apart=apart),), start_known=False)


def _read_header(content: bytes, uri: str) -> tuple[int, float | None]:
    """Reads the objects of the header: bytes of a packet, and seconds of sound, None where it was written live."""
    packet_bytes, seconds, kinds, place = 0, None, [], 0
    while place + 24 <= len(content):
        name, length = content[place : place + 16], int.from_bytes(content[place + 16 : place + 24], "little")
        if not 24 <= length <= len(content) - place:
            raise _unreadable(uri, f"an object of {length} bytes in its header")
        body = content[place + 24 : place + length]
        if name in _ENCRYPTED:
            raise _unreadable(uri, "sound that is encrypted (DRM)", "get it without protection")
        if name == _FILE and len(body) >= 80:
            flags, least, most = (int.from_bytes(body[at : at + 4], "little") for at in (64, 68, 72))
            if least != most:
                raise _unreadable(uri, f"packets of {least} to {most} bytes", "convert it")
            packet_bytes = least
            play, preroll = int.from_bytes(body[40:48], "little"), int.from_bytes(body[56:64], "little")
            seconds = None if flags & _LIVE else max(0.0, play / 1e7 - preroll / 1e3)
        if name == _STREAM:
            kinds.append(body[:16])
        place += length
    if not packet_bytes:
        raise _unreadable(uri, "no size of its packets")
    sounds = kinds.count(_AUDIO)
    if sounds != 1:
        what = "a video without sound" if not sounds and _VIDEO in kinds else f"{sounds} streams of sound"
        raise _unreadable(uri, what, "take the sound of the speaker out (ffmpeg -i IN -map 0:a:0 -c copy OUT.wma)")
    return packet_bytes, seconds


def _check_rest(handle: BufferedReader, place: int, size: int, uri: str) -> None:
    while place < size and not is_tag_or_padding(handle, place, size):
        head = at(handle, place, 24)
        length = int.from_bytes(head[16:24], "little")
        if head[:16] not in _INDEXES or length < 24:
            raise _unreadable(uri, f"{size - place} bytes after its data that are no index")
        if place + length > size:
            raise _cut(uri, f"its index at byte {place} is not all there")
        place += length


def _unreadable(uri: str, fault: str, remedy: str = "export it again") -> RejectError:
    return RejectError("audio_unreadable", f"{uri}: a Windows Media file with {fault}; {remedy}", {"container": "asf"})


def _cut(uri: str, fault: str) -> RejectError:
    return RejectError(
        "audio_truncated",
        f"{uri}: a Windows Media file that is cut short: {fault}; export it again",
        {"container": "asf"},
    )
