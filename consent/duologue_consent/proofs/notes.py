"""Signs and verifies notes (https://c2sp.org/signed-note) and the checkpoints of a log (https://c2sp.org/tlog-checkpoint). No I/O.

A note is a text that ends in a newline, an empty line, and signature lines ``— NAME BASE64(key id || signature)``. It
holds where at least one known key signed it and no known key's signature is wrong; unknown keys are ignored, which is
what lets keys rotate (:mod:`duologue_consent.proofs.keys`) and witnesses cosign. The grammar is kept strictly: bytes that
do not follow it are no note.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duologue_consent.errors import ConsentError
from duologue_consent.proofs.keys import SigningKey, VerifierKey, is_key_name, strict_base64
from duologue_consent.proofs.merkle import Verdict

__all__ = [
    "Checkpoint",
    "Note",
    "NoteError",
    "NoteSignature",
    "NoteVerdict",
    "checkpoint_size",
    "open_checkpoint",
    "parse_checkpoint",
    "parse_note",
    "sign_note",
    "verify_note",
]

_MAX_BYTES: Final = 1_000_000  # the limits of Go's sumdb/note; the standard asks for at least 16 signatures
_MAX_SIGNATURES: Final = 100
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH: Final = "\u2014 "  # em dash, space


class NoteError(ConsentError, ValueError):
    """Tells that bytes are no signed note, a text is no checkpoint, or a text cannot be signed as a note."""


@dataclass(frozen=True)
class NoteSignature:
    """Holds one signature line: the key's name, its four-byte id, and the signature as bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """Holds a note taken apart, its signatures not yet verified. ``text`` ends in the newline that is signed with it."""

    text: str
    signatures: tuple[NoteSignature, ...]


@dataclass(frozen=True)
class NoteVerdict(Verdict):
    """Says what verifying found.

    Attributes:
        verified: the labels (``NAME+ID``) of the known keys that signed it, in the order of their lines.
        ignored: the labels of keys that are not known.
    """

    verified: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """Holds what a log signs (tlog-checkpoint, Note text): that its first ``size`` leaves have this Merkle root.

    Attributes:
        origin: the one log that it speaks of; also the name of the log's key.
        size: the number of leaves.
        root: 32 bytes (:func:`duologue_consent.proofs.merkle.root_of`).
        extensions: further lines, not empty; the standard advises against any.

    Raises:
        NoteError: a value cannot stand in a checkpoint.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.root) != 32:
            raise NoteError("a checkpoint has a size of 0 or more and a root of 32 bytes")
        for line in (self.origin, *self.extensions):
            if not line or not _is_note_text(line) or "\n" in line:
                raise NoteError(f"{line!r} cannot be a line of a checkpoint; it must be one line of text")

    def text(self) -> str:
        """Writes the text to sign."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_note(data: bytes) -> Note:
    """Takes a signed note apart (signed-note, Format).

    Raises:
        NoteError: the bytes are no signed note, or too long a one.
    """
    if len(data) > _MAX_BYTES:
        raise NoteError(f"a note of more than {_MAX_BYTES} bytes is not read")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("the note is not UTF-8") from None
    if not _is_note_text(whole):
        raise NoteError("the note holds a control character")
    body, separator, tail = whole.rpartition("\n\n")
    if not separator:
        raise NoteError("the note has no empty line between its text and its signatures")
    if not tail.endswith("\n"):
        raise NoteError("the note does not end in a signature line and a newline")
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NoteError(f"the note has more than {_MAX_SIGNATURES} signatures")
    return Note(body + "\n", tuple(map(_parse_signature, lines)))


def sign_note(text: str, keys: Sequence[SigningKey]) -> bytes:
    """Signs a text with every one of the keys.

    Raises:
        NoteError: the text is empty, does not end in a newline, holds control characters, or there is no key.
    """
    if not text.endswith("\n") or not _is_note_text(text):
        raise NoteError("the text of a note ends in a newline and holds no other control character")
    if not keys:
        raise NoteError("a note needs a key that signs it")
    lines = []
    for key in keys:
        signature = base64.b64encode(key.verifier.key_id + key.sign(text.encode())).decode()
        lines.append(f"{_DASH}{key.name} {signature}\n")
    return f"{text}\n{''.join(lines)}".encode()


def verify_note(note: Note, verifiers: Sequence[VerifierKey]) -> NoteVerdict:
    """Checks that a known key signed the note and that no known key's signature is wrong (signed-note, Signatures)."""
    known = {(key.name, key.key_id): key for key in verifiers}
    verified: list[str] = []
    ignored: list[str] = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        label = f"{line.name}+{line.key_id.hex()}"
        if key is None:
            ignored.append(label)
        elif not key.verifies(line.signature, note.text.encode()):
            return NoteVerdict(f"the signature of {label} does not fit the text")
        elif label not in verified:
            verified.append(label)
    fault = None if verified else "no known key has signed it"
    return NoteVerdict(fault, tuple(verified), tuple(ignored))


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads the text of a note as a checkpoint (tlog-checkpoint, Note text).

    Raises:
        NoteError: it is none.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "":
        raise NoteError("a checkpoint has at least three lines: origin, size, root hash")
    origin, size, root, *extensions = lines[:-1]
    if not _SIZE.fullmatch(size):
        raise NoteError(f"{size!r} is no size of a log; it is written in decimal without leading zeros")
    try:
        return Checkpoint(origin, int(size), strict_base64(root), tuple(extensions))
    except NoteError:
        raise
    except ValueError:
        raise NoteError("the third line of a checkpoint is the root hash in base64") from None


def checkpoint_size(data: bytes | str) -> int:
    """Reads how many leaves a signed checkpoint is over; its signatures are not verified here.

    Raises:
        NoteError: it is no checkpoint.
    """
    return parse_checkpoint(parse_note(data if isinstance(data, bytes) else data.encode()).text).size


def open_checkpoint(data: bytes, verifiers: Sequence[VerifierKey]) -> Checkpoint:
    """Opens a checkpoint that a known key of the log itself signed: one whose name is the checkpoint's origin.

    Raises:
        NoteError: it is no checkpoint, or not signed so.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    own = [key for key in verifiers if key.name == checkpoint.origin]
    verdict = verify_note(note, own)
    if verdict.fault is not None:
        raise NoteError(f"the checkpoint of {checkpoint.origin!r} does not hold: {verdict.fault}")
    return checkpoint


def _parse_signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise NoteError(f"{line!r} is no signature line; expected an em dash, a key name and base64")
    try:
        data = strict_base64(encoded)
    except ValueError as error:
        raise NoteError(f"the signature of {name!r} cannot be read, {error}") from None
    if len(data) < 5:
        raise NoteError(f"the signature of {name!r} is too short")
    return NoteSignature(name, data[:4], data[4:])


def _is_note_text(text: str) -> bool:
    """Tells whether signed-note allows the characters: encodable as UTF-8, and no control but the newline."""
    return not any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in text)
