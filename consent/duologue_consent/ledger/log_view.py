"""Shows the log of a ledger to outsiders: its lines, the proofs over them, its signed checkpoints and its public keys.

Nothing here opens the vault: what this view gives names nobody and can be published.
"""

from collections.abc import Iterator
from typing import Any, Final

from duologue_consent.ledger.access import Access, key_errors
from duologue_consent.ledger.log import consistency_proof, inclusion_proof, read_head, read_leaves
from duologue_consent.ledger.reading import last_checkpoint
from duologue_consent.ledger.signing import keep_witness, sign_head
from duologue_consent.proofs.keys import VerifierKey
from duologue_consent.proofs.notes import checkpoint_size

__all__ = ["LogView"]

_PAGE: Final = 1000


class LogView:
    """Reads and signs the log of one ledger. Threads may share it."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def ledger_id(self) -> str:
        """Reads which ledger it is.

        Raises:
            LedgerError: the database cannot be read.
        """
        with self._access.store.transaction(write=False) as connection:
            return str(self._access.store.meta(connection)["ledger_id"])

    def size(self) -> int:
        """Counts the leaves of the log.

        Raises:
            LedgerError: the database cannot be read.
        """
        with self._access.store.transaction(write=False) as connection:
            return read_head(self._access.store, connection).size

    def lines(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Gives the public log from leaf ``start`` up to but without ``stop``: one leaf a line, each with its newline.

        Without ``stop`` it ends where the log ended when the first line was asked for.

        Raises:
            LedgerError: the database cannot be read.
        """
        end = self.size() if stop is None else min(stop, self.size())
        for first in range(start, end, _PAGE):  # the log only grows: no transaction has to stay open between pages
            with self._access.store.transaction(write=False) as connection:
                lines = [entry.leaf + b"\n" for entry in read_leaves(connection, first, min(end, first + _PAGE))]
            yield from lines

    def checkpoint(self, at_least: int | None = None) -> bytes:
        """Signs a note over the tree as it is now, or gives the last one signed where it covers ``at_least`` leaves.

        Signing the same tree again gives the same bytes. Where there is no signing key, the last one signed is given if it
        is of now.

        Raises:
            LedgerError: nothing can be signed: the log does not continue what was signed, there is no key, or the log
                holds fewer than ``at_least`` leaves.
        """
        store, folder = self._access.store, self._access.folder
        with key_errors():
            with store.transaction(write=False) as connection:  # a pin of what is signed needs no lock
                size = read_head(store, connection).size
                last = last_checkpoint(connection)
            if at_least is not None and at_least > size:
                raise store.error(f"holds {size} leaves, so no checkpoint over {at_least} can be signed")
            wanted = size if at_least is None else at_least
            if last is not None and last.size >= wanted and last.note == folder.witness():
                return last.note
            with store.transaction(write=True) as connection:
                note = sign_head(store, connection, folder)
            if note != folder.witness():
                keep_witness(store, folder, note)
            return note

    def release_pin(self) -> dict[str, Any]:
        """Gives what ``dataset.json`` says of the ledger: ``ledger_id``, ``events`` (leaves) and the signed ``checkpoint``.

        Raises:
            LedgerError: as for :meth:`checkpoint`.
        """
        note = self.checkpoint()
        return {"ledger_id": self.ledger_id(), "events": checkpoint_size(note), "checkpoint": note.decode()}

    def inclusion_proof(self, seq: int, size: int) -> list[bytes]:
        """Gives the path of leaf ``seq`` in the tree of the first ``size`` leaves (RFC 6962 section 2.1.1).

        Returns:
            Hashes of 32 bytes, from the leaf up. It costs O(log size) rows.

        Raises:
            ValueError: ``size`` leaves do not hold ``seq``.
            LedgerError: the log holds fewer leaves, or cannot be read.
        """
        with self._access.store.transaction(write=False) as connection:
            return inclusion_proof(self._access.store, connection, seq, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Gives the path from the tree of ``old`` leaves to that of ``new`` (RFC 6962 section 2.1.2).

        Returns:
            Hashes of 32 bytes. It costs O(log new) rows.

        Raises:
            ValueError: ``old`` is more than ``new``.
            LedgerError: the log holds fewer leaves, or cannot be read.
        """
        with self._access.store.transaction(write=False) as connection:
            return consistency_proof(self._access.store, connection, old, new)

    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Reads the public keys, the newest last.

        Raises:
            LedgerError: they cannot be read.
        """
        with key_errors():
            return self._access.folder.verifiers()

    def public_key_text(self) -> str:
        """Gives what is published as ``ledger.pub``: every public key of the ledger, one a line.

        Raises:
            LedgerError: the keys cannot be read.
        """
        with key_errors():
            return self._access.folder.public_text()
