"""Who allowed what, and when: the consent ledger and the policy that reads it.

:class:`Ledger` is the file, :class:`Snapshot` its state at one moment as a value that travels to workers, and
:func:`decide` the rule. Nothing here imports Beam, torch or another part of duologue.
"""

from .events import Action, ConsentEvent, Purpose, format_time, parse_time
from .ledger import Ledger, LedgerError
from .policy import Decision, Grant, Standing, State, decide, standing
from .snapshot import Snapshot

__all__ = [
    "Action",
    "ConsentEvent",
    "Decision",
    "Grant",
    "Ledger",
    "LedgerError",
    "Purpose",
    "Snapshot",
    "Standing",
    "State",
    "decide",
    "format_time",
    "parse_time",
    "standing",
]
