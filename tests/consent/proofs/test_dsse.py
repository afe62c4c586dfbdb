"""DSSE envelopes, against the standard's vector and securesystemslib, and the receipt inside of them."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import verify
from duologue_consent.proofs import receipt as receipts
from duologue_consent.proofs.dsse import EnvelopeError, pae, parse_envelope, sign_envelope, verify_envelope
from duologue_consent.proofs.keys import SigningKey
from duologue_consent.proofs.receipt import FileChange, ReceiptError, Removal
from duologue_schemas import iter_faults
from tests.consent.fabricate import KEY, World

OTHER = SigningKey("other.example", b"\x02" * 32)
WORLD = World()
MANIFEST_CHANGE, SHARD_CHANGE = WORLD.receipt().files


def faults_of(document: object) -> str:
    with pytest.raises(EnvelopeError) as error:
        parse_envelope(document if isinstance(document, bytes) else json.dumps(document).encode())
    return str(error.value)


# --- envelopes ------------------------------------------------------------------------------------------------------


def test_the_encoding_of_the_standard() -> None:
    """The vector of DSSE's protocol.md."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_an_envelope_is_written_and_read() -> None:
    envelope = sign_envelope("text/plain", b"hello", [KEY, OTHER])
    written = envelope.to_bytes()
    assert parse_envelope(written) == envelope
    assert json.loads(written)["payload"] == "aGVsbG8="
    assert [each["keyid"] for each in json.loads(written)["signatures"]] == [KEY.verifier.label, OTHER.verifier.label]
    verdict = verify_envelope(envelope, [OTHER.verifier], payload_type="text/plain")
    assert (verdict.fault, verdict.verified) == (None, (OTHER.verifier.label,))


def test_the_keyid_is_a_hint_only() -> None:
    envelope = sign_envelope("text/plain", b"hello", [KEY])
    for keyid in ("", OTHER.verifier.label):
        renamed = replace(envelope, signatures=(replace(envelope.signatures[0], keyid=keyid),))
        assert verify_envelope(renamed, [KEY.verifier, OTHER.verifier], payload_type="text/plain").verified == (
            KEY.verifier.label,
        )


def test_an_envelope_that_does_not_hold() -> None:
    envelope = sign_envelope("text/plain", b"hello", [KEY])
    for changed in (replace(envelope, payload=b"hallo"), replace(envelope, signatures=())):
        verdict = verify_envelope(changed, [KEY.verifier], payload_type="text/plain")
        assert (bool(verdict), verdict.fault) == (False, "no known key has signed it")
    assert verify_envelope(envelope, [OTHER.verifier], payload_type="text/plain").fault == "no known key has signed it"
    assert verify_envelope(envelope, [KEY.verifier], payload_type="text/html").fault == (
        "the payload is of type 'text/plain', expected 'text/html'"
    )
    retyped = replace(envelope, payload_type="text/html")
    assert not verify_envelope(retyped, [KEY.verifier], payload_type="text/html").ok


def test_both_alphabets_of_base64_are_read() -> None:
    envelope = sign_envelope("text/plain", b"\xfb\xff\xfe", [KEY])
    document = json.loads(envelope.to_bytes())
    document["payload"] = base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode()
    assert document["payload"] == "-__-"
    assert parse_envelope(json.dumps(document).encode()) == envelope


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"\xff", "the envelope is not JSON"),
        (b"{", "the envelope is not JSON"),
        (b'{"payload": NaN}', "NaN is no number of JSON"),
        (b'{"payload":"","payload":""}', "a field is named twice"),
        ([], "it is no DSSE envelope"),
        ({"payload": "", "payloadType": "t", "signatures": []}, "it is no DSSE envelope"),
        ({"payload": "", "payloadType": "t", "signatures": [{}]}, "it is no DSSE envelope"),
        ({"payload": "", "payloadType": 7, "signatures": [{"sig": ""}]}, "it is no DSSE envelope"),
        ({"payload": 7, "payloadType": "t", "signatures": [{"sig": ""}]}, "it is no DSSE envelope"),
        ({"payload": "a", "payloadType": "t", "signatures": [{"sig": ""}]}, "text that is not base64"),
        ({"payload": "aGVsbG9=", "payloadType": "t", "signatures": [{"sig": ""}]}, "base64 that is not canonical"),
    ],
)
def test_what_is_no_envelope(document: object, fault: str) -> None:
    assert fault in faults_of(document)


def test_an_envelope_needs_a_key() -> None:
    with pytest.raises(EnvelopeError, match="an envelope needs a key"):
        sign_envelope("text/plain", b"hello", [])


