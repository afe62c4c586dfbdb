"""``duologue words import``: from transcripts to words files, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_schemas import iter_faults
from tests.pipeline.transcripts import support as given


def words_import(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["words", "import", *map(str, arguments)], prog_name="duologue")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "deepgram.json": given.DEEPGRAM,
        "whisper.json": given.WHISPER,
        "call.TextGrid": given.TEXTGRID,
        "fisher.txt": given.FISHER,
        "both.ctm": "call-1 A 0.1 0.2 so\ncall-2 B 0.1 0.2 well\n",
        "bad.json": '{"segments": [',
    }.items():
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return tmp_path


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    assert list(iter_faults("words", found)) == []
    return found


def test_each_channel_becomes_a_words_file_that_follows_the_schema(folder: Path) -> None:
    out = folder / "out"
    result = words_import(folder / "deepgram.json", folder / "fisher.txt", "--out", out)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "deepgram.a.json",
        "deepgram.b.json",
        "fisher.a.json",
        "fisher.b.json",
    ]
    assert document(out / "deepgram.a.json")["words"][0] == {
        "word": "Hello",
        "start_s": 0.4,
        "end_s": 0.8,
        "confidence": 0.99,
    }
    fisher = document(out / "fisher.b.json")
    assert (fisher["timing"], fisher["source"]) == ("utterance", "fisher")
    assert fisher["transcribed"] == [{"start_s": 3.76, "end_s": 8.0}]
    assert fisher["words"][0]["marks"] == ["unsure"]
    assert "2 files read, 4 words files written, 0 files refused" in result.stderr
    assert f"{out / 'deepgram.b.json'}: 1 word, word times, from {folder / 'deepgram.json'} (deepgram)" in result.stdout


def test_a_words_file_is_imported_as_it_is(folder: Path) -> None:
    words_import(folder / "fisher.txt", "--out", folder / "out")
    again = words_import(folder / "out" / "fisher.b.json", "--out", folder / "again")
    assert again.exit_code == 0
    first, second = document(folder / "out" / "fisher.b.json"), document(folder / "again" / "fisher.b.json")
    assert {**first, "source": "words"} == second


def test_channels_may_be_exchanged_and_tiers_are_named(folder: Path) -> None:
    words_import(folder / "deepgram.json", "--channel", "1=a", "--channel", "0=b", "--out", folder / "out")
    assert len(document(folder / "out" / "deepgram.a.json")["words"]) == 1
    result = words_import(folder / "call.TextGrid", "--tier", "Doctor=b", "--out", folder / "out")
    assert result.exit_code == 0
    assert len(document(folder / "out" / "call.b.json")["words"]) == 6
    assert "left out: words (1 words)" in result.stderr


def test_a_file_of_one_track_takes_the_letter_that_is_given(folder: Path) -> None:
    words_import(folder / "whisper.json", "--out", folder / "out")
    words_import(folder / "whisper.json", "--track", "b", "--out", folder / "out")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["whisper.b.json", "whisper.json"]


def test_several_recordings_in_one_file_become_files_of_their_names(folder: Path) -> None:
    words_import(folder / "both.ctm", "--out", folder / "out")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["call-1.a.json", "call-2.b.json"]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_written(folder: Path) -> None:
    result = words_import(folder / "bad.json", folder / "none.json", folder / "whisper.json", "--out", folder / "out")
    assert result.exit_code == 1
    assert "bad.json: not valid JSON" in result.stderr
    assert "none.json: the word file cannot be read" in result.stderr
    assert "3 files read, 1 words file written, 2 files refused" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["deepgram.json", "--format", "klingon"],
            "--format klingon: is none that is read; choose auto or one of words",
        ),
        (["deepgram.json", "--channel", "left=a"], "--channel takes a number, counted from 0"),
        (["deepgram.json", "--channel", "1=c"], "--channel 1=c: write it as 1=a"),
        (["deepgram.json", "--channel", "1=a", "--channel", "0=a"], "two of them are given to one track"),
        (["deepgram.json", "--channel", "1=a", "--track", "a"], "give one of them"),
    ],
)
def test_wrong_usage_writes_nothing(folder: Path, arguments: list[str], told: str) -> None:
    result = words_import(folder / arguments[0], *arguments[1:], "--out", folder / "out")
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["call.TextGrid"], "whose words are whose? Say it with --tier NAME=a; it has 'Doctor', 'words'"),
        (["call.TextGrid", "--tier", "Nurse=a"], "has no tier 'Nurse'; it has 'Doctor', 'words'"),
        (["deepgram.json", "--track", "a"], "and --track is for files of one"),
        (["deepgram.json", "--format", "whisper"], "is not whisper (it looks like deepgram)"),
    ],
)
def test_what_is_not_told_is_asked_for(folder: Path, arguments: list[str], told: str) -> None:
    result = words_import(folder / arguments[0], *arguments[1:], "--out", folder / "out")
    assert (result.exit_code, told in result.stderr) == (1, True), result.stderr


def test_a_file_with_other_words_is_never_written_over(folder: Path) -> None:
    words_import(folder / "whisper.json", "--out", folder / "out")
    assert words_import(folder / "whisper.json", "--out", folder / "out").exit_code == 0
    (folder / "out" / "whisper.json").write_text("[]")
    result = words_import(folder / "whisper.json", "--out", folder / "out")
    assert (result.exit_code, "is there already with other words" in result.stderr) == (2, True)
    assert (folder / "out" / "whisper.json").read_text() == "[]"
