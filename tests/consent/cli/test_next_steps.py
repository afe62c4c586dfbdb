"""What ``withdraw`` says is to be done: which releases hold the speaker, and the command for each."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_consent import Ledger, Purpose
from duologue_consent.cli.app import app
from duologue_consent.cli.options import LEDGER_VARIABLE
from duologue_consent.lineage.lineage import LINKED, Link

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
UNKNOWN = "(the ledger's lineage knows of none that is concerned; `duologue consent lineage add` makes one known)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """anna and ben are in two releases, carl in one; the second was made for redistribution."""
    path = tmp_path / "my consent.db"
    ledger = Ledger.create(path)
    for speaker in ("anna", "ben", "carl"):
        ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.REDISTRIBUTION], at=MARCH)
    snapshot = ledger.snapshot()
    for number, (folder, purpose, speakers) in enumerate(
        [
            ("/data/out", "training_inhouse", ("anna", "ben", "carl")),
            ("s3://bucket/of calls", "redistribution", ("anna", "ben")),
            ("/data/out", "training_inhouse", ("anna", "ben", "carl")),
        ]
    ):
        link = Link(
            role="model",
            name=f"moshi-{number}",
            contact=None,
            release=f"{number}" * 64,
            dataset=f"calls {1 + number // 2}.0.0" if number != 1 else "shared 1.0.0",
            purposes=(purpose,),
            speakers=tuple(sorted(map(snapshot.commitment, speakers))),
            at="2026-04-01T00:00:00Z",
            folder=folder,
        )
        ledger.append(LINKED, link.to_fields())
    return path


def consent(path: Path, *arguments: str, environment: str = "") -> Result:
    options = () if environment else ("--ledger", str(path))
    return CliRunner().invoke(app, [*arguments, *options], env={LEDGER_VARIABLE: environment})


def propagations(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [line.strip() for line in result.stdout.splitlines() if line.startswith("  duologue")]


def test_a_withdrawal_names_every_release_on_record_with_its_command(path: Path) -> None:
    result = consent(path, "withdraw", "anna")
    assert result.stdout.splitlines()[:2] == [
        "Done: anna has withdrawn recording, training_inhouse and redistribution.",
        "Next: take the speaker out of the releases that are known to hold them:",
    ]
    assert propagations(result) == [
        f"duologue consent propagate /data/out --ledger '{path}'    # calls 1.0.0, calls 2.0.0",
        f"duologue consent propagate 's3://bucket/of calls' --ledger '{path}'    # shared 1.0.0",
    ]
    assert "affected: model moshi-0 was trained on calls 1.0.0, which holds 1 withdrawn speaker" in result.stdout


def test_only_what_is_concerned_is_named(path: Path) -> None:
    assert len(propagations(consent(path, "withdraw", "anna", "--purpose", "redistribution"))) == 1
    assert len(propagations(consent(path, "withdraw", "carl"))) == 1  # and not the one that anna was taken from


def test_where_nothing_is_known_the_command_is_said_all_the_same(path: Path) -> None:
    consent(path, "grant", "dora", "--purpose", "recording")
    assert consent(path, "withdraw", "dora").stdout.splitlines()[1:3] == [
        f"Next, for each release that was made with this ledger: duologue consent propagate RELEASE --ledger '{path}'",
        UNKNOWN,
    ]


def test_the_commands_rely_on_the_environment_where_it_named_the_ledger(path: Path) -> None:
    result = consent(path, "withdraw", "anna", environment=str(path))
    assert propagations(result)[0] == "duologue consent propagate /data/out    # calls 1.0.0, calls 2.0.0"


def test_others_who_end_a_consent_are_told_the_same_and_a_yes_is_not(path: Path) -> None:
    assert len(propagations(consent(path, "revoke", "anna", "--by", "controller"))) == 2
    assert len(propagations(consent(path, "invalidate", "ben", "--by", "authority"))) == 2
    assert "Next" not in consent(path, "grant", "carl", "--purpose", "likeness").stdout


def test_a_refusal_that_ends_a_consent_is_told_the_same_and_another_is_not(path: Path) -> None:
    assert consent(path, "refuse", "anna", "--purpose", "likeness").stdout == "Done: anna has refused likeness.\n"
    assert len(propagations(consent(path, "refuse", "anna", "--purpose", "training_inhouse"))) == 1
    assert len(propagations(consent(path, "refuse", "anna", "--purpose", "recording"))) == 2


def test_a_table_of_withdrawals_names_each_release_once(path: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("speaker\nanna\ncarl\n")
    result = consent(path, "withdraw", "--from", str(tmp_path / "t.csv"))
    assert "Next: take the speakers out of the releases that are known to hold them:" in result.stdout
    assert len(propagations(result)) == 2
