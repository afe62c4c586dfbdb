"""Containers that are decoded in a process of their own: what comes out, where it lies, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.track_file import TrackFile, to_float
from tests.pipeline.ingest.containers.decoded import lag
from tests.pipeline.ingest.containers.made import F32, KINDS, speech, write

LIVE_WEBM = {"live": "1"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "300000"}


def read(path: Path, block: int = 10_007) -> tuple[F32, TrackFile]:
    file = TrackFile(path, path.name)
    blocks = [np.zeros((0, file.channels), np.float32)]
    while len(some := file.read(block)):
        blocks.append(to_float(some))
    file.close()
    return np.concatenate(blocks), file


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(RejectError) as raised:
        read(path)
    return raised.value.reason, raised.value.detail


@pytest.mark.parametrize(
    ("kind", "longer", "late", "known"),
    [
        ("m4a", 0, 0, True),
        ("mp4", 0, 0, True),
        ("mov", 0, 0, True),
        ("alac", 0, 0, True),
        ("opus-mp4", 0, 0, True),
        ("mp3-mp4", 0, 0, True),
        ("pcm-mov", 0, 0, True),
        ("webm", 0, 0, True),
        ("vorbis-webm", 1, 0, True),
        ("mka", 1024, 0, True),
        ("flac-mka", 0, 0, True),
        ("amr", 160, 53, True),  # the encoder looks 5 ms ahead
        ("aac", 2048, 1024, False),
    ],
)
def test_sound_comes_out_whole_and_in_its_place(kind: str, longer: int, late: int, known: bool, tmp_path: Path) -> None:
    rate_hz = KINDS[kind][2]
    sound = speech(rate_hz, 1.7, 1 if kind == "amr" else 2)
    found, file = read(write(tmp_path / "call", kind, sound))
    assert (file.sample_rate_hz, file.channels, file.start_known) == (rate_hz, sound.shape[1], known)
    assert 0 <= len(found) - len(sound) <= longer
    assert lag(found[:, 0], sound[:, 0]) == late
    assert (file.start_s, file.filled_samples) == (0.0, 0)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=0.15)


def test_windows_media_comes_with_a_delay_that_is_not_known(tmp_path: Path) -> None:
    sound = speech(44100, 1.7)
    found, file = read(write(tmp_path / "call", "wma", sound))
    assert not file.start_known
    assert abs(len(found) - len(sound)) <= 2048
