"""How every purpose stands now, as a table and as JSON: what ``duologue consent status`` shows."""

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from duologue_consent.decisions.events import Purpose, format_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import Standing, State, standing
from duologue_consent.decisions.vocabulary import Form

__all__ = ["print_table", "status_document", "useless_note"]

_STYLES: Final = {State.GIVEN: "green", State.NOT_ASKED: "dim"}


def status_document(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> dict[str, Any]:
    """The standing of every purpose of the speakers as a JSON document, with exact times."""
    consents = []
    for speaker_id, purpose, found in _standings(snapshot, speakers, as_of):
        since, expires_at = _since_and_expires(found)
        consents.append(
            {
                "speaker_id": speaker_id,
                "purpose": purpose,
                "state": found.state,
                "forms": _covered(snapshot, speaker_id, purpose, as_of),
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


def print_table(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> None:
    """Prints the standing of every purpose of the speakers, with whole seconds, and notes what allows nothing."""
    table = Table(
        "speaker", "purpose", "state", "since", "expires", "covers", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )
    notes = []
    for speaker_id, purpose, found in _standings(snapshot, speakers, as_of):
        since, expires_at = (
            "" if moment is None else format_time(moment.replace(microsecond=0)) for moment in _since_and_expires(found)
        )
        forms = _covered(snapshot, speaker_id, purpose, as_of)
        covers = "all forms" if len(forms) == len(Form) else ", ".join(forms)
        # Text: an id such as "[bold]" is no markup
        table.add_row(
            Text(speaker_id),
            purpose,
            Text(found.state, style=_STYLES.get(found.state, "red")),
            since,
            expires_at,
            covers,
        )
        note = useless_note(snapshot, speaker_id, purpose, as_of)
        if note is not None:
            notes.append(note)
    # a file or a pipe has no width: lines are not folded there
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000)
    console.print(table)
    for note in notes:
        console.print(Text(note))


def useless_note(snapshot: Snapshot, speaker_id: str, purpose: Purpose, now: datetime) -> str | None:
    """A line for a purpose that is given and yet allows nothing."""
    own = snapshot.history(speaker_id)
    recording = standing(own, Purpose.RECORDING, now).state
    if recording is State.GIVEN or standing(own, purpose, now).state is not State.GIVEN:
        return None
    return f"note: {purpose} of {speaker_id} allows nothing, because it needs recording, which is {recording}"


def _covered(snapshot: Snapshot, speaker_id: str, purpose: Purpose, as_of: datetime) -> list[str]:
    own = snapshot.history(speaker_id)
    return [form.value for form in Form if standing(own, purpose, as_of, form=form).state is State.GIVEN]


def _standings(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> Iterator[tuple[str, Purpose, Standing]]:
    for speaker_id in speakers:
        for purpose in Purpose:
            yield speaker_id, purpose, standing(snapshot.history(speaker_id), purpose, as_of)


def _since_and_expires(found: Standing) -> tuple[datetime | None, datetime | None]:
    """Since when the state holds (an expired grant: since it expired), and when the grant ends or ended."""
    if found.event is None:
        return None, None
    since = found.event.expires_at if found.state is State.EXPIRED else found.event.at
    return since, found.event.expires_at
