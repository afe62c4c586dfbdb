"""Signs and verifies DSSE v1 envelopes (https://github.com/secure-systems-lab/dsse) with Ed25519. No I/O.

An envelope carries a payload, its type and signatures over both (the pre-authentication encoding, so that a payload cannot
be read as another type). The ``keyid`` is a hint that nobody signed: verification tries every key. The same keys sign
checkpoints (:mod:`duologue_consent.proofs.notes`); neither can pass for the other, as the text of a note begins with the log's
origin and ends in a newline, and what is signed here begins with ``DSSEv1`` and, for a receipt, ends in ``}``.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from duologue_consent.errors import ConsentError
from duologue_consent.proofs.keys import SigningKey, VerifierKey
from duologue_consent.proofs.merkle import Verdict

__all__ = [
    "Envelope",
    "EnvelopeError",
    "EnvelopeSignature",
    "EnvelopeVerdict",
    "load_json",
    "pae",
    "parse_envelope",
    "sign_envelope",
    "verify_envelope",
]


class EnvelopeError(ConsentError, ValueError):
    """Tells that bytes are no DSSE envelope, or that one cannot be made."""


@dataclass(frozen=True)
class EnvelopeSignature:
    """Holds a signature (64 bytes), and the id of the key that is said to have made it ("" where none is said)."""

    keyid: str
    signature: bytes


@dataclass(frozen=True)
class Envelope:
    """Holds an envelope taken apart, its signatures not yet verified."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]

    def to_bytes(self) -> bytes:
        """Writes the envelope as canonical JSON and a newline (DSSE envelope.md); the same envelope gives the same bytes."""
        document: dict[str, Any] = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": each.keyid, "sig": base64.b64encode(each.signature).decode()} for each in self.signatures
            ],
        }
        return rfc8785.dumps(document) + b"\n"


@dataclass(frozen=True)
class EnvelopeVerdict(Verdict):
    """Says what verifying found.

    Attributes:
        verified: the labels of the known keys that signed it.
    """

    verified: tuple[str, ...] = ()


def pae(payload_type: str, payload: bytes) -> bytes:
    """Encodes what is signed, type and payload in one: the pre-authentication encoding (DSSE protocol.md, Signature Definition)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(payload_type: str, payload: bytes, keys: Sequence[SigningKey]) -> Envelope:
    """Signs a payload with every one of the keys; the keyid is the key's label ``NAME+ID``.

    Raises:
        EnvelopeError: there is no key.
    """
    if not keys:
        raise EnvelopeError("an envelope needs a key that signs it")
    message = pae(payload_type, payload)
    signatures = tuple(EnvelopeSignature(key.verifier.label, key.sign(message)) for key in keys)
    return Envelope(payload_type, payload, signatures)


def parse_envelope(data: bytes) -> Envelope:
    """Takes an envelope apart. Unknown fields are ignored, as envelope.md asks; both base64 alphabets are read.

    Raises:
        EnvelopeError: the bytes are no envelope, or name a field twice.
    """
    document = load_json(data, "the envelope")
    try:
        payload_type, signatures = document["payloadType"], document["signatures"]
        if not isinstance(payload_type, str) or not isinstance(signatures, list) or not signatures:
            raise TypeError
        parsed = tuple(EnvelopeSignature(str(each.get("keyid", "")), _base64(each["sig"])) for each in signatures)
        return Envelope(payload_type, _base64(document["payload"]), parsed)
    except (KeyError, TypeError, AttributeError):
        raise EnvelopeError(
            "it is no DSSE envelope; expected an object with payload, payloadType and a list of signatures"
        ) from None


def verify_envelope(envelope: Envelope, verifiers: Sequence[VerifierKey], *, payload_type: str) -> EnvelopeVerdict:
    """Checks that the payload is of this type and that a known key signed it (DSSE protocol.md, Protocol)."""
    if envelope.payload_type != payload_type:
        return EnvelopeVerdict(f"the payload is of type {envelope.payload_type!r}, expected {payload_type!r}")
    message = pae(envelope.payload_type, envelope.payload)
    verified = tuple(
        key.label for key in verifiers if any(key.verifies(each.signature, message) for each in envelope.signatures)
    )
    return EnvelopeVerdict(None if verified else "no known key has signed it", verified)


def load_json(data: bytes, what: str) -> Any:
    """Reads JSON in which no field is named twice and no number is NaN or infinite: what means one thing to all readers.

    Raises:
        EnvelopeError: the bytes are not that; the message names them as ``what``.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise ValueError(f"a field is named twice: {next(name for name in found if names.count(name) > 1)!r}")
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise EnvelopeError(f"{what} is not JSON that can be used ({error})") from None


def _base64(text: object) -> bytes:
    """Decodes standard or URL-safe base64 (envelope.md, Standard JSON Envelope), in its one canonical spelling."""
    if not isinstance(text, str):
        raise TypeError
    plain = text.replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError("the envelope holds text that is not base64") from None
    if base64.b64encode(data).decode() != plain:
        raise EnvelopeError("the envelope holds base64 that is not canonical")
    return data
