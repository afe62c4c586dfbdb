"""The ledger file: what it holds, what may be appended, and its snapshot."""

import hashlib
import hmac
import json
import pickle
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import duologue_consent
from duologue_consent import Action, Ledger, LedgerError, Purpose
from duologue_consent.ledger.seeded import seeded_entropy
from duologue_consent.proofs.leaves import opening_fault

RECORDING, TRAINING, LIKENESS = Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.LIKENESS
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 10, tzinfo=UTC)


# --- what it holds --------------------------------------------------------------------------------------------------


def test_a_new_ledger_is_empty_has_an_id_and_belongs_to_its_owner(path: Path) -> None:
    snapshot = Ledger.create(path).snapshot()
    assert snapshot.events == 0
    assert snapshot.speakers == ()
    assert len(snapshot.ledger_id) == 36
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_new_ledgers_have_different_ids_and_salts(tmp_path: Path) -> None:
    first, second = (Ledger.create(tmp_path / name).snapshot() for name in ("a.db", "b.db"))
    assert first.ledger_id != second.ledger_id
    assert first.commitment("spk-17") != second.commitment("spk-17")


@pytest.mark.parametrize("contents", [b"", b"something else"])
def test_an_existing_file_is_never_overwritten(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    with pytest.raises(LedgerError, match=r"consent.db: exists already and is not overwritten"):
        Ledger.create(path)
    assert path.read_bytes() == contents


def test_a_ledger_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"consent.db: cannot be created \(No such file or directory\); name a file"):
        Ledger.create(tmp_path / "nowhere" / "consent.db")


def test_any_file_name_will_do(tmp_path: Path) -> None:
    path = tmp_path / "who said what? 100% #1.db"
    Ledger.create(path).grant("spk-17", [RECORDING], at=MARCH)
    assert Ledger.open(path).snapshot().events == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.keys"]


def test_events_come_back_as_they_were_appended(path: Path) -> None:
    ledger = Ledger.create(path)
    at = MARCH.replace(microsecond=123_456)
    appended = (
        *ledger.grant("spk-17", [RECORDING, TRAINING], at=at, expires_at=APRIL),
        *ledger.refuse("spk-17", [LIKENESS], at=at),
        *ledger.withdraw("spk-17", [TRAINING], at=APRIL),
    )
    assert [(event.seq, event.action, event.purpose, event.at, event.expires_at) for event in appended] == [
        (0, "grant", "recording", at, APRIL),
        (1, "grant", "training_inhouse", at, APRIL),
        (2, "refuse", "likeness", at, None),
        (3, "withdraw", "training_inhouse", APRIL, None),
    ]
    snapshot = Ledger.open(path).snapshot()
    assert snapshot.history("spk-17") == appended


