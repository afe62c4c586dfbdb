"""Publishes what a release shows of its ledger: the pin in ``dataset.json``, and three files beside it.

``log.jsonl``   the log, one leaf a line, up to the checkpoint: a snapshot that a later release replaces with a longer one
``ledger.pub``  the public keys, one a line
``checkpoint``  the signed note that the release pins

The same ledger state gives the same bytes. Who keeps an older ``checkpoint`` can see with the log that it was only appended to.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from duologue_consent.proofs.keys import UnusableKeyError, parse_verifiers
from duologue_consent.proofs.leaves import leaf_fault
from duologue_consent.proofs.merkle import CompactRange, leaf_hash
from duologue_consent.proofs.notes import NoteError, checkpoint_size, open_checkpoint, parse_note, verify_note

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["PUBLISHED", "checkpoint_size", "publish_log", "published_faults"]

PUBLISHED = ("log.jsonl", "ledger.pub", "checkpoint")
"""The files that :func:`publish_log` writes, in that order."""


def publish_log(ledger: "Ledger", write: Callable[[str, bytes], object], *, checkpoint: bytes | None = None) -> None:
    """Writes the three files of a ledger; the checkpoint last, so that what it is over is already there.

    Args:
        ledger: whose log.
        write: takes a file's name and content.
        checkpoint: the signed note that the release pins; a new one over the whole log if None.

    Raises:
        LedgerError: the ledger cannot be read or signed.
    """
    note = ledger.checkpoint() if checkpoint is None else checkpoint
    contents = {
        "log.jsonl": b"".join(ledger.log_lines(stop=checkpoint_size(note))),
        "ledger.pub": ledger.public_key_text().encode(),
        "checkpoint": note,
    }
    for name in PUBLISHED:
        write(name, contents[name])


def published_faults(log: bytes, *, keys: bytes, checkpoint: bytes) -> list[tuple[str, str]]:
    """Checks a published log against a signed checkpoint; the log may have grown since.

    Returns:
        Each fault as which file (``log``, ``checkpoint``, ``key``) and a sentence with what to do. Empty: the log is whole.
    """
    again = "fetch it again from its publisher; if it stays so, do not trust it"
    try:
        verifiers = parse_verifiers(keys.decode())
    except ValueError as error:
        detail = str(error) if isinstance(error, UnusableKeyError) else "it is not text"
        return [("key", f"{detail}; {again}")]
    if "".join(f"{key.text}\n" for key in dict.fromkeys(verifiers)) != keys.decode():
        return [("key", f"it is not written as a ledger writes its keys; {again}")]
    try:
        signed = open_checkpoint(checkpoint, verifiers)
        unknown = verify_note(parse_note(checkpoint), verifiers).ignored
    except NoteError as error:
        return [("checkpoint", f"{error}; {again}")]
    if unknown:
        return [("checkpoint", f"it bears a signature of an unknown key, {unknown[0]}; {again}")]
    ledger_id = _ledger_id(log)
    tree, root = CompactRange(), CompactRange().root()
    *lines, rest = log.split(b"\n")
    for seq, leaf in enumerate(lines):
        fault = leaf_fault(leaf, ledger_id=ledger_id, seq=seq)
        if fault is not None:
            return [("log", f"leaf {seq}: {fault}; {again}")]
        tree = tree.append(leaf_hash(leaf))
        if tree.size == signed.size:
            root = tree.root()
    if rest:
        return [("log", f"leaf {len(lines)} is cut off; {again}")]
    if tree.size < signed.size:
        return [("log", f"it ends before leaf {tree.size}, but {signed.size} leaves were signed; {again}")]
    if root != signed.root:
        return [("log", f"one of its first {signed.size} leaves is not as it was signed: edited or forked; {again}")]
    return []


def _ledger_id(log: bytes) -> str:
    """Reads the id of the ledger from the first leaf; "" where it is no leaf."""
    try:
        return str(json.loads(log.partition(b"\n")[0])["ledger_id"])
    except (ValueError, TypeError, KeyError):
        return ""
