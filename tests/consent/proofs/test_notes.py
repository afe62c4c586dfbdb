"""Keys, signed notes and checkpoints; the vectors are notes that other implementations published."""

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.proofs.keys import SigningKey, UnusableKeyError, VerifierKey, parse_verifiers
from duologue_consent.proofs.notes import (
    Checkpoint,
    NoteError,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_note,
    verify_note,
)

# From the tests of Go's golang.org/x/mod/sumdb/note: a key pair, a text, and the line that it signs with it.
PETER = SigningKey.parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
PETER_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
# From the documentation of another implementation (Elixir's signed_note).
FOO = VerifierKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

LOG = SigningKey("log.example/7", bytes(range(32)))
WITNESS = SigningKey("witness.example", bytes(32))
CHECKPOINT = Checkpoint("log.example/7", 8, bytes.fromhex("5d" * 32))


def fault_of(data: bytes) -> str:
    with pytest.raises(NoteError) as error:
        parse_note(data)
    return str(error.value)


# --- vectors --------------------------------------------------------------------------------------------------------


def test_we_sign_the_same_bytes_as_go() -> None:
    assert PETER.verifier.text == PETER_PUBLIC
    assert sign_note(PETER_TEXT, [PETER]).decode() == f"{PETER_TEXT}\n{PETER_LINE}"


def test_a_note_of_another_implementation_holds() -> None:
    verdict = verify_note(parse_note(FOO_NOTE), [FOO])
    assert (verdict.fault, verdict.verified, verdict.ignored) == (None, ("example.com/foo+530d903a",), ())


def test_the_text_of_a_checkpoint() -> None:
    text = "log.example/7\n8\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n"
    assert CHECKPOINT.text() == text
    assert parse_checkpoint(text) == CHECKPOINT
    assert parse_checkpoint(f"{text}more\nand more\n").extensions == ("more", "and more")


# --- signatures -----------------------------------------------------------------------------------------------------


def test_several_keys_may_sign_and_unknown_ones_are_ignored() -> None:
    note = parse_note(sign_note("hello\n", [WITNESS, LOG]))
    verdict = verify_note(note, [LOG.verifier])
    assert verdict.ok
    assert verdict.verified == (LOG.verifier.label,)
    assert verdict.ignored == (WITNESS.verifier.label,)
    assert verify_note(note, [LOG.verifier, WITNESS.verifier]).verified == (
        WITNESS.verifier.label,
        LOG.verifier.label,
    )


def test_a_note_without_a_known_key_does_not_hold() -> None:
    verdict = verify_note(parse_note(sign_note("hello\n", [WITNESS])), [LOG.verifier])
    assert (bool(verdict), verdict.fault) == (False, "no known key has signed it")


def test_a_key_of_the_same_name_is_another_key() -> None:
    namesake = SigningKey("log.example/7", b"\x07" * 32)
    assert (
        verify_note(parse_note(sign_note("hello\n", [namesake])), [LOG.verifier]).fault == "no known key has signed it"
    )


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    good, other = sign_note("hello\n", [LOG]).decode(), sign_note("goodbye\n", [WITNESS]).decode()
    mixed = (good + other.split("\n\n")[1]).encode()
    assert verify_note(parse_note(mixed), [LOG.verifier]).ok
    assert verify_note(parse_note(mixed), [LOG.verifier, WITNESS.verifier]).fault == (
        f"the signature of {WITNESS.verifier.label} does not fit the text"
    )


def test_after_a_rotation_both_the_old_and_the_new_checkpoints_hold() -> None:
    new = SigningKey("log.example/7", b"\x09" * 32)
    published = parse_verifiers(f"# since 2026\n{LOG.verifier.text}\n\n{new.verifier.text}\n")
    for keys in ([LOG], [LOG, new], [new]):
        assert open_checkpoint(sign_note(CHECKPOINT.text(), keys), published) == CHECKPOINT
    # who does not know the new key yet accepts the one of the change
    assert open_checkpoint(sign_note(CHECKPOINT.text(), [LOG, new]), [LOG.verifier]) == CHECKPOINT


def test_a_checkpoint_must_be_signed_by_the_log_that_it_names() -> None:
    note = sign_note(CHECKPOINT.text(), [WITNESS])
    with pytest.raises(NoteError, match=r"checkpoint of 'log.example/7' does not hold: no known key has signed it"):
        open_checkpoint(note, [LOG.verifier, WITNESS.verifier])


# --- grammar --------------------------------------------------------------------------------------------------------


