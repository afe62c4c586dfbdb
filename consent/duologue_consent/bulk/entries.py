"""Turns the rows of a table into what is to be entered in a ledger: one entry a row. No I/O, no clock.

A column means what the option of its name means, and an empty cell what an option means that is left out, but for two: a grant with a column
``form`` must fill it in, because an empty cell would cover every form, and ``purpose`` may be empty only where something is taken back.
An option that is given beside the table holds for every row; where the table fills in that column as well, nothing is entered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from duologue_consent.bulk.faults import CellFault, TableError
from duologue_consent.bulk.rows import Cell, Row, Table
from duologue_consent.decisions.events import Action, Purpose, format_time, parse_time
from duologue_consent.decisions.terms import Evidence, Guardian, Notice, Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS, AgeBand, Decider, Expression, Form, Method
from duologue_consent.errors import ConsentError

__all__ = ["COLUMNS", "Entry", "read_entries"]

_NOTICE: Final = ("notice", "notice_hash", "notice_version", "notice_language", "notice_url")
_EVIDENCE: Final = ("evidence", "evidence_reference")
COLUMNS: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.GRANT: (
        *("speaker", "purpose", "form", "at", "expires", "retention", *_NOTICE, "method", "expression", "jurisdiction"),
        *("age_band", "age_years", "guardian", "guardian_relation", "guardian_verified_by", "controller", "recipient"),
        *(*_EVIDENCE, "new_person", "same_person"),
    ),
    Action.REFUSE: ("speaker", "purpose", "form", "at", *_NOTICE, "method", *_EVIDENCE, "new_person"),
    Action.WITHDRAW: ("speaker", "purpose", "form", "at", "method", "guardian", *_EVIDENCE, "new_person"),
}
"""The columns that a table may have, for each action."""

_YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Entry:
    """Holds what one row decides.

    Attributes:
        row: its number, as a spreadsheet counts it.
        action: what was decided.
        speaker_id: of whom, as it was written.
        purposes: about what; None for every purpose that was ever granted.
        at: from when; None from now.
        expires_at: until when, None for ever.
        terms: what else the record says.
        new_person: whether the id is of another person than those whose id looks like it.
        same_person: whether the id is of the person whose id looks like it.
        dated: whether the table, or an option, says ``at``.
    """

    row: int
    action: Action
    speaker_id: str
    purposes: tuple[Purpose, ...] | None
    at: datetime | None
    expires_at: datetime | None
    terms: Terms
    new_person: bool = False
    same_person: bool = False
    dated: bool = True


def read_entries(
    table: Table,
    action: Action,
    *,
    given: Mapping[str, Cell],
    now: datetime,
    sha256_of: Callable[[str], str],
) -> tuple[list[Entry], int]:
    """Reads an entry from each row.

    Args:
        table: its rows.
        action: grant, refuse or withdraw.
        given: what options of the command say for every row, by column.
        now: what the clock shows; nobody decides later than that.
        sha256_of: hashes the file that a cell names; raises OSError or ValueError where it cannot be read.

    Returns:
        The entries, in their order, and how many rows say word by word what a row before says.

    Raises:
        TableError: some rows cannot be entered; all faults are named.
    """
    faults = list(table.faults)
    broken = {fault.row for fault in faults}
    faults += [
        CellFault(0, name, "is a column of the table and an option of the command as well; leave one out")
        for name in sorted(given.keys() & table.filled)
    ]
    hashes: dict[str, str] = {}

    def hashed(name: str) -> str:
        if name not in hashes:
            hashes[name] = sha256_of(name)
        return hashes[name]

    entries: list[Entry] = []
    first: dict[tuple[str, Purpose | None], tuple[int, Entry]] = {}
    repeated = 0
    for row in table.rows:
        if row.number in broken:
            continue
        try:
            entry = _RowReader(row, {**given, **row.cells}, hashed).entry(action, now, "form" in table.columns)
        except _CellError as error:
            faults.append(CellFault(row.number, error.column, str(error)))
            continue
        before = {first[key] for purpose in entry.purposes or (None,) if (key := (entry.speaker_id, purpose)) in first}
        if any(_same(earlier, entry) for _, earlier in before):
            repeated += 1
            continue
        if before:
            text = f"{entry.speaker_id!r} is decided about in row {min(number for number, _ in before)} as well, and otherwise"
            faults.append(CellFault(row.number, "speaker", f"{text}; keep one row a speaker and purpose"))
            continue
        first |= dict.fromkeys(
            ((entry.speaker_id, purpose) for purpose in entry.purposes or (None,)), (row.number, entry)
        )
        entries.append(entry)
    if faults:
        raise TableError(faults)
    return entries, repeated


def _same(one: Entry, other: Entry) -> bool:
    return vars(one) | {"row": 0} == vars(other) | {"row": 0}


class _CellError(ConsentError, ValueError):
    """Tells what is wrong with a cell; ``column`` is "" where no one cell is to blame."""

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text, column)
        self.column = column

    def __str__(self) -> str:
        return str(self.args[0])


class _RowReader:
    """Reads the cells of one row as options are read."""

    def __init__(self, row: Row, cells: Mapping[str, Cell], sha256_of: Callable[[str], str]) -> None:
        self._row = row
        self._cells = cells
        self._sha256_of = sha256_of

    def entry(self, action: Action, now: datetime, has_forms: bool) -> Entry:
        speaker = self._text("speaker")
        if speaker is None:
            raise _CellError("speaker", "is empty; write the id that manifests use, or take the row out")
        purposes = self._list("purpose", Purpose)
        if not purposes and action is not Action.WITHDRAW:
            raise _CellError("purpose", f"is empty; name at least one of {', '.join(Purpose)}")
        forms = self._list("form", Form)
        if action is Action.GRANT and has_forms and not forms:
            raise _CellError(
                "form",
                f"is empty, which would cover every form; name some of {', '.join(Form)}, or leave all cells of it empty and give --form",
            )
        new, same = (self._read(name, _yes, False) for name in ("new_person", "same_person"))
        if new and same:
            raise _CellError("new_person", "and same_person contradict each other; keep one")
        at = self._moment("at", now)
        expires_at = self._read("expires", parse_time, None)
        if expires_at is not None and expires_at <= (at or now):
            raise _CellError("expires", f"{format_time(expires_at)} is not after the grant begins; give a later end")
        return Entry(
            self._row.number,
            action,
            speaker,
            purposes or None,
            at if at is not None or action is Action.WITHDRAW else now,
            expires_at,
            self._terms(forms or (ALL_FORMS if action is Action.GRANT else ())),
            new,
            same,
            dated=at is not None,
        )

    def _terms(self, forms: tuple[Form, ...]) -> Terms:
        guardian = self._text("guardian")
        relation, verified_by = self._text("guardian_relation"), self._text("guardian_verified_by")
        if guardian is None and (relation or verified_by):
            raise _CellError(
                "guardian", "is empty, and guardian_relation or guardian_verified_by is not; name the guardian"
            )
        try:
            return Terms(
                forms=forms,
                notice=self._notice(),
                method=self._read("method", Method, Method.UNKNOWN),
                expression=self._read("expression", Expression, Expression.UNKNOWN),
                decided_by=Decider.SUBJECT if guardian is None else Decider.GUARDIAN,
                jurisdiction=self._text("jurisdiction"),
                age_band=self._read("age_band", AgeBand, AgeBand.UNKNOWN),
                age_years=self._read("age_years", _whole, None),
                guardian=None if guardian is None else Guardian(guardian, relation, verified_by),
                retention_days=self._read("retention", _whole, None),
                evidence=self._evidence(),
                controller=self._text("controller"),
                recipients=self._list("recipient", str),
            )
        except _CellError:
            raise
        except ValueError as error:
            raise _CellError("", str(error)) from None

    def _notice(self) -> Notice | None:
        sha256, file = self._text("notice_hash"), self._file("notice")
        if sha256 is not None and file is not None:
            raise _CellError("notice", "and notice_hash are both given; keep one")
        about = {name: self._text(f"notice_{name}") for name in ("version", "language", "url")}
        if sha256 is None and file is None:
            if any(about.values()):
                raise _CellError(
                    "notice", "is empty, and the row says something of it; name its file, or its notice_hash"
                )
            return None
        return Notice(sha256=(sha256 or str(file)).lower(), **about)

    def _evidence(self) -> Evidence | None:
        sha256, reference = self._file("evidence"), self._text("evidence_reference")
        return None if sha256 is None and reference is None else Evidence(sha256=sha256, reference=reference)

    def _file(self, name: str) -> str | None:
        text = self._text(name)
        if text is None:
            return None
        try:
            return self._sha256_of(text)
        except OSError as error:
            raise _CellError(
                name, f"{text}: cannot be read ({error.strerror}); name a file that you may read"
            ) from None
        except ValueError as error:
            raise _CellError(name, f"{text!r} is no file ({error}); name one that you may read") from None

    def _moment(self, name: str, now: datetime) -> datetime | None:
        moment = self._read(name, parse_time, None)
        if moment is not None and moment > now:
            raise _CellError(
                name,
                f"{format_time(moment)} is in the future; give the time when the speaker decided, or leave it empty",
            )
        return moment

    def _text(self, name: str) -> str | None:
        cell = self._cells.get(name)
        return cell if isinstance(cell, str) and cell else None

    def _read(self, name: str, read: Callable[[str], _Read], empty: Any) -> Any:
        text = self._text(name)
        if text is None:
            return empty
        try:
            return read(text)
        except ValueError as error:
            raise _CellError(name, str(error)) from None

    def _list(self, name: str, read: Callable[[str], _Read]) -> tuple[_Read, ...]:
        cell = self._cells.get(name, ())
        try:
            return tuple(dict.fromkeys(read(part) for part in ((cell,) if isinstance(cell, str) else cell)))
        except ValueError as error:
            told = str(error)
            if any("," in part for part in ((cell,) if isinstance(cell, str) else cell)):
                told = told.replace("; ", "; put ; between several; ", 1)
            raise _CellError(name, told) from None


def _yes(text: str) -> bool:
    try:
        return _YES[text.casefold()]
    except KeyError:
        raise ValueError(f"{text!r} is neither yes nor no; write one of them") from None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError(f"{text!r} is no whole number; write one in digits")
    return int(text)
