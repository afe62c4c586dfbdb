"""Looks through bare streams of frames: AMR (amr, awb), GSM 06.10 (gsm) and AAC in ADTS (aac).

Each is a row of frames and nothing else, so that every byte is one of a frame, or the file is cut short or damaged
(RFC 4867; 3GPP TS 26.101, 26.201; ETSI EN 300 961; ISO/IEC 14496-3, 1.A.2).
"""

from pathlib import Path
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.look import after_id3v2, at, is_tag_or_padding
from duologue_pipeline.ingest.sections import Apart, Layout, Section

__all__ = ["adts_layout", "amr_layout", "gsm_layout", "is_gsm"]

_AMR: Final = {
    b"#!AMR\n": ("amrnb", (13, 14, 16, 18, 20, 21, 27, 32, 6, None, None, None, None, None, None, 1), 8000),
    b"#!AMR-WB\n": ("amrwb", (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, None, None, None, None, 1, 1), 16000),
}
"""First bytes -> decoder, bytes of a frame of each type (None: there is none), sampling rate in Hz."""
_AMR_FRAMES_A_SECOND: Final = 50
_GSM_BYTES, _GSM_SAMPLES, _GSM_HZ = 33, 160, 8000
_BUFFER_BYTES: Final = 1 << 18


def amr_layout(path: Path, uri: str) -> Layout:
    """Looks through an AMR file frame by frame.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_truncated``: its last frame is not all there; ``audio_unreadable``: something is no frame, or
            it has several channels; ``audio_empty``: it has none.
    """
    size, frames = path.stat().st_size, 0
    with path.open("rb", buffering=_BUFFER_BYTES) as handle:
        head = handle.read(16)
        kind = next((mark for mark in _AMR if head.startswith(mark)), None)
        if kind is None:
            raise _unreadable(uri, "AMR", "several channels", 0, "convert it")
        decoder, lengths, rate_hz = _AMR[kind]
        place = len(kind)
        handle.seek(place)
        while first := handle.read(1):
            length = None if first[0] & 0x83 else lengths[first[0] >> 3 & 15]
            if length is None:
                if is_tag_or_padding(handle, place, size):
                    break
                raise _unreadable(uri, "AMR", f"no frame after {frames / _AMR_FRAMES_A_SECOND:.2f} s", place)
            if place + length > size:
                raise _cut(uri, "AMR", f"the last frame, after {frames / _AMR_FRAMES_A_SECOND:.2f} s, is not all there")
            frames += 1
            place += length
            handle.seek(place)
    if not frames:
        raise RejectError("audio_empty", f"{uri}: an AMR file without frames; export the track again")
    samples = frames * rate_hz // _AMR_FRAMES_A_SECOND
    apart = Apart(kind="amr", demuxer="amr", decoders=(decoder,), timed=False, packets=frames)
    return Layout((Section(0, size, samples=samples, apart=apart),))


def is_gsm(path: Path) -> bool:
    """Tells whether a file is a row of GSM frames: each begins with the same four bits, so that no other file looks alike."""
    size = path.stat().st_size
    if size < _GSM_BYTES * 5:
        return False
    with path.open("rb") as handle:
        head = handle.read(_GSM_BYTES * 100)
    return all(byte >> 4 == 0xD for byte in head[::_GSM_BYTES])


def gsm_layout(path: Path, uri: str) -> Layout:
    """Looks through a row of GSM 06.10 frames of 33 bytes, as telephone exchanges write it (gsm).

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_truncated``: its last frame is not all there; ``audio_unreadable``: something is no frame.
    """
    size, place = path.stat().st_size, 0
    with path.open("rb") as handle:
        while block := handle.read(_GSM_BYTES * 8192):
            for i in range(0, len(block), _GSM_BYTES):
                if block[i] >> 4 != 0xD:
                    raise _unreadable(uri, "GSM", f"no frame after {(place + i) // _GSM_BYTES / 50:.2f} s", place + i)
            place += len(block)
    if size % _GSM_BYTES:
        raise _cut(uri, "GSM", f"the last frame, after {size // _GSM_BYTES / 50:.2f} s, is not all there")
    frames = size // _GSM_BYTES
    apart = Apart(kind="gsm", demuxer="gsm", decoders=("gsm",), timed=False, rate_hz=_GSM_HZ)
    return Layout((Section(0, size, samples=frames * _GSM_SAMPLES, apart=apart),))


def adts_layout(path: Path, uri: str) -> Layout:
    """Looks through a bare stream of AAC frame by frame. Nothing in it names the delay of its encoder.

    Args:
        path: the file.
        uri: how the manifest names it, for messages.

    Raises:
        RejectError: ``audio_truncated``: its last frame is not all there; ``audio_unreadable``: something is no frame, or
            the sampling rate, the profile or the channels change.
    """
    size, frames, form = path.stat().st_size, 0, None
    with path.open("rb", buffering=_BUFFER_BYTES) as handle:
        place = after_id3v2(handle, 0)
        while place < size:
            head = at(handle, place, 7)
            if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
                if frames and is_tag_or_padding(handle, place, size):
                    break
                if len(head) < 7 and head[:1] == b"\xff":
                    raise _cut(uri, "AAC", f"the last of {frames + 1} frames is not all there")
                raise _unreadable(uri, "AAC", f"no frame after the {frames}th", place)
            length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
            own = head[1], head[2] & 0xFD, head[3] & 0xC0
            form = form or own
            if own != form:
                raise _unreadable(
                    uri, "AAC", f"sound that changes its rate, profile or channels after the {frames}th frame", place
                )
            if length < 7:
                raise _unreadable(uri, "AAC", f"a frame of {length} bytes after the {frames}th", place)
            if place + length > size:
                raise _cut(uri, "AAC", f"the last of {frames + 1} frames is not all there")
            frames += 1
            place += length
    apart = Apart(kind="aac", demuxer="aac", decoders=("aac",), timed=False, packets=frames)
    return Layout((Section(0, size, apart=apart),), start_known=False)


def _unreadable(uri: str, kind: str, fault: str, place: int, remedy: str = "export it again") -> RejectError:
    return RejectError(
        "audio_unreadable",
        f"{uri}: a file of {kind} with {fault} (byte {place}); {remedy}",
        {"container": kind.lower(), "byte": place},
    )


def _cut(uri: str, kind: str, fault: str) -> RejectError:
    return RejectError(
        "audio_truncated",
        f"{uri}: a file of {kind} that is cut short: {fault}; export it again",
        {"container": kind.lower()},
    )
