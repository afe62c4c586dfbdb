"""On a terminal whoever enters an id that looks like a known one is asked; without one the command says what to do."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_consent import Ledger
from duologue_consent.cli import asking
from duologue_consent.cli.app import app

ZOE, OTHER_ZOE = "Zo\u00eb", "Zoe\u0308"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "consent.db"
    Ledger.create(path)
    assert answer(path, "", "grant", ZOE, "--purpose", "recording").startswith("Done")
    return path


def answer(path: Path, typed: str, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments, "--ledger", str(path)], input=typed)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "on_terminal", lambda: True)


GRANT = ("grant", OTHER_ZOE, "--purpose", "training_inhouse")


@pytest.mark.usefixtures("terminal")
def test_the_same_person_is_entered_under_the_known_id(path: Path) -> None:
    said = answer(path, "same\n", *GRANT)
    assert r"'Zoe\u0308' is not in the ledger, but looks like 'Zoë', which is. Is it the same person?" in said
    assert r"Done: 'Zoë' allows training_inhouse in all forms." in said
    assert Ledger.open(path).snapshot().speakers == (ZOE,)


@pytest.mark.usefixtures("terminal")
def test_another_person_is_entered_as_one(path: Path) -> None:
    answer(path, "what?\nnew\n", *GRANT)
    snapshot = Ledger.open(path).snapshot()
    assert set(snapshot.speakers) == {ZOE, OTHER_ZOE}
    assert snapshot.history(OTHER_ZOE)[0].new_person


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("typed", ["\n", "", "a\nb\nc\n"])
def test_no_answer_enters_nothing(path: Path, typed: str) -> None:
    assert "nothing was appended" in answer(path, typed, *GRANT, code=2)
    assert Ledger.open(path).size() == 1


def test_elsewhere_it_is_refused_with_the_cure_unless_a_flag_says_who_is_meant(path: Path) -> None:
    refused = answer(path, "same\n", *GRANT, code=2)
    assert (
        "write that id as it is known or say --same-person, or say that this is another person with --new-person"
        in refused
    )
    assert "Is it the same person?" not in refused
    answer(path, "", *GRANT, "--same-person")
    assert Ledger.open(path).snapshot().speakers == (ZOE,)
    answer(path, "", *GRANT, "--new-person")
    assert len(Ledger.open(path).snapshot().speakers) == 2


def test_another_case_is_noticed_too(path: Path) -> None:
    assert "looks like" in answer(path, "", "grant", ZOE.upper(), "--purpose", "recording", code=2)
    said = answer(path, "", "withdraw", ZOE.upper())
    assert r"Done: 'Zoë' has withdrawn recording." in said


@pytest.mark.usefixtures("terminal")
def test_each_row_of_a_table_is_asked_about(path: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"speaker,purpose\n{OTHER_ZOE},recording\nben,recording\nBen,recording\n")
    said = answer(path, "same\nnew\n", "grant", "--from", str(tmp_path / "t.csv"))
    assert r"row 2: 'Zoe\u0308' is not in the ledger" in said
    assert "row 4: 'Ben' is not in the ledger" in said
    assert set(Ledger.open(path).snapshot().speakers) == {ZOE, "ben", "Ben"}


def test_a_terminal_is_one(path: Path) -> None:
    """The question comes where there is a terminal, and not by what a test puts in its place."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "duologue_pipeline", "consent", *GRANT, "--ledger", str(path)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True) as process:
        os.close(theirs)
        seen = b""
        while b"> " not in seen:
            seen += os.read(ours, 1024)
        os.write(ours, b"same\n")
        assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"Is it the same person?" in seen
    assert Ledger.open(path).snapshot().speakers == (ZOE,)
