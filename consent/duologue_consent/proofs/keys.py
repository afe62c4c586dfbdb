"""Reads, writes and uses Ed25519 keys with a name, as C2SP signed notes have them.

A key is known by its name and its *key id*, the first four bytes of SHA-256(name || 0x0A || 0x01 || public key)
(https://c2sp.org/signed-note, Ed25519 signatures). Texts of keys are those of Go's ``golang.org/x/mod/sumdb/note``:
``NAME+ID+BASE64`` for the public one and ``PRIVATE+KEY+NAME+ID+BASE64`` for the secret one, so that its tools read them.

Rotation: make a new key of the same name (its id differs), add its public line to the published key file and leave the
old line there, and sign with the new key from then on; at the change sign one checkpoint with both. Signatures of the old
key stay valid because its line stays. Only a key that has leaked is taken out, and then what it alone had signed is
signed again. A verifier ignores keys that it does not know, so both orders of updating work.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from duologue_consent.errors import ConsentError
from duologue_consent.verify import open_file

__all__ = [
    "SigningKey",
    "UnusableKeyError",
    "VerifierKey",
    "is_key_name",
    "parse_verifiers",
    "read_secret_text",
    "strict_base64",
]

_ED25519: Final = b"\x01"
_PRIVATE: Final = "PRIVATE+KEY+"
_KEY_BYTES: Final = 1 << 20


class UnusableKeyError(ConsentError, ValueError):
    """Tells that a key or its file cannot be used. The message never holds any part of a secret key."""


@dataclass(frozen=True)
class VerifierKey:
    """Holds a public key and its name.

    Attributes:
        name: not empty, without white space and ``+``; for a log its origin.
        public: the 32 bytes of RFC 8032 section 5.1.5.

    Raises:
        UnusableKeyError: the name or the length is not so.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public) != 32:
            raise UnusableKeyError(f"an Ed25519 public key has 32 bytes, this one {len(self.public)}")

    @property
    def key_id(self) -> bytes:
        """Computes the four bytes that stand before each signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @property
    def label(self) -> str:
        """Names the key in messages and as the keyid of DSSE: ``NAME+ID``, the id in lower-case hex."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def text(self) -> str:
        """Writes the key as one line of a key file, without its newline."""
        return f"{self.label}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Reads what :attr:`text` gives.

        Raises:
            UnusableKeyError: it is not the text of an Ed25519 key, or its id is of another one.
        """
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        key = cls(name, _key_bytes(encoded))
        if key_id != key.key_id.hex():
            raise UnusableKeyError(f"the id of key {name} is {key.key_id.hex()}, the text says {key_id!r}")
        return key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tells whether the signature (64 bytes) over the message is by this key (RFC 8032 section 5.1.7)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):  # ValueError: the 32 bytes are no point of the curve
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """Holds a secret key and its name. Its representation does not show the secret.

    Raises:
        UnusableKeyError: ``name`` is no key name, or the secret has not 32 bytes.
    """

    name: str
    _seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self._seed) != 32:
            raise UnusableKeyError("the seed of an Ed25519 key has 32 bytes")

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """Makes a new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Reads what :meth:`secret_text` gives.

        Raises:
            UnusableKeyError: it is not the text of an Ed25519 key.
        """
        name, _, rest = text.removeprefix(_PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        if not text.startswith(_PRIVATE):
            raise UnusableKeyError(f"the text of a secret key begins with {_PRIVATE}")
        key = cls(name, _key_bytes(encoded))
        if key_id != key.verifier.key_id.hex():
            raise UnusableKeyError(f"the id of the secret key {name} is not that of its text")
        return key

    @property
    def verifier(self) -> VerifierKey:
        """Derives the public key."""
        private = Ed25519PrivateKey.from_private_bytes(self._seed)
        return VerifierKey(self.name, private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Signs a message (RFC 8032 section 5.1.6); gives the 64 bytes of the signature, the same each time."""
        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(message)

    def secret_text(self) -> str:
        """Writes the key as text. Whoever reads it can sign: it belongs into an owner's file and nowhere else."""
        encoded = base64.b64encode(_ED25519 + self._seed).decode()
        return f"{_PRIVATE}{self.verifier.label}+{encoded}"


def is_key_name(name: str) -> bool:
    """Tells whether signed-note allows the name: not empty, no Unicode space, no ``+``, no control character, valid UTF-8."""
    return bool(name) and not any(
        character.isspace() or character == "+" or character < " " or 0xD800 <= ord(character) <= 0xDFFF
        for character in name
    )


def parse_verifiers(text: str) -> tuple[VerifierKey, ...]:
    """Reads the keys of a published key file: one a line; empty lines and lines that begin with ``#`` are left out.

    Raises:
        UnusableKeyError: a line is no key, or there is none.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not lines:
        raise UnusableKeyError("the key file holds no key; it should have one line NAME+ID+BASE64 for each")
    return tuple(VerifierKey.parse(line) for line in lines)


def read_secret_text(path: Path) -> str:
    """Reads a file that holds a secret.

    Raises:
        UnusableKeyError: it cannot be read, it is not text, or others than the owner may read it.
    """
    try:
        with open_file(path) as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise UnusableKeyError(
                    f"{path}: others may read this secret key (mode {mode:o}); run `chmod 600 {path}`"
                )
            return file.read(_KEY_BYTES).decode()
    except OSError as error:
        raise UnusableKeyError(
            f"{path}: cannot be read ({error.strerror}); it was made with the ledger and belongs there, restore it"
        ) from None
    except UnicodeDecodeError:  # whose own text would show bytes of the file
        raise UnusableKeyError(f"{path}: it is not text") from None


def strict_base64(text: str) -> bytes:
    """Decodes RFC 4648 section 4 base64 that is written in the one canonical way.

    Raises:
        ValueError: it is not.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise ValueError("it is not canonical base64")
    return data


def _check_name(name: str) -> None:
    if not is_key_name(name):
        raise UnusableKeyError(f"{name!r} is no key name; it must not be empty or hold spaces, controls or +")


def _key_bytes(encoded: str) -> bytes:
    try:
        data = strict_base64(encoded)
    except ValueError:
        raise UnusableKeyError("a key's text ends in base64 after its name and id") from None
    if data[:1] != _ED25519 or len(data) != 33:
        raise UnusableKeyError("only Ed25519 keys (type 1, 32 bytes) are used here")
    return data[1:]
