"""Seals who a leaf is about, so that one person can be forgotten: the keys of the vault. No I/O.

Secrets, from the top:
- The *vault key* is a file of the ledger's owner (:mod:`duologue_consent.ledger.keyfolder`). Without it the database tells nobody who
  is in it. From it come one key that makes tags and one that wraps secrets.
- A subject's *tag* is the HMAC of the id: the database finds a person's rows by it and holds no id in clear.
- A subject's *secret*, 32 random bytes, lies wrapped beside the tag. From it come the key that seals the person's records
  and the *pseudonym* that stands for the person in releases.

Forgetting deletes tag, wrapped secret and records. What remains of the person are leaves of salted commitments and, in releases, a
pseudonym; with the secret gone, not even who holds every other key and knows the id can compute either again.
Keys are derived by HMAC-SHA256 with a label each (the expand step of HKDF, RFC 5869, for one block).
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from duologue_consent.errors import ConsentError

__all__ = ["LEDGER_ITSELF", "SubjectSecret", "VaultError", "VaultKey"]

LEDGER_ITSELF: Final = ""
"""The subject of what is about nobody, e.g. ``dataset.released``: no speaker has an empty id."""

_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class VaultError(ConsentError, ValueError):
    """Tells that a key or row of the vault cannot be used. The message holds no secret and no id."""


@dataclass(frozen=True)
class SubjectSecret:
    """Holds the secret of one subject, unwrapped: 32 bytes. Its representation does not show it.

    Raises:
        VaultError: it has not 32 bytes.
    """

    _secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_length(self._secret)

    @property
    def record_key(self) -> bytes:
        """Derives the AES-256 key (32 bytes) of the subject's records (:func:`duologue_consent.proofs.leaves.seal_record`)."""
        return _derive(self._secret, b"duologue record key/1.0")

    def pseudonym(self, subject: str) -> str:
        """Derives what stands for the subject in every output: 64 lower-case hex digits."""
        return _derive(self._secret, b"duologue pseudonym/1.0\x00" + _encode(subject)).hex()


@dataclass(frozen=True)
class VaultKey:
    """Holds the key of a vault: 32 bytes. Its representation does not show it.

    Raises:
        VaultError: it has not 32 bytes.
    """

    _key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_length(self._key)

    @classmethod
    def parse(cls, text: str) -> "VaultKey":
        """Reads what :meth:`secret_text` gives.

        Raises:
            VaultError: it is not 64 lower-case hex digits.
        """
        try:
            key = cls(bytes.fromhex(text))
        except ValueError:
            key = None
        if key is None or key.secret_text() != text:  # fromhex is lenient
            raise VaultError("a vault key is written as 64 lower-case hex digits")
        return key

    def secret_text(self) -> str:
        """Writes the key as text. Whoever reads it and the database knows who is in it: it belongs into an owner's file."""
        return self._key.hex()

    def tag(self, subject: str) -> bytes:
        """Derives the 32 bytes by which the database finds the subject's rows."""
        return _derive(_derive(self._key, b"duologue tag key/1.0"), _encode(subject))

    def wrap(self, secret: bytes, *, about: bytes, entropy: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
        """Encrypts a secret (AES-256-GCM), bound to ``about``: the tag of its subject, or a name.

        Returns:
            The nonce (12 bytes), the encrypted secret and its tag (16 bytes).
        """
        nonce = entropy(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, secret, about)

    def unwrap(self, wrapped: bytes, *, about: bytes) -> bytes:
        """Decrypts what :meth:`wrap` gave.

        Raises:
            VaultError: the key is another one, or the bytes were changed or moved.
        """
        try:
            return self._cipher().decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], about)
        except (InvalidTag, ValueError):
            raise VaultError("a secret of the vault does not open: another vault key, or it was changed") from None

    def _cipher(self) -> AESGCM:
        return AESGCM(_derive(self._key, b"duologue wrapping key/1.0"))


def _derive(key: bytes, label: bytes) -> bytes:
    return hmac.new(key, label, hashlib.sha256).digest()


def _encode(subject: str) -> bytes:
    return subject.encode(errors="surrogatepass")


def _check_length(secret: bytes) -> None:
    if len(secret) != _BYTES:
        raise VaultError(f"a key of the vault has {_BYTES} bytes, this one {len(secret)}")
