"""What a release publishes of its ledger: the pin in ``dataset.json``, and three files beside it.

``log.jsonl``   the log, one leaf a line, up to the checkpoint: a snapshot that a later release replaces with a longer one
``ledger.pub``  the public keys, one a line
``checkpoint``  the signed note that the release pins

The same ledger state gives the same bytes. Who keeps an older ``checkpoint`` can see with the log that it was only appended to.
"""

from collections.abc import Callable
from typing import Any

from .ledger import Ledger
from .notes import parse_checkpoint, parse_note

__all__ = ["PUBLISHED", "checkpoint_size", "publish_log"]

PUBLISHED = ("log.jsonl", "ledger.pub", "checkpoint")
"""The files that :func:`publish_log` writes, in that order."""


def checkpoint_size(note: bytes | str) -> int:
    """How many leaves a signed checkpoint is over; its signatures are not verified here.

    Raises:
        NoteFault: it is no checkpoint.
    """
    return parse_checkpoint(parse_note(note if isinstance(note, bytes) else note.encode()).text).size


def publish_log(ledger: Ledger, write: Callable[[str, bytes], None], *, checkpoint: bytes | None = None) -> None:
    """Writes the three files of a ledger; the checkpoint last, so that what it is over is already there.

    Args:
        ledger: whose log.
        write: takes a file's name and content.
        checkpoint: the signed note that the release pins; a new one over the whole log if None.

    Raises:
        LedgerError: the ledger cannot be read or signed.
    """
    note = ledger.checkpoint() if checkpoint is None else checkpoint
    contents: dict[str, Any] = {
        "log.jsonl": b"".join(ledger.log_lines(stop=checkpoint_size(note))),
        "ledger.pub": ledger.public_key_text().encode(),
        "checkpoint": note,
    }
    for name in PUBLISHED:
        write(name, contents[name])
