"""Compares how consent stands now with how it stood when a recording was made, and finds what is missing. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.finding import ENTER_AGAIN, ENTER_IT, LEAVE_OUT, RENEW, Finding
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.standing import (
    Standing,
    State,
    each_speaks_of_all,
    overruled_grant,
    standing,
    standings_between,
)
from duologue_consent.decisions.vocabulary import Form

__all__ = ["RUN_WITHOUT", "consent_in_force"]

RUN_WITHOUT: Final[Mapping[Form, str]] = {Form.TRANSCRIPT: "with --words none", Form.AUDIO: "without --include-audio"}
"""How a run leaves a form out: the remedy where no grant covers it."""

_REASON_OF_STATE: Final = {
    State.INVALIDATED: "consent_invalidated",
    State.REVOKED: "consent_revoked",
    State.WITHDRAWN: "consent_withdrawn",
    State.REFUSED: "consent_refused",
    State.EXPIRED: "consent_expired",
    State.NOT_ASKED: "consent_not_given",
    State.NOT_COVERED: "consent_form_not_covered",
}
_NOT_COVERED: Final = f"{LEAVE_OUT}, a later grant does not cover it"
_REMEDY_NOW: Final = {State.EXPIRED: RENEW, State.NOT_ASKED: ENTER_IT}


def consent_in_force(
    events: Sequence[ConsentEvent],
    purpose: Purpose,
    recorded_at: datetime | Recorded,
    as_of: datetime,
    forms: Sequence[Form],
    *,
    run_without: Mapping[Form, str] = RUN_WITHOUT,
) -> tuple[list[ConsentEvent], list[Finding]]:
    """Finds the grants on which a use would rest, and what is wrong with how the purpose stands now and stood then.

    Args:
        events: all events of one speaker.
        purpose: that has to be granted.
        recorded_at: when the recording was made, aware; or the interval in which it was, all of which consent has to cover, as far as
            it had come at ``as_of``.
        as_of: the moment for which the answer is asked, aware.
        forms: what of the recording is used.
        run_without: form -> how the run leaves it out.

    Returns:
        The grants, each once, those of then before those of now; and the findings, now before then.
    """
    recorded = Recorded.of(recorded_at)
    latest = max(recorded.earliest, min(recorded.latest, as_of))  # what is there at as_of was made before
    if each_speaks_of_all((event for event in events if event.purpose == purpose), forms):
        now = standing(events, purpose, as_of, form=forms[0])
        then = standings_between(events, purpose, recorded.earliest, latest, form=forms[0])
        if all(held.state is State.GIVEN for held in (*then, now)):
            return list(dict.fromkeys(held.event for held in (*then, now) if held.event is not None)), []
    grants: dict[ConsentEvent, None] = {}
    findings = []
    now_by_form = {form: standing(events, purpose, as_of, form=form) for form in forms}
    all_then = {form: standings_between(events, purpose, recorded.earliest, latest, form=form) for form in forms}
    then_by_form = {
        form: next((held for held in each if held.state is not State.GIVEN), each[0]) for form, each in all_then.items()
    }
    for held in (*(held for each in all_then.values() for held in each), *now_by_form.values()):
        if held.event is not None and _is_grant(held):
            grants[held.event] = None  # also one that is over or too narrow: all that is wrong with it is told
    for held, own in _grouped(now_by_form).items():
        if held.state is State.GIVEN:
            continue
        # No clock in the text: it is published, and the same input must give the same bytes.
        found = _found(held, own) or "has not been given"
        remedy = _remedy_now(held, own, events, run_without)
        findings.append(Finding(_REASON_OF_STATE[held.state], purpose, found, remedy, own))
    # what stands against it now just as then has been said
    changed = {form: held for form, held in then_by_form.items() if held != now_by_form[form]}
    for held, own in _grouped(changed).items():
        if held.state is State.GIVEN:
            continue
        if held.state is State.NOT_ASKED:
            given = all(_is_grant(now_by_form[form]) for form in own)
            found, remedy = _too_late(recorded, given)
            findings.append(Finding("consent_after_recording", purpose, found, remedy, own))
        elif held.state is State.INVALIDATED:
            findings.append(Finding("consent_invalidated", purpose, str(_found(held, own)), LEAVE_OUT, own))
        else:
            made = (
                f"before the recording was made at {recorded}"
                if recorded.is_moment
                else f"and the recording was made {recorded}"
            )
            found = f"{_found(held, own)}, {made}"
            remedy = _cover(own, run_without) if held.state is State.NOT_COVERED else _NOT_COVERED
            findings.append(Finding(_REASON_OF_STATE[held.state], purpose, found, remedy, own))
    return list(grants), findings


def _too_late(recorded: Recorded, given: bool) -> tuple[str, str]:
    """Says that a consent is not older than the recording, and what to do."""
    verb = "was given after" if given else "had not been given when"
    if recorded.is_moment:
        return f"{verb} the recording was made at {recorded}", ENTER_IT
    found = f"{verb} the recording may have been made: it was made {recorded}, and it counts for the earlier"
    return found, f"{ENTER_IT}, or say in the manifest more exactly when it was made"


def _is_grant(held: Standing) -> bool:
    return held.event is not None and held.event.action is Action.GRANT


def _grouped(standings: dict[Form, Standing]) -> dict[Standing, tuple[Form, ...]]:
    """Groups the forms by how they stand, so that what is true of all is said once."""
    groups: dict[Standing, tuple[Form, ...]] = {}
    for form, held in standings.items():
        groups[held] = (*groups.get(held, ()), form)
    return groups


def _found(held: Standing, forms: tuple[Form, ...]) -> str | None:
    """Says why a consent is not in force, as a clause; None where nobody was asked."""
    if held.event is None:
        return None
    if held.state is State.EXPIRED and held.event.expires_at is not None:
        return f"expired at {format_time(held.event.expires_at)}"
    if held.state is State.NOT_COVERED:
        given = ", ".join(held.event.terms.forms) or "no form"
        return f"was given at {format_time(held.event.at)} for {given} and not for {', '.join(forms)}"
    by = f" by the {held.event.terms.decided_by}" if held.state in (State.REVOKED, State.INVALIDATED) else ""
    return f"was {held.state}{by} at {format_time(held.event.at)}"


def _remedy_now(
    held: Standing, forms: tuple[Form, ...], events: Sequence[ConsentEvent], run_without: Mapping[Form, str]
) -> str:
    if held.state is State.NOT_COVERED:
        return _cover(forms, run_without)
    if held.event is None or _is_grant(held):
        return _REMEDY_NOW.get(held.state, LEAVE_OUT)
    grant = overruled_grant(events, held.event)
    again = "" if grant is None else f"{ENTER_AGAIN.format(at=format_time(grant.at))}, otherwise "
    return f"{again}{_without(forms, run_without)}"


def _cover(forms: tuple[Form, ...], run_without: Mapping[Form, str]) -> str:
    options = " ".join(f"--form {form}" for form in forms)
    otherwise = _without(forms, run_without)
    return (
        f"if the speaker agreed to it, enter the decision again with its own --at and {options}, otherwise {otherwise}"
    )


def _without(forms: tuple[Form, ...], run_without: Mapping[Form, str]) -> str:
    """Says how to do without forms: by an option of the run, where there is one for each."""
    without = " and ".join(run_without.get(form, "") for form in forms)
    return f"run {without}" if run_without.keys() >= set(forms) else LEAVE_OUT
