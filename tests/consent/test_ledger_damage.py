"""What was done to a ledger behind its back is refused or found."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import ConsentEvent, Ledger, LedgerError, Purpose

RECORDING, LIKENESS = Purpose.RECORDING, Purpose.LIKENESS
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def sql(path: Path, *statements: str) -> None:
    """Does to the file what anybody with a SQLite shell can do."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")  # a test need not outlive a power cut
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


DROP_GUARDS = tuple(
    f"DROP TRIGGER {name}" for name in ("events_update", "events_delete", "events_insert", "meta_update", "meta_delete")
)


# --- it only grows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET action = 'grant' WHERE seq = 3",
        "UPDATE OR REPLACE events SET seq = 2 WHERE seq = 3",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT 1, 's', purpose, action, at, expires_at, prev_sha256, 'x' FROM events LIMIT 1",
        "INSERT INTO events SELECT 9, speaker_id, purpose, action, at, expires_at, prev_sha256, 'x' FROM events LIMIT 1",
        "UPDATE meta SET salt = 'x'",
        "UPDATE meta SET ledger_id = 'x'",
        "DELETE FROM meta",
    ],
)
def test_sql_cannot_change_what_was_written(three_events: Path, statement: str) -> None:
    before = Ledger.open(three_events).snapshot()
    with pytest.raises(sqlite3.IntegrityError, match="the ledger is append-only"):
        sql(three_events, statement)
    assert Ledger.open(three_events).snapshot() == before


