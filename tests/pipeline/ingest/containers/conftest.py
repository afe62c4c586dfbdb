"""Builders of files, byte by byte, and what comes out of them."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.track_file import TrackFile, to_float

Pcm = npt.NDArray[np.float32]

RATE_HZ, CHANNELS, SAMPLES = 8000, 2, 4000


def make_samples() -> npt.NDArray[np.int16]:
    """int16 [4000, 2]: half a second of noise."""
    return (np.random.default_rng(7).normal(size=(SAMPLES, CHANNELS)) * 3000).astype("<i2")


def make_chunk(name: bytes, content: bytes, *, pad: bool = True, order: str = "<") -> bytes:
    """A chunk as RIFF and AIFF have it."""
    return name + struct.pack(order + "I", len(content)) + content + b"\0" * (pad and len(content) % 2)


def make_format(
    codec: int = 1, channels: int = CHANNELS, rate_hz: int = RATE_HZ, align: int = 4, bits: int = 16
) -> bytes:
    """The content of a ``fmt`` chunk."""
    return struct.pack("<HHIIHH", codec, channels, rate_hz, rate_hz * align & 0xFFFFFFFF, align, bits)


def make_wav(
    payload: bytes | None = None,
    *,
    riff: int | None = None,
    data: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
    fmt: bytes | None = None,
) -> bytes:
    """A WAV whose sizes may say anything; by default the 4000 samples and right sizes."""
    payload = make_samples().tobytes() if payload is None else payload
    body = b"WAVE" + make_chunk(b"fmt ", make_format() if fmt is None else fmt) + before + b"data"
    body += struct.pack("<I", (len(payload) if data is None else data) & 0xFFFFFFFF) + payload + after
    return b"RIFF" + struct.pack("<I", (len(body) if riff is None else riff) & 0xFFFFFFFF) + body


@pytest.fixture
def samples() -> npt.NDArray[np.int16]:
    return make_samples()


@pytest.fixture
def sound(samples: npt.NDArray[np.int16]) -> Pcm:
    """What :func:`make_samples` is when it has been decoded: float32 [4000, 2]."""
    return samples.astype(np.float32) / np.float32(32768)


@pytest.fixture(name="make_wav")
def _make_wav() -> Callable[..., bytes]:
    return make_wav


@pytest.fixture(name="make_chunk")
def _make_chunk() -> Callable[..., bytes]:
    return make_chunk


@pytest.fixture(name="make_format")
def _make_format() -> Callable[..., bytes]:
    return make_format


@pytest.fixture
def decode(tmp_path: Path) -> Callable[..., Pcm]:
    """Decodes a file of these bytes, in blocks that fit nothing: float32 [T, channels]."""

    def decode(content: bytes | Path, block: int = 1234) -> Pcm:
        path = content if isinstance(content, Path) else tmp_path / "call"
        if isinstance(content, bytes):
            path.write_bytes(content)
        file = TrackFile(path, "call")
        blocks = [np.zeros((0, file.channels), dtype=np.float32)]
        try:
            while len(some := file.read(block)):
                blocks.append(to_float(some))
        finally:
            file.close()
        return np.concatenate(blocks)

    return decode


@pytest.fixture
def refused(decode: Callable[..., Pcm]) -> Callable[[bytes], tuple[str, str]]:
    """Gives reason and detail of the refusal of a file of these bytes."""

    def refused(content: Any) -> tuple[str, str]:
        with pytest.raises(RejectError) as raised:
            decode(content)
        return raised.value.reason, raised.value.detail

    return refused
