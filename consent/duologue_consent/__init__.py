"""Who allowed what, and when: the consent ledger and the policy that reads it.

:class:`Ledger` is the file, :class:`Snapshot` its state at one moment as a value that travels to workers, and
:func:`decide` the rule. Nothing here imports Beam, torch or another part of duologue.
"""

from .events import Action, ConsentEvent, Purpose, format_time, parse_time
from .ledger import Ledger, LedgerError
from .policy import Decision, Grant, decide
from .snapshot import Snapshot
from .standing import Standing, State, standing
from .terms import ALL_FORMS, AgeBand, Decider, Evidence, Expression, Form, Guardian, Method, Notice, Terms

__all__ = [
    "ALL_FORMS",
    "Action",
    "AgeBand",
    "ConsentEvent",
    "Decider",
    "Decision",
    "Evidence",
    "Expression",
    "Form",
    "Grant",
    "Guardian",
    "Ledger",
    "LedgerError",
    "Method",
    "Notice",
    "Purpose",
    "Snapshot",
    "Standing",
    "State",
    "Terms",
    "decide",
    "format_time",
    "parse_time",
    "standing",
]
