"""Limits of audio files: held before memory is taken for what a header declares."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest import limits
from duologue_pipeline.ingest.audio import PairDecoder, conversation_blocks
from duologue_pipeline.ingest.limits import BLOCK_S, block_seconds, check_limits
from duologue_pipeline.records import Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules


def wav(rate_hz: int, channels: int, samples: int = 50) -> bytes:
    """A WAV of a few samples, whatever its header says of them."""
    body = bytes(2 * channels * samples)
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * 2 * channels & 0xFFFFFFFF, 2 * channels, 16)
    data = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    ("rate_hz", "channels", "values"),
    [
        (2**31 - 1, 1, {"limited": "rate_hz", "found": 2**31 - 1, "limit": 384000}),
        (384001, 2, {"limited": "rate_hz", "found": 384001, "limit": 384000}),
        (3999, 2, {"limited": "rate_hz", "found": 3999, "limit": 4000}),
        (1, 1, {"limited": "rate_hz", "found": 1, "limit": 4000}),
        (16000, 65, {"limited": "channels", "found": 65, "limit": 64}),
        (16000, 1024, {"limited": "channels", "found": 1024, "limit": 64}),
    ],
)
def test_what_a_header_declares_is_held_against_the_limits(
    rate_hz: int, channels: int, values: dict[str, object], tmp_path: Path, make_recording: Callable[..., Recording]
) -> None:
    (tmp_path / "call.wav").write_bytes(wav(rate_hz, channels))
    with pytest.raises(RejectError) as raised, PairDecoder(make_recording(tmp_path / "call.wav")):
        pass
    assert (raised.value.reason, raised.value.values) == ("audio_over_limit", values)


@pytest.mark.parametrize(("rate_hz", "channels"), [(4000, 1), (384000, 64), (8000, 2)])
def test_what_is_within_the_limits_passes(rate_hz: int, channels: int) -> None:
    check_limits("call.wav", sample_rate_hz=rate_hz, channels=channels)


def test_a_block_never_takes_more_memory_than_allowed() -> None:
    assert block_seconds([(16000, 2), (48000, 2)]) == BLOCK_S
    assert block_seconds([(192000, 8)]) == BLOCK_S
    assert block_seconds([(384000, 64), (8000, 1)]) == pytest.approx(67108864 / (384000 * 64 * 4))


def test_small_blocks_give_the_same_samples(
    tmp_path: Path, make_recording: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    pcm = np.random.default_rng(0).normal(0, 0.1, (2, 48000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", pcm[0], 48000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", pcm[1, :8000], 8000, subtype="FLOAT")
    recording = make_recording(tmp_path / "a.wav", tmp_path / "b.wav")
    whole = [np.concatenate(track) for track in zip(*conversation_blocks(recording, rate_hz=16000), strict=True)]
    small = replace(load_rules(IngestRules), max_block_bytes=9999)
    monkeypatch.setattr(limits, "load_rules", lambda _: small)
    with PairDecoder(recording) as decoder:
        assert all(4 * max(len(a), len(b)) <= 9999 for a, b in decoder.blocks())
    parts = [np.concatenate(track) for track in zip(*conversation_blocks(recording, rate_hz=16000), strict=True)]
    for track, again in zip(whole, parts, strict=True):
        np.testing.assert_allclose(track, again, atol=1e-6)


def test_a_file_that_changes_while_it_is_decoded_is_refused(
    tmp_path: Path, make_recording: Callable[..., Recording]
) -> None:
    (tmp_path / "call.wav").write_bytes(wav(16000, 2, samples=16000 * 25))
    with PairDecoder(make_recording(tmp_path / "call.wav")) as decoder, pytest.raises(RejectError) as raised:
        for _ in decoder.blocks():
            with (tmp_path / "call.wav").open("ab") as growing:
                growing.write(bytes(1000))
    assert raised.value.reason == "audio_changed"
    assert "wait until nobody writes it" in raised.value.detail
