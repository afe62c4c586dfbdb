"""Lists all that stands for and against a use of a recording by one speaker.

:func:`duologue_consent.decisions.policy.decide` answers from it and ``duologue consent explain`` shows it. Pure: no file
but the rules of places, no clock. The rule itself stands in :mod:`duologue_consent.decisions.policy`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.places import Rule, rules_for, unmet
from duologue_consent.decisions.standing import Standing, State, standing
from duologue_consent.decisions.terms import ALL_FORMS, AgeBand, Form

__all__ = ["Examination", "Finding", "RuleCheck", "describe", "examine", "speaker_of"]


@dataclass(frozen=True)
class Finding:
    """One thing that stands against a use.

    Attributes:
        reason: the reject code.
        purpose: whose consent it is about: the purpose asked for, or ``recording``.
        found: what was found, as the rest of a sentence that begins "consent for PURPOSE".
        remedy: what to do.
        forms: which it concerns.
        rule_id: the rule of a place that is not met, if it is one.
    """

    reason: str
    purpose: Purpose
    found: str
    remedy: str
    forms: tuple[Form, ...]
    rule_id: str | None = None


@dataclass(frozen=True)
class RuleCheck:
    """A rule of a place, and what of it is not met (None: all is, or it is a warning)."""

    rule: Rule
    place: str
    purpose: Purpose
    unmet: str | None


@dataclass(frozen=True)
class Examination:
    """All that is to be said for and against a use, of which a ``Decision`` is the short form.

    ``findings`` are in the order of rule 7, ``warnings`` are sentences that forbid nothing.
    """

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    checks: tuple[RuleCheck, ...]
    grants: tuple[ConsentEvent, ...]


_MOST_SERIOUS_FIRST: Final = (
    "consent_unknown_speaker",
    "consent_recording_time_unknown",
    "consent_invalidated",
    "consent_revoked",
    "consent_withdrawn",
    "consent_refused",
    "consent_minor",
    "consent_expired",
    "consent_retention_over",
    "consent_not_given",
    "consent_after_recording",
    "consent_form_not_covered",
    "consent_jurisdiction_requirement",
)
_REASON_OF_STATE: Final = {
    State.INVALIDATED: "consent_invalidated",
    State.REVOKED: "consent_revoked",
    State.WITHDRAWN: "consent_withdrawn",
    State.REFUSED: "consent_refused",
    State.EXPIRED: "consent_expired",
    State.NOT_ASKED: "consent_not_given",
    State.NOT_COVERED: "consent_form_not_covered",
}
_LEAVE_OUT: Final = "leave the recording out"
_NOT_COVERED: Final = f"{_LEAVE_OUT}, a later grant does not cover it"
_ENTER_IT: Final = (
    "if the speaker agreed before the recording was made, enter it with `duologue consent grant --at TIME`, "
    f"otherwise {_LEAVE_OUT}"
)
_RENEW: Final = f"ask the speaker and enter a new grant with `duologue consent grant`, or {_LEAVE_OUT}"
_ENTER_FULLY: Final = (
    "if the record is only incomplete, enter the decision again with its own --at and what is missing, "
    f"otherwise {_LEAVE_OUT}"
)
_RUN_WITHOUT: Final = {Form.TRANSCRIPT: "with --words none", Form.AUDIO: "without --include-audio"}
_REMEDY_NOW: Final = {State.EXPIRED: _RENEW, State.NOT_ASKED: _ENTER_IT}


def describe(finding: Finding, asked: Purpose, used: Sequence[Form]) -> str:
    """A finding as a clause, without its remedy; ``asked`` and ``used`` are the purpose and the forms that were asked for."""
    if finding.reason in ("consent_unknown_speaker", "consent_recording_time_unknown"):
        return finding.found
    forms = f" as {', '.join(finding.forms)}" if set(finding.forms) != set(used) else ""
    precondition = f", which {asked} needs," if finding.purpose is not asked else ""
    return f"consent for {finding.purpose}{forms}{precondition} {finding.found}"


def examine(
    events: Sequence[ConsentEvent],
    purpose: Purpose,
    recorded_at: datetime | None,
    as_of: datetime,
    *,
    speaker_id: str | None = None,
    forms: Sequence[Form] = ALL_FORMS,
    jurisdiction: str | None = None,
    rules: Callable[[str], Sequence[Rule]] = rules_for,
) -> Examination:
    """Everything that stands against a use; arguments and faults as for :func:`duologue_consent.decisions.policy.decide`."""
    speaker_of(events, speaker_id)
    if not forms:
        raise ValueError(f"no form was named, and who asks for nothing gets no yes; name some of {', '.join(Form)}")
    format_time(as_of)  # refuses a time without a zone
    if not events:
        found = Finding(
            "consent_unknown_speaker", purpose, "the ledger has no event of this speaker", _ENTER_IT, tuple(forms)
        )
        return Examination((found,), (), (), ())
    if recorded_at is None:
        text = "it is not known when the recording was made, so that no consent can be shown to precede it"
        remedy = "give started_at in its manifest line"
        found = Finding("consent_recording_time_unknown", purpose, text, remedy, tuple(forms))
        return Examination((found,), (), (), ())
    findings: list[Finding] = []
    warnings: dict[str, None] = {}
    checks: list[RuleCheck] = []
    grants: dict[ConsentEvent, None] = {}  # an ordered set: the grant then and the grant now are mostly the same
    for needed in dict.fromkeys((Purpose.RECORDING, purpose)):
        own, faults = _standings(events, needed, recorded_at, as_of, forms)
        findings += faults
        minors = {event for event in own if _was_minor(events, event, as_of)}
        findings += _minor_faults(needed, minors, forms) + _retention_faults(needed, own, recorded_at, as_of, forms)
        for check in _rule_checks(needed, own, minors, jurisdiction, rules):
            checks.append(check)
            if check.rule.is_warning:
                warnings[f"{check.rule.rule_id} ({check.rule.citation}): {check.rule.text}"] = None
            elif check.unmet is not None:
                text = f"does not meet {check.rule.rule_id} ({check.rule.citation}): {check.unmet}"
                remedy = f"{check.rule.cure}; {_ENTER_FULLY}" if check.rule.cure else _ENTER_FULLY
                findings.append(
                    Finding("consent_jurisdiction_requirement", needed, text, remedy, tuple(forms), check.rule.rule_id)
                )
        grants |= dict.fromkeys(own)
    for warning in _warnings(list(grants), jurisdiction, rules):
        warnings[warning] = None
    # sorted() keeps the order of equals, and the loop above goes in the order of rule 7
    findings.sort(key=lambda finding: _MOST_SERIOUS_FIRST.index(finding.reason))
    return Examination(tuple(findings), tuple(warnings), tuple(checks), tuple(grants))


def _standings(
    events: Sequence[ConsentEvent], purpose: Purpose, recorded_at: datetime, as_of: datetime, forms: Sequence[Form]
) -> tuple[list[ConsentEvent], list[Finding]]:
    """The grants of a purpose then and now, and what is wrong with how it stands."""
    recorded_text = format_time(recorded_at)
    grants: dict[ConsentEvent, None] = {}
    findings = []
    now_by_form = {form: standing(events, purpose, as_of, form=form) for form in forms}
    then_by_form = {form: standing(events, purpose, recorded_at, form=form, known_at=as_of) for form in forms}
    for place in (*then_by_form.values(), *now_by_form.values()):
        if place.event is not None and _is_grant(place):
            grants[place.event] = None  # also one that is over or too narrow: all that is wrong with it is told
    for place, own in _grouped(now_by_form).items():
        if place.state is State.GIVEN:
            continue
        # No clock in the text: it is published, and the same input must give the same bytes.
        found = _found(place, own) or "has not been given"
        remedy = _cover(own) if place.state is State.NOT_COVERED else _REMEDY_NOW.get(place.state, _LEAVE_OUT)
        findings.append(Finding(_REASON_OF_STATE[place.state], purpose, found, remedy, own))
    # what stands against it now just as then has been said
    changed = {form: place for form, place in then_by_form.items() if place != now_by_form[form]}
    for place, own in _grouped(changed).items():
        if place.state is State.GIVEN:
            continue
        if place.state is State.NOT_ASKED:
            given = all(_is_grant(now_by_form[form]) for form in own)
            verb = "was given after" if given else "had not been given when"
            found = f"{verb} the recording was made at {recorded_text}"
            findings.append(Finding("consent_after_recording", purpose, found, _ENTER_IT, own))
        elif place.state is State.INVALIDATED:
            findings.append(Finding("consent_invalidated", purpose, str(_found(place, own)), _LEAVE_OUT, own))
        else:
            found = f"{_found(place, own)}, before the recording was made at {recorded_text}"
            remedy = _cover(own) if place.state is State.NOT_COVERED else _NOT_COVERED
            findings.append(Finding(_REASON_OF_STATE[place.state], purpose, found, remedy, own))
    return list(grants), findings


def _is_grant(place: Standing) -> bool:
    return place.event is not None and place.event.action is Action.GRANT


def _grouped(places: dict[Form, Standing]) -> dict[Standing, tuple[Form, ...]]:
    """The forms by how they stand, so that what is true of all is said once."""
    groups: dict[Standing, tuple[Form, ...]] = {}
    for form, place in places.items():
        groups[place] = (*groups.get(place, ()), form)
    return groups


def _was_minor(events: Sequence[ConsentEvent], grant: ConsentEvent, as_of: datetime) -> bool:
    return any(event.terms.age_band is AgeBand.MINOR and grant.at <= event.at <= as_of for event in events)


def _minor_faults(purpose: Purpose, minors: set[ConsentEvent], forms: Sequence[Form]) -> list[Finding]:
    alone = sorted((event for event in minors if event.terms.guardian is None), key=lambda event: event.seq)
    remedy = (
        "if a parent or guardian agreed, enter the decision again with its own --at, --age-band minor and "
        f"--guardian REFERENCE, otherwise {_LEAVE_OUT}"
    )
    return [
        Finding(
            "consent_minor",
            purpose,
            f"was given at {format_time(event.at)} by a minor, and no guardian is on record",
            remedy,
            tuple(forms),
        )
        for event in alone[:1]
    ]


def _retention_faults(
    purpose: Purpose, grants: Sequence[ConsentEvent], recorded_at: datetime, as_of: datetime, forms: Sequence[Form]
) -> list[Finding]:
    days = min((event.terms.retention_days for event in grants if event.terms.retention_days is not None), default=None)
    if days is None or recorded_at + timedelta(days=days) > as_of:
        return []
    until = format_time(recorded_at + timedelta(days=days))
    found = f"allows the recording to be kept for {days} days, until {until}"
    return [Finding("consent_retention_over", purpose, found, f"delete the recording or {_RENEW}", tuple(forms))]


def _rule_checks(
    purpose: Purpose,
    grants: Sequence[ConsentEvent],
    minors: set[ConsentEvent],
    jurisdiction: str | None,
    rules: Callable[[str], Sequence[Rule]],
) -> list[RuleCheck]:
    """Each rule of each place of each grant, once a rule and place: the first grant that does not meet it counts."""
    checks: dict[tuple[str, str], RuleCheck] = {}
    for grant in grants:
        for place in _places([grant], jurisdiction):
            for rule in rules(place):
                if purpose not in rule.purposes:
                    continue
                key = (rule.rule_id, place)
                missing = unmet(rule, grant, minor=grant in minors, place=place)
                if key not in checks or (checks[key].unmet is None and missing is not None):
                    checks[key] = RuleCheck(rule, place, purpose, missing)
    return list(checks.values())


def _places(grants: Sequence[ConsentEvent], jurisdiction: str | None) -> list[str]:
    named = (jurisdiction, *(grant.terms.jurisdiction for grant in grants))
    return list(dict.fromkeys(place for place in named if place is not None))


def _warnings(
    grants: Sequence[ConsentEvent], jurisdiction: str | None, rules: Callable[[str], Sequence[Rule]]
) -> list[str]:
    warnings = []
    places = _places(grants, jurisdiction)
    if not places:
        warnings.append("it is not known where the speaker was, so that only the base rule was applied")
    warnings += [
        f"there are no rules for {place} in this version, so that only the base rule was applied"
        for place in places
        if not rules(place)
    ]
    if grants and all(grant.terms.age_band is AgeBand.UNKNOWN for grant in grants):
        warnings.append("it is not known whether the speaker was an adult; enter the decision with --age-band")
    return warnings


def speaker_of(events: Sequence[ConsentEvent], speaker_id: str | None) -> str:
    """The one speaker whose the events are, by ``speaker_id`` where there are none.

    Raises:
        ValueError: they are of several speakers.
    """
    speakers = {event.speaker_id for event in events} | ({speaker_id} if speaker_id is not None else set())
    if len(speakers) > 1:
        raise ValueError(f"the events are of {len(speakers)} speakers ({', '.join(sorted(speakers))}); pass one's own")
    return next(iter(speakers), "(not named)")


def _found(place: Standing, forms: tuple[Form, ...]) -> str | None:
    """What the standing says of a consent that is not live, None where nobody was asked."""
    if place.event is None:
        return None
    if place.state is State.EXPIRED and place.event.expires_at is not None:
        return f"expired at {format_time(place.event.expires_at)}"
    if place.state is State.NOT_COVERED:
        given = ", ".join(place.event.terms.forms) or "no form"
        return f"was given at {format_time(place.event.at)} for {given} and not for {', '.join(forms)}"
    by = f" by the {place.event.terms.decided_by}" if place.state in (State.REVOKED, State.INVALIDATED) else ""
    return f"was {place.state}{by} at {format_time(place.event.at)}"


def _cover(forms: tuple[Form, ...]) -> str:
    options = " ".join(f"--form {form}" for form in forms)
    without = " and ".join(_RUN_WITHOUT.get(form, "") for form in forms)
    otherwise = f"run {without}" if _RUN_WITHOUT.keys() >= set(forms) else _LEAVE_OUT
    return (
        f"if the speaker agreed to it, enter the decision again with its own --at and {options}, otherwise {otherwise}"
    )
