"""Says how every purpose of every speaker stands at a moment: what ``duologue consent status`` shows. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from duologue_consent.decisions.events import ConsentEvent, Purpose, entered_later, format_time, parse_time
from duologue_consent.decisions.names import named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import Standing, State, lifted_denial, standing
from duologue_consent.decisions.vocabulary import Form

__all__ = [
    "covered_forms",
    "entered_note",
    "lifted_note",
    "look_alike_notes",
    "since_and_expires",
    "standings",
    "status_document",
    "useless_note",
]


def status_document(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> dict[str, Any]:
    """Builds a JSON document of how every purpose of the speakers stands at ``as_of``, with exact times."""
    consents = []
    for speaker_id, purpose, found in standings(snapshot, speakers, as_of):
        since, expires_at = since_and_expires(found)
        consents.append(
            {
                "speaker_id": speaker_id,
                "purpose": purpose,
                "state": found.state,
                "forms": covered_forms(snapshot, speaker_id, purpose, as_of),
                "since": None if since is None else format_time(since),
                "expires_at": None if expires_at is None else format_time(expires_at),
                "entered_at": _entered(found),
                "look_alikes": list(snapshot.look_alikes(speaker_id)),
            }
        )
    return {
        "ledger_id": snapshot.ledger_id,
        "events": snapshot.events,
        "as_of": format_time(as_of),
        "consents": consents,
    }


def useless_note(snapshot: Snapshot, speaker_id: str, purpose: Purpose, now: datetime) -> str | None:
    """Says in a line that a purpose is given and yet allows nothing; None where that is not so."""
    own = snapshot.history(speaker_id)
    recording = standing(own, Purpose.RECORDING, now).state
    if recording is State.GIVEN or standing(own, purpose, now).state is not State.GIVEN:
        return None
    return f"note: {purpose} of {speaker_id} allows nothing, because it needs recording, which is {recording}"


def lifted_note(snapshot: Snapshot, grant: ConsentEvent) -> str | None:
    """Says in a line that a grant of the log gives again what had been denied; names nobody. None where it does not."""
    own = snapshot.history(grant.speaker_id)
    denial = lifted_denial([event for event in own if event.seq < grant.seq], grant)
    if denial is None or denial.event is None:
        return None
    return f"note: {grant.purpose} was {denial.state} at {format_time(denial.event.at)}, and is given again"


def entered_note(found: Standing, speaker_id: str) -> str | None:
    """Says in a line that a decision was entered at another time than it took effect; None where that is not so."""
    entered = _entered(found)
    if found.event is None or not entered_later(format_time(found.event.at), entered):
        return None
    event = found.event
    return (
        f"note: {event.action} of {event.purpose} by {speaker_id}: given at {format_time(event.at)}, entered at "
        f"{format_time(parse_time(str(entered)).replace(microsecond=0))}"
    )


def look_alike_notes(snapshot: Snapshot, speakers: Iterable[str]) -> Iterator[str]:
    """Says in a line each which ids look like one of the speakers', each group of them once."""
    told: set[str] = set()
    for speaker_id in speakers:
        alike = snapshot.look_alikes(speaker_id)
        if not alike or speaker_id in told:
            continue
        told.update((speaker_id, *alike))
        same = snapshot.perhaps_the_same(speaker_id)
        said = (
            "they may be one person: a no of one is taken as a no of all"
            if same
            else "they are on record as two people"
        )
        yield f"note: {named_by(sorted((speaker_id, *alike)))} look alike; {said}"


def _entered(found: Standing) -> str | None:
    return None if found.event is None or found.event.entered_at is None else format_time(found.event.entered_at)


def covered_forms(snapshot: Snapshot, speaker_id: str, purpose: Purpose, as_of: datetime) -> list[str]:
    """Lists the forms for which a purpose is given at ``as_of``."""
    own = snapshot.history(speaker_id)
    return [form.value for form in Form if standing(own, purpose, as_of, form=form).state is State.GIVEN]


def standings(snapshot: Snapshot, speakers: Iterable[str], as_of: datetime) -> Iterator[tuple[str, Purpose, Standing]]:
    """Gives each speaker with each purpose and how it stands at ``as_of``, in the order of speakers and purposes."""
    for speaker_id in speakers:
        for purpose in Purpose:
            yield speaker_id, purpose, standing(snapshot.history(speaker_id), purpose, as_of)


def since_and_expires(found: Standing) -> tuple[datetime | None, datetime | None]:
    """Says since when a state holds (an expired grant: since it expired), and when the grant ends or ended."""
    if found.event is None:
        return None, None
    since = found.event.expires_at if found.state is State.EXPIRED else found.event.at
    return since, found.event.expires_at
