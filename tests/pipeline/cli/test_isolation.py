"""``duologue isolation`` on the demo's conversation, as it is and with faults put in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_pipeline.demo import demo_files
from duologue_pipeline.isolation.plot import LevelMeter

AUDIO = demo_files().manifest.parent / "audio"
A, B = AUDIO / "demo-car-repair.a.flac", AUDIO / "demo-car-repair.b.flac"

Pcm = npt.NDArray[np.float32]


def isolation(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["isolation", *map(str, arguments)], prog_name="duologue")


@pytest.fixture(scope="module")
def tracks() -> tuple[Pcm, Pcm, int]:
    (a, rate_hz), (b, _) = (soundfile.read(path, dtype="float32") for path in (A, B))
    length = min(len(a), len(b))
    return a[:length], b[:length], rate_hz


@pytest.fixture
def bleeding(tracks: tuple[Pcm, Pcm, int], write_audio: Callable[..., Path]) -> Path:
    """A stereo file with b's voice in a's track: 10 dB down, 50 ms late."""
    a, b, rate_hz = tracks
    lag = rate_hz // 20
    late = np.concatenate([np.zeros(lag, np.float32), b[:-lag]])
    return write_audio("bleeding.wav", np.stack([a + 10 ** (-10 / 20) * late, b], axis=1), rate_hz, subtype="FLOAT")


def test_two_good_tracks_pass() -> None:
    result = isolation(A, B)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{A} and {B}: pass (isolation rules ")


def test_the_document_of_a_stereo_file_says_how_much_came_how_late(bleeding: Path) -> None:
    result = isolation(bleeding, "--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["verdict"] == "fail"
    assert document["a_from_b"]["bleed_db"] == pytest.approx(-10, abs=1)
    assert document["a_from_b"]["lag_ms"] == pytest.approx(50, abs=1)
    assert document["b_from_a"]["bleed_db"] is None
    spans = document["a_from_b"]["spans"]
    assert sum(end_s - start_s for start_s, end_s in spans) >= document["a_from_b"]["solo_s"] - 0.01
    assert document["faults"].keys() == {"duplicate", "mono_mix", "over_suppression", "swap", "offset", "drift"}


def test_channels_can_be_named(bleeding: Path) -> None:
    swapped = json.loads(isolation(bleeding, bleeding, "--channel-a", "1", "--format", "json").stdout)
    assert swapped["b_from_a"]["bleed_db"] == pytest.approx(-10, abs=1)
    assert swapped["a_from_b"]["bleed_db"] is None


def test_an_offset_moves_a_track_on_the_clock(
    bleeding: Path, tracks: tuple[Pcm, Pcm, int], write_audio: Callable[..., Path]
) -> None:
    """A copy that lies 2 s away is out of reach until the track is put where it belongs."""
    stereo, rate_hz = soundfile.read(bleeding, dtype="float32")
    late = write_audio("late.wav", np.concatenate([np.zeros(2 * rate_hz), stereo[:, 1]]), rate_hz, subtype="FLOAT")
    assert json.loads(isolation(bleeding, late, "--format", "json").stdout)["a_from_b"]["bleed_db"] is None
    moved = json.loads(isolation(bleeding, late, "--offset-b", "-2", "--format", "json").stdout)
    assert moved["a_from_b"]["bleed_db"] == pytest.approx(-10, abs=1)
    assert moved["a_from_b"]["lag_ms"] == pytest.approx(50, abs=1)


def test_too_little_speech_is_not_a_pass(tracks: tuple[Pcm, Pcm, int], write_audio: Callable[..., Path]) -> None:
    a, b, rate_hz = tracks
    result = isolation(write_audio("short.wav", np.stack([a, b], axis=1)[:rate_hz], rate_hz))
    assert (result.exit_code, "undetermined" in result.stdout) == (1, True)
    assert "too little to tell" in result.stdout


# --- the picture ----------------------------------------------------------------------------------------------------


def test_a_plot_shows_the_verdict_the_evidence_and_the_level(bleeding: Path, tmp_path: Path) -> None:
    svg = tmp_path / "bleed.svg"
    assert isolation(bleeding, "--plot", svg).exit_code == 1
    drawn = svg.read_text(encoding="utf-8")
    for text in (
        "bleeding.wav",
        "FAIL",
        "evidence: b speaks alone",
        "dB, 50 ms late",
        "none seen above",
        "warn -20",
        "fail -15",
        "no fault found",
    ):
        assert f"<!-- {text}" in drawn or text in drawn
    png = tmp_path / "bleed.PNG"
    isolation(bleeding, "--plot", png)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_same_report_gives_the_same_picture(bleeding: Path, tmp_path: Path) -> None:
    for name in ("1.svg", "2.svg"):
        isolation(bleeding, "--plot", tmp_path / name)
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


@pytest.mark.parametrize("cuts", [[], [1], [100, 1999, 2001, 9000]])
def test_levels_do_not_hang_on_how_the_audio_is_cut(cuts: list[int]) -> None:
    a = np.concatenate([np.full(4000, 0.1), np.zeros(6001)]).astype(np.float32)
    b = np.full(10001, 1.0, np.float32)
    meter = LevelMeter(8000)
    blocks = list(zip(np.split(a, cuts), np.split(b, cuts), strict=True))
    assert len(list(meter.tap(blocks))) == len(blocks)
    assert meter.duration_ms == 1250
    assert meter.levels_dbfs()[0] == pytest.approx([-20, -20, -90, -90, -90], abs=0.01)
    assert meter.levels_dbfs()[1] == pytest.approx([0, 0, 0, 0, 0], abs=0.01)


# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.wav", B], "nowhere.wav: no such file"),
        ([A], "does not have the channels of two speakers; give a stereo file, or two files A B"),
        ([A, B, "--plot", "picture.pdf"], "--plot picture.pdf: expected a name that ends in .png or .svg"),
        ([A, B, "--plot", "nowhere/picture.png"], "--plot nowhere/picture.png: its folder does not exist"),
        ([A, B, "--plot", AUDIO.parent / ".svg"], "expected a name that ends in .png or .svg"),
        ([A, B, "--channel-b", "3"], "and the file has 1"),
        ([A, B, "--channel-a", "-1"], "--channel-a -1: expected 0 or more"),
        ([A, B, "--offset-a", "nan"], "--offset-a nan: expected -14400 to 14400 seconds"),
        ([A, B, "--offset-b", "14401"], "--offset-b 14401: expected -14400 to 14400 seconds"),
        ([A, B, "--pyannote-embedding", "model.bin"], "pin its hash as model.bin@SHA256"),
        ([__file__, B], "not audio that libsndfile can read"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: list[Any], message: str) -> None:
    result = isolation(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("duologue: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken.png").mkdir()
    result = isolation(A, B, "--plot", tmp_path / "taken.png")
    assert result.exit_code == 2
    assert result.stderr == (
        f"duologue: --plot {tmp_path}/taken.png: cannot be written (Is a directory); choose another file\n"
    )
