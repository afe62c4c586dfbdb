"""What was done to a ledger's file behind its back is found, and the message names the leaf."""

import random
import runpy
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import Ledger, LedgerError, Purpose
from tests.consent.conftest import copy_ledger

MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def sql(path: Path, *statements: str) -> None:
    """Does to the file what anybody with a SQLite shell can do, the guards dropped first."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")  # a test need not outlive a power cut
    with connection:
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


# What is done, the leaf that is named (None: none can be), and what is said. Every opening finds these.
FOUND_ON_OPENING: dict[str, tuple[tuple[str, ...], int | None, str]] = {
    "edited leaf": (("UPDATE leaves SET leaf = CAST(replace(CAST(leaf AS TEXT), 'refuse', 'grant') AS BLOB) WHERE seq = 2",), 2, "the vault record does not open"),
    "a leaf of another type": (("UPDATE leaves SET leaf = 7 WHERE seq = 1",), 1, "it is no leaf"),
    "a leaf that is no JSON": (("UPDATE leaves SET leaf = x'ff' WHERE seq = 0",), 0, "it is no leaf of a consent ledger"),
    "first leaf deleted": (("DELETE FROM leaves WHERE seq = 0",), 0, "it is missing, the next one found is 1"),
    "one in the middle deleted": (("DELETE FROM leaves WHERE seq = 1",), 1, "it is missing, the next one found is 2"),
    "last leaf deleted": (("DELETE FROM leaves WHERE seq = 2",), None, "its 2 leaves are not the 3 that its head is over"),
    "two leaves swapped": (
        ("UPDATE leaves SET seq = 9 WHERE seq = 0", "UPDATE leaves SET seq = 0 WHERE seq = 1", "UPDATE leaves SET seq = 1 WHERE seq = 9"),
        0, "the vault record does not open",
    ),
    "a leaf added": (("INSERT INTO leaves SELECT 3, leaf FROM leaves WHERE seq = 0",), None, "its 4 leaves are not the 3"),
    "head of fewer leaves": (("UPDATE head SET size = 2",), None, "its head does not fit the tree"),
    "head of other roots": (("UPDATE head SET roots = zeroblob(64)",), None, "its 3 leaves are not the 3 that its head is over"),
    "no head": (("DELETE FROM head",), None, "its head does not fit the tree"),
    "last leaf deleted and the head put back": (
        ("DELETE FROM leaves WHERE seq = 2", "DELETE FROM vault_records WHERE seq = 2",
         "UPDATE head SET size = 2, roots = (SELECT hash FROM nodes WHERE level = 1)"),
        None, "holds 2 leaves, but 3 were signed with its keys",
    ),
    "edited vault record": (("UPDATE vault_records SET record = zeroblob(100) WHERE seq = 1",), 1, "does not open"),
    "vault record of another leaf": (
        ("UPDATE vault_records SET record = (SELECT record FROM vault_records WHERE seq = 0) WHERE seq = 1",), 1, "does not open",
    ),
    "vault record of another subject": (
        ("UPDATE vault_records SET tag = (SELECT tag FROM vault_records WHERE seq = 0) WHERE seq = 2",), 2, "does not open",
    ),
    "vault record deleted": (("DELETE FROM vault_records WHERE seq = 2",), None, "1 leaves have no vault record, but 0 were forgotten"),
    "vault record of no leaf": (("INSERT INTO vault_records SELECT 7, tag, record FROM vault_records LIMIT 1",), 7, "a leaf that is not there"),
    "subject deleted": (("DELETE FROM vault_subjects",), 0, "its vault record is of no subject of the vault"),
    "a subject deleted with its records": (
        ("DELETE FROM vault_subjects WHERE tag = (SELECT tag FROM vault_records WHERE seq = 2)", "DELETE FROM vault_records WHERE seq = 2"),
        None, "1 leaves have no vault record, but 0 were forgotten",
    ),
    "secrets of two subjects swapped": (
        ("UPDATE vault_subjects SET wrapped_secret = (SELECT wrapped_secret FROM vault_subjects ORDER BY tag LIMIT 1)",),
        None, "a secret of the vault does not open",
    ),
    "checkpoints deleted": (("DELETE FROM checkpoints",), None, "the checkpoints that it signed are missing"),
    "checkpoint edited": (("UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), char(10) || '3', char(10) || '2') AS BLOB) WHERE number = 1",), None, "a checkpoint that it signed was changed"),
    "checkpoint of another type": (("UPDATE checkpoints SET note = 7",), None, "it is no note"),
    "ledger renamed": (("UPDATE meta SET ledger_id = 'ledger-2'",), None, "a secret of the vault does not open"),
    "made at another time": (("UPDATE meta SET created_at = '2020-01-01T00:00:00Z'",), None, "a secret of the vault does not open"),
    "no meta": (("DELETE FROM meta",), None, "it has 0 meta rows and not one"),
    "meta of another type": (("UPDATE meta SET ledger_id = x'ff'",), None, "its meta row was changed"),
}  # fmt: skip

# A thorough check finds these as well; they cannot change what an opening reads.
FOUND_BY_CHECK: dict[str, tuple[tuple[str, ...], str]] = {
    "subtree edited": (("UPDATE nodes SET hash = zeroblob(32)",), "the subtree 0 of level 1 was changed or is missing"),
    "subtree deleted": (("DELETE FROM nodes",), "the subtree 0 of level 1 was changed or is missing"),
    "subtree of no leaves": (
        ("INSERT INTO nodes SELECT 1, 7, hash FROM nodes",),
        "the subtree 7 of level 1 is of no leaves",
    ),
    "first checkpoint deleted": (("DELETE FROM checkpoints WHERE number = 0",), "a checkpoint that it signed is missing"),
    "last checkpoint deleted": (
        ("DELETE FROM checkpoints WHERE number = 1",),
        "the last checkpoint that was signed here is missing",
    ),
    "checkpoint under another size": (
        ("UPDATE checkpoints SET size = 1 WHERE number = 1",),
        "a checkpoint is stored under another size",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND_ON_OPENING)
def test_tampering_is_found_on_opening_and_the_leaf_named(three_events: Path, name: str) -> None:
    statements, seq, fault = FOUND_ON_OPENING[name]
    sql(three_events, *statements)
    with pytest.raises(LedgerError) as error:
        Ledger.open(three_events)
    said = str(error.value)
    assert said.startswith(f"{three_events}: ")
    assert fault in said
    assert said.endswith("do not use it, restore the newest backup")
    assert len(said.splitlines()) == 1
    assert error.value.seq == seq
    assert seq is None or f"is damaged at leaf {seq}: " in said


@pytest.mark.parametrize("name", FOUND_BY_CHECK)
def test_what_an_opening_does_not_read_is_found_by_a_check(three_events: Path, name: str) -> None:
    statements, fault = FOUND_BY_CHECK[name]
    ledger = Ledger.open(three_events)
    sql(three_events, *statements)
    with pytest.raises(LedgerError, match=fault):
        ledger.check()


def test_a_proof_needs_the_subtrees_and_says_which_is_missing(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    sql(three_events, "DELETE FROM nodes")
    with pytest.raises(LedgerError, match="the subtree 0 of level 1 is missing"):
        ledger.inclusion_proof(2, 3)


def test_edited_subtrees_do_not_lead_to_a_signature(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    ledger.grant("spk-99", [Purpose.RECORDING], at=MARCH)
    sql(three_events, "UPDATE head SET roots = zeroblob(32)")
    with pytest.raises(LedgerError, match="does not continue the 3 leaves that were signed"):
        ledger.checkpoint()


# --- files that are no ledger -----------------------------------------------------------------------------------------


def test_what_is_no_ledger_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no such ledger; make one with `duologue consent init"):
        Ledger.open(tmp_path / "consent.db")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(LedgerError, match="is not a SQLite file, so no consent ledger"):
        Ledger.open(tmp_path / "text")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE other (x)")
    with pytest.raises(LedgerError, match="is a SQLite file but no consent ledger of this version"):
        Ledger.open(tmp_path / "other.db")
    with pytest.raises(LedgerError, match=r"cannot be read \(Is a directory\)"):
        Ledger.open(tmp_path)


def test_a_file_cut_short_or_overwritten_is_no_crash(three_events: Path) -> None:
    whole = three_events.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:4096] + bytes(len(whole) - 4096)):
        three_events.write_bytes(damaged)
        with pytest.raises(LedgerError):
            Ledger.open(three_events)


# --- random edits -----------------------------------------------------------------------------------------------------


def test_random_single_edits_are_all_found(tmp_path: Path) -> None:
    script = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "faults_ledger.py"))
    made, missed, messages = script["run"](tmp_path, 60, seed=7)
    assert missed == []
    assert made.total() == 60
    assert len(made) == 3
    assert len(messages) > 10


def test_a_byte_of_the_database_file_changes_nothing_that_is_read_or_is_found(
    three_events: Path, tmp_path: Path
) -> None:
    """A byte may lie in a page that nothing uses, or in the text of a trigger: then the ledger reads as before."""
    expected = Ledger.open(three_events).snapshot()
    rng, found = random.Random(3), 0
    for number in range(40):
        copy = copy_ledger(three_events, tmp_path / f"copy-{number}.db")
        data = bytearray(copy.read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        copy.write_bytes(data)
        try:
            ledger = Ledger.open(copy)
            ledger.check()
            assert ledger.snapshot() == expected
        except LedgerError:
            found += 1
    assert found > 5
