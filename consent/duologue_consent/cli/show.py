"""Offers the commands of ``duologue consent`` that show what is on record: status and receipt."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from duologue_consent.cli.options import DetailsOption, FormatOption, LedgerOption, SpeakerArgument
from duologue_consent.cli.said import counted, joined
from duologue_consent.cli.support import chosen_format, fail, named, one_line_errors, open_ledger
from duologue_consent.decisions.consent_receipt import consent_receipt, receipt_text
from duologue_consent.decisions.events import Purpose, format_time
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State
from duologue_consent.decisions.status import (
    covered_forms,
    entered_note,
    look_alike_notes,
    since_and_expires,
    standings,
    status_document,
    useless_note,
)
from duologue_consent.decisions.vocabulary import Form

__all__ = ["register"]

_PLAIN: Final[dict[str, Any]] = {"box": None, "pad_edge": False, "padding": (0, 3, 0, 0)}
_STYLES: Final = {State.GIVEN: "green", State.NOT_ASKED: "dim"}


def register(app: typer.Typer) -> None:
    """Adds the commands to an app."""
    app.command(epilog="Example: duologue consent status spk-17 --ledger consent.db")(status)
    app.command(epilog="Example: duologue consent receipt spk-17 --ledger consent.db > spk-17.md")(receipt)


def status(
    ledger: LedgerOption,
    speaker: Annotated[
        str | None,
        typer.Argument(metavar="SPEAKER", help="Show only this speaker. Left out: all.", show_default=False),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Print one line a speaker, with a column for each purpose; no line is folded."),
    ] = False,
    details: DetailsOption = False,
    output: FormatOption = "text",
) -> None:
    """Show for every speaker and purpose whether consent is given now."""
    with one_line_errors():
        chosen_format(output)
        snapshot = open_ledger(ledger).snapshot()
        if speaker is not None and not snapshot.history(speaker) and not snapshot.look_alikes(speaker):
            fail(f"{named(ledger)}: has no event of speaker {speaker!r}; see all with `duologue consent status`")
    speakers = snapshot.speakers if speaker is None else _known_as(snapshot, speaker)
    as_of = datetime.now(UTC)
    if output == "json":
        typer.echo(json.dumps(status_document(snapshot, speakers, as_of), indent=2, ensure_ascii=False))
    elif not speakers:
        typer.echo(f"{named(ledger)}: no events yet")
    else:
        typer.echo(_first_line(snapshot, speakers, as_of))
        _print_table(snapshot, speakers, as_of, wide=wide, details=details)


def receipt(
    speaker: SpeakerArgument,
    ledger: LedgerOption,
    output: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="Print text to read (Markdown), or json for programs."),
    ] = "text",
) -> None:
    """Print what the ledger says of a speaker, for the speaker, in the language of the notice."""
    with one_line_errors():
        chosen_format(output)
        snapshot = open_ledger(ledger).snapshot()
        alike = snapshot.look_alikes(speaker)
        if alike and not snapshot.history(speaker):
            fail(
                f"{named(ledger)}: has no event of {escaped(speaker)}, which looks like {named_by(alike)}; write that id"
            )
        if alike:
            typer.echo(f"duologue consent: note: {named_by(alike)} looks like {escaped(speaker)}", err=True)
        document = consent_receipt(snapshot, speaker, as_of=datetime.now(UTC))
    if output == "json":
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        typer.echo(receipt_text(document), nl=False)


def _known_as(snapshot: Snapshot, speaker: str) -> tuple[str, ...]:
    """Lists the speaker, if known, and everybody whose id looks like theirs."""
    return (*((speaker,) if snapshot.history(speaker) else ()), *snapshot.look_alikes(speaker))


def _first_line(snapshot: Snapshot, speakers: Sequence[str], as_of: datetime) -> str:
    """Says in a sentence who allows what now."""
    allowed: dict[Purpose, list[str]] = {purpose: [] for purpose in Purpose}
    for speaker_id, purpose, found in standings(snapshot, speakers, as_of):
        if found.state is State.GIVEN and useless_note(snapshot, speaker_id, purpose, as_of) is None:
            allowed[purpose].append(speaker_id)
    some = {purpose: people for purpose, people in allowed.items() if people}
    if len(speakers) == 1:
        return f"{speakers[0]} allows {joined(some) if some else 'nothing'}."
    if not some:
        return f"{counted(len(speakers), 'speaker')}, and nobody allows anything now."
    who = joined(f"{purpose} by {len(people):,}" for purpose, people in some.items())
    return f"{counted(len(speakers), 'speaker')}. Allowed now: {who}."


def _print_table(snapshot: Snapshot, speakers: Sequence[str], as_of: datetime, *, wide: bool, details: bool) -> None:
    """Prints how every purpose of the speakers stands, and notes what allows nothing."""
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
