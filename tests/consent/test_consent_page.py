"""docs/consent.md against the program: its Python runs, its example record is read, and no code is missing from its tables."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_consent import Action, Form, Ledger, Purpose
from duologue_consent.cli.app import app
from duologue_consent.decisions.record import ConsentRecord
from duologue_pipeline.errors import REASONS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "consent.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The first block of the page in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def first_cells(heading: str) -> list[str]:
    """The first column of the first table under a heading, without its code marks."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]
    return [row.strip("`") for row in rows]


def test_the_python_of_the_page_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notice-3.txt").write_text("what we do with it\n")
    consoles = PAGE.partition("```console\n")[2].partition("```")[0].replace("\\\n", " ")
    for line in consoles.splitlines():
        if line.startswith("$ duologue consent "):
            arguments = [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', line)[3:]]
            entered = CliRunner().invoke(app, arguments)
            assert entered.exit_code == 0, f"{line}\n{entered.output}"
    assert Ledger.open("consent.db").size() == 5
    done = subprocess.run([sys.executable, "-c", block("python")], check=True, capture_output=True, text=True)
    assert done.stdout == block("text")


def test_the_record_of_the_page_is_one() -> None:
    record = ConsentRecord.from_document(json.loads(block("json").replace("…64 hex digits…", "a" * 64)))
    assert [event.purpose for event in record.events] == ["recording", "training_inhouse", "likeness"]
    assert record.at == datetime(2026, 2, 20, 9, tzinfo=UTC)


def test_the_tables_name_every_purpose_form_action_and_reason() -> None:
    assert first_cells("Purposes and forms") == [*Purpose, *("tokens", "annotations", "transcript", "audio")]
    assert set(first_cells("Purposes and forms")[5:]) == set(Form)
    assert [cell.split()[0] for cell in first_cells("Records")] == list(Action)
    assert set(first_cells("The rules of the decision")) == {code for code in REASONS if code.startswith("consent_")}
