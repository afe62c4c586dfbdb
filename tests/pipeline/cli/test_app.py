"""Whatever name is given for a file, the command ends with one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from duologue_pipeline.cli.app import app
from duologue_pipeline.run import RunResult

LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("validate", LONG),
        ("shards", "verify", LONG),
        ("consent", "status", "--ledger", LONG),
        ("consent", "init", LONG),
        ("annotate", LONG),
        ("validate", b"caf\xe9.jsonl"),
        ("consent", "grant", b"Jos\xe9", "--purpose", "recording", "--ledger", "x.db"),
    ],
)
def test_a_name_that_no_file_can_have_is_one_line(arguments: tuple[str | bytes, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "duologue_pipeline", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("duologue")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_verify_ends_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{")
    command = [sys.executable, "-m", "duologue_pipeline", "shards", "verify", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}: 1 fault; the release is not as it was published: use nothing of it, and fetch it again\n"
    )


@pytest.mark.parametrize(("held_back", "status"), [(True, 4), (False, 0)])
def test_a_run_that_is_held_back_is_told_from_one_that_is_submitted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], held_back: bool, status: int
) -> None:
    """So that a loop of a shell, or a scheduler, gives the command again until the release is there."""
    told = RunResult("out", None, {}, was_complete=False, details=None, pending="what comes next", held_back=held_back)
    monkeypatch.setattr("duologue_pipeline.run.run", lambda request, progress: told)
    with pytest.raises(SystemExit) as ended:
        app(["run", "manifest.jsonl", "--out", "out"])
    assert ended.value.code == status
    assert capsys.readouterr().out == "what comes next\n"
