"""Reads and writes the frame in which an encoder says how many frames follow and how long its delay is.

Xing's header (also called Info), LAME's extension of it, and Fraunhofer's VBRI. It lies in a frame of its own, which
holds no sound, at a fixed place after side information that is all zero: the same words elsewhere, as in a tag, are
nothing.
"""

from dataclasses import dataclass
from typing import Final

from duologue_pipeline.ingest.containers.mp3_frames import FrameHeader, parse_frame_header

__all__ = ["COUNT_BYTES", "DECODER_DELAY", "FrameCount", "count_header", "parse_count"]

COUNT_BYTES: Final = 4 + 2 + 32 + 120 + 36
"""How many bytes of a frame :func:`parse_count` wants to see: header, checksum, side information, Xing and LAME."""
DECODER_DELAY: Final = 529
"""Samples by which every decoder of Layer III is late; libmpg123 leaves them out where a header counts the frames."""

_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8  # flags of the fields of Xing's header
_TOC_BYTES: Final = 100
_VBRI_OFFSET: Final = 4 + 32
_DELAYS_OFFSET, _EXTENSION_BYTES = 21, 36  # of LAME's extension


@dataclass(frozen=True)
class FrameCount:
    """Holds what the first frame of an encoder says.

    Attributes:
        frames: frames that follow, None where it does not say.
        bytes: bytes of this frame and those that follow, None where it does not say.
        delay: samples that the encoder put before the sound, and ``padding`` those after it; None where unknown.
        padding: see ``delay``.
    """

    frames: int | None = None
    bytes: int | None = None
    delay: int | None = None
    padding: int | None = None


def parse_count(frame: bytes, header: FrameHeader) -> FrameCount | None:
    """Reads what a frame says about those that follow it.

    Args:
        frame: the frame, or its first :data:`COUNT_BYTES`.
        header: its header.

    Returns:
        What it says; None if it is a frame of sound.
    """
    if header.layer != 3:
        return None
    for start in (4 + header.side_bytes, 6 + header.side_bytes)[: 2 if header.checked else 1]:
        if frame[start : start + 4] in (b"Xing", b"Info") and not any(frame[6:start]):
            return _parse_xing(frame[: header.size], start + 4)
    if frame[_VBRI_OFFSET : _VBRI_OFFSET + 4] == b"VBRI" and not any(frame[6:_VBRI_OFFSET]):
        size, frames = (int.from_bytes(frame[_VBRI_OFFSET + at :][:4], "big") for at in (10, 14))
        return FrameCount(frames or None, size or None)
    return None


def _parse_xing(frame: bytes, at: int) -> FrameCount:
    flags = int.from_bytes(frame[at : at + 4], "big")
    at += 4
    values: dict[int, int | None] = {}
    for flag in (_FRAMES, _BYTES):
        if flags & flag:
            values[flag] = int.from_bytes(frame[at : at + 4], "big") or None
            at += 4
    at += (_TOC_BYTES if flags & _TOC else 0) + (4 if flags & _QUALITY else 0)
    delays = frame[at + _DELAYS_OFFSET : at + _DELAYS_OFFSET + 3]
    if len(delays) < 3 or not frame[at]:  # no name of an encoder: no extension
        return FrameCount(values.get(_FRAMES), values.get(_BYTES))
    both = int.from_bytes(delays, "big")
    return FrameCount(values.get(_FRAMES), values.get(_BYTES), both >> 12, both & 0xFFF)


def count_header(first: bytes, frames: int, delays: tuple[int, int] | None) -> bytes:
    """Makes the frame that tells libmpg123 how many frames follow, so that it reads them all and no more.

    Args:
        first: the header of the first frame that follows.
        frames: how many follow.
        delays: samples that the decoder is to leave out at the beginning and at the end, without its own
            delay; None where they are not known, so that it leaves out only its own.

    Returns:
        A frame of the same version, sampling rate and channels.
    """
    extension = b""
    if delays is not None:
        extension = b"LAME".ljust(_DELAYS_OFFSET, b"\0") + (delays[0] << 12 | delays[1]).to_bytes(3, "big")
    for bit_rate in range(1, 15):
        header = bytes([first[0], first[1] | 1, bit_rate << 4 | first[2] & 0x0C, first[3]])
        parsed = parse_frame_header(header)
        if parsed is None:
            raise ValueError("not the header of a frame of Layer III")
        body = header + bytes(parsed.side_bytes) + b"Xing" + _FRAMES.to_bytes(4, "big") + frames.to_bytes(4, "big")
        if parsed.size >= len(body) + _EXTENSION_BYTES:
            return (body + extension).ljust(parsed.size, b"\0")
    raise ValueError("no frame is long enough")
