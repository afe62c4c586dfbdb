"""Enters the rows of a table into a ledger in one transaction: all of them, or none."""

from collections.abc import Sequence
from dataclasses import dataclass

from duologue_consent.bulk.entries import Entry
from duologue_consent.bulk.faults import CellFault, TableError
from duologue_consent.decisions.events import Action, ConsentEvent, format_time
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.decisions.standing import lifted_denial
from duologue_consent.errors import LedgerError
from duologue_consent.ledger.drafting import draft_decisions
from duologue_consent.ledger.speakers import LookAlikeError, People, addressed
from duologue_consent.ledger.transaction import Transaction

__all__ = ["Entered", "UnclearPeopleError", "draft_entries", "meant"]


@dataclass(frozen=True)
class Entered:
    """Holds what became of one row: the decisions, appended or (in a dry run) drafted with ``seq`` -1."""

    entry: Entry
    events: tuple[ConsentEvent, ...]


class UnclearPeopleError(TableError):
    """Tells that rows name ids which are not known and look like others; whoever enters them can say who is meant.

    Attributes:
        cases: each such entry with the ids that its own looks like, in the order of the rows.
    """

    def __init__(self, cases: Sequence[tuple[Entry, tuple[str, ...]]]) -> None:
        self.cases = tuple(cases)
        super().__init__(CellFault(entry.row, "speaker", _unclear(entry.speaker_id, alike)) for entry, alike in cases)


def draft_entries(transaction: Transaction, entries: Sequence[Entry]) -> list[Entered]:
    """Drafts the decisions of all entries as if each was entered after the one before; nothing is appended yet.

    Raises:
        TableError: some rows cannot be entered, e.g. there is nothing to withdraw; all faults are named.
        UnclearPeopleError: all else is well, and some ids only look like those of others, of the ledger or of rows before.
    """
    transaction.read_ahead(entry.speaker_id for entry in entries if entry.action is not Action.REFUSE)
    known = transaction.known()
    drafted: list[Entered] = []
    faults: list[CellFault] = []
    unclear: list[tuple[Entry, tuple[str, ...]]] = []
    for entry in entries:
        try:
            events = _drafts(transaction, known, entry)
        except LookAlikeError as error:
            unclear.append((entry, error.alike))
            continue
        except (LedgerError, ValueError) as error:
            if isinstance(error, LedgerError) and error.seq is not None:
                raise  # the ledger is damaged, and no row is to blame
            remedy = "; correct the row, or take it out" if isinstance(error, LedgerError) else ""
            faults.append(CellFault(entry.row, "speaker", f"{error}{remedy}"))
            continue
        for event in events:
            known.add(event.speaker_id, declared=event.new_person)
        drafted.append(Entered(entry, tuple(events)))
    if faults:
        raise TableError(faults)
    if unclear:
        raise UnclearPeopleError(unclear)
    return drafted


def _drafts(transaction: Transaction, known: People, entry: Entry) -> list[ConsentEvent]:
    if entry.action is Action.WITHDRAW:
        return transaction.withdrawals(
            entry.speaker_id,
            entry.purposes,
            entry.at,
            entry.terms,
            entry.action,
            new_person=entry.new_person,
            known=known,
        )
    speaker_id = meant(entry.speaker_id, known) if entry.same_person else entry.speaker_id
    if entry.at is None:
        raise ValueError("it does not say from when")
    drafts = draft_decisions(speaker_id, entry.action, entry.purposes or (), entry.at, entry.expires_at, entry.terms)
    if entry.action is Action.GRANT:
        _check_meant_anew(transaction, drafts, dated=entry.dated)
    return transaction.addressed(drafts, new_person=entry.new_person, known=known)


def _check_meant_anew(transaction: Transaction, grants: Sequence[ConsentEvent], *, dated: bool) -> None:
    """Refuses that a table which is entered once more gives again what a speaker has taken back or refused since.

    Raises:
        ValueError: it would.
    """
    for grant in grants:
        history = transaction.history(grant.speaker_id)
        lifted = lifted_denial(history, grant)
        if lifted is None or lifted.event is None:
            continue
        denial = lifted.event
        said = f"{grant.purpose} of {escaped(grant.speaker_id)} is {lifted.state} (at {format_time(denial.at)})"
        if not dated:
            raise ValueError(
                f"{said}, and the row does not say when they allowed it again; fill in `at`, or take the row out"
            )
        if any(event.seq < denial.seq and _equal(event, grant) for event in history):
            raise ValueError(
                f"{said} since this very row was entered; where they allowed it again, give the time of that in `at`, otherwise "
                "take the row out"
            )


def _equal(entered: ConsentEvent, grant: ConsentEvent) -> bool:
    return (entered.action, entered.purpose, entered.at, entered.expires_at, entered.terms) == (
        grant.action,
        grant.purpose,
        grant.at,
        grant.expires_at,
        grant.terms,
    )


def meant(speaker_id: str, known: People) -> str:
    """Finds the one person in the ledger whose id looks like this one; the id itself where it is known, or looks like nobody's.

    Raises:
        ValueError: several ids look like it.
    """
    if speaker_id in known:
        return speaker_id
    alike = addressed(speaker_id, known)
    if alike == (speaker_id,):
        return speaker_id
    if len(alike) > 1:
        raise ValueError(
            f"{escaped(speaker_id)} looks like {named_by(alike)}, who are both in the ledger; write the id of whom you mean. "
            "Nothing was appended"
        )
    return alike[0]


def _unclear(speaker_id: str, alike: tuple[str, ...]) -> str:
    return (
        f"{escaped(speaker_id)} is not in the ledger, but looks like {named_by(alike)}, which is, or stands in a row before; write that "
        "id, or say that it is the same person with same_person or another one with new_person, yes in a column of that name, or "
        "as an option for all rows"
    )
