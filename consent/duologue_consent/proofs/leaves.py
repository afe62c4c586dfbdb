"""Makes what a consent event leaves in the public log, a leaf with salted commitments, and what opens it. No I/O.

A leaf is RFC 8785 canonical JSON of its place (ledger, seq), its kind, and one commitment for each field of the event:
HMAC-SHA256 of the field's canonical JSON under a random salt of its own. The salts and values, the *opening*, are stored only
as a vault record, sealed with AES-256-GCM under the key of the one subject. Without that key nobody can link a leaf to
a person or to another leaf of that person (crypto-shredding); proofs go over the leaf's bytes and stay valid.

What stays public is that a decision of this kind was entered at this place, and nothing of whose or about what. Each
subject's key comes from the vault (:mod:`duologue_consent.ledger.vault`).
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import rfc8785
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duologue_consent.errors import ConsentError
from duologue_consent.proofs.dsse import EnvelopeError, load_json

__all__ = [
    "LeafError",
    "Opening",
    "commit",
    "kind_of",
    "leaf_fault",
    "make_leaf",
    "make_opening",
    "open_record",
    "opening_fault",
    "seal_record",
]

_SCHEMA: Final = "leaf/1.0"
_SALT_BYTES: Final = 32
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_DOMAIN: Final = b"duologue leaf/1.0\x00"


class LeafError(ConsentError, ValueError):
    """Tells that a leaf or vault record cannot be made or read. The message holds no value of an event."""


@dataclass(frozen=True)
class Opening:
    """Holds the values of an event's fields and the salt (32 bytes) of each. Personal data: representations do not show it."""

    values: Mapping[str, Any] = field(repr=False, hash=False)
    salts: Mapping[str, bytes] = field(repr=False, hash=False)


def commit(value: Any, salt: bytes) -> str:
    """Commits to a value: HMAC-SHA256 (RFC 2104) over its canonical JSON (RFC 8785), keyed with the salt.

    Args:
        value: anything that JSON can hold.
        salt: 32 random bytes, used for nothing else. The fixed length matters: HMAC pads shorter keys with zeros.

    Returns:
        64 lower-case hex digits. It hides the value as long as the salt is secret, and fits no other one.

    Raises:
        LeafError: the salt has another length, or JSON cannot hold the value.
    """
    if len(salt) != _SALT_BYTES:
        raise LeafError(f"a salt has {_SALT_BYTES} bytes, this one {len(salt)}")
    return hmac.new(salt, _DOMAIN + _canonical(value), hashlib.sha256).hexdigest()


