"""Names what can go wrong in this package: every exception class of it derives from :class:`ConsentError`.

A class that says what is wrong with one thing (a key, a note, a leaf) stands in the module of that thing and is a ``ValueError`` as
well. What is wrong with a ledger as a whole is a :class:`LedgerError`. :mod:`duologue_consent.verify` runs alone and has its own.
"""

__all__ = ["ConsentError", "LedgerError"]


class ConsentError(Exception):
    """Tells that something of consent cannot be made, read or trusted; the message is one line for a person to read."""


class LedgerError(ConsentError):
    """Tells that a ledger cannot be made, read or written; the message names the ledger, the fault and the remedy.

    Attributes:
        seq: the leaf at which the ledger is damaged, counted from 0; None where no leaf is to blame.
    """

    def __init__(self, message: str, seq: int | None = None) -> None:
        super().__init__(message, seq)
        self.seq = seq

    def __str__(self) -> str:
        return str(self.args[0])
