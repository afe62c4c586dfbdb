"""Reads the format of a WAVE (``fmt``) and writes a header for a stretch of its samples."""

import struct
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.errors import RejectError

__all__ = ["WaveFormat", "read_wave_format"]

_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_MPEG: Final = (0x50, 0x55)
_MOST_BYTES: Final = 1024  # of a format; 50 are the most that a codec here needs
_LARGEST: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class WaveFormat:
    """Describes the samples of a WAVE.

    Attributes:
        content: of the ``fmt`` chunk.
        byte_order: ``little`` or ``big``.
        rate_hz: sampling rate.
        bytes_s: bytes of a second, as far as it is known, for messages.
        frame_bytes: bytes that are not divided: a sample of every channel, or a block of a codec.
        counted: whether a frame is one sample of every channel, so that bytes can be counted as samples.
    """

    content: bytes
    byte_order: str
    rate_hz: int
    bytes_s: int
    frame_bytes: int
    counted: bool

    def samples(self, count: int) -> int | None:
        """Gives how many samples per channel lie in so many bytes, None if a codec decides."""
        return count // self.frame_bytes if self.counted else None

    def seconds(self, count: int) -> float:
        """Gives how long so many bytes are, about."""
        return count // self.frame_bytes / self.rate_hz if self.counted else count / max(1, self.bytes_s)

    def header(self, count: int) -> bytes:
        """Writes the header of a WAVE of so many bytes of samples: RIFF or RIFX, RF64 where they are more than 4 GiB."""
        number = "<I" if self.byte_order == "little" else ">I"
        riff = 4 + 8 + len(self.content) + len(self.content) % 2 + 8 + count
        form = b"WAVE"
        magic = b"RIFF" if self.byte_order == "little" else b"RIFX"
        if riff > _LARGEST:
            magic = b"RF64"
            form += b"ds64" + struct.pack("<IQQQI", 28, riff + 36, count, self.samples(count) or 0, 0)
            riff = count = _LARGEST
        fmt = b"fmt " + struct.pack(number, len(self.content)) + self.content + b"\0" * (len(self.content) % 2)
        return magic + struct.pack(number, riff) + form + fmt + b"data" + struct.pack(number, count)


def read_wave_format(content: bytes, byte_order: str, uri: str) -> WaveFormat:
    """Reads a ``fmt`` chunk.

    Raises:
        RejectError: ``audio_unreadable``: it makes no sense, or the codec is one that is not read.
    """

    def refuse(fault: str, remedy: str = "the header is wrong: export the track again") -> RejectError:
        return RejectError("audio_unreadable", f"{uri}: {fault}; {remedy}", {"container": "wave"})

    if not 16 <= len(content) <= _MOST_BYTES:
        raise refuse(f"its format chunk has {len(content)} bytes")
    order = "<" if byte_order == "little" else ">"
    codec, channels, rate_hz, bytes_s, align, bits = struct.unpack(order + "HHIIHH", content[:16])
    if codec == _EXTENSIBLE:
        if len(content) < 40:
            raise refuse(f"its extensible format chunk has {len(content)} bytes instead of 40")
        (codec,) = struct.unpack(order + "H", content[24:26])
    if not channels or not rate_hz or not align:
        raise refuse(f"its header says {channels} channels, {rate_hz} Hz and {align} bytes a frame")
    if codec in _MPEG:
        raise refuse(
            "the samples of this WAV are coded as MPEG audio",
            "take the MP3 out of it (ffmpeg -i IN.wav -c copy OUT.mp3) or convert it to FLAC",
        )
    counted = codec in (_PCM, _FLOAT, _A_LAW, _MU_LAW)
    frame_bytes = align
    if codec in (_A_LAW, _MU_LAW):
        frame_bytes = channels
    elif counted:
        frame_bytes = channels * ((bits + 7) // 8)
        if frame_bytes != align:
            raise refuse(f"its header says {channels} channels of {bits} bits and {align} bytes a frame")
    return WaveFormat(content, byte_order, rate_hz, bytes_s, frame_bytes, counted)
