"""Offers the commands of ``duologue consent`` that show what is on record: status and receipt."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from duologue_consent.cli.options import DetailsOption, FormatOption, LedgerOption, SpeakerArgument
from duologue_consent.cli.said import counted, joined
from duologue_consent.cli.support import chosen_format, fail, named, one_line_errors, open_ledger
from duologue_consent.decisions.consent_receipt import consent_receipt, receipt_text
from duologue_consent.decisions.events import Purpose
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State
from duologue_consent.decisions.status import (
    standings,
    status_document,
    useless_note,
)

__all__ = ["register"]


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
        from duologue_consent.cli.status_table import print_table

        typer.echo(_first_line(snapshot, speakers, as_of))
        print_table(snapshot, speakers, as_of, wide=wide, details=details)


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
