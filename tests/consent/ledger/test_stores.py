"""What holds on SQLite and on PostgreSQL alike: one code path, the same promises."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.publication import publish_log
from duologue_consent.ledger.seeded import seeded_entropy
from duologue_consent.ledger.store import Store
from duologue_consent.proofs.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from duologue_consent.proofs.notes import open_checkpoint

RECORDING, TRAINING = Purpose.RECORDING, Purpose.TRAINING_INHOUSE
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 10, tzinfo=UTC)


def hashes(ledger: Ledger) -> list[bytes]:
    return [leaf_hash(line.removesuffix(b"\n")) for line in ledger.log_lines()]


def test_a_ledger_is_made_filled_opened_again_and_whole(location: str) -> None:
    ledger = Ledger.create(location, ledger_id="ledger-1")
    granted = ledger.grant("spk-17", [RECORDING, TRAINING], at=MARCH)
    entry = ledger.append("dataset.released", {"name": "demo", "version": "1.0.0"})
    withdrawn = ledger.withdraw("spk-17", [TRAINING], at=APRIL)
    assert [event.seq for event in (*granted, *withdrawn)] == [0, 1, 3]
    assert (entry.seq, ledger.size()) == (2, 4)

    again = Ledger.open(location)
    snapshot = again.snapshot()
    assert (snapshot.ledger_id, snapshot.events) == ("ledger-1", 4)
    assert snapshot.history("spk-17") == (*granted, *withdrawn)
    assert [event.sha256 for event in granted] == [each.hex() for each in hashes(again)[:2]]
    (record,) = again.records("dataset.released")
    assert (record.seq, record.fields) == (2, {"name": "demo", "version": "1.0.0"})
    assert again.check().leaves == 4


def test_the_same_entropy_gives_the_same_log_on_both_stores(tmp_path: Path, new_database: Callable[[], str]) -> None:
    published = []
    for where in (str(tmp_path / "consent.db"), f"{new_database()}?keys={tmp_path / 'keys'}"):
        ledger = Ledger.create(where, ledger_id="ledger-1", created_at=MARCH, entropy=seeded_entropy(b"test"))
        ledger.grant("spk-17", [RECORDING, TRAINING], at=MARCH, entered_at=MARCH)
        ledger.append("dataset.released", {"name": "demo"})
        written: dict[str, bytes] = {}
        publish_log(ledger, written.__setitem__)
        assert written["log.jsonl"].count(b"\n") == 3
        published.append(written)
    assert published[0] == published[1]


def test_an_older_state_can_be_asked_for(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    ledger.withdraw("spk-17", at=APRIL)
    before, now = ledger.snapshot(1), ledger.snapshot()
    assert (before.events, now.events) == (1, 2)
    assert before.decide("spk-17", purpose="recording", recorded_at=MARCH, as_of=APRIL).allowed
    assert not now.decide("spk-17", purpose="recording", recorded_at=MARCH, as_of=APRIL).allowed
    with pytest.raises(LedgerError, match="holds 2 leaves, not yet 3"):
        ledger.snapshot(3)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_proofs_from_the_stored_subtrees_verify(location: str, size: int) -> None:
    ledger = Ledger.create(location)
    for number in range(13):
        ledger.append("test.leaf", {"number": number})
    leaves = hashes(ledger)
    root = root_of(leaves[:size])
    for seq in range(size):
        assert verify_inclusion(leaves[seq], seq, size, ledger.inclusion_proof(seq, size), root)
    for old in range(size + 1):
        path = ledger.consistency_proof(old, size)
        assert verify_consistency(old, size, path, root_of(leaves[:old]), root)


def test_what_is_to_be_there_once_is_appended_once(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    first = ledger.append("shard.revoked", {"shard": "a"}, subject="spk-17", once=True)
    other = ledger.append("shard.revoked", {"shard": "b"}, subject="spk-17", once=True)
    assert ledger.append("shard.revoked", {"shard": "a"}, subject="spk-17", once=True) == first
    assert (first.seq, other.seq, ledger.size()) == (1, 2, 3)


@pytest.mark.parametrize("kind", ["consent.grant", "subject.forgotten", "revoked", "", "shard.\n"])
def test_decisions_and_forgetting_cannot_be_appended_by_their_name(location: str, kind: str) -> None:
    ledger = Ledger.create(location)
    with pytest.raises(ValueError, match="cannot be appended so"):
        ledger.append(kind, {})
    assert ledger.size() == 0


def test_a_batch_is_appended_whole_or_not_at_all(location: str) -> None:
    ledger = Ledger.create(location)
    good = ledger.grant("spk-17", [RECORDING], at=MARCH)[0].to_fields()
    with pytest.raises(ValueError, match="unknown purpose 'fun'"):
        ledger.append_decisions([good, good | {"purpose": "fun"}])
    with pytest.raises(ValueError, match="is no speaker id"):
        ledger.append_decisions([good, good | {"speaker_id": " "}])
    assert ledger.size() == 1
    assert [event.seq for event in ledger.append_decisions([good, good | {"speaker_id": "spk-42"}])] == [1, 2]


def test_nothing_is_ever_overwritten(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    with pytest.raises(LedgerError, match="is not overwritten"):
        Ledger.create(location)
    assert Ledger.open(location).snapshot().events == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaves SET leaf = leaf WHERE seq = 1",
        "DELETE FROM leaves WHERE seq = 2",
        "INSERT INTO leaves SELECT 9, leaf FROM leaves WHERE seq = 1",
        "UPDATE nodes SET level = 2",
        "DELETE FROM nodes",
        "UPDATE head SET size = 2",
        "DELETE FROM head",
        "INSERT INTO head SELECT * FROM head",
        "UPDATE checkpoints SET size = 1",
        "DELETE FROM checkpoints",
        "UPDATE meta SET origin = 'x'",
        "DELETE FROM meta",
    ],
)
def test_sql_cannot_change_what_was_written(location: str, statement: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING, TRAINING, Purpose.LIKENESS], at=MARCH)
    before = ledger.check()
    store = Store(Location(location))
    with pytest.raises(LedgerError, match="the ledger is append-only"), store.transaction(write=True) as connection:
        connection.execute(sa.text(statement))
    assert ledger.check() == before


# --- several writers ------------------------------------------------------------------------------------------------

WRITER = """
import sys
from datetime import UTC, datetime
from duologue_consent import Ledger, Purpose
ledger = Ledger.open(sys.argv[1])
for number in range(50):
    ledger.grant(f"spk-{sys.argv[2]}-{number}", [Purpose.RECORDING], at=datetime(2026, 3, 1, tzinfo=UTC))
    if number % 10 == 0:
        ledger.checkpoint()
