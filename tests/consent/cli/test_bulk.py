"""``grant``, ``refuse`` and ``withdraw`` of a table, as a steward meets them."""

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_consent import Form, Ledger, Purpose
from duologue_consent.cli.app import app

AT = "2026-02-20T09:00:00Z"
BOTH = "recording;training_inhouse"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "consent.db"
    Ledger.create(path)
    return path


def consent(ledger: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--ledger", str(ledger)])


def table(ledger: Path, rows: Sequence[Sequence[str]], name: str = "speakers.csv") -> Path:
    path = ledger.parent / name
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def states(ledger: Path, speaker: str) -> dict[str, str]:
    shown = consent(ledger, "status", speaker, "--format", "json")
    return {row["purpose"]: row["state"] for row in json.loads(shown.stdout)["consents"]}


def test_a_table_is_granted_and_said_in_a_sentence(ledger: Path) -> None:
    file = table(
        ledger,
        [("speaker", "purpose", "at", "form"), *((f"spk-{n}", BOTH, AT, "tokens;annotations") for n in range(12))],
    )
    result = consent(ledger, "grant", "--from", file)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "Done: 12 speakers have granted: recording by 12 and training_inhouse by 12; 24 decisions, all in one transaction.\n"
    )
    snapshot = Ledger.open(ledger).snapshot()
    assert len(snapshot.speakers) == 12
    assert snapshot.history("spk-3")[0].terms.forms == (Form.TOKENS, Form.ANNOTATIONS)
    assert states(ledger, "spk-3")["training_inhouse"] == "given"


def test_a_dry_run_shows_every_row_and_appends_nothing(ledger: Path) -> None:
    file = table(
        ledger,
        [("speaker", "purpose", "at", "expires"), ("a", BOTH, AT, "2027-01-01T00:00:00Z"), ("b", "recording", AT, "")],
    )
    result = consent(ledger, "grant", "--from", file, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Nothing was appended. It would be that 2 speakers have granted: recording by 2 and training_inhouse by 1; 3 decisions.",
        "note: covers all forms, because neither a column form nor --form names fewer",
        f"row 2: grant a: recording, training_inhouse, in all forms, at {AT}, until 2027-01-01T00:00:00Z",
        f"row 3: grant b: recording, in all forms, at {AT}",
    ]
    assert Ledger.open(ledger).size() == 0


def test_a_table_of_names_alone_takes_the_rest_from_options(ledger: Path) -> None:
    notice = ledger.parent / "notice.txt"
    notice.write_text("what we do\n")
    file = table(ledger, [("speaker",), ("a",), ("b",)])
    options = (
        "--purpose",
        "recording",
        "--purpose",
        "likeness",
        "--at",
        AT,
        "--form",
        "tokens",
        "--notice",
        notice,
        "--age-band",
        "adult",
    )
    result = consent(ledger, "grant", "--from", file, *options)
    assert result.exit_code == 0, result.output
    (first, second) = Ledger.open(ledger).snapshot().history("b")
    assert (first.purpose, second.purpose, first.terms.age_band) == ("recording", "likeness", "adult")
    assert first.terms.notice is not None
    assert first.terms.notice.sha256 == hashlib.sha256(b"what we do\n").hexdigest()


def test_files_of_cells_lie_beside_the_table(ledger: Path) -> None:
    (ledger.parent / "scan.png").write_bytes(b"a scan")
    file = table(
        ledger, [("speaker", "purpose", "evidence"), ("a", "recording", "scan.png"), ("b", "recording", "none.png")]
    )
    result = consent(ledger, "grant", "--from", file)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{file}: row 3, evidence: none.png: cannot be read (No such file or directory); name a file that you may read",
        f"duologue consent: --from {file}: the table has one fault, and nothing was appended; correct it and run the command again",
    ]
    table(ledger, [("speaker", "purpose", "evidence"), ("a", "recording", "scan.png")])
    assert consent(ledger, "grant", "--from", file).exit_code == 0
    (event,) = Ledger.open(ledger).snapshot().history("a")
    assert event.terms.evidence is not None
    assert event.terms.evidence.sha256 == hashlib.sha256(b"a scan").hexdigest()


def test_refusals_and_withdrawals_come_by_tables_too(ledger: Path) -> None:
    consent(ledger, "grant", "--from", table(ledger, [("speaker", "purpose", "at"), ("a", BOTH, AT), ("b", BOTH, AT)]))
    refused = consent(ledger, "refuse", "--from", table(ledger, [("speaker", "purpose"), ("a", "likeness")]))
    assert refused.stdout == "Done: 1 speaker has refused: likeness by 1; 1 decision, all in one transaction.\n"
    withdrawn = consent(
        ledger, "withdraw", "--from", table(ledger, [("speaker", "purpose"), ("a", ""), ("b", "training_inhouse")])
    )
    assert withdrawn.exit_code == 0, withdrawn.output
    assert withdrawn.stdout.startswith(
        "Done: 2 speakers have withdrawn: recording by 1 and training_inhouse by 2; 3 decisions, all in one transaction.\nNext"
    )
    assert set(states(ledger, "a").values()) == {"withdrawn", "not asked", "refused"}
    assert (states(ledger, "b")["recording"], states(ledger, "b")["training_inhouse"]) == ("given", "withdrawn")


