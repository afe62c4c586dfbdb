"""Says in one plain sentence what was entered: the first line of every confirmation."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.names import named_by
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import State, standing
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = ["counted", "done_line", "entry_line", "joined", "table_line"]

_VERBS: Final[Mapping[Action, str]] = {
    Action.GRANT: "{who} {allow} {what}{forms}{until}",
    Action.REFUSE: "{who} {have} refused {what}{forms}",
    Action.WITHDRAW: "{who} {have} withdrawn {what}{forms}",
    Action.REVOKE: "{what} of {who} is revoked{forms}",
    Action.INVALIDATE: "{what} of {who} is invalidated{forms}: it never was a valid consent",
}


def joined(words: Iterable[str]) -> str:
    """Joins words as a person does: ``a``, ``a and b``, ``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def counted(count: int, what: str) -> str:
    """Counts things: ``1 speaker``, ``1,000 speakers``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def done_line(snapshot: Snapshot, events: Sequence[ConsentEvent], *, asked: str, now: datetime) -> str:
    """Says what was entered about the speakers of one call, and where it changes nothing."""
    alike: dict[tuple[Action, Sequence[Form], datetime | None], list[ConsentEvent]] = {}
    for event in events:
        alike.setdefault((event.action, event.terms.forms, event.expires_at), []).append(event)
    overruled = _overruled(snapshot, events, now)
    parts = [_clause(own, asked=asked, gives=not overruled) for own in alike.values()]
    return f"Done: {'; '.join(parts)}.{overruled}"


def table_line(events: Sequence[ConsentEvent], *, dry_run: bool) -> str:
    """Says what the rows of a table have entered, or would enter."""
    action = events[0].action
    speakers = len({event.speaker_id for event in events})
    per_purpose = {purpose: sum(event.purpose is purpose for event in events) for purpose in Purpose}
    numbers = joined(f"{purpose} by {count:,}" for purpose, count in per_purpose.items() if count)
    verb = {Action.GRANT: "granted", Action.REFUSE: "refused", Action.WITHDRAW: "withdrawn"}[action]
    what = f"{counted(speakers, 'speaker')} {'has' if speakers == 1 else 'have'} {verb}: {numbers}"
    if dry_run:
        return f"Nothing was appended. It would be that {what}; {counted(len(events), 'decision')}."
    return f"Done: {what}; {counted(len(events), 'decision')}, all in one transaction."


def entry_line(events: Sequence[ConsentEvent], *, row: int) -> str:
    """Says what one row of a table enters."""
    first = events[0]
    whose = dict.fromkeys(event.speaker_id for event in events)
    until = "" if first.expires_at is None else f", until {format_time(first.expires_at)}"
    forms = "" if first.action is not Action.GRANT and not first.terms.forms else f", {_forms(first.terms.forms)}"
    purposes = ", ".join(dict.fromkeys(event.purpose for event in events))
    return f"row {row}: {first.action} {', '.join(whose)}: {purposes}{forms}, at {format_time(first.at)}{until}"


def _clause(events: Sequence[ConsentEvent], *, asked: str, gives: bool) -> str:
    first = events[0]
    people = tuple(dict.fromkeys(event.speaker_id for event in events))
    several = len(people) > 1
    have = "have" if several else "has"
    only_some = first.terms.forms and (first.action is Action.GRANT or first.terms.forms != ALL_FORMS)
    return _VERBS[first.action].format(
        who=asked if people == (asked,) else named_by(people),
        allow=("allow" if several else "allows") if gives else f"{have} granted",
        have=have,
        what=joined(dict.fromkeys(event.purpose.value for event in events)),
        forms=f" {_forms(first.terms.forms)}" if only_some else "",
        until="" if first.expires_at is None else f" until {format_time(first.expires_at)}",
    )


def _forms(forms: Sequence[Form]) -> str:
    return "in all forms" if len(forms) == len(ALL_FORMS) else f"as {joined(form.value for form in forms)}"


def _overruled(snapshot: Snapshot, events: Sequence[ConsentEvent], now: datetime) -> str:
    """Says of grants that do not give because something else counts more."""
    without = [
        f"{event.purpose} is {state} all the same"
        for event in events
        if event.action is Action.GRANT
        and (state := standing(snapshot.history(event.speaker_id), event.purpose, now).state) is not State.GIVEN
    ]
    return f" But {joined(without)}." if without else ""
