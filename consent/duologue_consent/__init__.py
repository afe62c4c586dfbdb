"""Keeps who allowed what and when, in a ledger, and answers from it whether a recording may be used.

:class:`Ledger` is the file, :class:`Snapshot` its state at one moment as a value that travels to workers, and
:func:`decide` the rule. Nothing here imports Beam, torch or another part of duologue.
"""

from typing import TYPE_CHECKING, Any

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time, parse_time
from duologue_consent.decisions.policy import Decision, Grant, decide
from duologue_consent.decisions.recorded import Recorded, recorded_between
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import Standing, State, standing
from duologue_consent.decisions.terms import Evidence, Guardian, Notice, Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS, AgeBand, Decider, Expression, Form, Method
from duologue_consent.errors import ConsentError, LedgerError

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = [
    "ALL_FORMS",
    "Action",
    "AgeBand",
    "ConsentError",
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
    "Recorded",
    "Snapshot",
    "Standing",
    "State",
    "Terms",
    "decide",
    "format_time",
    "parse_time",
    "recorded_between",
    "standing",
]


def __getattr__(name: str) -> Any:
    """Loads the ledger, and with it SQLAlchemy, when it is asked for: who only names a purpose does not wait for it."""
    if name == "Ledger":
        from duologue_consent.ledger.ledger import Ledger

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
