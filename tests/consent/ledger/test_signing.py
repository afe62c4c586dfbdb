"""Checkpoints and keys: a log signs one history, with keys that nobody else can read."""

import shutil
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.publication import publish_log, published_faults
from duologue_consent.ledger.store import Store
from duologue_consent.proofs.merkle import leaf_hash, root_of
from duologue_consent.proofs.notes import NoteError, open_checkpoint, parse_note
from tests.consent.conftest import copy_ledger

RECORDING = Purpose.RECORDING
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def copy_database(source: Path, target: Path) -> None:
    shutil.copy(source, target)


# --- what is signed -------------------------------------------------------------------------------------------------


def test_a_checkpoint_is_over_all_leaves_and_names_the_log(location: str) -> None:
    ledger = Ledger.create(location, ledger_id="ledger-1", origin="consent.example/ledger-1")
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    signed = open_checkpoint(ledger.checkpoint(), ledger.verifiers)
    leaves = [leaf_hash(line.removesuffix(b"\n")) for line in ledger.log_lines()]
    assert (signed.origin, signed.size, signed.root) == ("consent.example/ledger-1", 1, root_of(leaves))


def test_the_same_tree_gives_the_same_note(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    first = ledger.checkpoint()
    assert Ledger.open(location).checkpoint() == first
    assert ledger.check().checkpoints == 2  # that of the empty log, and this one
    ledger.grant("spk-42", [RECORDING], at=MARCH)
    assert ledger.checkpoint(at_least=1) == first
    assert open_checkpoint(ledger.checkpoint(at_least=2), ledger.verifiers).size == 2
    with pytest.raises(LedgerError, match="holds 2 leaves, so no checkpoint over 3 can be signed"):
        ledger.checkpoint(at_least=3)


def test_the_pin_of_a_release_is_the_signed_state(location: str) -> None:
    ledger = Ledger.create(location, ledger_id="ledger-1")
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    pin = ledger.release_pin()
    assert (pin["ledger_id"], pin["events"], pin["checkpoint"]) == ("ledger-1", 1, ledger.checkpoint().decode())


@pytest.mark.parametrize("origin", ["", "two words", "a+b"])
def test_an_origin_that_cannot_name_a_key_is_refused_and_nothing_is_left(tmp_path: Path, origin: str) -> None:
    with pytest.raises(LedgerError, match="is no key name"):
        Ledger.create(tmp_path / "consent.db", origin=origin)
    assert list(tmp_path.iterdir()) == []


# --- one history ----------------------------------------------------------------------------------------------------


def test_an_older_copy_does_not_open_and_does_not_sign(three_events: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    copy_database(three_events, backup)
    ledger = Ledger.open(three_events)
    ledger.withdraw("spk-17", at=MARCH)
    ledger.checkpoint()
    copy_database(backup, three_events)
    fault = "consent.db: holds 3 leaves, but 5 were signed with its keys: it is an older copy or was cut short"
    with pytest.raises(LedgerError, match=fault):
        ledger.checkpoint()
    with pytest.raises(LedgerError, match=fault):
        Ledger.open(three_events)


@pytest.mark.parametrize("appended", [2, 3, 9])
def test_an_older_copy_that_went_on_is_a_fork_and_signs_nothing(
    three_events: Path, tmp_path: Path, appended: int
) -> None:
    backup = tmp_path / "backup"
    copy_database(three_events, backup)
    ledger = Ledger.open(three_events)
    ledger.withdraw("spk-17", at=MARCH)
    ledger.checkpoint()
    copy_database(backup, three_events)
    for number in range(appended):  # a process that was open all the time, and sees no witness
        ledger.append("test.other", {"number": number})
    with pytest.raises(LedgerError, match=r"does not continue the 5 leaves that were signed .* nothing is signed"):
        ledger.checkpoint()
    with pytest.raises(
        LedgerError, match="its first 5 leaves are not those that were signed: the log was edited or is a fork"
    ):
        Ledger.open(three_events)
    assert open_checkpoint(KeyFolder(Path(f"{three_events}.keys")).witness(), ledger.verifiers).size == 5


def test_without_the_witness_nothing_is_signed(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    kept = ledger.checkpoint()
    witness = Path(f"{three_events}.keys") / "witness"
    witness.unlink()
    ledger.grant("spk-99", [RECORDING], at=MARCH)
    with pytest.raises(LedgerError, match=r"witness: cannot be read .*the `checkpoint` of the newest release will do"):
        ledger.checkpoint()
    witness.write_bytes(kept)
    assert open_checkpoint(ledger.checkpoint(), ledger.verifiers).size == 4


def test_the_witness_of_another_ledger_is_refused(three_events: Path, tmp_path: Path) -> None:
    other = Ledger.create(tmp_path / "other.db", ledger_id="ledger-2").checkpoint()
    (Path(f"{three_events}.keys") / "witness").write_bytes(other)
    with pytest.raises(LedgerError, match="no known key has signed it"):
        Ledger.open(three_events)


def test_killed_before_the_witness_was_kept_the_stored_note_is_given(
    three_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(three_events)
    ledger.grant("spk-99", [RECORDING], at=MARCH)

    def killed(self: KeyFolder, note: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KeyFolder, "write_witness", killed)
        ledger.checkpoint()
    folder = KeyFolder(Path(f"{three_events}.keys"))
    assert open_checkpoint(folder.witness(), ledger.verifiers).size == 3
    note = Ledger.open(three_events).checkpoint()
    assert open_checkpoint(note, ledger.verifiers).size == 4
    assert folder.witness() == note
    assert ledger.check().checkpoints == 3


def test_who_has_no_signing_key_can_pin_what_was_signed_and_no_more(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    note = ledger.checkpoint()
    (Path(f"{three_events}.keys") / "signing.key").unlink()
    assert Ledger.open(three_events).checkpoint() == note
    ledger.grant("spk-99", [RECORDING], at=MARCH)
    with pytest.raises(LedgerError, match=r"signing.key: cannot be read"):
        ledger.checkpoint()


# --- keys -----------------------------------------------------------------------------------------------------------


def test_keys_are_files_of_their_owner_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "consent.db"
    ledger = Ledger.create(path)
    folder = tmp_path / "consent.db.keys"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {"signing.key": 0o600, "vault.key": 0o600, "witness": 0o600, "ledger.pub": 0o644}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = [(folder / name).read_text().strip()[-20:] for name in ("signing.key", "vault.key")]
    shown = repr([ledger.signer, KeyFolder(folder).vault_key(), ledger.snapshot(), ledger.check()])
    assert not any(secret in shown for secret in secrets)


def test_keys_that_others_may_read_are_refused(three_events: Path) -> None:
    key = Path(f"{three_events}.keys") / "vault.key"
    key.chmod(0o640)
    with pytest.raises(LedgerError, match=r"others may read this secret key \(mode 640\); run `chmod 600 .*vault.key`"):
        Ledger.open(three_events)


def test_keys_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "consent.db.keys").mkdir()
    with pytest.raises(LedgerError, match=r"the keys in .*consent.db.keys cannot be made \(File exists\)"):
        Ledger.create(tmp_path / "consent.db")
    assert [file.name for file in tmp_path.iterdir()] == ["consent.db.keys"]


def test_rotation_signs_once_with_both_keys_and_then_with_the_new_one(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING], at=MARCH)
    before, old = ledger.checkpoint(), ledger.signer.verifier
    new, both = ledger.rotate_key()
    assert [line.key_id for line in parse_note(both).signatures] == [old.key_id, new.key_id]
    assert (ledger.signer.verifier, ledger.verifiers) == (new, (old, new))
    assert new.name == old.name
    assert new.key_id != old.key_id
    (rotated,) = ledger.records("key.rotated")
    assert rotated.fields == {"old": old.text, "new": new.text}
    ledger.grant("spk-42", [RECORDING], at=MARCH)
    after = ledger.checkpoint()
    for note, verifier in ((before, old), (both, old), (both, new), (after, new)):
        open_checkpoint(note, [verifier])
    for note, verifier in ((before, new), (after, old)):
        with pytest.raises(NoteError, match="no known key has signed it"):
            open_checkpoint(note, [verifier])
    assert Ledger.open(location).check().checkpoints == 4
    assert ledger.rotate_key()[0] == ledger.verifiers[2]


def test_a_rotation_that_was_killed_leaves_the_old_key_in_force(
    three_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(three_events)
    old = ledger.signer

    def killed(self: KeyFolder, key: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KeyFolder, "replace_signing_key", killed)
        ledger.rotate_key()
    again = Ledger.open(three_events)
    assert again.signer == old
    again.grant("spk-99", [RECORDING], at=MARCH)
    open_checkpoint(again.checkpoint(), [old.verifier])
    new, _ = again.rotate_key()
    assert Ledger.open(three_events).signer.verifier == new
    again.check()


# --- what is published ----------------------------------------------------------------------------------------------


def published(ledger: Ledger) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    publish_log(ledger, files.__setitem__)
    return files


def test_publishing_the_same_state_gives_the_same_bytes_and_holds(three_events: Path, tmp_path: Path) -> None:
    copy = copy_ledger(three_events, tmp_path / "copy.db")
    files = published(Ledger.open(three_events))
    assert list(files) == ["log.jsonl", "ledger.pub", "checkpoint"]
    assert published(Ledger.open(copy)) == files
    assert files["log.jsonl"].count(b"\n") == 3
    assert published_faults(files["log.jsonl"], keys=files["ledger.pub"], checkpoint=files["checkpoint"]) == []


def test_a_log_that_grew_still_holds_against_an_older_checkpoint(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    kept = ledger.checkpoint()
    ledger.withdraw("spk-17", at=MARCH)
    ledger.rotate_key()
    files = published(ledger)
    assert published_faults(files["log.jsonl"], keys=files["ledger.pub"], checkpoint=kept) == []


@pytest.mark.parametrize(
    ("edit", "file", "fault"),
    [
        (lambda log: log.replace(b'"seq":1}', b'"seq":2}'), "log", "leaf 1: it says that it is leaf 2"),
        (lambda log: log.replace(b"consent.refuse", b"consent.grant"), "log", "one of its first 3 leaves is not as it was"),
        (lambda log: b"".join(log.splitlines(keepends=True)[:2]), "log", "it ends before leaf 2, but 3 leaves were signed"),
        (lambda log: log[:-1], "log", "leaf 2 is cut off"),
        (lambda log: b"".join(log.splitlines(keepends=True)[::-1]), "log", "leaf 0: it says that it is leaf 2"),
        (lambda log: log.replace(b'"ledger-1"', b'"ledger-2"', 1), "log", "leaf 1: it is of another ledger, 'ledger-1'"),
    ],
)  # fmt: skip
def test_an_edited_log_is_found_and_the_leaf_named(three_events: Path, edit: object, file: str, fault: str) -> None:
    files = published(Ledger.open(three_events))
    assert callable(edit)
    faults = published_faults(edit(files["log.jsonl"]), keys=files["ledger.pub"], checkpoint=files["checkpoint"])
    assert [what for what, _ in faults] == [file]
    assert faults[0][1].startswith(fault)
    assert faults[0][1].endswith("if it stays so, do not trust it")


def test_the_log_can_be_read_while_it_grows(location: str) -> None:
    ledger = Ledger.create(location)
    ledger.grant("spk-17", [RECORDING, Purpose.LIKENESS], at=MARCH)
    seen = 0
    for _ in ledger.log_lines():
        ledger.append("test.leaf", {"number": seen})
        seen += 1
    assert (seen, ledger.size()) == (2, 4)


def test_what_is_signed_can_be_pinned_while_another_process_writes(three_events: Path) -> None:
    ledger = Ledger.open(three_events)
    note = ledger.checkpoint()
    other = sqlite3.connect(three_events, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert ledger.checkpoint() == note
    assert ledger.release_pin()["events"] == 3
    other.execute("ROLLBACK")


def test_a_database_that_cannot_be_rewritten_after_forgetting_is_told(
    three_events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open(three_events)

    def locked(self: Store) -> None:
        raise self.error("cannot be written (database is locked); another process holds the file")

    monkeypatch.setattr(Store, "compact", locked)
    with pytest.raises(LedgerError, match=r"The speaker is forgotten, but stale copies .* run VACUUM"):
        ledger.forget("spk-17")
    assert Ledger.open(three_events).snapshot().speakers == ("spk-42",)
