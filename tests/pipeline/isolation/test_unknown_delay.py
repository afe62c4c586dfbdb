"""Tracks that may lie late because an MP3 does not name the delay of its encoder."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.ingest.containers.mp3_frames import parse_frame_header
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.isolation.measure import measure_recording
from duologue_pipeline.isolation.report import fault_columns

Build = Callable[..., Any]


def write_mp3(path: Path, pcm: np.ndarray[Any, Any], *, named: bool) -> Path:
    """An MP3 at 8 kHz, with or without its first frame, which names the delay and holds no sound."""
    target = io.BytesIO()
    soundfile.write(target, pcm, 8000, format="MP3", bitrate_mode="VARIABLE")
    whole = target.getvalue()
    header = parse_frame_header(whole)
    assert header is not None
    path.write_bytes(whole if named else whole[header.size :])
    return path


@pytest.mark.parametrize(
    ("named", "detail"),
    [
        ((True, True), None),
        ((True, False), "the file of b does not name the delay of its encoder, so b may lie up to 360 ms late"),
        ((False, True), "the file of a does not name the delay of its encoder, so a may lie up to 360 ms late"),
    ],
)
def test_the_offset_of_two_files_is_not_known_where_one_does_not_name_its_delay(
    named: tuple[bool, bool], detail: str | None, tmp_path: Path, noise: Build, make_recording: Build
) -> None:
    a, b = (
        write_mp3(tmp_path / f"{name}.mp3", noise(30.0, seed=seed)[:, 0], named=own)
        for name, seed, own in zip("ab", (1, 2), named, strict=True)
    )
    recording = make_recording(a, b)
    report = measure_recording(recording, duration_ms=lambda: 30_000)
    audio = measure_audio(recording)
    assert (audio.a.delay_known, audio.b.delay_known) == named
    if detail is not None:
        assert (report.faults["offset"].found, report.faults["offset"].detail) == (None, detail)
        assert fault_columns(report)["offset_found"] is None
    else:
        assert "delay" not in report.faults["offset"].detail


def test_two_channels_of_a_file_share_their_delay(tmp_path: Path, noise: Build, make_recording: Build) -> None:
    recording = make_recording(write_mp3(tmp_path / "call.mp3", noise(30.0), named=False))
    assert "delay" not in measure_recording(recording, duration_ms=lambda: 30_000).faults["offset"].detail
    assert not measure_audio(recording).a.delay_known
