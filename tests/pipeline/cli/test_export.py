"""``duologue export`` as it is typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_pipeline.cli.export_options import parse_condition, parse_settings
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.registry import FORMATS
from tests.pipeline.withdrawal.support import make_calls
from tests.pipeline.withdrawal.world import make_world


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"))


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["export", *map(str, arguments)], prog_name="duologue")
    assert result.exit_code == code, result.output
    return result.output


def test_help_lists_every_format_and_each_tells_its_options() -> None:
    told = run("--help")
    assert [name for name in (*FORMATS, "refresh", "status") if name not in told] == []
    assert "--set codebooks=32" in run("csm", "--help")


def test_it_says_what_was_done_and_what_was_left_out(release: Path, tmp_path: Path) -> None:
    told = run("moshi-finetune", release, "--out", tmp_path / "e", "--where", "recording_id in call-1, call-3")
    assert (
        f"Done: {tmp_path / 'e'}: moshi-finetune of tiny-dataset 1.0.0, train: 5 samples, made of 0.00 h that were read, 21 files"
        in told
    )
    assert "words: 40 of 40 that the samples list" in told
    assert "  left out: 4 samples (not_chosen): It does not fulfil the conditions of --where." in told
    assert "5 of 5 samples" in told
    assert "note: the export is on nobody's record; with --ledger LEDGER a withdrawal names it and its folder" in told
    again = run("moshi-finetune", release, "--out", tmp_path / "e", "--where", "recording_id in call-1, call-3")
    assert "is there already, and up to date" in again


def test_it_counts_as_people_do_and_says_that_nothing_was_written(release: Path, tmp_path: Path) -> None:
    told = run("ctm", release, "--out", tmp_path / "e", "--where", "recording_id in call-1, call-3")
    assert ", 1 file\n" in told
    told = run("nemo-duplex", release, "--out", tmp_path / "n", "--model-speaker", "role:pilot")
    assert " samples (no_model_side): No speaker of the sample is one that the model shall speak as." in told
    assert "note: nothing is in it. " in told


def test_status_for_programs(release: Path, tmp_path: Path) -> None:
    run("dgslm", release, "--out", tmp_path / "e")
    found = json.loads(run("status", tmp_path / "e", "--format", "json"))
    assert found == {
        "name": "dgslm",
        "holds": "tiny-dataset 1.0.0",
        "now": "tiny-dataset 1.0.0",
        "changed": 0,
        "parts": 2,
        "faults": [],
        "is_current": True,
    }
    (tmp_path / "e" / "export.json").unlink()
    assert "dgslm is unfinished" in run("status", tmp_path / "e", code=1)
    assert "there is no such format; write text or json" in run("status", tmp_path / "e", "--format", "xml", code=2)


def test_a_public_export_is_refreshed_from_a_named_release(tmp_path: Path) -> None:
    release = make_world(tmp_path, purpose="redistribution").out
    run("dgslm", release, "--out", tmp_path / "e", "--public")
    assert "does not say where its release lies; give --dataset" in run("refresh", tmp_path / "e", code=2)
    assert "up to date" in run("refresh", tmp_path / "e", "--dataset", release)


def test_faults_are_one_line(release: Path, tmp_path: Path) -> None:
    for arguments in (
        ["moshi-finetune", tmp_path / "none", "--out", tmp_path / "e"],
        ["moshi-finetune", release, "--out", tmp_path / "e", "--set", "rate"],
        ["moshi-finetune", release, "--out", tmp_path / "e", "--where", "loud"],
        ["moshi-finetune", release, "--out", tmp_path / "e", "--public"],
        ["csm", release, "--out", tmp_path / "e"],
    ):
        told = run(*arguments, code=2)
        assert told.startswith("duologue: ")
        assert told.count("\n") == 1
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("language == en-US", ("language", "==", "en-US")),
        ("language=='en-US'", ("language", "==", "en-US")),
        ("frames >= 125", ("frames", ">=", 125)),
        ("overlap_share_of_speech>.02", ("overlap_share_of_speech", ">", 0.02)),
        ("words == true", ("words", "==", True)),
        ("language in en-US, en-GB", ("language", "in", ["en-US", "en-GB"])),
        ("language  not  in [ja,zh]", ("language", "not in", ["ja", "zh"])),
        ("split_by != x", ("split_by", "!=", "x")),
    ],
)
def test_a_condition_is_read_by_what_its_column_holds(text: str, condition: object) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize("text", ["frames", "frames >= many", "words == perhaps", "== 3", ""])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        parse_condition(text)


def test_settings_are_names_and_values() -> None:
    assert parse_settings(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--set"):
            parse_settings(wrong)