def test_a_fault_in_one_row_keeps_all_out(ledger: Path) -> None:
    file = table(
        ledger, [("speaker", "purpose", "at"), ("a", BOTH, AT), ("b", "recroding", AT), ("c", BOTH, "1.3.2026")]
    )
    result = consent(ledger, "grant", "--from", file)
    assert (result.exit_code, result.stdout) == (2, "")
    first, second, last = result.stderr.splitlines()
    assert first.startswith(f"{file}: row 3, purpose: unknown purpose 'recroding'; the purposes are ")
    assert second.startswith(
        f"{file}: row 4, at: '1.3.2026' is not a time as RFC 3339 writes it; write date, time and zone"
    )
    assert last.endswith("the table has 2 faults, and nothing was appended; correct it and run the command again")
    assert Ledger.open(ledger).size() == 0


def test_look_alikes_in_a_table_are_refused_with_the_cure_or_meant_by_a_flag_or_a_column(ledger: Path) -> None:
    consent(ledger, "grant", "Zo\u00eb", "--purpose", "recording", "--at", AT)
    file = table(ledger, [("speaker", "purpose", "at"), ("Zoe\u0308", BOTH, AT), ("ZOË", BOTH, AT)])
    result = consent(ledger, "grant", "--from", file)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert r"row 2, speaker: 'Zoe\u0308' is not in the ledger, but looks like 'Zoë'" in lines[0]
    assert r"row 3, speaker: 'ZOË' is not in the ledger, but looks like 'Zoë'" in lines[1]
    assert "say that it is the same person with same_person or another one with new_person" in lines[0]
    column = table(
        ledger, [("speaker", "purpose", "at", "same_person"), ("Zoe\u0308", BOTH, AT, "yes"), ("x", BOTH, AT, "")]
    )
    told = consent(ledger, "grant", "--from", column)
    assert told.exit_code == 0, told.output
    assert r"note: what is written of 'Zoe\u0308' is entered for 'Zoë'" in told.stdout
    assert Ledger.open(ledger).snapshot().speakers == ("Zo\u00eb", "x")
    assert (
        consent(
            ledger, "grant", "--from", table(ledger, [("speaker", "purpose"), ("ZOË", BOTH)]), "--new-person"
        ).exit_code
        == 0
    )
    assert len(Ledger.open(ledger).snapshot().speakers) == 3


def test_notes_are_said_once_with_whom_they_concern(ledger: Path) -> None:
    file = table(ledger, [("speaker", "purpose", "jurisdiction"), *((f"spk-{n}", "likeness", "JP") for n in range(8))])
    lines = consent(ledger, "grant", "--from", file).stdout.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("note: does not meet jp.appi.purpose")
    assert lines[2].endswith("[spk-0, spk-1, spk-2, spk-3, spk-4 and 3 others]")
    assert lines[3] == (
        "note: likeness allows nothing, because it needs recording, which is not given [spk-0, spk-1, spk-2, spk-3, spk-4 and 3 others]"
    )


def test_a_grant_that_lifts_nothing_is_said(ledger: Path) -> None:
    consent(ledger, "refuse", "a", "--purpose", "recording")
    result = consent(ledger, "grant", "--from", table(ledger, [("speaker", "purpose", "at"), ("a", "recording", AT)]))
    assert "note: recording is refused all the same [a]" in result.stdout


def test_rows_that_repeat_others_and_own_columns_are_counted(ledger: Path) -> None:
    file = table(ledger, [("speaker", "purpose", "x_from"), ("a", BOTH, "list 1"), ("a", BOTH, "list 2")])
    lines = consent(ledger, "grant", "--from", file).stdout.splitlines()
    assert lines[1:3] == [
        f"note: 1 row of {file} said what a row before says, and counted once",
        "note: passed over x_from",
    ]
    assert Ledger.open(ledger).size() == 2


def test_details_give_each_decision_with_its_place(ledger: Path) -> None:
    result = consent(
        ledger, "grant", "--from", table(ledger, [("speaker", "purpose", "at"), ("a", BOTH, AT)]), "--details"
    )
    (first, _) = Ledger.open(ledger).snapshot().history("a")
    assert f"appended seq 0, {first.sha256[:12]}: grant a recording at {AT}; now given" in result.stdout