def make_opening(values: Mapping[str, Any], *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> Opening:
    """Draws a fresh salt of 32 bytes for every field. ``entropy`` gives that many random bytes."""
    return Opening(dict(values), {name: entropy(_SALT_BYTES) for name in sorted(values)})


def make_leaf(opening: Opening, *, ledger_id: str, seq: int, kind: str) -> bytes:
    """Makes the bytes of a leaf: what :func:`duologue_consent.proofs.merkle.leaf_hash` takes, and a line of the published log.

    Args:
        opening: what the leaf commits to.
        ledger_id: which ledger, so that no leaf can move to another one.
        seq: the leaf's index in the log, from 0, so that no leaf can move to another place.
        kind: what happened, e.g. ``consent.withdraw`` or ``shard.revoked``; it is public.

    Raises:
        LeafError: a salt is missing or JSON cannot hold a value.
    """
    if opening.values.keys() != opening.salts.keys():
        raise LeafError("every field of an opening needs a salt, and every salt a field")
    return _canonical(
        {
            "schema": _SCHEMA,
            "ledger_id": ledger_id,
            "seq": seq,
            "kind": kind,
            "commitments": {name: commit(value, opening.salts[name]) for name, value in opening.values.items()},
        }
    )


def opening_fault(leaf: bytes, opening: Opening) -> str | None:
    """Says in a sentence why an opening is not that of a leaf; None where it is.

    Raises:
        LeafError: the bytes are no leaf.
    """
    try:
        document = load_json(leaf, "the leaf")
    except EnvelopeError as error:
        raise LeafError(str(error)) from None
    if not isinstance(document, dict) or not isinstance(document.get("commitments"), dict):
        raise LeafError("the leaf holds no commitments")
    commitments = document["commitments"]
    if commitments.keys() != opening.values.keys() or commitments.keys() != opening.salts.keys():
        return "the opening is of other fields than the leaf"
    for name in sorted(commitments):
        if not hmac.compare_digest(str(commitments[name]), commit(opening.values[name], opening.salts[name])):
            return f"the leaf holds another {name}"
    return None


def kind_of(leaf: bytes) -> str:
    """Reads the kind of a leaf: what happened, e.g. ``consent.withdraw``.

    Raises:
        LeafError: the bytes are no leaf.
    """
    try:
        return str(json.loads(leaf)["kind"])
    except (ValueError, TypeError, KeyError):
        raise LeafError("it is no leaf of a consent ledger") from None


def leaf_fault(leaf: bytes, *, ledger_id: str, seq: int) -> str | None:
    """Says in a sentence why bytes are no leaf of this ledger at this place; None where they are one."""
    try:
        document = load_json(leaf, "it")
        canonical = _canonical(document)
    except (EnvelopeError, LeafError) as error:
        return str(error)
    if not isinstance(document, dict) or document.keys() != {"schema", "ledger_id", "seq", "kind", "commitments"}:
        return "it is no leaf of a consent ledger"
    if canonical != leaf or document["schema"] != _SCHEMA or not isinstance(document["kind"], str):
        return "it is not written as this ledger writes leaves"
    if document["ledger_id"] != ledger_id:
        return f"it is of another ledger, {document['ledger_id']!r}"
    if document["seq"] != seq:
        return f"it says that it is leaf {document['seq']!r}: the log was reordered or cut"
    return None


def seal_record(
    opening: Opening, *, subject_key: bytes, leaf: bytes, entropy: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Encrypts an opening for the vault: AES-256-GCM (NIST SP 800-38D), bound to the leaf.

    Args:
        opening: of the leaf.
        subject_key: 32 bytes.
        leaf: the bytes of the leaf.
        entropy: gives that many random bytes.

    Returns:
        The nonce (12 bytes), the sealed opening and its tag (16 bytes).

    Raises:
        LeafError: the key has not 32 bytes, or the opening is not that of the leaf.
    """
    fault = opening_fault(leaf, opening)
    if fault is not None:
        raise LeafError(f"this record would never open its leaf: {fault}")
    document = {
        "values": dict(opening.values),
        "salts": {name: salt.hex() for name, salt in opening.salts.items()},
    }
    nonce = entropy(_NONCE_BYTES)
    return nonce + _cipher(subject_key).encrypt(nonce, _canonical(document), _DOMAIN + leaf)


def open_record(record: bytes, *, subject_key: bytes, leaf: bytes) -> Opening:
    """Decrypts what :func:`seal_record` made for this leaf under this key (32 bytes).

    Raises:
        LeafError: the key is another one, the record was changed, or it belongs to another leaf.
    """
    try:
        plain = _cipher(subject_key).decrypt(record[:_NONCE_BYTES], record[_NONCE_BYTES:], _DOMAIN + leaf)
    except (InvalidTag, ValueError):
        raise LeafError("the vault record does not open: another key, another leaf, or it was changed") from None
    document = json.loads(plain)  # it was written here: its tag says so
    return Opening(document["values"], {name: bytes.fromhex(salt) for name, salt in document["salts"].items()})


def _cipher(subject_key: bytes) -> AESGCM:
    if len(subject_key) != _KEY_BYTES:
        raise LeafError(f"a subject key has {_KEY_BYTES} bytes, this one {len(subject_key)}")
    return AESGCM(subject_key)


def _canonical(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, ValueError):
        raise LeafError("a value cannot be written as canonical JSON") from None
