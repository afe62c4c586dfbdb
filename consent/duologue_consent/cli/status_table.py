"""Prints how consent stands as a table. It stands apart, because drawing tables takes long to load."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from duologue_consent.decisions.events import Purpose, format_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State
from duologue_consent.decisions.status import (
    covered_forms,
    entered_note,
    look_alike_notes,
    since_and_expires,
    standings,
    useless_note,
)
from duologue_consent.decisions.vocabulary import Form

__all__ = ["print_table"]

_PLAIN: Final[dict[str, Any]] = {"box": None, "pad_edge": False, "padding": (0, 3, 0, 0)}
_STYLES: Final = {State.GIVEN: "green", State.NOT_ASKED: "dim"}


def print_table(snapshot: Snapshot, speakers: Sequence[str], as_of: datetime, *, wide: bool, details: bool) -> None:
    """Prints how every purpose of the speakers stands, and notes what allows nothing.

    Args:
        snapshot: the ledger's state.
        speakers: whom to show, in this order.
        as_of: the moment of the question.
        wide: whether to print one line a speaker.
        details: whether to say of each what was entered for it.
    """
    notes = []
    for speaker_id, purpose, found in standings(snapshot, speakers, as_of):
        entered = entered_note(found, speaker_id) if details else None
        notes += [note for note in (useless_note(snapshot, speaker_id, purpose, as_of), entered) if note is not None]
    notes += look_alike_notes(snapshot, speakers)
    # a file or a pipe has no width: lines are not folded there
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() and not wide else 10_000)
    console.print(_wide(snapshot, speakers, as_of) if wide else _long(snapshot, speakers, as_of))
    for note in notes:
        console.print(Text(note))


def _long(snapshot: Snapshot, speakers: Sequence[str], as_of: datetime) -> Table:
    """Makes a row for each purpose of each speaker, with whole seconds."""
    table = Table("speaker", "purpose", "state", "since", "expires", "covers", **_PLAIN)
    for speaker_id, purpose, found in standings(snapshot, speakers, as_of):
        since, expires_at = (
            "" if moment is None else format_time(moment.replace(microsecond=0)) for moment in since_and_expires(found)
        )
        forms = covered_forms(snapshot, speaker_id, purpose, as_of)
        covers = "all forms" if len(forms) == len(Form) else ", ".join(forms)
        # Text: an id such as "[bold]" is no markup
        table.add_row(Text(speaker_id), purpose, _state(found.state, found.state), since, expires_at, covers)
    return table


def _wide(snapshot: Snapshot, speakers: Sequence[str], as_of: datetime) -> Table:
    """Makes a row for each speaker: state, end and forms of each purpose in one cell."""
    table = Table("speaker", *Purpose, **_PLAIN)
    cells: dict[str, list[Text]] = {}
    for speaker_id, purpose, found in standings(snapshot, speakers, as_of):
        _, expires_at = since_and_expires(found)
        forms = covered_forms(snapshot, speaker_id, purpose, as_of)
        until = f" until {expires_at:%Y-%m-%d}" if found.state is State.GIVEN and expires_at is not None else ""
        covers = f" ({', '.join(forms)})" if forms and len(forms) < len(Form) else ""
        cells.setdefault(speaker_id, []).append(_state(found.state, f"{found.state}{until}{covers}"))
    for speaker_id, own in cells.items():
        table.add_row(Text(speaker_id), *own)
    return table


def _state(state: State, text: str) -> Text:
    return Text(text, style=_STYLES.get(state, "red"))