"""


def test_four_processes_and_four_threads_that_write_at_once_lose_nothing(location: str, tmp_path: Path) -> None:
    ledger = Ledger.create(location)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, location, str(writer)]) for writer in range(4)]

    def write(writer: int) -> None:
        for number in range(10):
            ledger.grant(f"spk-t{writer}-{number}", [RECORDING], at=MARCH)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [writer.wait(timeout=300) for writer in writers] == [0, 0, 0, 0]
    expected = {f"spk-{writer}-{number}" for writer in range(4) for number in range(50)}
    expected |= {f"spk-t{writer}-{number}" for writer in range(4) for number in range(10)}
    snapshot = ledger.snapshot()
    assert (snapshot.events, set(snapshot.speakers)) == (240, expected)
    ledger.check()  # every checkpoint that any of them signed is of this one history
    leaves = hashes(ledger)
    signed = open_checkpoint(ledger.checkpoint(), ledger.verifiers)
    assert (signed.size, signed.root) == (240, root_of(leaves))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://steward@127.0.0.1:1/consent?password=SECRET&connect_timeout=1",
        "postgresql://steward@127.0.0.1:1/consent?sslpassword=SECRET&connect_timeout=1",
        "postgresql://steward:x@SECRET@127.0.0.1:1/consent?connect_timeout=1",
        "postgresql+nosuch://steward:SECRET@127.0.0.1:1/consent",
        "mysql://steward@host/consent?password=SECRET",
    ],
)
def test_a_password_is_in_no_message_wherever_it_stands(url: str) -> None:
    with pytest.raises(LedgerError) as error:
        Ledger.open(url)
    assert "SECRET" not in str(error.value)


def test_a_password_is_in_no_message() -> None:
    location = "postgresql+psycopg://steward:geheim@127.0.0.1:1/consent?keys=/nowhere/keys"
    with pytest.raises(LedgerError) as error:
        Ledger.open(location)
    assert "cannot be read" in str(error.value)
    assert "steward:***@127.0.0.1:1/consent" in str(error.value)
    assert "geheim" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("where", ["mysql://localhost/x", "postgresql://localhost", "sqlite://"])
def test_a_location_that_cannot_hold_a_ledger_is_named(where: str) -> None:
    with pytest.raises(LedgerError, match=r"name (one of them|a file)"):
        Ledger.create(where)
