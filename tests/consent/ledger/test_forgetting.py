"""Forgetting a person: what is gone, what still verifies, and that it is not a withdrawal."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import RECORDS, SUBJECTS
from duologue_consent.proofs.merkle import leaf_hash, verify_consistency, verify_inclusion
from duologue_consent.proofs.notes import open_checkpoint

RECORDING, TRAINING = Purpose.RECORDING, Purpose.TRAINING_INHOUSE
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 10, tzinfo=UTC)


def rows_of(location: str, speaker_id: str) -> list[bytes]:
    """All that the database holds about one person: tag, wrapped secret, sealed records."""
    where = Location(location)
    tag = KeyFolder(where.keys).vault_key().tag(speaker_id)
    with Store(where).transaction(write=False) as connection:
        wrapped = connection.execute(sa.select(SUBJECTS.c.wrapped_secret).where(SUBJECTS.c.tag == tag)).scalars().all()
        records = connection.execute(sa.select(RECORDS.c.record).where(RECORDS.c.tag == tag)).scalars().all()
    return [tag, *wrapped, *records] if wrapped else []


def test_every_proof_still_verifies_and_the_person_is_unknown(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING, TRAINING], at=MARCH)
    ledger.grant("spk-42", [RECORDING], at=MARCH)
    leaf = next(ledger.log_lines()).removesuffix(b"\n")
    old = open_checkpoint(ledger.checkpoint(), ledger.verifiers)
    proof = ledger.inclusion_proof(0, 3)

    assert ledger.forget("spk-17") == 2
    assert rows_of(location, "spk-17") == []
    new = open_checkpoint(ledger.checkpoint(), ledger.verifiers)
    assert (old.size, new.size) == (3, 4)
    assert verify_inclusion(leaf_hash(leaf), 0, 3, proof, old.root)
    assert verify_inclusion(leaf_hash(leaf), 0, 4, ledger.inclusion_proof(0, 4), new.root)
    assert verify_consistency(3, 4, ledger.consistency_proof(3, 4), old.root, new.root)
    snapshot = Ledger.open(location).snapshot()
    assert snapshot.speakers == ("spk-42",)
    decision = snapshot.decide("spk-17", purpose="recording", recorded_at=APRIL, as_of=APRIL)
    assert decision.reason == "consent_unknown_speaker"
    assert ledger.check().forgotten == 2
    assert ledger.opening(0) is None


def test_the_forgotten_persons_pseudonym_cannot_be_computed_again(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    before = ledger.snapshot().commitment("spk-17")
    ledger.forget("spk-17")
    unknown = ledger.snapshot().commitment("spk-17")
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    again = ledger.snapshot().commitment("spk-17")
    assert len({before, unknown, again}) == 3
    assert len(ledger.snapshot().history("spk-17")) == 1  # who comes back begins anew


def test_withdrawing_is_not_forgetting(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    ledger.withdraw("spk-17", at=APRIL)
    assert len(rows_of(location, "spk-17")) == 4  # tag, secret and two records
    snapshot = ledger.snapshot()
    assert snapshot.decide("spk-17", purpose="recording", recorded_at=MARCH, as_of=APRIL).reason == "consent_withdrawn"


def test_nobody_unknown_can_be_forgotten_nor_the_ledger_itself(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.append("dataset.released", {"name": "demo"})
    with pytest.raises(LedgerError, match="has no event of speaker 'spk-17', so nobody to forget"):
        ledger.forget("spk-17")
    with pytest.raises(ValueError, match="is no speaker id"):
        ledger.forget("")
    assert ledger.size() == 1


def test_of_the_forgotten_no_byte_is_left_in_the_file(tmp_path: Path) -> None:
    location = str(tmp_path / "consent.db")
    ledger = Ledger.create(location)
    for number in range(200):  # enough that pages split and rows move
        ledger.grant(f"spk-{number}", [RECORDING, TRAINING], at=MARCH)
        if number % 10 == 0:
            ledger.append("notice.sent", {"to": f"spk-{number}", "letter": "x" * 5000}, subject=f"spk-{number}")
    known = {f"spk-{number}": rows_of(location, f"spk-{number}") for number in range(0, 200, 10)}

    def found(speaker_id: str) -> list[int]:
        """Which of the person's rows can be seen in any file of the ledger; rows longer than a page by their pieces."""
        files = b"".join(file.read_bytes() for file in tmp_path.glob("consent.db*") if file.is_file())
        rows = known[speaker_id]
        return [
            number
            for number, row in enumerate(rows)
            if any(row[at : at + 32] in files for at in range(0, len(row), 32))
        ]

    assert all(found(speaker_id) == list(range(len(rows))) for speaker_id, rows in known.items())
    for speaker_id in known:
        ledger.forget(speaker_id)
    assert [found(speaker_id) for speaker_id in known] == [[]] * 20
    assert sorted(file.name for file in tmp_path.iterdir()) == ["consent.db", "consent.db.keys"]  # no journal is left
    assert ledger.check().forgotten == 60


def test_a_speaker_id_is_nowhere_in_clear(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "consent.db")
    ledger.grant("spk-seventeen", [RECORDING], at=MARCH)
    ledger.append("shard.revoked", {"who": "spk-seventeen"}, subject="spk-seventeen")
    ledger.checkpoint()
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 5
    assert not any(b"seventeen" in content for content in files)
    assert b"seventeen" not in b"".join(ledger.log_lines())


def test_without_the_vault_key_the_database_tells_nothing(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / "consent.db")
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    other = Ledger.create(tmp_path / "other.db")
    assert other.size() == 0
    key = tmp_path / "consent.db.keys" / "vault.key"
    key.write_bytes((tmp_path / "other.db.keys" / "vault.key").read_bytes())
    with pytest.raises(LedgerError, match="a secret of the vault does not open: another vault key, or it was changed"):
        Ledger.open(tmp_path / "consent.db")
    key.unlink()
    with pytest.raises(LedgerError, match=r"vault.key: cannot be read \(No such file or directory\); it was made with"):
        Ledger.open(tmp_path / "consent.db")


def test_what_was_deleted_without_forgetting_is_found(tmp_path: Path) -> None:
    path = tmp_path / "consent.db"
    ledger = Ledger.create(path)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    ledger.withdraw("spk-17", at=APRIL)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM vault_records WHERE seq = 1")  # the withdrawal
    with pytest.raises(LedgerError, match="1 leaves have no vault record, but 0 were forgotten"):
        Ledger.open(path)
