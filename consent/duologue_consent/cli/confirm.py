"""Confirms what was appended: one plain sentence, what is to be known or done, and with ``--details`` each decision."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer

from duologue_consent.cli.next_steps import next_lines
from duologue_consent.cli.said import done_line
from duologue_consent.decisions.events import Action, ConsentEvent, format_time
from duologue_consent.decisions.finding import ENTER_AGAIN
from duologue_consent.decisions.jurisdictions.rules import rules_for, unmet
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import overruled_grant, standing
from duologue_consent.decisions.status import lifted_note, useless_note
from duologue_consent.decisions.vocabulary import AgeBand

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["confirm", "detail_line", "incomplete_notes"]

_HASH_PREFIX: Final = 12


def confirm(ledger: "Ledger", appended: Sequence[ConsentEvent], *, asked: str, again: str, details: bool) -> None:
    """Prints what was appended and how it stands now: a decision with a time in the past may be overruled by a later one.

    What a rule of the jurisdiction asks of the record is said at once, while whoever enters it can still ask the speaker.
    So is everybody whose id looks like the one that was written, and what a no leaves to be done.

    Args:
        ledger: as it is now.
        appended: the decisions.
        asked: the id that was written.
        again: the words by which a further command names the ledger.
        details: whether each decision is printed with its place in the log.
    """
    snapshot, now = ledger.snapshot(), datetime.now(UTC)
    people = {event.speaker_id for event in appended}
    typer.echo(done_line(snapshot, appended, asked=asked, now=now))
    lines = [*_about_look_alikes(snapshot, people, asked)]
    for event in appended:
        if details:
            lines.append(detail_line(snapshot, event, now))
        grant = None if event.action is Action.GRANT else overruled_grant(snapshot.history(event.speaker_id), event)
        if grant is not None:
            lines.append(f"note: {ENTER_AGAIN.format(at=format_time(grant.at))}")
        note = useless_note(snapshot, event.speaker_id, event.purpose, now)
        if note is not None:
            lines.append(note)
        if event.action is Action.GRANT:
            lifted = lifted_note(snapshot, event)
            lines += [*([] if lifted is None else [lifted]), *incomplete_notes(event)]
    denials = {event.action for event in appended} - {Action.GRANT}
    if denials:  # a refusal mostly ends nothing
        lines += next_lines(ledger, snapshot, people, again=again, always=denials != {Action.REFUSE})
    for line in lines if details else dict.fromkeys(lines):  # a note on each of several purposes is said once
        typer.echo(line)


def detail_line(snapshot: Snapshot, event: ConsentEvent, now: datetime) -> str:
    """Says where a decision stands in the log, and how its purpose stands now."""
    state = standing(snapshot.history(event.speaker_id), event.purpose, now).state
    return (
        f"appended seq {event.seq}, {event.sha256[:_HASH_PREFIX]}: {event.action} {event.speaker_id} "
        f"{event.purpose} at {format_time(event.at)}; now {state}"
    )


def _about_look_alikes(snapshot: Snapshot, meant: set[str], asked: str) -> Iterator[str]:
    found = tuple(sorted(meant - {asked}))
    if found and asked not in meant:
        yield f"note: {escaped(asked)} is not in the ledger; this is entered for {named_by(found)}, which looks like it"
    elif found:
        yield f"note: {named_by(found)} looks like {escaped(asked)}; this is entered for each of them"
    others = tuple(each for each in snapshot.look_alikes(asked) if each not in meant)
    if others:
        yield f"note: {named_by(others)} looks like {escaped(asked)}; this is not entered for {named_by(others)}"


def incomplete_notes(grant: ConsentEvent) -> list[str]:
    """Says what a rule of the place asks of a grant and its record lacks; names nobody."""
    jurisdiction, minor = grant.terms.jurisdiction, grant.terms.age_band is AgeBand.MINOR
    notes = ["note: a minor's consent counts only with --guardian"] if minor and grant.terms.guardian is None else []
    for rule in rules_for(jurisdiction) if jurisdiction is not None else ():
        missing = (
            unmet(rule, grant, minor=minor, jurisdiction=str(jurisdiction)) if grant.purpose in rule.purposes else None
        )
        if missing is not None:
            notes.append(f"note: does not meet {rule.rule_id} ({rule.citation}): {missing}; {rule.cure}")
    return notes
