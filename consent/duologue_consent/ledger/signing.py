"""Signs the checkpoints of a log, and never two histories of it. Functions of a connection that holds the lock.

Before a signature is made, a consistency proof from each tree that was signed before (the last one in the database, and the
*witness* beside the keys) to the tree of now must verify. So a database that was edited, cut short, restored from an older
copy, or that is one of two which went on apart, does not sign. The note is stored in the database, then the witness is on disk
(:func:`keep_witness`), and only then the note leaves the ledger. Killed in between, the stored note is given the next time.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from duologue_consent.ledger.access import Access, key_errors
from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.log import compare_trees, read_head
from duologue_consent.ledger.reading import last_checkpoint, older_copy, open_own_checkpoint
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import CHECKPOINTS
from duologue_consent.ledger.vault import LEDGER_ITSELF
from duologue_consent.proofs.keys import SigningKey, VerifierKey
from duologue_consent.proofs.merkle import EMPTY_ROOT
from duologue_consent.proofs.notes import Checkpoint, checkpoint_size, parse_note, sign_note

__all__ = ["keep_witness", "rotate_signing_key", "sign_head", "store_first_checkpoint"]


def store_first_checkpoint(connection: sa.Connection, folder: KeyFolder, origin: str) -> bytes:
    """Signs the empty tree of a new ledger: from then on there is always a checkpoint to hold against."""
    note = sign_note(Checkpoint(origin, 0, EMPTY_ROOT).text(), [folder.signing_key()])
    connection.execute(CHECKPOINTS.insert().values(number=0, size=0, note=note))
    return note


def keep_witness(store: Store, folder: KeyFolder, note: bytes) -> None:
    """Makes a stored note the witness, unless that is of a larger tree already (several may sign at once)."""
    with store.transaction(write=True) as connection:
        read_head(store, connection, lock=True)
        if checkpoint_size(note) >= checkpoint_size(folder.witness()):
            folder.write_witness(note)


def sign_head(
    store: Store, connection: sa.Connection, folder: KeyFolder, keys: Sequence[SigningKey] | None = None
) -> bytes:
    """Signs and stores a checkpoint of the whole log; gives the stored one where the same keys have signed this tree.

    It may leave the ledger only after :func:`keep_witness`.

    Args:
        store: the ledger's database.
        connection: in a transaction that has not appended anything.
        folder: of the keys.
        keys: who signs; the folder's signing key if None.

    Raises:
        LedgerError: the log does not continue what was signed before.
        UnusableKeyError: the keys or the witness cannot be read.
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
        verdict = compare_trees(store, connection, signed.size, signed.root, head)
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
        return last.note
    note = sign_note(text, keys)
    connection.execute(CHECKPOINTS.insert().values(number=last.number + 1, size=head.size, note=note))
    return note


def rotate_signing_key(access: Access) -> tuple[VerifierKey, bytes]:
    """Makes a new signing key, appends that, and signs one checkpoint with both; the old secret is then gone.

    Killed anywhere in here the old key goes on signing, and the public key of a lost new one does no harm.

    Returns:
        The new public key, and the checkpoint that both signed.

    Raises:
        LedgerError: the old key cannot be read, or the log does not continue what was signed.
    """
    with key_errors():
        store, folder = access.store, access.folder
        old = folder.signing_key()
        new = SigningKey(old.name, access.entropy(32))
        fields = {"old": old.verifier.text, "new": new.verifier.text}
        with access.writing() as transaction:
            folder.write_verifiers([*folder.verifiers(), new.verifier])
            transaction.append([("key.rotated", fields, LEDGER_ITSELF)])
        with store.transaction(write=True) as connection:
            note = sign_head(store, connection, folder, [old, new])
        keep_witness(store, folder, note)
        folder.replace_signing_key(new)
    return new.verifier, note
