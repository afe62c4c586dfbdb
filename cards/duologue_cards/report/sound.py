"""Encodes the sound of a conversation for the page, the same samples to the same bytes."""

import io
from base64 import b64encode
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["SoundFormat", "encode", "sound_address"]

SoundFormat = Literal["opus", "mp3"]
_OPUS_HZ: Final = (8000, 12000, 16000, 24000, 48000)
_MP3_HZ: Final = (11025, 22050, 32000, 44100)
_HIGHEST_HZ: Final = 48000
_QUALITY: Final = 0.92  # about 24 kbit/s a track
_SERIAL: Final = 0x64756F00
_POLYNOMIAL: Final = 0x04C11DB7


def encode(pcm: npt.NDArray[np.float32], rate_hz: int, format: SoundFormat) -> tuple[str, bytes]:
    """Encodes both tracks as a stereo file, a on the left.

    Opus knows few sampling rates; what has another one becomes MP3, and what MP3 does not know either is brought to 48,000 Hz.

    Args:
        pcm: float32 [2, T] in [-1, 1].
        rate_hz: sampling rate, in Hz.
        format: ``opus`` (Ogg Opus) or ``mp3``.

    Returns:
        The media type, and the file.
    """
    if rate_hz not in (*_OPUS_HZ, *_MP3_HZ):
        pcm, rate_hz = _at_highest_rate(pcm, rate_hz)
    buffer = io.BytesIO()
    if format == "mp3" or rate_hz not in _OPUS_HZ:
        soundfile.write(buffer, pcm.T, rate_hz, format="MP3", subtype="MPEG_LAYER_III")
        return "audio/mpeg", buffer.getvalue()
    with soundfile.SoundFile(buffer, "w", rate_hz, 2, format="OGG", subtype="OPUS", compression_level=_QUALITY) as file:
        file.write(pcm.T)
    return "audio/ogg", _renumbered(buffer.getvalue())


def sound_address(audio: tuple[npt.NDArray[np.float32], int] | None, format: SoundFormat) -> str | None:
    """Writes the sound into an address of the scheme ``data``; None where there is none.

    Args:
        audio: samples and rate as for :func:`encode`.
        format: as there.
    """
    if audio is None or not audio[0].shape[1]:
        return None
    kind, data = encode(*audio, format)
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _at_highest_rate(pcm: npt.NDArray[np.float32], rate_hz: int) -> tuple[npt.NDArray[np.float32], int]:
    """Brings sound to 48,000 Hz, simply: it is to be listened to and not to be measured."""
    together = -(-rate_hz // _HIGHEST_HZ)
    whole = pcm[:, : pcm.shape[1] // together * together]
    held = whole.reshape(2, -1, together).mean(axis=2)
    places = np.arange(round(held.shape[1] * together * _HIGHEST_HZ / rate_hz)) * (rate_hz / together / _HIGHEST_HZ)
    rows = [np.interp(places, np.arange(held.shape[1]), row) for row in held] if held.shape[1] else held
    return np.array(rows, np.float32), _HIGHEST_HZ


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