def test_the_hash_of_an_event_is_that_of_its_leaf(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    first, second = ledger.snapshot().history("spk-17")
    lines = [line.removesuffix(b"\n") for line in ledger.log_lines()]
    assert second.sha256 == hashlib.sha256(b"\x00" + lines[1]).hexdigest()
    opening = ledger.opening(1)
    assert opening is not None
    assert opening.values == second.to_fields()
    assert opening_fault(lines[1], opening) is None
    assert json.loads(lines[1])["kind"] == "consent.grant"
    assert first.seq == 0


def test_a_purpose_named_twice_is_appended_once(path: Path) -> None:
    assert len(Ledger.create(path).grant("spk-17", [RECORDING, RECORDING], at=MARCH)) == 1


def test_times_with_an_offset_are_kept_as_utc(path: Path) -> None:
    (event,) = Ledger.create(path).grant("spk-17", [RECORDING], at=datetime.fromisoformat("2026-03-01T00:30:00+01:00"))
    assert event == Ledger.open(path).snapshot().history("spk-17")[0]
    assert event.to_fields()["at"] == "2026-02-28T23:30:00Z"


@pytest.mark.parametrize("speaker_id", ["", " spk-17", "spk-17\n", "spk\x0017", "\ud800"])
def test_a_speaker_id_that_cannot_be_read_aloud_is_refused(path: Path, speaker_id: str) -> None:
    ledger = Ledger.create(path)
    with pytest.raises(ValueError, match="is no speaker id"):
        ledger.grant(speaker_id, [RECORDING], at=MARCH)
    assert ledger.snapshot().events == 0


@pytest.mark.parametrize("expires_at", [MARCH, MARCH - timedelta(days=1)])
def test_a_grant_must_end_after_it_begins(path: Path, expires_at: datetime) -> None:
    ledger = Ledger.create(path)
    with pytest.raises(ValueError, match="not after it begins at 2026-03-01T10:00:00Z; give a later end"):
        ledger.grant("spk-17", [RECORDING], at=MARCH, expires_at=expires_at)
    assert ledger.snapshot().events == 0


def test_something_must_be_granted_at_a_time_with_a_zone(path: Path) -> None:
    ledger = Ledger.create(path)
    with pytest.raises(ValueError, match="no purpose was named; name at least one of recording, "):
        ledger.grant("spk-17", [], at=MARCH)
    with pytest.raises(ValueError, match="no time zone"):
        ledger.grant("spk-17", [RECORDING], at=datetime(2026, 3, 1))
    assert ledger.snapshot().events == 0


# --- withdrawal -----------------------------------------------------------------------------------------------------


def test_withdrawing_everything_withdraws_every_purpose_that_was_granted(path: Path) -> None:
    ledger = Ledger.create(path)
    ledger.grant("spk-17", [TRAINING, RECORDING], at=MARCH)
    ledger.refuse("spk-17", [LIKENESS], at=MARCH)
    assert [(event.action, event.purpose) for event in ledger.withdraw("spk-17", at=APRIL)] == [
        (Action.WITHDRAW, RECORDING),
        (Action.WITHDRAW, TRAINING),
    ]


@pytest.mark.parametrize(
    ("speaker_id", "purposes", "at", "fault"),
    [
        ("spk-99", None, APRIL, "has no event of speaker 'spk-99', so nothing to withdraw"),
        ("spk-42", None, APRIL, "speaker 'spk-42' had not granted any purpose by 2026-04-01T10:00:00Z"),
        ("spk-17", [TRAINING, LIKENESS], APRIL, "speaker 'spk-17' had not granted likeness by 2026-04-01T10:00:00Z"),
        ("spk-17", None, MARCH - timedelta(1), "speaker 'spk-17' had not granted any purpose by 2026-02-28T10:00:00Z"),
    ],
)
def test_what_was_not_granted_cannot_be_withdrawn(
    three_events: Path, speaker_id: str, purposes: list[Purpose] | None, at: datetime, fault: str
) -> None:
    ledger = Ledger.open(three_events)
    with pytest.raises(LedgerError) as error:
        ledger.withdraw(speaker_id, purposes, at=at)
    assert fault in str(error.value)
    assert "see `duologue consent status`" in str(error.value)
    assert ledger.snapshot().events == 3


# --- the snapshot ---------------------------------------------------------------------------------------------------


def test_a_snapshot_survives_pickling_and_decides_without_the_file(three_events: Path) -> None:
    snapshot = Ledger.open(three_events).snapshot()
    three_events.unlink()
    travelled = pickle.loads(pickle.dumps(snapshot))
    assert travelled == snapshot
    assert (travelled.ledger_id, travelled.events) == ("ledger-1", 3)
    assert travelled.decide("spk-17", purpose="training_inhouse", recorded_at=MARCH, as_of=APRIL).allowed
    assert travelled.decide("spk-42", purpose="recording", recorded_at=MARCH, as_of=APRIL).reason == "consent_refused"
    unknown = travelled.decide("spk-99", purpose="recording", recorded_at=MARCH, as_of=APRIL)
    assert unknown.reason == "consent_unknown_speaker"
    assert "'spk-99'" in unknown.detail


def test_a_snapshot_does_not_change_when_the_ledger_does(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    before = ledger.snapshot()
    ledger.withdraw("spk-17", at=APRIL)
    assert before.events == 3
    assert before.decide("spk-17", purpose="recording", recorded_at=MARCH, as_of=APRIL).allowed
    assert not ledger.snapshot().decide("spk-17", purpose="recording", recorded_at=MARCH, as_of=APRIL).allowed


def test_a_commitment_comes_from_the_speakers_secret_or_from_the_salt(path: Path) -> None:
    ledger = Ledger.create(path, salt=bytes(32), entropy=seeded_entropy(b"test"))
    unknown = ledger.snapshot().commitment("spk-17")
    assert unknown == hmac.new(bytes(32), b"spk-17", hashlib.sha256).hexdigest()
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    assert ledger.snapshot().commitment("spk-17") == "52f38626422adfd857f489f69518eb86d94aa420f7f184e9e2e6d57caeae36c8"
    ledger.withdraw("spk-17", at=APRIL)
    assert ledger.snapshot().commitment("spk-17") == "52f38626422adfd857f489f69518eb86d94aa420f7f184e9e2e6d57caeae36c8"


def test_a_snapshot_shows_neither_salt_nor_speakers(path: Path) -> None:
    ledger = Ledger.create(path, ledger_id="ledger-1", salt=b"\x07" * 32)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    shown = repr(ledger.snapshot())
    assert "ledger-1" in shown
    assert "spk-" not in shown
    assert "\\x07" not in shown
    assert ledger.snapshot().commitment("spk-17") not in shown


# --- another writer -------------------------------------------------------------------------------------------------


def test_a_writer_waits_and_then_says_who_is_in_the_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_consent.ledger.store._LOCK_TIMEOUT_S", 0.05)
    ledger = Ledger.create(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match=r"cannot be written .database is locked.; another process holds the file"):
        ledger.grant("spk-17", [RECORDING], at=MARCH)
    assert ledger.snapshot().events == 0  # readers are not kept out
    other.execute("ROLLBACK")
    assert len(ledger.grant("spk-17", [RECORDING], at=MARCH)) == 1


# --- the package ----------------------------------------------------------------------------------------------------


def test_the_public_surface() -> None:
    assert sorted(duologue_consent.__all__) == [
        "ALL_FORMS", "Action", "AgeBand", "ConsentError", "ConsentEvent", "Decider", "Decision", "Evidence", "Expression", "Form",
        "Grant", "Guardian", "Ledger", "LedgerError", "Method", "Notice", "Purpose", "Recorded", "Snapshot", "Standing", "State", "Terms",
        "decide", "format_time", "parse_time", "recorded_between", "standing",
    ]  # fmt: skip
