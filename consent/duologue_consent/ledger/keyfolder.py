"""Keeps the keys of a ledger in a folder for its owner only (0700): ``duologue consent init`` makes it, nothing overwrites it.

``signing.key``   the secret key that signs checkpoints, receipts and revocations (0600)
``vault.key``     the key without which the vault tells nobody who is in it (0600)
``ledger.pub``    the public keys, one a line, the newest last (published with every release)
``witness``       the last checkpoint that was signed here

The witness lies beside the keys and not in the database on purpose: a database that was restored from an older copy, or that
is one of two that went on apart, holds no memory of what the other one signed. The folder has it, so the ledger refuses. The
file is on disk (fsync) before the signature leaves the ledger.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from duologue_consent.ledger.vault import VaultKey
from duologue_consent.proofs.keys import (
    SigningKey,
    UnusableKeyError,
    VerifierKey,
    parse_verifiers,
    read_secret_text,
)
from duologue_consent.verify import read_file

__all__ = ["KeyFolder"]

_SIGNING: Final = "signing.key"
_VAULT: Final = "vault.key"
_PUBLIC: Final = "ledger.pub"
_WITNESS: Final = "witness"
_FILE_BYTES: Final = 1 << 20
_Value = TypeVar("_Value")


class KeyFolder:
    """Reads and writes the keys of one ledger. Files are read when they are needed: to read a ledger one needs no signing key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, origin: str, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """Makes the folder with new keys; the signing key bears the name ``origin``.

        Raises:
            UnusableKeyError: ``origin`` is no key name.
            FileExistsError: the folder exists.
            OSError: it cannot be made.
        """
        signing = SigningKey(origin, entropy(32))
        self.path.mkdir(mode=0o700)
        _replace(self.path / _SIGNING, signing.secret_text() + "\n", 0o600)
        _replace(self.path / _VAULT, VaultKey(entropy(32)).secret_text() + "\n", 0o600)
        self.write_verifiers([signing.verifier])

    def delete(self) -> None:
        """Deletes the folder and the keys in it: takes back :meth:`create`."""
        for name in (_SIGNING, _VAULT, _PUBLIC, _WITNESS):
            (self.path / name).unlink(missing_ok=True)
        self.path.rmdir()

    def signing_key(self) -> SigningKey:
        """Reads the secret key that signs.

        Raises:
            UnusableKeyError: there is none, it cannot be read, or others than the owner may read it.
        """
        path = self.path / _SIGNING
        return _parsed(path, SigningKey.parse, _line(path))

    def vault_key(self) -> VaultKey:
        """Reads the key of the vault. Raises as :meth:`signing_key`."""
        path = self.path / _VAULT
        return _parsed(path, VaultKey.parse, _line(path))

    def has_signing_key(self) -> bool:
        """Tells whether checkpoints can be signed here."""
        return (self.path / _SIGNING).exists()

    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Reads the public keys, the newest last.

        Raises:
            UnusableKeyError: they cannot be read.
        """
        path = self.path / _PUBLIC
        return _parsed(path, parse_verifiers, _text(path))

    def public_text(self) -> str:
        """Gives what is published as ``ledger.pub``. Raises as :meth:`verifiers`."""
        return "".join(f"{key.text}\n" for key in self.verifiers())

    def write_verifiers(self, verifiers: Sequence[VerifierKey]) -> None:
        """Replaces the public keys."""
        _replace(self.path / _PUBLIC, "".join(f"{key.text}\n" for key in verifiers), 0o644)

    def replace_signing_key(self, key: SigningKey) -> None:
        """Puts another secret key in the place of the one that is there."""
        _replace(self.path / _SIGNING, key.secret_text() + "\n", 0o600)

    def witness(self) -> bytes:
        """Reads the last checkpoint that was signed here, as a signed note.

        Raises:
            UnusableKeyError: it cannot be read.
        """
        try:
            return read_file(self.path / _WITNESS, max_bytes=_FILE_BYTES)
        except OSError as error:
            raise UnusableKeyError(
                f"{self.path / _WITNESS}: cannot be read ({error.strerror}); without the last signed checkpoint nothing "
                "is signed: put it back, the `checkpoint` of the newest release will do"
            ) from None

    def write_witness(self, note: bytes) -> None:
        """Writes the last checkpoint that was signed; it is on disk when this returns."""
        _replace(self.path / _WITNESS, note.decode(), 0o600)


def _parsed(path: Path, parse: Callable[[str], _Value], text: str) -> _Value:
    try:
        return parse(text)
    except ValueError as error:
        raise UnusableKeyError(f"{path}: {error}") from None


def _line(path: Path) -> str:
    """Reads the one line of a secret file, without its newline."""
    text = read_secret_text(path)
    if not text.endswith("\n"):
        raise UnusableKeyError(f"{path}: it was cut off; it was made with the ledger, restore it")
    return text[:-1]


def _text(path: Path) -> str:
    try:
        return read_file(path, max_bytes=_FILE_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UnusableKeyError(f"{path}: cannot be read ({said}); it belongs beside the ledger, restore it") from None


def _replace(path: Path, text: str, mode: int) -> None:
    """Writes a file whole or not at all, and waits until it is on disk."""
    unfinished = path.with_name(f"{path.name}.new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
