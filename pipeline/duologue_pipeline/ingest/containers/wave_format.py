"""Reads the format of a WAVE (``fmt``) and writes a header for a stretch of its samples."""

import struct
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.containers.foreign import WAVE_CODECS

__all__ = ["WaveFormat", "read_wave_format"]

_PCM, _MS_ADPCM, _FLOAT, _A_LAW, _MU_LAW, _IMA_ADPCM, _GSM, _EXTENSIBLE = 1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE
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
        codec: its number among the registered ones.
    """

    content: bytes
    byte_order: str
    rate_hz: int
    bytes_s: int
    frame_bytes: int
    counted: bool
    codec: int

    @property
    def most_bytes(self) -> int | None:
        """Bytes that a header can speak of: the big-endian one has 32 bits for it, the other has a long form."""
        return _LARGEST - len(self.content) - 64 if self.byte_order == "big" else None

    def readable(self, count: int) -> bool:
        """Tells whether libsndfile 1.2 reads so many bytes rightly: of GSM in a WAV, an odd number is taken for more."""
        return self.codec != _GSM or self.byte_order == "big" or count % 2 == 0

    def samples(self, count: int) -> int | None:
        """Gives how many samples per channel lie in so many bytes, None if a codec decides."""
        return count // self.frame_bytes if self.counted else None

    def seconds(self, count: int) -> float:
        """Gives how long so many bytes are, about."""
        return count // self.frame_bytes / self.rate_hz if self.counted else count / max(1, self.bytes_s)

    def header(self, count: int) -> bytes:
        """Writes the header of a WAVE of so many bytes of samples: RIFF or RIFX, RF64 where they are more than 4 GiB."""
        if not self.readable(count):
            return self._wave64_header(count)
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

    def _wave64_header(self, count: int) -> bytes:
        """Writes the header of a Wave64, which has no such rule for odd sizes."""
        content = self.content + b"\0" * (-len(self.content) % 8)
        fmt = _WAVE64_GUIDS[b"fmt "] + struct.pack("<Q", 24 + len(self.content)) + content
        data = _WAVE64_GUIDS[b"data"] + struct.pack("<Q", 24 + count)
        whole = 40 + len(fmt) + len(data) + count
        return _WAVE64_GUIDS[b"riff"] + struct.pack("<Q", whole) + _WAVE64_GUIDS[b"wave"] + fmt + data


_WAVE64_GUIDS: Final = {
    name: name + bytes.fromhex("2e91cf11a5d628db04c10000" if name == b"riff" else "f3acd3118cd100c04f8edb8a")
    for name in (b"riff", b"wave", b"fmt ", b"data")
}


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
    if codec in WAVE_CODECS:
        raise refuse(
            f"the samples of this WAV are coded as {WAVE_CODECS[codec]}, which is not read",
            "convert it (ffmpeg -i IN.wav -c:a pcm_s16le OUT.wav)",
        )
    counted = codec in (_PCM, _FLOAT, _A_LAW, _MU_LAW)
    frame_bytes = align if codec in (_MS_ADPCM, _IMA_ADPCM, _GSM) else 1
    if codec in (_A_LAW, _MU_LAW):
        frame_bytes = channels
    elif counted:
        frame_bytes = channels * ((bits + 7) // 8)
        if frame_bytes != align:
            raise refuse(f"its header says {channels} channels of {bits} bits and {align} bytes a frame")
    return WaveFormat(content, byte_order, rate_hz, bytes_s, frame_bytes, counted, codec)
