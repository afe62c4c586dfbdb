"""Samples that were decoded once and kept: the very same ones, only of whole files, and never of a changed file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files import kept
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.files.local import Seen
from duologue_pipeline.ingest import decoded
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.ingest.decoded import open_samples
from duologue_pipeline.ingest.track_file import TrackFile

Build = Callable[..., Any]


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files that are decoded; at the end of the test nothing may be kept."""
    paths: list[Path] = []

    def noted(path: Path, shown: str) -> TrackFile:
        paths.append(path)
        return TrackFile(path, shown)

    monkeypatch.setattr(decoded, "TrackFile", noted)
    yield paths
    assert not kept._store.entries


def read(path: Path, frames: int = 3000) -> Any:
    file = open_samples(path, path.name, Seen(path, str(path)))
    blocks = []
    while len(block := file.read(frames)):
        blocks.append(block)
    assert (file.sample_rate_hz, file.channels, file.start_known) == (8000, 2, True)
    file.close()
    return np.concatenate(blocks)


@pytest.mark.parametrize(
    ("name", "kind", "dtype", "decodings"),
    [
        ("a.flac", {"subtype": "PCM_16"}, "int16", 1),
        ("b.flac", {"subtype": "PCM_24"}, "int32", 1),
        ("c.ogg", {"subtype": "VORBIS"}, "float32", 1),
        ("d.mp3", {}, "float32", 1),
        ("e.wav", {"subtype": "PCM_16"}, "float32", 2),
    ],
)
def test_a_file_that_costs_time_is_decoded_once(
    name: str, kind: Any, dtype: str, decodings: int, noise: Build, write_audio: Build, opened: list[Path]
) -> None:
    path = write_audio(name, noise(2.0), **kind)
    with keeping():
        first, second = read(path), read(path, frames=777)
    assert first.dtype == second.dtype == dtype
    np.testing.assert_array_equal(first, second)
    assert len(opened) == decodings
    np.testing.assert_array_equal(read(path), first)
    assert len(opened) == decodings + 1


def test_a_changed_file_is_decoded_again(noise: Build, write_audio: Build, opened: list[Path]) -> None:
    with keeping():
        first = read(write_audio("call.flac", noise(1.0, seed=1)))
        second = read(write_audio("call.flac", noise(1.0, seed=2)))
    assert (first != second).any()
    assert len(opened) == 2


def test_what_was_not_read_to_its_end_is_not_kept(noise: Build, write_audio: Build, opened: list[Path]) -> None:
    path = write_audio("call.flac", noise(1.0))
    with keeping():
        file = open_samples(path, path.name, Seen(path, str(path)))
        file.read(100)
        file.close()
        assert len(read(path)) == 8000
    assert len(opened) == 2


def test_a_damaged_file_is_refused_each_time(
    noise: Build, write_audio: Build, make_recording: Build, opened: list[Path]
) -> None:
    path = write_audio("call.flac", noise(1.0))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with keeping():
        for _ in range(2):
            with pytest.raises(RejectError, match=r"call\.flac"):
                list(conversation_blocks(make_recording(path), rate_hz=8000))
    assert len(opened) == 2


@pytest.mark.parametrize("room", [0, 10_000])
def test_what_does_not_fit_is_decoded_again(
    room: int, noise: Build, write_audio: Build, opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_audio("call.flac", noise(2.0))
    for module in decoded, kept:
        monkeypatch.setattr(module, "room_bytes", lambda: room)
    with keeping():
        np.testing.assert_array_equal(read(path), read(path))
    assert len(opened) == 2


def test_the_blocks_of_a_conversation_are_the_same_from_what_is_kept(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    a, b = write_audio("a.flac", noise(25.0)[:, :1], 8000), write_audio("b.flac", noise(31.0)[:, :1], 16000)
    recording = make_recording(a, b, offsets_s=(0.0, 1.5))
    plain = list(conversation_blocks(recording, rate_hz=16_000))
    with keeping():
        for _ in range(3):
            again = list(conversation_blocks(recording, rate_hz=16_000))
            assert len(again) == len(plain)
            for pair, expected in zip(again, plain, strict=True):
                np.testing.assert_array_equal(pair, expected)