# --- against securesystemslib ---------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=40), st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
def test_securesystemslib_reads_ours_and_we_read_its(payload: bytes, payload_type: str) -> None:
    dsse: Any = pytest.importorskip("securesystemslib.dsse", reason="securesystemslib is not installed")
    signer: Any = pytest.importorskip("securesystemslib.signer")
    ours = sign_envelope(payload_type, payload, [KEY])
    public = signer.SSlibKey.from_crypto(
        Ed25519PublicKey.from_public_bytes(KEY.verifier.public), keyid=KEY.verifier.label
    )
    theirs = dsse.Envelope.from_dict(json.loads(ours.to_bytes()))
    assert theirs.pae() == pae(payload_type, payload)
    assert theirs.verify([public], 1) == {KEY.verifier.label: public}

    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))  # KEY's
    theirs = dsse.Envelope(payload, payload_type, {})
    theirs.sign(signer.CryptoSigner(private))
    read = parse_envelope(json.dumps(theirs.to_dict()).encode())
    assert read.signatures[0].signature == ours.signatures[0].signature
    assert verify_envelope(read, [KEY.verifier], payload_type=payload_type).ok


# --- the receipt ----------------------------------------------------------------------------------------------------


def test_a_receipt_is_an_in_toto_statement_about_the_new_files() -> None:
    envelope = WORLD.receipt().signed([KEY])
    assert envelope.payload_type == "application/vnd.in-toto+json"
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "urn:duologue:receipt:1.0"
    assert statement["subject"] == [
        {"name": "dataset.json", "digest": {"sha256": MANIFEST_CHANGE.new_sha256}},
        {"name": SHARD_CHANGE.new_path, "digest": {"sha256": SHARD_CHANGE.new_sha256}},
    ]
    assert statement["predicate"]["files"][1]["level"] == "PHYSICAL"
    assert list(iter_faults("receipt", statement["predicate"])) == []
    assert "spk-17" not in envelope.payload.decode()


def test_the_order_in_which_a_receipt_is_put_together_does_not_matter() -> None:
    receipt = WORLD.receipt()
    turned = replace(
        receipt,
        leaves=receipt.leaves[::-1],
        files=receipt.files[::-1],
        out_of_scope=dict(list(receipt.out_of_scope.items())[::-1]),
    )
    assert turned.statement() == receipt.statement()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"out_of_scope": {}}, "OUT_OF_SCOPE is missing"),
        ({"leaves": []}, "the receipt names no leaf"),
        ({"files": [SHARD_CHANGE]}, "does not say which dataset.json it is of"),
        ({"files": [MANIFEST_CHANGE, SHARD_CHANGE, SHARD_CHANGE]}, f"{SHARD_CHANGE.path} is named twice"),
        (
            {"files": [MANIFEST_CHANGE, replace(SHARD_CHANGE, new_path=SHARD_CHANGE.path)]},
            f"{SHARD_CHANGE.path} reuses the name of a shard",
        ),
        (
            {"files": [MANIFEST_CHANGE, replace(SHARD_CHANGE, new_path="shards/train-00000.tar")]},
            "shards/train-00000.tar does not carry its hash in its name",
        ),
        (
            {"files": [MANIFEST_CHANGE, replace(SHARD_CHANGE, new_path=None)]},
            "a new path or a new digest, but not both",
        ),
        ({"files": [MANIFEST_CHANGE, replace(SHARD_CHANGE, level="LOGGED")]}, "to be changed, but its level is LOGGED"),
        (
            {"files": [MANIFEST_CHANGE, replace(SHARD_CHANGE, new_sha256=SHARD_CHANGE.old_sha256)]},
            "is said to be PHYSICAL, but its digest has not changed",
        ),
        ({"files": [FileChange("a b", "0" * 64, None, None, "LOGICAL")]}, "files[0].path is 'a b'"),
        ({"removed": [Removal("spk-17", "dropped", 1.0)]}, "removed[0].sample is 'spk-17'"),
        ({"removed": [Removal("0" * 64, "dropped", -1.0)]}, "removed[0].duration_s is -1"),
        ({"issued_at": "yesterday"}, "issued_at is 'yesterday'"),
    ],
)
def test_a_receipt_that_would_not_hold_is_not_made(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ReceiptError) as error:
        WORLD.receipt(**changes).signed([KEY])
    assert "this receipt would not hold: " in str(error.value)
    assert fault in str(error.value)


def test_schema_and_verifier_know_the_same_fields() -> None:
    predicate = json.loads(WORLD.receipt().statement())["predicate"]
    for field in predicate:
        without = {name: value for name, value in predicate.items() if name != field}
        assert [fault.field for fault in iter_faults("receipt", without)] == [field]
        assert verify.statement_faults(json.loads(WORLD.receipt().statement()) | {"predicate": without}) != []
    assert (receipts.PAYLOAD_TYPE, receipts.STATEMENT_TYPE, receipts.PREDICATE_TYPE) == (
        verify._PAYLOAD_TYPE,
        verify._STATEMENT_TYPE,
        verify._PREDICATE_TYPE,
    )
