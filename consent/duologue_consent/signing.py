"""Signs the log's checkpoints, so that it never signs two histories. Functions of a connection that holds the lock.

Before a signature is made, a consistency proof from each tree that was signed before (the last one in the database, and the
*witness* beside the keys) to the tree of now must verify. So a database that was edited, cut short, restored from an older
copy, or that is one of two which went on apart, does not sign. The witness is on disk before the signature leaves, then the
note is stored in the database. Killed between the two, the same tree is signed again: Ed25519 gives the same bytes.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from .keyfolder import KeyFolder
from .keys import SigningKey
from .log import consistency_proof, read_head
from .merkle import verify_consistency
from .notes import Checkpoint, parse_note, sign_note
from .reading import last_checkpoint, older_copy, open_own_checkpoint
from .store import CHECKPOINTS, Store

__all__ = ["sign_head", "store_first_checkpoint"]


def store_first_checkpoint(connection: sa.Connection, folder: KeyFolder, origin: str, root: bytes) -> None:
    """Signs the empty tree of a new ledger: from then on there is always a checkpoint to hold against."""
    note = sign_note(Checkpoint(origin, 0, root).text(), [folder.signing_key()])
    folder.write_witness(note)
    connection.execute(CHECKPOINTS.insert().values(number=0, size=0, note=note))


def sign_head(
    store: Store, connection: sa.Connection, folder: KeyFolder, keys: Sequence[SigningKey] | None = None
) -> bytes:
    """The signed checkpoint of the whole log; the stored one where this tree was signed before by the same keys.

    Args:
        store: the ledger's database.
        connection: in a transaction that has not appended anything.
        folder: of the keys.
        keys: who signs; the folder's signing key if None.

    Raises:
        LedgerError: the log does not continue what was signed before.
        KeyFault: the keys or the witness cannot be read.
    """
    origin = store.meta(connection)["origin"]
    head = read_head(store, connection, lock=True)
    root, verifiers = head.root(), folder.verifiers()
    last = last_checkpoint(connection)
    if last is None:
        raise store.broken("the checkpoints that it signed are missing")
    for note in (last.note, folder.witness()):
        signed = open_own_checkpoint(store, note, verifiers, origin)
        if signed.size > head.size:
            raise older_copy(store, head.size, signed.size)
        path = consistency_proof(store, connection, signed.size, head.size)
        verdict = verify_consistency(signed.size, head.size, path, signed.root, root)
        if verdict.fault is not None:
            raise store.error(
                f"does not continue the {signed.size} leaves that were signed ({verdict.fault}), so nothing is signed: it "
                "was edited or is a fork; do not use it, restore the newest backup"
            )
    keys = [folder.signing_key()] if keys is None else keys
    text = Checkpoint(origin, head.size, root).text()
    stored = parse_note(last.note)
    signed_by = {(each.name, each.key_id) for each in stored.signatures}
    if stored.text == text and {(key.name, key.verifier.key_id) for key in keys} <= signed_by:
        folder.write_witness(last.note)  # the database may know more than this folder
        return last.note
    note = sign_note(text, keys)
    folder.write_witness(note)
    connection.execute(CHECKPOINTS.insert().values(number=last.number + 1, size=head.size, note=note))
    return note
