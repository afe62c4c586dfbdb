"""SPHERE files whose samples are compressed with Shorten."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.pipeline.ingest.containers.shorten import shortened, sphere

Decode = Callable[..., Any]
Refused = Callable[[bytes], tuple[str, str]]


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_come_out_as_they_went_in(channels: int, decode: Decode) -> None:
    pcm = np.random.default_rng(5).integers(-(1 << 15), 1 << 15, (4001, channels)).astype(np.int16)
    found = decode(sphere(shortened(pcm), samples=4001, channels=channels, rate_hz=8000))
    assert np.array_equal(found, pcm.astype(np.float32) / 32768)


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        ({"samples": 5000}, "audio_truncated", "tells of 0.62 s of sound and 0.50 s could be decoded"),
        ({"samples": 3000}, "audio_unreadable", "tells of 0.38 s of sound and more could be decoded"),
        ({"samples": None}, "audio_unreadable", "does not say how many samples"),
        ({"channels": 1}, "audio_unreadable", "declares 1 channel(s), its Shorten stream has 2"),
        ({"coding": "ulaw,embedded-shorten-v1.09"}, "audio_unreadable", "decompress it (sph2pipe)"),
        ({"samples": 1 << 40}, "audio_over_limit", "fit into memory"),
        ({"stream": lambda stream: stream[:-2000]}, "audio_unreadable", "cannot be decoded"),
        ({"stream": lambda stream: b"ajkx" + stream[4:]}, "audio_unreadable", "cannot be decoded"),
        ({"stream": lambda stream: stream + b"what is this sound?"}, "audio_unreadable", "bytes follow"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], reason: str, said: str, refused: Refused) -> None:
    pcm = np.random.default_rng(5).integers(-2000, 2000, (4000, 2)).astype(np.int16)
    told = {"samples": 4000, "channels": 2, "rate_hz": 8000} | change
    stream = told.pop("stream", lambda stream: stream)(shortened(pcm))
    found, detail = refused(sphere(stream, **told))
    assert found == reason
    assert said in detail
