"""``duologue decode`` as somebody meets it who wants to hear a sample."""

from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.test_decode import make_demo_release
from tests.pipeline.withdrawal.world import make_world


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_release(tmp_path_factory.mktemp("decode"))


def decode(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["decode", *map(str, arguments)])


@pytest.mark.parametrize(
    ("name", "speaker", "channels", "told"),
    [
        ("x.wav", "both", 2, "100 frames, 8.00 s at 24000 Hz of a left and b right"),
        ("x.flac", "b", 1, "100 frames, 8.00 s at 24000 Hz of b"),
        ("new/X.WAV", "a", 1, "100 frames, 8.00 s at 24000 Hz of a"),
    ],
)
def test_a_sample_becomes_a_file(name: str, speaker: str, channels: int, told: str, out: Path, tmp_path: Path) -> None:
    file = tmp_path / name
    done = decode(out, "call-1-00000", "--out", file, "--speaker", speaker)
    assert (done.exit_code, done.stdout) == (0, f"{file}: {told}\n")
    about = soundfile.info(file)
    assert (about.samplerate, about.channels, about.frames, about.subtype) == (24_000, channels, 192_000, "PCM_16")
    assert [each.name for each in file.parent.iterdir()] == [file.name]  # nothing unfinished is left


def test_left_is_a_and_right_is_b(out: Path, tmp_path: Path) -> None:
    for speaker in ("a", "b", "both"):
        decode(out, "call-1-00001", "--out", tmp_path / f"{speaker}.wav", "--speaker", speaker)
    a, b, both = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("a", "b", "both"))
    assert (both[:, 0] == a).all()
    assert (both[:, 1] == b).all()


def test_a_file_is_replaced_only_where_that_is_said(out: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.wav"
    file.write_bytes(b"mine")
    refused = decode(out, "call-1-00000", "--out", file)
    assert refused.exit_code == 2
    assert (
        refused.stderr == f"duologue: --out {file}: is there already; name another file, or allow it with --overwrite\n"
    )
    assert file.read_bytes() == b"mine"
    assert decode(out, "call-1-00000", "--out", file, "--overwrite").exit_code == 0
    assert soundfile.info(file).frames == 192_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x-1", "--out", "x.wav"), "there is no sample 'x-1' to be read for training_inhouse"),
        (("call-1-00000", "--out", "x.mp3"), "--out x.mp3: expected a name that ends in .wav or .flac"),
        (("call-1-00000", "--out", "x.wav", "--purpose", "likeness"), "and not for likeness"),
        (("call-1-00000", "--out", "x.wav", "--codec", "mimi:m"), "were made with embedded; give --codec embedded"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_no_file(
    arguments: tuple[str, ...], message: str, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = decode(out, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_codec_of_a_release_that_is_not_there_names_the_option(tmp_path: Path) -> None:
    world = make_world(tmp_path)  # its codec is the tiny one of the tests
    done = decode(world.out, "call-1-00000", "--out", tmp_path / "x.wav")
    assert done.exit_code == 2
    assert "unknown codec 'tiny'" in done.stderr


def test_a_track_that_was_taken_out_is_not_decoded_alone(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    world.withdraw("anna")
    propagate_release(str(world.out), world.ledger)
    done = decode(world.out, "call-1-00000", "--out", tmp_path / "x.wav", "--speaker", "a")
    assert done.exit_code == 2
    assert "call-1-00000: speaker a has withdrawn, and the track holds silence; decode the other one" in done.stderr