MISUSES = {
    "a speaker beside a table": (("grant", "a", "--from", "T"), "--from says who decided; leave SPEAKER out"),
    "a record and a table": (("grant", "--record", "T", "--from", "T"), "leave SPEAKER, --purpose and --from out"),
    "a dry run of nothing": (
        ("withdraw", "a", "--dry-run"),
        "--encoding and --dry-run are for a table; name it with --from",
    ),
    "an encoding of nothing": (("refuse", "a", "--purpose", "recording", "--encoding", "cp1252"), "are for a table"),
    "nobody": (("withdraw",), "name SPEAKER, or a table --from"),
    "no purpose": (("refuse", "a"), "name SPEAKER and at least one --purpose, or a table --from"),
    "no file": (("grant", "--from", "T.missing"), "cannot be read (No such file or directory); name a file"),
    "a folder": (("grant", "--from", "."), "cannot be read (Is a directory)"),
    "a device": (("grant", "--from", "/dev/zero"), "it is a pipe, a socket or a device, and no file"),
    "both kinds of people": (
        ("grant", "--from", "T", "--new-person", "--same-person"),
        "--new-person and --same-person: give one of them",
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_told_and_changes_nothing(ledger: Path, name: str) -> None:
    arguments, told = MISUSES[name]
    file = table(ledger, [("speaker", "purpose"), ("a", "recording")])
    result = consent(ledger, *(str(file) if each == "T" else each for each in arguments))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert Ledger.open(ledger).size() == 0


def test_a_no_needs_no_clock_and_a_yes_does(ledger: Path) -> None:
    late = datetime(2998, 1, 1, tzinfo=UTC)
    Ledger.open(ledger).grant("a", [Purpose.RECORDING], at=datetime(2026, 3, 1, tzinfo=UTC), entered_at=late)
    file = table(ledger, [("speaker", "purpose"), ("a", "recording")])
    assert "set the clock" in consent(ledger, "grant", "--from", file).stderr
    assert consent(ledger, "withdraw", "--from", file).exit_code == 0
    assert consent(ledger, "refuse", "--from", file).exit_code == 0


@pytest.mark.slow
def test_a_thousand_speakers_take_seconds(ledger: Path) -> None:
    rows = [("speaker", "purpose", "at", "jurisdiction"), *((f"spk-{n:04d}", BOTH, AT, "US") for n in range(1000))]
    began_s = time.process_time()  # of this process, in which the command runs: a busy machine is no fault
    assert consent(ledger, "grant", "--from", table(ledger, rows)).exit_code == 0
    assert (
        consent(ledger, "withdraw", "--from", table(ledger, [("speaker",), *((row[0],) for row in rows[1:])])).exit_code
        == 0
    )
    assert time.process_time() - began_s < 10
    assert Ledger.open(ledger).size() == 4000


def test_a_table_that_is_entered_once_more_gives_nothing_again_that_was_taken_back(ledger: Path) -> None:
    undated = table(ledger, [("speaker", "purpose"), ("a", BOTH), ("b", BOTH)])
    assert consent(ledger, "grant", "--from", undated).exit_code == 0
    assert consent(ledger, "withdraw", "a").exit_code == 0
    size = Ledger.open(ledger).size()
    for dry in ((), ("--dry-run",)):
        again = consent(ledger, "grant", "--from", undated, *dry)
        assert again.exit_code != 0
        assert "row 2, speaker: recording of 'a' is withdrawn (at " in again.stderr
        assert "the row does not say when they allowed it again; fill in `at`, or take the row out" in again.stderr
    assert Ledger.open(ledger).size() == size
    assert states(ledger, "a")["recording"] == "withdrawn"
    others = table(ledger, [("speaker", "purpose"), ("b", BOTH), ("c", BOTH)])
    assert consent(ledger, "grant", "--from", others).exit_code == 0


def test_the_very_row_that_a_withdrawal_followed_is_not_entered_again(ledger: Path) -> None:
    dated = table(ledger, [("speaker", "purpose", "at"), ("a", "recording", AT)])
    assert consent(ledger, "grant", "--from", dated).exit_code == 0
    assert consent(ledger, "grant", "a", "--purpose", "recording", "--at", "2026-01-01T00:00:00Z").exit_code == 0
    assert consent(ledger, "withdraw", "a", "--at", "2026-02-01T00:00:00Z").exit_code == 0
    again = consent(ledger, "grant", "--from", dated)
    assert again.exit_code != 0
    assert "since this very row was entered; where they allowed it again, give the time of that in `at`" in again.stderr
    assert states(ledger, "a")["recording"] == "withdrawn"


def test_who_allows_again_is_named(ledger: Path) -> None:
    refused = table(ledger, [("speaker", "purpose", "at"), ("a", BOTH, AT), ("b", BOTH, AT)])
    assert consent(ledger, "refuse", "--from", refused).exit_code == 0
    later = table(ledger, [("speaker", "purpose", "at"), ("a", BOTH, "2026-02-21T09:00:00Z")])
    result = consent(ledger, "grant", "--from", later)
    assert f"note: recording was refused at {AT}, and is given again [a]" in result.stdout
    assert states(ledger, "a")["recording"] == "given"
    alone = consent(ledger, "grant", "b", "--purpose", "recording")
    assert f"note: recording was refused at {AT}, and is given again" in alone.stdout
    assert "is given again" not in consent(ledger, "grant", "b", "--purpose", "recording").stdout