def test_a_text_may_hold_empty_lines() -> None:
    note = parse_note(sign_note("one\n\n\ntwo\n\n", [LOG]))
    assert note.text == "one\n\n\ntwo\n\n"
    assert verify_note(note, [LOG.verifier]).ok


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda note: note.replace(b"\n\n", b"\n"), "no empty line between its text and its signatures"),
        (lambda note: note[:-1], "does not end in a signature line and a newline"),
        (lambda note: note + b"\n", "does not end in a signature line and a newline"),
        (lambda note: note.replace("— ".encode(), b"- "), "is no signature line"),
        (lambda note: note.replace("— ".encode(), "—".encode()), "is no signature line"),
        (lambda note: note.replace(b"\n\n", b"\r\n\r\n"), "holds a control character"),
        (lambda note: b"\x00" + note, "holds a control character"),
        (lambda note: b"\xff" + note, "is not UTF-8"),
        (lambda note: note.replace(b"log.example/7 ", b"log+example "), "is no signature line"),
        (lambda note: note.replace(b"log.example/7 ", "log\u00a0example ".encode()), "is no signature line"),
        (lambda note: note[:-2] + b"\n", "is not base64"),
        (lambda note: note.replace(b"=\n", b"= \n"), "is not base64"),
        (lambda note: note[: note.rindex(b" ")] + b" AAAAAA==\n", "is too short"),
        (lambda note: note + b"x" * 1_000_000, "a note of more than 1000000 bytes is not read"),
        (lambda note: note + note.split(b"\n\n")[1] * 100, "more than 100 signatures"),
        (lambda note: b"", "no empty line"),
    ],
)
def test_what_is_no_note(edit: object, fault: str) -> None:
    assert callable(edit)
    assert fault in fault_of(edit(sign_note("hello\n", [LOG])))


def test_base64_has_one_spelling() -> None:
    note = sign_note("hello\n", [LOG])
    encoded = note.rsplit(b" ", 1)[1].rstrip()
    assert encoded.endswith(b"=")
    assert not encoded.endswith(b"==")
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    respelt = encoded[:-2] + bytes([digits[digits.index(encoded[-2]) + 1]]) + b"="
    assert base64.b64decode(respelt) == base64.b64decode(encoded)
    assert (
        fault_of(note.replace(encoded, respelt))
        == "the signature of 'log.example/7' cannot be read, it is not canonical base64"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("log\n8\n", "at least three lines"),
        ("log\n08\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n", "'08' is no size of a log"),
        ("log\n-1\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n", "'-1' is no size of a log"),
        ("log\n٨\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n", "'٨' is no size of a log"),
        ("log\n8\nXV1d\n", "a root of 32 bytes"),
        ("log\n8\nroot\n?\n", "a root of 32 bytes"),
        ("log\n8\n!\n", "the third line of a checkpoint is the root hash"),
        ("\n8\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n", "'' cannot be a line of a checkpoint"),
        ("log\n8\nXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV0=\n\n", "'' cannot be a line of a checkpoint"),
    ],
)
def test_what_is_no_checkpoint(text: str, fault: str) -> None:
    with pytest.raises(NoteError) as error:
        parse_checkpoint(text)
    assert fault in str(error.value)


def test_what_cannot_be_signed() -> None:
    for text in ("", "no newline", "a\ttab\n", "\ud800\n"):
        with pytest.raises(NoteError, match="the text of a note ends in a newline"):
            sign_note(text, [LOG])
    with pytest.raises(NoteError, match="a note needs a key"):
        sign_note("hello\n", [])


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n")).map(lambda text: text + "\n")


@settings(max_examples=100, deadline=None)
@given(texts, st.data())
def test_a_signed_text_comes_back_and_no_changed_byte_goes_unnoticed(text: str, data: st.DataObject) -> None:
    signed = sign_note(text, [LOG])
    note = parse_note(signed)
    assert note.text == text
    assert verify_note(note, [LOG.verifier]).ok

    changed = bytearray(signed)
    changed[data.draw(st.integers(0, len(signed) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        verdict = verify_note(parse_note(bytes(changed)), [LOG.verifier])
    except NoteError:
        return
    assert not verdict.ok


# --- keys -----------------------------------------------------------------------------------------------------------


def test_the_secret_is_in_no_representation_and_no_message(tmp_path: Path) -> None:
    secret = LOG.secret_text().rpartition("+")[2]
    assert secret not in repr(LOG)
    assert LOG._seed.hex() not in repr(LOG)
    assert repr(LOG._seed) not in repr(LOG)
    path = tmp_path / "signing.key"
    for damaged in (LOG.secret_text()[8:], LOG.secret_text() + "=", LOG.secret_text().replace("/7", "/8"), "\x00"):
        path.write_text(damaged)
        path.chmod(0o600)
        with pytest.raises(UnusableKeyError) as error:
            KeyFolder(tmp_path).signing_key()
        assert secret not in str(error.value)
        assert secret[:16] not in str(error.value)


def test_keys_with_another_id_type_or_name_are_refused() -> None:
    with pytest.raises(UnusableKeyError, match="the id of key PeterNeumann is c74f20a3, the text says 'c74f20a4'"):
        VerifierKey.parse(PETER_PUBLIC.replace("c74f20a3", "c74f20a4"))
    with pytest.raises(UnusableKeyError, match="only Ed25519 keys"):
        VerifierKey.parse("a+00000000+" + base64.b64encode(b"\x02" + bytes(32)).decode())
    with pytest.raises(UnusableKeyError, match="ends in base64"):
        VerifierKey.parse("a+00000000+?")
    with pytest.raises(UnusableKeyError, match="only Ed25519 keys"):
        VerifierKey.parse("a+00000000")
    for name in ("", "a b", "a+b", "a\u2003b", "a\nb"):
        with pytest.raises(UnusableKeyError, match="is no key name"):
            VerifierKey(name, bytes(32))
    with pytest.raises(UnusableKeyError, match="the key file holds no key"):
        parse_verifiers("# nothing\n")


def test_bytes_that_are_no_point_of_the_curve_verify_nothing() -> None:
    assert not VerifierKey("a", b"\xff" * 32).verifies(bytes(64), b"message")
