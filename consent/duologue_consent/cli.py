"""``duologue consent``: what a data steward does with a ledger.

Everything that can be wrong with a call ends as one line on stderr and exit status 2.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .events import ConsentEvent, Purpose, format_time, parse_time
from .ledger import Ledger, LedgerError
from .snapshot import Snapshot
from .standing import Standing, State, standing

__all__ = ["app"]

app = typer.Typer(
    name="consent",
    help="Record who allowed what, in a ledger that is only ever appended to.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_PURPOSES: Final = ", ".join(Purpose)
_HASH_PREFIX: Final = 12
_STYLES: Final = {State.GIVEN: "green", State.NOT_ASKED: "dim"}

LedgerOption = Annotated[Path, typer.Option("--ledger", metavar="LEDGER", help="The ledger file.", show_default=False)]
SpeakerArgument = Annotated[str, typer.Argument(metavar="SPEAKER", help="The speaker's id, as manifests write it.")]
PurposesOption = Annotated[
    list[str], typer.Option("--purpose", metavar="PURPOSE", help=f"May be repeated. One of {_PURPOSES}.")
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="When it takes effect, e.g. 2026-03-01T10:00:00Z. Left out: now."),
]


@app.command(epilog="Example: duologue consent init consent.db")
def init(ledger: Annotated[Path, typer.Argument(metavar="LEDGER", help="The file to make; must not exist.")]) -> None:
    """Make an empty ledger that only you can read and write."""
    with _one_line_errors():
        snapshot = Ledger.create(ledger).snapshot()
    typer.echo(f"{ledger}: made, ledger {snapshot.ledger_id}, no events yet, readable by its owner only")


@app.command(
    epilog="Example: duologue consent grant spk-17 --purpose recording --purpose training_inhouse --ledger consent.db"
)
def grant(
    speaker: SpeakerArgument,
    purpose: PurposesOption,
    ledger: LedgerOption,
    at: AtOption = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="When it ends by itself. Left out: never.")
    ] = None,
) -> None:
    """Append that a speaker allows purposes. Every purpose needs recording as well."""
    with _one_line_errors():
        purposes, moment = _purposes(purpose), _moment(at)
        expires_at = None if expires is None else _time("--expires", expires)
        opened = Ledger.open(ledger)
        _confirm(opened, opened.grant(speaker, purposes, at=moment, expires_at=expires_at))


@app.command(epilog="Example: duologue consent refuse spk-17 --purpose likeness --ledger consent.db")
def refuse(speaker: SpeakerArgument, purpose: PurposesOption, ledger: LedgerOption, at: AtOption = None) -> None:
    """Append that a speaker was asked for purposes and said no."""
    with _one_line_errors():
        purposes, moment = _purposes(purpose), _moment(at)
        opened = Ledger.open(ledger)
        _confirm(opened, opened.refuse(speaker, purposes, at=moment))


@app.command(epilog="Example: duologue consent withdraw spk-17 --purpose training_inhouse --ledger consent.db")
def withdraw(
    speaker: SpeakerArgument,
    ledger: LedgerOption,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose",
            metavar="PURPOSE",
            help=f"May be repeated. One of {_PURPOSES}. Left out: all ever granted.",
        ),
    ] = None,
    at: AtOption = None,
) -> None:
    """Append that a speaker takes back what was granted. Withdrawing recording ends every other purpose, too."""
    with _one_line_errors():
        purposes, moment = _purposes(purpose) if purpose else None, _moment(at)
        opened = Ledger.open(ledger)
        _confirm(opened, opened.withdraw(speaker, purposes, at=moment))


@app.command(epilog="Example: duologue consent status spk-17 --ledger consent.db")
def status(
    ledger: LedgerOption,
    speaker: Annotated[
        str | None, typer.Argument(metavar="SPEAKER", help="Only this speaker. Left out: all.", show_default=False)
    ] = None,
    output: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """Show how every purpose stands now."""
    with _one_line_errors():
        if output not in ("text", "json"):
            _fail(f"--format {output!r}: there is no such format; write text or json")
        snapshot = Ledger.open(ledger).snapshot()
        if speaker is not None and not snapshot.history(speaker):
            _fail(f"{ledger}: has no event of speaker {speaker!r}; see all with `duologue consent status`")
    speakers = snapshot.speakers if speaker is None else (speaker,)
    as_of = datetime.now(UTC)
    if output == "json":
        typer.echo(json.dumps(_as_json(snapshot, speakers, as_of), indent=2, ensure_ascii=False))
    elif not speakers:
        typer.echo(f"{ledger}: no events yet")
    else:
        _print_table(snapshot, speakers, as_of)


def _confirm(ledger: Ledger, appended: Iterable[ConsentEvent]) -> None:
    """Says what was appended, and how it stands now: an event with a time in the past may be overruled by a later one."""
    snapshot, now = ledger.snapshot(), datetime.now(UTC)
    for event in appended:
        state = standing(snapshot.history(event.speaker_id), event.purpose, now).state
        typer.echo(
            f"appended seq {event.seq}, {event.sha256[:_HASH_PREFIX]}: {event.action} {event.speaker_id} "
            f"{event.purpose} at {format_time(event.at)}; now {state}"
        )
        note = _note(snapshot, event.speaker_id, event.purpose, now)
        if note is not None:
            typer.echo(note)


def _note(snapshot: Snapshot, speaker_id: str, purpose: Purpose, now: datetime) -> str | None:
    """A line for a purpose that is given and yet allows nothing."""
    own = snapshot.history(speaker_id)
    recording = standing(own, Purpose.RECORDING, now).state
    if recording is State.GIVEN or standing(own, purpose, now).state is not State.GIVEN:
        return None
    return f"note: {purpose} of {speaker_id} allows nothing, because it needs recording, which is {recording}"


def _standings(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> Iterator[tuple[str, Purpose, Standing]]:
    for speaker_id in speakers:
        for purpose in Purpose:
            yield speaker_id, purpose, standing(snapshot.history(speaker_id), purpose, as_of)


def _since_and_expires(place: Standing) -> tuple[datetime | None, datetime | None]:
    """Since when the state holds (an expired grant: since it expired), and when the grant ends or ended."""
    if place.event is None:
        return None, None
    since = place.event.expires_at if place.state is State.EXPIRED else place.event.at
    return since, place.event.expires_at


def _as_json(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> dict[str, Any]:
    consents = []
    for speaker_id, purpose, place in _standings(snapshot, speakers, as_of):
        since, expires_at = _since_and_expires(place)
        consents.append(
            {
                "speaker_id": speaker_id,
                "purpose": purpose,
                "state": place.state,
                "since": None if since is None else format_time(since),
                "expires_at": None if expires_at is None else format_time(expires_at),
            }
        )
    return {
        "ledger_id": snapshot.ledger_id,
        "events": snapshot.events,
        "as_of": format_time(as_of),
        "consents": consents,
    }


def _print_table(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> None:
    table = Table("speaker", "purpose", "state", "since", "expires", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    notes = []
    for speaker_id, purpose, place in _standings(snapshot, speakers, as_of):
        since, expires_at = (
            "" if moment is None else format_time(moment.replace(microsecond=0)) for moment in _since_and_expires(place)
        )
        # Text: an id such as "[bold]" is no markup
        table.add_row(
            Text(speaker_id), purpose, Text(place.state, style=_STYLES.get(place.state, "red")), since, expires_at
        )
        note = _note(snapshot, speaker_id, purpose, as_of)
        if note is not None:
            notes.append(note)
    # a file or a pipe has no width: lines are not folded there
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000)
    console.print(table)
    for note in notes:
        console.print(Text(note))


def _purposes(texts: Iterable[str]) -> list[Purpose]:
    try:
        return [Purpose(text) for text in texts]
    except ValueError as error:
        _fail(f"--purpose: {error}")


def _time(option: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        _fail(f"{option}: {error}")


def _moment(at: str | None) -> datetime:
    now = datetime.now(UTC)
    if at is None:
        return now
    moment = _time("--at", at)
    if moment > now:
        _fail(f"--at: {format_time(moment)} is in the future; give the time when the speaker decided, or leave it out")
    return moment


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except (LedgerError, ValueError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"duologue consent: {message}", err=True)
    raise typer.Exit(2)
