"""Gives access to one ledger: its database, its keys and its source of random bytes, always used together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import rfc8785
import sqlalchemy as sa

from duologue_consent.errors import LedgerError
from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.log import read_head
from duologue_consent.ledger.speakers import KnownSpeakers
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.transaction import Transaction
from duologue_consent.ledger.vault import VaultError, VaultKey
from duologue_consent.proofs.keys import UnusableKeyError

__all__ = ["Access", "key_errors", "seal_salt"]

_SALT: Final = "ledger salt"


@dataclass(frozen=True)
class Access:
    """Holds what reads and writes one ledger. Threads may share it.

    Attributes:
        store: the database.
        folder: the keys.
        entropy: gives that many random bytes.
        speakers: who is in the ledger, as far as it was read.
    """

    store: Store
    folder: KeyFolder
    entropy: Callable[[int], bytes]
    speakers: KnownSpeakers = field(default_factory=KnownSpeakers)

    @classmethod
    def to(cls, location: Location, *, entropy: Callable[[int], bytes]) -> "Access":
        """Prepares access to the ledger at a location; opens nothing yet."""
        return cls(Store(location), KeyFolder(location.keys), entropy)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Opens a transaction that reads.

        Raises:
            LedgerError: the database or a key cannot be read.
        """
        with key_errors(), self.store.transaction(write=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """Opens a transaction that appends and holds the ledger's lock from its beginning.

        Raises:
            LedgerError: the database or a key cannot be read, or another writer holds the lock for too long.
        """
        with key_errors():
            vault_key = self.folder.vault_key()
            with self.store.transaction(write=True) as connection:
                read_head(self.store, connection, lock=True)
                yield Transaction(self.store, connection, vault_key, self.entropy, self.speakers)

    def open_salt(self, meta: Mapping[str, Any], vault_key: VaultKey) -> bytes:
        """Decrypts the salt of the ledger: 32 bytes that blind the ids of speakers who are not in it.

        Raises:
            LedgerError: the salt, or what it was sealed with, was changed.
        """
        try:
            return vault_key.unwrap(meta["sealed_salt"], about=_about_salt(meta))
        except VaultError as error:
            raise self.store.broken(str(error)) from None


@contextmanager
def key_errors() -> Iterator[None]:
    """Turns a fault of a key into a fault of the ledger; the message names the key's file.

    Raises:
        LedgerError: a key could not be used.
    """
    try:
        yield
    except UnusableKeyError as error:
        raise LedgerError(str(error)) from None


def seal_salt(
    salt: bytes, identity: Mapping[str, Any], vault_key: VaultKey, *, entropy: Callable[[int], bytes]
) -> bytes:
    """Encrypts the salt of a new ledger, bound to the ledger's identity.

    Args:
        salt: 32 bytes.
        identity: the columns of ``meta`` beside the salt.
        vault_key: the key that opens it again.
        entropy: gives that many random bytes.
    """
    return vault_key.wrap(salt, about=_about_salt(identity), entropy=entropy)


def _about_salt(meta: Mapping[str, Any]) -> bytes:
    """Names all that never changes in ``meta``: the salt is sealed with it, so that none of it can be exchanged."""
    return rfc8785.dumps([_SALT, *(meta[name] for name in ("ledger_id", "origin", "schema_version", "created_at"))])
