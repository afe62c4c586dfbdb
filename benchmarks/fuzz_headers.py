"""Writes headers of audio files byte by byte, as recorders, editors and attackers do: sizes that went stale, odd figures.

Used by :mod:`benchmarks.fuzz_audio`. Everything here knows how many samples lie in the bytes, whatever the header says.
"""

import random
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

RATES: Final = (0, 1, 3999, 4000, 8000, 16000, 44100, 192_000, 384_000, 384_001, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
CHANNELS: Final = (0, 1, 2, 3, 8, 64, 65, 255, 1024, 32767, 65535)
TRAILERS: Final = (b"", b"", b"", b"LIST\4\0\0\0INFO", b"bext\6\0\0\0abcdef", b"id3 \4\0\0\0ID3\3")


@dataclass(frozen=True)
class Made:
    """Holds a file that was made by bytes.

    Attributes:
        data: the file.
        what: how it was made.
        samples: per channel that lie in it.
        rate_hz: that its header says.
        channels: that its header says.
    """

    data: bytes
    what: str
    samples: int
    rate_hz: int
    channels: int


def pcm_bytes(pcm: Array, kind: str, order: str) -> bytes:
    """Writes samples, float64 [T, 2] in [-1, 1), as ``int16``, ``int24`` or ``float``; the order is ``<`` or ``>``."""
    if kind == "float":
        return pcm.astype(f"{order}f4").tobytes()
    if kind == "int16":
        return np.round(pcm * 32767).astype(f"{order}i2").tobytes()
    whole = np.round(pcm * 8388607).astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
    return (whole[:, :3] if order == "<" else whole[:, 1:]).tobytes()


def stale(size: int, rng: random.Random, *, bits: int = 32) -> int:
    """Gives what a header may say of a size: the right one, one that was never written, or one of another take."""
    most = (1 << bits) - 1
    said = rng.choice(
        (size, size, 0, most, most - 1, 1 << (bits - 1), size // 2, size // 3, size - 1, size + 1, 2 * size)
    )
    return min(most, max(0, said))


def wav(pcm: Array, rng: random.Random, *, rate_hz: int = 8000, channels: int = 2, true: bool = False) -> Made:
    """Makes a WAV: its sizes may be stale, chunks lie before and after its samples."""
    kind = rng.choice(("int16", "int16", "int24", "float"))
    width = {"int16": 2, "int24": 3, "float": 4}[kind]
    audio = pcm_bytes(pcm, kind, "<")
    block = max(1, channels * width)
    said = len(audio) if true else stale(len(audio), rng)
    before = rng.choice((b"", b"", b"JUNK\x1c\0\0\0" + bytes(28), b"LIST\4\0\0\0INFO", b"fact\4\0\0\0" + b"\xff" * 4))
    after = rng.choice(TRAILERS) if true or said == len(audio) else b""
    form = struct.pack(
        "<HHIIHH",
        3 if kind == "float" else 1,
        channels & 0xFFFF,
        rate_hz,
        rate_hz * block & 0xFFFFFFFF,
        block & 0xFFFF,
        8 * width,
    )
    rest = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", said) + audio + after
    riff = len(rest) if true else stale(len(rest), rng)
    what = (
        f"WAV {kind}, RIFF {riff} of {len(rest)}, data {said} of {len(audio)}, {len(before)} before, {len(after)} after"
    )
    return Made(b"RIFF" + struct.pack("<I", riff) + rest, what, len(audio) // block, rate_hz, channels)


def rf64(pcm: Array, rng: random.Random) -> Made:
    """Makes an RF64 or BW64 whose 64-bit sizes may be stale."""
    audio = pcm_bytes(pcm, "int16", "<")
    form = struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
    said, count = stale(len(audio), rng, bits=64), stale(len(pcm), rng, bits=64)
    short = rng.choice((0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, len(audio), 0))
    body = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", short) + audio
    riff = stale(len(body) + 40, rng, bits=64)
    sizes = struct.pack("<QQQI", riff, said, count, 0)
    head = rng.choice((b"RF64", b"BW64")) + b"\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes
    return Made(
        head + body,
        f"RF64 riff {riff}, data {said} or {short} of {len(audio)}, samples {count}",
        len(pcm),
        8000,
        2,
    )


def au(pcm: Array, rng: random.Random, *, rate_hz: int = 8000, channels: int = 2, true: bool = False) -> Made:
    """Makes an AU whose size may be stale, with a note of any length before the samples."""
    kind, code = rng.choice((("int16", 3), ("int24", 4), ("float", 6)))
    audio = pcm_bytes(pcm, kind, ">")
    note = bytes(rng.choice((0, 4, 8, 100)))
    said = len(audio) if true else stale(len(audio), rng)
    head = struct.pack(">4sIIIII", b".snd", 24 + len(note), said, code, rate_hz, channels & 0xFFFFFFFF)
    samples = len(audio) // max(1, channels * {"int16": 2, "int24": 3, "float": 4}[kind])
    return Made(head + note + audio, f"AU {kind}, {said} of {len(audio)}", samples, rate_hz, channels)


def aiff(pcm: Array, rng: random.Random) -> Made:
    """Makes an AIFF whose sizes and number of samples may be stale."""
    kind, bits = rng.choice((("int16", 16), ("int24", 24)))
    audio = pcm_bytes(pcm, kind, ">")
    count, said = stale(len(pcm), rng), stale(len(audio) + 8, rng)
    rate = b"\x40\x0b\xfa" + bytes(7)
    common = b"COMM" + struct.pack(">IhIh", 18, 2, count, bits) + rate
    body = b"AIFF" + common + b"SSND" + struct.pack(">III", said, 0, 0) + audio
    form = stale(len(body), rng)
    what = f"AIFF {kind}, FORM {form} of {len(body)}, SSND {said} of {len(audio) + 8}, samples {count} of {len(pcm)}"
    return Made(b"FORM" + struct.pack(">I", form) + body, what, len(pcm), 8000, 2)


def limits(pcm: Array, rng: random.Random) -> Made:
    """Makes a WAV or an AU whose header says any rate and any number of channels."""
    rate_hz = rng.choice(RATES)
    channels = rng.choice(CHANNELS) if rng.random() < 0.6 else 2
    made = rng.choice((wav, au))(pcm, rng, rate_hz=rate_hz, channels=channels, true=True)
    return Made(made.data, f"{made.what}: {rate_hz} Hz, {channels} channels", made.samples, rate_hz, channels)
