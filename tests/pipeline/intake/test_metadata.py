"""When a recording began, by the metadata of its files."""

import struct
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.intake.metadata import started_of_files
from duologue_pipeline.intake.moments import Started, read_zone
from tests.pipeline.intake.support import audio

av = pytest.importorskip("av")
UTC = read_zone("UTC")


def broadcast_wave(path: Path, day: str, time: str) -> Path:
    """Writes a second of stereo silence with a bext chunk (EBU Tech 3285)."""
    bext = bytes(320) + day.encode() + time.encode() + bytes(8 + 2 + 64 + 190)
    chunks = [(b"bext", bext), (b"fmt ", struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)), (b"data", bytes(32000))]
    body = b"WAVE" + b"".join(name + struct.pack("<I", len(data)) + data for name, data in chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def made(path: Path, **tags: str) -> Path:
    """Writes a second of stereo silence with tags."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags)
        stream = container.add_stream("pcm_s16le" if path.suffix == ".mka" else "flac", rate=48000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 96000), "int16"), format="s16", layout="stereo")
        frame.sample_rate = 48000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def test_a_broadcast_wave_says_when_it_began(tmp_path: Path) -> None:
    path = broadcast_wave(tmp_path / "a.wav", "2026-03-01", "10:15:00")
    assert started_of_files([path], UTC) == Started("2026-03-01T10:15:00Z")
    assert started_of_files([path], None) == Started("2026-02-28T20:15:00Z", "2026-03-01T22:15:00Z")


def test_a_file_that_says_when_it_was_made_began_within_its_length_before(tmp_path: Path) -> None:
    path = made(tmp_path / "a.mka", creation_time="2026-03-01T10:15:00Z")
    assert started_of_files([path], None) == Started("2026-03-01T10:14:59Z", "2026-03-01T10:15:00Z")


def test_a_recording_began_when_the_first_of_its_files_did(tmp_path: Path) -> None:
    first = made(tmp_path / "a.mka", creation_time="2026-03-01T10:15:00Z")
    second = made(tmp_path / "b.mka", creation_time="2026-03-01T10:16:00Z")
    assert started_of_files([second, first], None) == started_of_files([first], None)


def test_a_date_is_a_day(tmp_path: Path) -> None:
    assert started_of_files([made(tmp_path / "a.flac", date="2026-03-01")], None) == Started("2026-03-01")


@pytest.mark.parametrize("tags", [{}, {"creation_time": "yesterday"}, {"date": "01/03/2026"}])
def test_what_says_nothing_is_refused(tmp_path: Path, tags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"does not say|is not a time|in one way only"):
        started_of_files([made(tmp_path / "a.flac", **tags)], UTC)


def test_a_list_of_files_is_never_followed(tmp_path: Path) -> None:
    made(tmp_path / "a.mka", creation_time="2026-03-01T10:15:00Z")
    path = tmp_path / "call.ffconcat"
    path.write_text("ffconcat version 1.0\nfile 'a.mka'\n")
    with pytest.raises(ValueError, match="cannot be read"):
        started_of_files([path], None)


def test_a_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no")
    with pytest.raises(ValueError, match="cannot be read"):
        started_of_files([tmp_path / "a.wav"], UTC)
    with pytest.raises(ValueError, match="does not say"):
        started_of_files([audio(tmp_path / "b.wav")], UTC)
