"""Encodes the sound of a conversation for the page, the same samples to the same bytes."""

import io
from base64 import b64encode
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["SoundFormat", "encode", "sound_address"]

SoundFormat = Literal["opus", "mp3"]
_TYPES: Final = {"opus": "audio/ogg", "mp3": "audio/mpeg"}
_QUALITY: Final = 0.92  # about 24 kbit/s a track
_SERIAL: Final = 0x64756F00
_POLYNOMIAL: Final = 0x04C11DB7


def encode(pcm: npt.NDArray[np.float32], rate_hz: int, format: SoundFormat) -> bytes:
    """Encodes both tracks as a stereo file, a on the left.

    Args:
        pcm: float32 [2, T] in [-1, 1].
        rate_hz: sample rate: 8,000, 12,000, 16,000, 24,000 or 48,000 Hz.
        format: ``opus`` (Ogg Opus) or ``mp3``.
    """
    buffer = io.BytesIO()
    if format == "mp3":
        soundfile.write(buffer, pcm.T, rate_hz, format="MP3", subtype="MPEG_LAYER_III")
        return buffer.getvalue()
    with soundfile.SoundFile(buffer, "w", rate_hz, 2, format="OGG", subtype="OPUS", compression_level=_QUALITY) as file:
        file.write(pcm.T)
    return _renumbered(buffer.getvalue())


def sound_address(audio: tuple[npt.NDArray[np.float32], int] | None, format: SoundFormat) -> str | None:
    """Writes the sound into an address of the scheme ``data``; None where there is none.

    Args:
        audio: samples and rate as for :func:`encode`.
        format: as there.
    """
    if audio is None or not audio[0].shape[1]:
        return None
    return f"data:{_TYPES[format]};base64,{b64encode(encode(*audio, format)).decode()}"


def _renumbered(data: bytes) -> bytes:
    """Gives the pages of an Ogg file one serial number in place of the random one, and their check sums (RFC 3533)."""
    pages, place = [], 0
    while place < len(data):
        segments = data[place + 26]
        size = 27 + segments + sum(data[place + 27 : place + 27 + segments])
        page = bytearray(data[place : place + size])
        page[14:18] = _SERIAL.to_bytes(4, "little")
        page[22:26] = bytes(4)
        page[22:26] = _checksum(page).to_bytes(4, "little")
        pages.append(bytes(page))
        place += size
    return b"".join(pages)


def _checksum(page: bytes | bytearray) -> int:
    value = 0
    for byte in page:
        value = (value << 8) & 0xFFFFFFFF ^ _TABLE[(value >> 24) ^ byte]
    return value


def _entry(index: int) -> int:
    value = index << 24
    for _ in range(8):
        value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
    return value & 0xFFFFFFFF


_TABLE: Final = tuple(_entry(index) for index in range(256))
