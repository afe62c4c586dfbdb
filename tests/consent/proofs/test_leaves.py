"""Leaves: commitments, their openings, and what is left when a subject's key is gone."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent.proofs.leaves import (
    LeafError,
    Opening,
    commit,
    make_leaf,
    make_opening,
    open_record,
    opening_fault,
    seal_record,
)
from duologue_consent.proofs.merkle import inclusion_path, leaf_hash, root_of, verify_inclusion

SALT = bytes(range(32))
EVENT = {"speaker_id": "spk-17", "purpose": "training_inhouse", "at": "2026-05-04T08:30:00Z"}


def new_subject_key() -> bytes:
    return secrets.token_bytes(32)


def counting() -> Callable[[int], bytes]:
    """Random bytes that are the same each time: SHA-256 of 0, 1, 2, ..."""
    numbers = iter(range(1000))
    return lambda length: hashlib.sha256(b"%d" % next(numbers)).digest()[:length]


def make_withdrawal(seq: int = 0, **fields: Any) -> tuple[bytes, Opening]:
    opening = make_opening(EVENT | fields)
    return make_leaf(opening, ledger_id="ledger-1", seq=seq, kind="consent.withdraw"), opening


def test_a_commitment_is_the_hmac_of_the_canonical_json() -> None:
    message = b'duologue leaf/1.0\x00{"a":1,"b":"x"}'
    assert commit({"b": "x", "a": 1}, SALT) == hmac.new(SALT, message, hashlib.sha256).hexdigest()
    assert commit("spk-17", SALT) == "5cc4101a7593323700aa7254d85c318a8fd3574df3e67964484a50225fe4b0fd"


def test_a_leaf_is_canonical_json_and_holds_nothing_of_the_event() -> None:
    opening = make_opening(EVENT, entropy=counting())
    leaf = make_leaf(opening, ledger_id="ledger-1", seq=7, kind="consent.withdraw")
    assert json.loads(leaf) == {
        "schema": "leaf/1.0",
        "ledger_id": "ledger-1",
        "seq": 7,
        "kind": "consent.withdraw",
        "commitments": {name: commit(value, opening.salts[name]) for name, value in EVENT.items()},
    }
    assert leaf.startswith(b'{"commitments":{"at":"')
    assert leaf.endswith(b'"schema":"leaf/1.0","seq":7}')
    assert not any(value.encode() in leaf for value in EVENT.values())
    assert "spk-17" not in repr(opening)


def test_the_same_event_twice_gives_leaves_that_have_nothing_in_common() -> None:
    first, second = (json.loads(make_withdrawal()[0])["commitments"] for _ in range(2))
    assert set(first.values()) & set(second.values()) == set()


def test_the_opening_opens_its_leaf_and_no_other() -> None:
    leaf, opening = make_withdrawal()
    assert opening_fault(leaf, opening) is None
    assert opening_fault(leaf, Opening({**opening.values, "purpose": "likeness"}, opening.salts)) == (
        "the leaf holds another purpose"
    )
    assert opening_fault(make_withdrawal()[0], opening) == "the leaf holds another at"
    assert opening_fault(make_withdrawal(expires_at=None)[0], opening) == "the opening is of other fields than the leaf"
    with pytest.raises(LeafError, match="the leaf is not JSON"):
        opening_fault(b"leaf", opening)
    with pytest.raises(LeafError, match="the leaf holds no commitments"):
        opening_fault(b"[]", opening)


def test_a_record_opens_with_its_key_for_its_leaf_only() -> None:
    key, other_key = new_subject_key(), new_subject_key()
    leaf, opening = make_withdrawal(seq=1)
    other_leaf, _ = make_withdrawal(seq=2)
    record = seal_record(opening, subject_key=key, leaf=leaf)
    assert open_record(record, subject_key=key, leaf=leaf) == opening
    for subject_key, bound_to, stored in [
        (other_key, leaf, record),
        (key, other_leaf, record),
        (key, leaf, record[:-1]),
        (key, leaf, bytes([record[0] ^ 1]) + record[1:]),
        (key, leaf, b""),
    ]:
        with pytest.raises(LeafError, match="the vault record does not open"):
            open_record(stored, subject_key=subject_key, leaf=bound_to)


def test_what_cannot_be_made() -> None:
    leaf, opening = make_withdrawal()
    with pytest.raises(LeafError, match="a salt has 32 bytes, this one 31"):
        commit("value", SALT[1:])
    with pytest.raises(LeafError, match="cannot be written as canonical JSON"):
        commit(float("nan"), SALT)
    with pytest.raises(LeafError, match="every field of an opening needs a salt"):
        make_leaf(Opening({"a": 1}, {}), ledger_id="ledger-1", seq=0, kind="consent.grant")
    with pytest.raises(LeafError, match="would never open its leaf: the leaf holds another at"):
        seal_record(make_withdrawal()[1], subject_key=new_subject_key(), leaf=leaf)
    with pytest.raises(LeafError, match="a subject key has 32 bytes, this one 16"):
        seal_record(opening, subject_key=bytes(16), leaf=leaf)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abcdef_", min_size=1, max_size=5), json_values, max_size=4))
def test_what_is_sealed_comes_back(values: dict[str, Any]) -> None:
    opening = make_opening(values)
    leaf = make_leaf(opening, ledger_id="ledger-1", seq=0, kind="consent.grant")
    key = new_subject_key()
    assert open_record(seal_record(opening, subject_key=key, leaf=leaf), subject_key=key, leaf=leaf) == opening


def salts_of(entries: list[tuple[bytes, bytes]], key: bytes) -> list[bytes]:
    """Every salt that a subject's key still opens."""
    found: list[bytes] = []
    for leaf, record in entries:
        try:
            found += open_record(record, subject_key=key, leaf=leaf).salts.values()
        except LeafError:
            continue
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["ann", "ben", "cleo"]), min_size=1, max_size=20), st.sampled_from(["ann", "ben", "cleo"])
)
def test_without_the_key_no_leaf_can_be_linked_and_every_proof_still_holds(speakers: list[str], gone: str) -> None:
    keys = {speaker: new_subject_key() for speaker in set(speakers)}
    entries = []
    for seq, speaker in enumerate(speakers):
        leaf, opening = make_withdrawal(seq, speaker_id=speaker)
        entries.append((leaf, seal_record(opening, subject_key=keys[speaker], leaf=leaf)))
    hashes = [leaf_hash(leaf) for leaf, _ in entries]
    root = root_of(hashes)
    paths = [inclusion_path(hashes, seq) for seq in range(len(entries))]

    keys.pop(gone, None)  # crypto-shredding

    # Whoever remembers all that was in the event cannot try it out: no salt that is left fits.
    salts_left = [bytes(32), *(salt for key in keys.values() for salt in salts_of(entries, key))]
    for seq, speaker in enumerate(speakers):
        if speaker == gone:
            commitments = set(json.loads(entries[seq][0])["commitments"].values())
            assert not commitments & {commit(value, salt) for value in (gone, *EVENT.values()) for salt in salts_left}

    linked = {}
    for seq, (leaf, record) in enumerate(entries):
        for key in keys.values():
            try:
                linked[seq] = open_record(record, subject_key=key, leaf=leaf).values["speaker_id"]
            except LeafError:
                continue
    assert linked == {seq: speaker for seq, speaker in enumerate(speakers) if speaker != gone}
    assert all(verify_inclusion(hashes[seq], seq, len(entries), paths[seq], root).ok for seq in range(len(entries)))
