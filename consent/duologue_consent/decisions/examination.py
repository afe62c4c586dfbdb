"""Examines all that stands for and against a use of a recording by one speaker. Pure: no clock, no file but those of the law.

:func:`duologue_consent.decisions.policy.decide` answers from it, and ``duologue consent explain`` shows it. The rule itself stands in
:mod:`duologue_consent.decisions.policy`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from duologue_consent.decisions.events import ConsentEvent, Purpose, format_time
from duologue_consent.decisions.finding import ENTER_FULLY, ENTER_IT, LEAVE_OUT, RENEW, Finding, most_serious_first
from duologue_consent.decisions.in_force import RUN_WITHOUT, consent_in_force
from duologue_consent.decisions.jurisdictions.rules import Rule, rules_for, unmet
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.vocabulary import ALL_FORMS, AgeBand, Form

__all__ = ["Examination", "RuleCheck", "examine", "speaker_of"]


@dataclass(frozen=True)
class RuleCheck:
    """Holds a rule of a jurisdiction, and what of it is not met (None: all is met, or it is a warning)."""

    rule: Rule
    jurisdiction: str
    purpose: Purpose
    unmet: str | None


@dataclass(frozen=True)
class Examination:
    """Holds all that is to be said for and against a use; a ``Decision`` is its short form.

    ``findings`` are in the order of rule 7, ``warnings`` are sentences that forbid nothing.
    """

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    checks: tuple[RuleCheck, ...]
    grants: tuple[ConsentEvent, ...]


def examine(
    events: Sequence[ConsentEvent],
    purpose: Purpose,
    recorded_at: datetime | Recorded | None,
    as_of: datetime,
    *,
    speaker_id: str | None = None,
    forms: Sequence[Form] = ALL_FORMS,
    jurisdiction: str | None = None,
    rules: Callable[[str], Sequence[Rule]] = rules_for,
    run_without: Mapping[Form, str] = RUN_WITHOUT,
) -> Examination:
    """Examines a use; arguments and faults are those of :func:`duologue_consent.decisions.policy.decide`."""
    speaker_of(events, speaker_id)
    if not forms:
        raise ValueError(f"no form was named, and who asks for nothing gets no yes; name some of {', '.join(Form)}")
    format_time(as_of)  # refuses a time without a zone
    if not events:
        found = Finding(
            "consent_unknown_speaker", purpose, "the ledger has no event of this speaker", ENTER_IT, tuple(forms)
        )
        return Examination((found,), (), (), ())
    if recorded_at is None:
        text = "it is not known when the recording was made, so that no consent can be shown to precede it"
        remedy = "give started_at in its manifest line"
        found = Finding("consent_recording_time_unknown", purpose, text, remedy, tuple(forms))
        return Examination((found,), (), (), ())
    recorded = Recorded.of(recorded_at)
    findings: list[Finding] = []
    warnings: dict[str, None] = {}
    checks: list[RuleCheck] = []
    grants: dict[ConsentEvent, None] = {}  # an ordered set: the grant then and the grant now are mostly the same
    for needed in dict.fromkeys((Purpose.RECORDING, purpose)):
        own, faults = consent_in_force(events, needed, recorded, as_of, forms, run_without=run_without)
        findings += faults
        minors = {event for event in own if _was_minor(events, event, as_of)}
        findings += _minor_faults(needed, minors, forms) + _retention_faults(
            needed, own, recorded.earliest, as_of, forms
        )
        for check in _rule_checks(needed, own, minors, jurisdiction, rules):
            checks.append(check)
            if check.rule.is_warning:
                warnings[f"{check.rule.rule_id} ({check.rule.citation}): {check.rule.text}"] = None
            elif check.unmet is not None:
                text = f"does not meet {check.rule.rule_id} ({check.rule.citation}): {check.unmet}"
                remedy = f"{check.rule.cure}; {ENTER_FULLY}" if check.rule.cure else ENTER_FULLY
                findings.append(
                    Finding("consent_jurisdiction_requirement", needed, text, remedy, tuple(forms), check.rule.rule_id)
                )
        grants |= dict.fromkeys(own)
    for warning in _warnings(list(grants), jurisdiction, rules):
        warnings[warning] = None
    return Examination(tuple(most_serious_first(findings)), tuple(warnings), tuple(checks), tuple(grants))


def _was_minor(events: Sequence[ConsentEvent], grant: ConsentEvent, as_of: datetime) -> bool:
    return any(event.terms.age_band is AgeBand.MINOR and grant.at <= event.at <= as_of for event in events)


def _minor_faults(purpose: Purpose, minors: set[ConsentEvent], forms: Sequence[Form]) -> list[Finding]:
    alone = sorted((event for event in minors if event.terms.guardian is None), key=lambda event: event.seq)
    remedy = (
        "if a parent or guardian agreed, enter the decision again with its own --at, --age-band minor and "
        f"--guardian REFERENCE, otherwise {LEAVE_OUT}"
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
    return [Finding("consent_retention_over", purpose, found, f"delete the recording or {RENEW}", tuple(forms))]


def _rule_checks(
    purpose: Purpose,
    grants: Sequence[ConsentEvent],
    minors: set[ConsentEvent],
    jurisdiction: str | None,
    rules: Callable[[str], Sequence[Rule]],
) -> list[RuleCheck]:
    """Checks each rule of each jurisdiction of each grant once; the first grant that does not meet it counts."""
    checks: dict[tuple[str, str], RuleCheck] = {}
    for grant in grants:
        for code in _jurisdictions([grant], jurisdiction):
            for rule in rules(code):
                if purpose not in rule.purposes:
                    continue
                key = (rule.rule_id, code)
                missing = unmet(rule, grant, minor=grant in minors, jurisdiction=code)
                if key not in checks or (checks[key].unmet is None and missing is not None):
                    checks[key] = RuleCheck(rule, code, purpose, missing)
    return list(checks.values())


def _jurisdictions(grants: Sequence[ConsentEvent], jurisdiction: str | None) -> list[str]:
    named = (jurisdiction, *(grant.terms.jurisdiction for grant in grants))
    return list(dict.fromkeys(code for code in named if code is not None))


def _warnings(
    grants: Sequence[ConsentEvent], jurisdiction: str | None, rules: Callable[[str], Sequence[Rule]]
) -> list[str]:
    warnings = []
    codes = _jurisdictions(grants, jurisdiction)
    if not codes:
        warnings.append("it is not known where the speaker was, so that only the base rule was applied")
    warnings += [
        f"there are no rules for {code} in this version, so that only the base rule was applied"
        for code in codes
        if not rules(code)
    ]
    if grants and all(grant.terms.age_band is AgeBand.UNKNOWN for grant in grants):
        warnings.append("it is not known whether the speaker was an adult; enter the decision with --age-band")
    return warnings


def speaker_of(events: Sequence[ConsentEvent], speaker_id: str | None) -> str:
    """Names the one speaker whose the events are; it is ``speaker_id`` where there are none.

    Raises:
        ValueError: they are of several speakers.
    """
    speakers = {event.speaker_id for event in events} | ({speaker_id} if speaker_id is not None else set())
    if len(speakers) > 1:
        raise ValueError(f"the events are of {len(speakers)} speakers ({', '.join(sorted(speakers))}); pass one's own")
    return next(iter(speakers), "(not named)")