TAMPERING: dict[str, tuple[tuple[str, ...], int]] = {
    "edited action": (("UPDATE events SET action = 'grant' WHERE seq = 3",), 3),
    "edited speaker": (("UPDATE events SET speaker_id = 'spk-99' WHERE seq = 1",), 1),
    "edited time": (("UPDATE events SET at = '2026-02-01T10:00:00Z' WHERE seq = 2",), 2),
    "edited expiry": (("UPDATE events SET expires_at = '2027-02-01T10:00:00Z' WHERE seq = 2",), 2),
    "a value of another type": (("UPDATE events SET speaker_id = x'ff' WHERE seq = 2",), 2),
    "edited hash": (("UPDATE events SET sha256 = 'x' WHERE seq = 1",), 1),
    "edited link": (("UPDATE events SET prev_sha256 = 'x' WHERE seq = 2",), 2),
    "first deleted": (("DELETE FROM events WHERE seq = 1",), 1),
    "one in the middle deleted": (("DELETE FROM events WHERE seq = 2",), 2),
    "last deleted": (("DELETE FROM events WHERE seq = 3",), 3),
    "last two deleted": (("DELETE FROM events WHERE seq > 1",), 2),
    "all deleted": (("DELETE FROM events",), 1),
    "first deleted and the others moved up": (
        ("DELETE FROM events WHERE seq = 1", "UPDATE events SET seq = seq - 1"),
        1,
    ),
    "two swapped": (
        (
            "UPDATE events SET seq = 9 WHERE seq = 1",
            "UPDATE events SET seq = 1 WHERE seq = 2",
            "UPDATE events SET seq = 2 WHERE seq = 9",
        ),
        1,
    ),
    "one added": (("INSERT INTO events VALUES (4, 's', 'recording', 'grant', '2026-03-01T10:00:00Z', NULL, 'x', 'y')",), 4),
    "last deleted and the count lowered": (("DELETE FROM events WHERE seq = 3", "UPDATE meta SET events = 2"), 2),
    "count lowered": (("UPDATE meta SET events = 2",), 3),
    "count raised": (("UPDATE meta SET events = 4",), 4),
    "salt exchanged": (("UPDATE meta SET salt = '00'",), 1),
    "ledger renamed": (("UPDATE meta SET ledger_id = 'ledger-2'",), 1),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_on_opening_and_the_event_named(three_events: Path, name: str) -> None:
    statements, seq = TAMPERING[name]
    sql(three_events, *DROP_GUARDS, *statements)
    with pytest.raises(
        LedgerError, match=f"consent.db: the chain is broken at event {seq}: .*; do not use it"
    ) as error:
        Ledger.open(three_events)
    assert error.value.seq == seq


def test_an_event_rewritten_with_its_right_hash_breaks_the_link_of_the_next(three_events: Path) -> None:
    first = Ledger.open(three_events).snapshot().history("spk-17")[0]
    sql(three_events, *DROP_GUARDS, rewrite(first, speaker_id="spk-99"))
    with pytest.raises(LedgerError, match="at event 2: it does not follow the event before it"):
        Ledger.open(three_events)


def test_the_last_event_rewritten_with_its_right_hash_is_not_the_head(three_events: Path) -> None:
    (last,) = Ledger.open(three_events).snapshot().history("spk-42")
    sql(three_events, *DROP_GUARDS, rewrite(last, action="grant"))
    with pytest.raises(LedgerError, match="at event 3: it is not the last one that the ledger wrote"):
        Ledger.open(three_events)


def test_an_action_that_does_not_exist_is_found_even_where_all_hashes_are_right(three_events: Path) -> None:
    (last,) = Ledger.open(three_events).snapshot().history("spk-42")
    head = "UPDATE meta SET head_sha256 = (SELECT sha256 FROM events WHERE seq = 3)"
    sql(three_events, *DROP_GUARDS, rewrite(last, action="allow"), head)
    with pytest.raises(LedgerError, match="at event 3: it is not a consent event, 'allow' is not a valid Action"):
        Ledger.open(three_events)


def rewrite(event: ConsentEvent, **changes: str) -> str:
    """The SQL that changes an event and gives it the hash that belongs to its new contents."""
    body = {
        "action": event.action.value,
        "at": "2026-03-01T10:00:00Z",
        "expires_at": None,
        "prev_sha256": event.prev_sha256,
        "purpose": event.purpose.value,
        "seq": event.seq,
        "speaker_id": event.speaker_id,
    } | changes
    canonical = json.dumps(body, separators=(",", ":"), sort_keys=True)
    assignments = ", ".join(f"{name} = '{value}'" for name, value in changes.items())
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    return f"UPDATE events SET {assignments}, sha256 = '{sha256}' WHERE seq = {event.seq}"


def test_nothing_is_appended_to_a_ledger_cut_short_since_it_was_opened(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    sql(three_events, *DROP_GUARDS, "DELETE FROM events WHERE seq = 3")
    with pytest.raises(LedgerError, match="the chain is broken at event 2"):
        ledger.grant("spk-17", [LIKENESS], at=MARCH)


# --- what is no ledger ----------------------------------------------------------------------------------------------


def other_database(path: Path) -> None:
    sql(path, "CREATE TABLE songs (title TEXT)")


def newer_ledger(path: Path) -> None:
    Ledger.create(path)
    sql(path, *DROP_GUARDS, "UPDATE meta SET schema_version = 2")


def ledger_without_meta_row(path: Path) -> None:
    Ledger.create(path)
    sql(path, *DROP_GUARDS, "DELETE FROM meta")


def ledger_with_meta_of_other_type(path: Path) -> None:
    Ledger.create(path)
    sql(path, *DROP_GUARDS, "UPDATE meta SET salt = x'ff'")


def ledger_cut_off(path: Path) -> None:
    Ledger.create(path)
    path.write_bytes(path.read_bytes()[:5000])


def text_that_is_no_utf8(path: Path) -> None:
    Ledger.create(path).grant("spk-17", [RECORDING], at=MARCH)
    sql(path, *DROP_GUARDS, "UPDATE events SET speaker_id = CAST(x'ff' AS TEXT)")


@pytest.mark.parametrize(
    "make, fault",
    [
        (lambda path: None, "there is no such ledger; make one with `duologue consent init"),
        (lambda path: path.mkdir(), "cannot be read (Is a directory)"),
        (lambda path: path.write_bytes(b""), "is not a SQLite file, so no consent ledger; name a file made by"),
        (lambda path: path.write_text("speaker,purpose\n"), "is not a SQLite file, so no consent ledger"),
        (other_database, "is a SQLite file but no consent ledger; name a file made by `duologue consent init`"),
        (newer_ledger, "is a ledger of version 2 and this duologue reads version 1; use the duologue that wrote it"),
        (ledger_without_meta_row, "has 0 meta rows and not one; do not use it, restore it from a backup"),
        (ledger_with_meta_of_other_type, "has a damaged meta row; do not use it, restore it from a backup"),
        (ledger_cut_off, "cannot be read (database disk image is malformed); check that it is a whole ledger"),
        (text_that_is_no_utf8, "cannot be read (Could not decode to UTF-8"),
    ],
)
def test_what_is_no_ledger_is_told_with_file_fault_and_remedy(
    path: Path, make: Callable[[Path], None], fault: str
) -> None:
    make(path)
    with pytest.raises(LedgerError) as error:
        Ledger.open(path)
    assert str(error.value).startswith(f"{path}: {fault}")
    assert "\n" not in str(error.value)


def test_a_ledger_that_has_vanished_is_not_made_again(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    three_events.unlink()
    with pytest.raises(LedgerError, match="consent.db: cannot be written .unable to open database file.; check that"):
        ledger.grant("spk-17", [LIKENESS], at=MARCH)
    with pytest.raises(LedgerError, match="consent.db: there is no such ledger"):
        Ledger.open(three_events)
    assert not three_events.exists()
