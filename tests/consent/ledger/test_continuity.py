"""A ledger against the checkpoints that others keep of it: what a backup of database and keys together does not know."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_consent import Ledger, LedgerError, Purpose
from duologue_consent.proofs.keys import SigningKey
from duologue_consent.proofs.notes import open_checkpoint, parse_note, sign_note
from tests.consent.conftest import copy_ledger

MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def grow(path: Path, *speakers: str) -> bytes:
    """Appends a grant of each speaker to the ledger at ``path``, and gives its new checkpoint."""
    ledger = Ledger.open(path)
    for speaker in speakers:
        ledger.grant(speaker, [Purpose.RECORDING], at=MARCH)
    return ledger.checkpoint()


def fault(path: Path, note: bytes) -> str:
    with pytest.raises(LedgerError) as raised:
        Ledger.open(path).require_continues(note, name="out/checkpoint")
    return str(raised.value)


def test_a_ledger_continues_every_checkpoint_that_it_has_signed(three_events: Path) -> None:
    notes = [Ledger.open(three_events).checkpoint(), *(grow(three_events, f"spk-{number}") for number in range(5))]
    ledger = Ledger.open(three_events)
    assert [ledger.require_continues(note, name="kept").size for note in notes] == [3, 4, 5, 6, 7, 8]


def test_the_checkpoint_of_the_empty_tree_is_continued_by_its_ledger(path: Path) -> None:
    note = Ledger.create(path).checkpoint()
    assert Ledger.open(path).require_continues(note, name="kept").size == 0
    grow(path, "spk-1")
    assert Ledger.open(path).require_continues(note, name="kept").size == 0


def test_database_and_keys_restored_together_are_an_older_copy(three_events: Path, tmp_path: Path) -> None:
    backup = copy_ledger(three_events, tmp_path / "backup.db")
    note = grow(three_events, "spk-1", "spk-2")
    assert Ledger.open(backup).check().leaves == 3  # by itself it is whole
    assert fault(backup, note) == (
        f"{backup}: does not continue out/checkpoint: it holds 3 leaves against 5, and it is an older copy or was cut short; do "
        "not use it, restore the newest backup of ledger and keys"
    )


@pytest.mark.parametrize("more", [("x", "y"), ("x", "y", "z"), ("x", "y", "z", "u", "v", "w")])
def test_an_older_copy_that_went_on_is_a_fork(more: tuple[str, ...], three_events: Path, tmp_path: Path) -> None:
    backup = copy_ledger(three_events, tmp_path / "backup.db")
    note = grow(three_events, "spk-1", "spk-2")
    grow(backup, *more)
    assert (
        f"it holds {3 + len(more)} leaves against 5, and its first 5 are others, so it is a fork or was edited; do not use it"
        in fault(backup, note)
    )


def test_a_copy_from_before_the_key_was_rotated_does_not_know_the_new_key(three_events: Path, tmp_path: Path) -> None:
    backup = copy_ledger(three_events, tmp_path / "backup.db")
    _, by_both = Ledger.open(three_events).rotate_key()
    by_the_new = grow(three_events, "spk-1")
    assert "it holds 3 leaves against 4, and it is an older copy" in fault(backup, by_both)
    assert "is signed with a key that the ledger does not have, " in fault(backup, by_the_new)
    assert "the ledger is an older copy, from before its key was rotated, or the checkpoint is forged" in fault(
        backup, by_the_new
    )


def test_what_the_old_key_signed_holds_after_a_rotation(three_events: Path) -> None:
    old = Ledger.open(three_events).checkpoint()
    ledger = Ledger.open(three_events)
    ledger.rotate_key()
    assert ledger.require_continues(old, name="kept").size == 3


def test_the_checkpoint_of_another_ledger_is_said_to_be_of_another(three_events: Path, tmp_path: Path) -> None:
    foreign = Ledger.create(tmp_path / "other.db", ledger_id="ledger-2").checkpoint()
    assert fault(three_events, foreign) == (
        f"{three_events}: cannot be held against out/checkpoint, which is of another ledger, duologue/ledger-2, and this one is "
        "duologue/ledger-1; give the ledger that it was made with"
    )


def test_a_signature_of_others_below_it_is_passed_over(three_events: Path) -> None:
    note = Ledger.open(three_events).checkpoint()
    witness = sign_note(parse_note(note).text, [SigningKey("witness.example.org", b"w" * 32)]).rpartition(b"\n\n")[2]
    assert Ledger.open(three_events).require_continues(note + witness, name="kept").size == 3


def forged(note: bytes) -> bytes:
    """The signature of a known key with one bit changed."""
    head, _, encoded = note.rpartition(b" ")
    signature = bytearray(base64.b64decode(encoded))
    signature[-1] ^= 1
    return head + b" " + base64.b64encode(signature) + b"\n"


def with_another_size(note: bytes) -> bytes:
    origin, _, rest = note.split(b"\n", 2)
    return b"\n".join([origin, b"2", rest])


def by_a_key_of_ones_own(note: bytes) -> bytes:
    parsed = parse_note(note)
    return sign_note(parsed.text, [SigningKey(parsed.signatures[0].name, b"m" * 32)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (forged, "which does not hold (the signature of duologue/ledger-1+"),
        (with_another_size, "which does not hold (the signature of duologue/ledger-1+"),
        (by_a_key_of_ones_own, "which is signed with a key that the ledger does not have, duologue/ledger-1+"),
        (lambda note: note[:-20], "which is no checkpoint ("),
        (lambda note: b"", "which is no checkpoint (the note has no empty line"),
        (lambda note: b"\x00" * 100, "which is no checkpoint (the note holds a control character)"),
        (lambda note: b"\xff" * 100, "which is no checkpoint (the note is not UTF-8)"),
        (lambda note: b"\x89PNG\r\n\x1a\n" * 10, "which is no checkpoint (the note is not UTF-8)"),
        (lambda note: note * 2, "which is no checkpoint ("),
        (lambda note: b"a" * 2_000_000, "which is no checkpoint (a note of more than 1000000 bytes is not read)"),
    ],
)
def test_what_this_ledger_did_not_sign_is_refused(
    change: Callable[[bytes], bytes], said: str, three_events: Path
) -> None:
    note = Ledger.open(three_events).checkpoint()
    assert f"{three_events}: cannot be held against out/checkpoint, {said}" in fault(three_events, change(note))


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_a_checkpoint_passes(data: st.DataObject, three_events: Path) -> None:
    note = (Path(f"{three_events}.keys") / "witness").read_bytes()
    at = data.draw(st.integers(0, len(note) - 1))
    until = data.draw(st.integers(at, min(len(note), at + 9)))
    edited = note[:at] + data.draw(st.binary(max_size=9)) + note[until:]
    if edited == note:
        return
    with pytest.raises(LedgerError, match="cannot be held against kept, which "):
        Ledger.open(three_events).require_continues(edited, name="kept")


def test_holding_it_against_something_signs_nothing(three_events: Path, tmp_path: Path) -> None:
    backup = copy_ledger(three_events, tmp_path / "backup.db")
    note = grow(three_events, "spk-1")
    ledger = Ledger.open(backup)
    ledger.grant("spk-9", [Purpose.RECORDING], at=MARCH)
    before = (backup.read_bytes(), (Path(f"{backup}.keys") / "witness").read_bytes())
    fault(backup, note)
    assert (backup.read_bytes(), (Path(f"{backup}.keys") / "witness").read_bytes()) == before
    assert open_checkpoint(before[1], ledger.verifiers).size == 3
