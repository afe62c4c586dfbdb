"""Enters a table of decisions: ``grant``, ``refuse`` and ``withdraw`` with ``--from``."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from duologue_consent.bulk.entries import COLUMNS, read_entries
from duologue_consent.bulk.faults import TableError
from duologue_consent.bulk.rows import Cell, read_table
from duologue_consent.cli.asking import asking_who_of_each
from duologue_consent.cli.confirm import detail_line, incomplete_notes
from duologue_consent.cli.next_steps import ledger_words, next_lines
from duologue_consent.cli.said import counted, entry_line, joined, table_line
from duologue_consent.cli.support import fail, open_at_any_time, open_ledger, source_of
from duologue_consent.decisions.events import Action, ConsentEvent
from duologue_consent.decisions.names import named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State, standing
from duologue_consent.decisions.status import lifted_note
from duologue_consent.verify import read_file

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["enter_table"]

_LARGEST_BYTES: Final = 64 << 20
_NAMED: Final = 5


def enter_table(
    context: typer.Context,
    ledger: str,
    file: Path,
    action: Action,
    *,
    encoding: str | None,
    dry_run: bool,
    details: bool,
) -> None:
    """Enters every row of a table, all or none, and says what was entered; other options of the command hold for every row.

    Args:
        context: of the command.
        ledger: as the command was given it.
        file: the table.
        action: grant, refuse or withdraw.
        encoding: of the table; None: UTF-8, or UTF-16 with a mark.
        dry_run: only say what would be appended.
        details: say of each decision where it stands.
    """
    given = _given(context, action)
    try:
        data = read_file(file, max_bytes=_LARGEST_BYTES)
    except OSError as error:
        fail(f"--from {file}: cannot be read ({error.strerror}); name a file that you may read, of at most 64 MiB")
    try:
        table = read_table(data, known=COLUMNS[action], encoding=encoding)
        entries, repeated = read_entries(
            table,
            action,
            given=given,
            now=datetime.now(UTC),
            sha256_of=lambda name: hashlib.sha256(read_file(file.parent / name)).hexdigest(),
        )
        opened = open_ledger(ledger) if action is Action.GRANT else open_at_any_time(ledger)  # a no needs no clock
        entered = asking_who_of_each(lambda asked: opened.append_entries(asked, dry_run=dry_run), entries)
    except TableError as error:
        *lines, last = str(error).split("\n")
        for line in lines:
            typer.echo(f"{file}: {line}", err=True)
        fail(f"--from {file}: {last}")
    events = [event for each in entered for event in each.events]
    typer.echo(table_line(events, dry_run=dry_run))
    if repeated:
        typer.echo(f"note: {counted(repeated, 'row')} of {file} said what a row before says, and counted once")
    if table.own:
        typer.echo(f"note: passed over {joined(table.own)}")
    if action is Action.GRANT and "form" not in table.columns and "form" not in given:
        typer.echo("note: covers all forms, because neither a column form nor --form names fewer")
    for each in entered if dry_run else ():
        typer.echo(entry_line(each.events, row=each.entry.row))
    found = {each.entry.speaker_id: {event.speaker_id for event in each.events} for each in entered}
    for written, people in found.items():
        if people != {written}:
            typer.echo(f"note: what is written of {named_by([written])} is entered for {named_by(sorted(people))}")
    for line in _grouped(events):
        typer.echo(line)
    if not dry_run:
        _confirm(opened, events, ledger_words(context, ledger), action, details=details)


def _confirm(opened: "Ledger", events: Sequence[ConsentEvent], again: str, action: Action, *, details: bool) -> None:
    snapshot, now = opened.snapshot(), datetime.now(UTC)
    for line in _remarkable(snapshot, events, now):
        typer.echo(line)
    for event in events if details else ():
        typer.echo(detail_line(snapshot, event, now))
    if action is not Action.GRANT:
        people, always = {event.speaker_id for event in events}, action is Action.WITHDRAW
        for line in next_lines(opened, snapshot, people, again=again, always=always):
            typer.echo(line)


def _grouped(events: Sequence[ConsentEvent]) -> list[str]:
    """Says each thing that records lack once, and of whom."""
    lacking: dict[str, dict[str, None]] = {}
    for event in events:
        for note in incomplete_notes(event) if event.action is Action.GRANT else ():
            lacking.setdefault(note, {})[event.speaker_id] = None
    return [f"{note} [{_whose(list(people))}]" for note, people in lacking.items()]


def _remarkable(snapshot: Snapshot, events: Sequence[ConsentEvent], now: datetime) -> list[str]:
    """Says of whom a grant allows nothing, because something else counts more or recording is not given, or lifts a no."""
    idle: dict[str, dict[str, None]] = {}
    for event in events if events[0].action is Action.GRANT else ():
        state = standing(snapshot.history(event.speaker_id), event.purpose, now).state
        if state is not State.GIVEN:
            why = f"note: {event.purpose} is {state} all the same"
        elif standing(snapshot.history(event.speaker_id), event.purpose.RECORDING, now).state is not State.GIVEN:
            why = f"note: {event.purpose} allows nothing, because it needs recording, which is not given"
        elif (lifted := lifted_note(snapshot, event)) is not None:
            why = lifted
        else:
            continue
        idle.setdefault(why, {})[event.speaker_id] = None
    return [f"{why} [{_whose(list(people))}]" for why, people in idle.items()]


def _whose(people: Sequence[str]) -> str:
    more = len(people) - _NAMED
    return ", ".join(people[:_NAMED]) + (f" and {counted(more, 'other')}" if more > 0 else "")


def _given(context: typer.Context, action: Action) -> dict[str, Cell]:
    """Writes the options that were given on the command line as cells, by column."""
    said: dict[str, Cell] = {}
    for name in COLUMNS[action]:
        if name == "speaker" or source_of(context, name) != "COMMANDLINE":
            continue
        value = context.params[name]
        if isinstance(value, bool):
            said[name] = "yes" if value else "no"
        elif isinstance(value, list | tuple):
            said[name] = tuple(map(str, value))
        else:  # files of options lie where the command was called, those of cells beside the table
            said[name] = str(Path(value).absolute() if name in ("notice", "evidence") else value)
    return said
