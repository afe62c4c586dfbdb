"""Holds a ledger against the checkpoints that others keep of it: it must continue every one of them.

The keys' own witness finds a database that was restored alone. Database and keys restored together, from one backup, agree with
each other; only what lies elsewhere, a release or a checkpoint that was kept, knows that the ledger had been further already.
"""

from duologue_consent.errors import LedgerError
from duologue_consent.ledger.access import Access, key_errors
from duologue_consent.ledger.log import compare_trees, read_head
from duologue_consent.proofs.notes import Checkpoint, NoteError, parse_checkpoint, parse_note, verify_note

__all__ = ["check_continuity"]


def check_continuity(access: Access, note: bytes, *, name: str) -> Checkpoint:
    """Checks that a ledger as it is now continues a checkpoint that it signed before.

    Args:
        access: the ledger.
        note: the signed checkpoint.
        name: where it comes from, for messages.

    Returns:
        What the checkpoint says.

    Raises:
        LedgerError: the ledger is an older copy or a fork; or the note is none, is of another ledger, or was not signed by
            this one; or the ledger cannot be read.
    """
    store = access.store
    with key_errors(), store.transaction(write=False) as connection:
        origin, head = store.meta(connection)["origin"], read_head(store, connection)
        signed = _opened(access, note, origin, name)
        if signed.size > head.size:
            fault = "it is an older copy or was cut short"
        else:
            verdict = compare_trees(store, connection, signed.size, signed.root, head)
            fault = (
                "" if verdict.fault is None else f"its first {signed.size} are others, so it is a fork or was edited"
            )
    if fault:
        raise store.error(
            f"does not continue {name}: it holds {head.size} leaves against {signed.size}, and {fault}; do not use it, restore "
            "the newest backup of ledger and keys"
        )
    return signed


def _opened(access: Access, data: bytes, origin: str, name: str) -> Checkpoint:
    """Reads a note as a checkpoint that this ledger signed; signatures of others under it are passed over."""

    def error(fault: str) -> LedgerError:
        return access.store.error(f"cannot be held against {name}, {fault}")

    try:
        note = parse_note(data)
        checkpoint = parse_checkpoint(note.text)
    except NoteError as fault:
        raise error(
            f"which is no checkpoint ({fault}); name a release, or a file as `duologue consent checkpoint --out` writes it"
        ) from None
    if checkpoint.origin != origin:
        raise error(
            f"which is of another ledger, {checkpoint.origin}, and this one is {origin}; give the ledger that it was made with"
        )
    verdict = verify_note(note, [key for key in access.folder.verifiers() if key.name == origin])
    if verdict.ignored and not verdict.verified:
        raise error(
            f"which is signed with a key that the ledger does not have, {verdict.ignored[0]}: the ledger is an older copy, from "
            "before its key was rotated, or the checkpoint is forged; restore the newest backup of ledger and keys, or get the "
            "checkpoint again from where it is kept"
        )
    if verdict.fault is not None:
        raise error(
            f"which does not hold ({verdict.fault}): it was changed or forged; get it again from where it is kept"
        )
    return checkpoint
