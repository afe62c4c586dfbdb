"""Explains why a recording may be used for a purpose or not, as a JSON document and as text. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from duologue_consent.decisions.events import Purpose, entered_later, format_time, parse_time
from duologue_consent.decisions.examination import Examination, examine
from duologue_consent.decisions.finding import describe
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.vocabulary import Form

__all__ = ["Party", "explain", "explanation_text"]


_TAKEN_OUT: Final = "was taken out by a withdrawal: the track is silence, nobody can tell any more whose it was, and there is nothing to enter"
_UNKNOWN: Final = "the ledger does not know whose pseudonym this is: the speaker was forgotten"
_TAKE_OUT: Final = (
    "take the recording out with `duologue consent propagate`; there is no decision that could be entered"
)


@dataclass(frozen=True)
class Party:
    """Names one speaker of the recording: ``a`` or ``b``, who it is, and where by the manifest (ISO 3166, None if not said).

    Of a release it may be that nobody can tell who it is: ``taken_out`` says that a withdrawal has taken the speaker out, so that there is
    nothing to ask; ``unknown`` that ``speaker_id`` is a pseudonym whose speaker the ledger does not know (any more).
    """

    track: str
    speaker_id: str
    jurisdiction: str | None
    taken_out: bool = False
    unknown: bool = False


def explain(
    snapshot: Snapshot,
    recording_id: str,
    parties: Sequence[Party],
    *,
    purposes: Sequence[Purpose],
    forms: Sequence[Form],
    recorded_at: datetime | Recorded | None,
    as_of: datetime,
) -> dict[str, Any]:
    """Examines a recording for each purpose and says what was found for each speaker, form and rule.

    Args:
        snapshot: of the ledger.
        recording_id: as the manifest names it.
        parties: its speakers.
        purposes, forms: what it would be used for and as.
        recorded_at: when it was made, or the interval in which it was; None where that is not known.
        as_of: the moment for which the answer is asked.

    Returns:
        A JSON document. It names the speakers by their ids: it is for the steward, not for publication.
    """
    recorded = None if recorded_at is None else Recorded.of(recorded_at)
    interval = {} if recorded is None or recorded.is_moment else {"recorded_before": format_time(recorded.latest)}
    return {
        "recording_id": recording_id,
        "recorded_at": None if recorded is None else format_time(recorded.earliest),
        **interval,
        "as_of": format_time(as_of),
        "forms": [form.value for form in forms],
        "purposes": [
            _purpose(snapshot, parties, purpose, forms, recorded_at, as_of) for purpose in dict.fromkeys(purposes)
        ],
    }


def _purpose(
    snapshot: Snapshot,
    parties: Sequence[Party],
    purpose: Purpose,
    forms: Sequence[Form],
    recorded_at: datetime | Recorded | None,
    as_of: datetime,
) -> dict[str, Any]:
    speakers = [_speaker(snapshot, party, purpose, forms, recorded_at, as_of) for party in parties]
    return {
        "purpose": purpose.value,
        "allowed": all(speaker["allowed"] for speaker in speakers),
        "speakers": speakers,
    }


def _speaker(
    snapshot: Snapshot,
    party: Party,
    purpose: Purpose,
    forms: Sequence[Form],
    recorded_at: datetime | Recorded | None,
    as_of: datetime,
) -> dict[str, Any]:
    if party.taken_out:
        return {
            "track": party.track,
            "speaker_id": None,
            "commitment": party.speaker_id,
            "jurisdiction": None,
            "allowed": True,
            "taken_out": True,
            "forms": {},
            "findings": [],
            "look_alikes": [],
            "rules": [],
            "warnings": [],
            "rests_on": [],
        }

    def examined(used: Sequence[Form]) -> Examination:
        return examine(
            snapshot.history(party.speaker_id),
            purpose,
            recorded_at,
            as_of,
            speaker_id=party.speaker_id,
            forms=used,
            jurisdiction=party.jurisdiction,
        )

    whole = examined(forms)
    by_form = {form: examined([form]).findings for form in forms}
    findings = [
        {
            "reason": finding.reason,
            "purpose": finding.purpose.value,
            "forms": [form.value for form in finding.forms],
            "rule": finding.rule_id,
            "text": describe(finding, purpose, forms),
            "cure": finding.remedy,
        }
        for finding in whole.findings
    ]
    decision = snapshot.decide(
        party.speaker_id,
        purpose=purpose,
        recorded_at=recorded_at,
        as_of=as_of,
        forms=forms,
        jurisdiction=party.jurisdiction,
    )
    if not findings and decision.reason is not None:  # of somebody else, whose id looks like this one
        text, _, cure = decision.detail.partition("; ")
        findings.append(
            {
                "reason": decision.reason,
                "purpose": purpose.value,
                "forms": [form.value for form in forms],
                "rule": None,
                "text": text,
                "cure": cure.rstrip("."),
            }
        )
    if party.unknown:
        for each in findings:
            each |= {"text": _UNKNOWN, "cure": _TAKE_OUT}
    return {
        "track": party.track,
        "speaker_id": None if party.unknown else party.speaker_id,
        "commitment": party.speaker_id if party.unknown else snapshot.commitment(party.speaker_id),
        "jurisdiction": party.jurisdiction,
        "allowed": decision.allowed,
        "taken_out": False,
        "forms": {form.value: [finding.reason for finding in found] for form, found in by_form.items()},
        "findings": findings,
        "look_alikes": list(snapshot.look_alikes(party.speaker_id)),
        "rules": [
            {
                "rule": check.rule.rule_id,
                "title": check.rule.title,
                "place": check.jurisdiction,
                "purpose": check.purpose.value,
                "verdict": "warning" if check.rule.is_warning else "met" if check.unmet is None else "not met",
                "unmet": check.unmet,
                "text": check.rule.text,
                "citation": check.rule.citation,
                "url": check.rule.url,
                "read": check.rule.read,
            }
            for check in whole.checks
        ],
        "warnings": list(whole.warnings),
        "rests_on": [
            {
                "seq": event.seq,
                "purpose": event.purpose.value,
                "at": format_time(event.at),
                "entered_at": None if event.entered_at is None else format_time(event.entered_at),
                "leaf_sha256": event.sha256,
            }
            for event in whole.grants
        ],
    }


def explanation_text(explanation: Mapping[str, Any], *, details: bool) -> str:
    """Writes an explanation for a person: one sentence, and for each speaker what stands against it and what cures it.

    Args:
        explanation: of :func:`explain`.
        details: whether it also says which forms, which rules of the places, and what a yes rests on.
    """
    lines = [_verdict(explanation)]
    speakers = [speaker for purpose in explanation["purposes"] for speaker in purpose["speakers"]]
    if not details:
        against = [
            f"{speaker['track']}  {_name(speaker)}: {finding['text']}\n   to do: {finding['cure']}"
            for speaker in speakers
            for finding in speaker["findings"]
        ]
        taken_out = [f"{speaker['track']}  {_TAKEN_OUT}" for speaker in speakers if speaker["taken_out"]]
        return "\n".join([*lines, *dict.fromkeys([*against, *taken_out])]) + "\n"
    recorded = explanation["recorded_at"] or "at a time that is not known"
    if "recorded_before" in explanation:
        recorded = f"between {recorded} and {explanation['recorded_before']}"
    as_of = format_time(parse_time(explanation["as_of"]).replace(microsecond=0))
    lines.append(f"{explanation['recording_id']}, recorded {recorded}, asked for {as_of}")
    for purpose in explanation["purposes"]:
        refusing = [speaker["track"] for speaker in purpose["speakers"] if not speaker["allowed"]]
        verdict = "passes" if purpose["allowed"] else f"does not pass, because of {' and '.join(refusing)}"
        lines += ["", f"{purpose['purpose']}: {verdict}"]
        for speaker in purpose["speakers"]:
            lines += ["", *_speaker_lines(speaker)]
    lines += ["", "Rules of places are a help for the steward and no legal advice."]
    return "\n".join(lines) + "\n"


def _verdict(explanation: Mapping[str, Any]) -> str:
    yes, no = ([each for each in explanation["purposes"] if each["allowed"] is allowed] for allowed in (True, False))
    name, allowed, refused = (
        explanation["recording_id"],
        *(", ".join(each["purpose"] for each in purposes) for purposes in (yes, no)),
    )
    if not no:
        return f"{name} may be used for {allowed}."
    who = " and ".join(
        dict.fromkeys(
            f"{each['track']} ({_name(each)})" for purpose in no for each in purpose["speakers"] if not each["allowed"]
        )
    )
    if not yes:
        return f"{name} may not be used for {refused}, because of {who}."
    return f"{name} may be used for {allowed}, and not for {refused}, because of {who}."


def _name(speaker: Mapping[str, Any]) -> str:
    return str(speaker["speaker_id"] or speaker["commitment"][:12])


def _speaker_lines(speaker: Mapping[str, Any]) -> Iterator[str]:
    if speaker["taken_out"]:
        yield f"  {speaker['track']}  {_TAKEN_OUT}"
        return
    where = speaker["jurisdiction"] or "place not known"
    yield f"  {speaker['track']}  {_name(speaker)} ({speaker['commitment'][:12]}), {where}"
    if speaker["look_alikes"]:
        yield f"     {escaped(speaker['speaker_id'])} looks like {named_by(speaker['look_alikes'])}, in the ledger as well"
    width = max(map(len, speaker["forms"]))
    for form, reasons in speaker["forms"].items():
        yield f"     {form:<{width}}  {'no: ' + ', '.join(dict.fromkeys(reasons)) if reasons else 'yes'}"
    if speaker["findings"]:
        yield "     against it"
        for finding in speaker["findings"]:
            yield f"     - {finding['reason']}: {finding['text']}"
            yield f"       to do: {finding['cure']}"
    # a rule that concerns recording and the purpose alike is said once
    rules = dict.fromkeys(
        f"     - {rule['verdict']}  {rule['rule']} ({rule['citation']}){': ' + rule['unmet'] if rule['unmet'] else ''}"
        for rule in speaker["rules"]
        if rule["verdict"] != "warning"
    )
    if rules:
        yield "     rules of the place"
        yield from rules
    if speaker["warnings"]:
        yield "     warnings"
        yield from (f"     - {warning}" for warning in speaker["warnings"])
    if speaker["rests_on"] and speaker["allowed"]:
        yield f"     rests on {', '.join(map(_event, speaker['rests_on']))}"


def _event(event: Mapping[str, Any]) -> str:
    if not entered_later(event["at"], event["entered_at"]):
        return f"seq {event['seq']} ({event['purpose']}, {event['at']})"
    entered = format_time(parse_time(event["entered_at"]).replace(microsecond=0))
    return f"seq {event['seq']} ({event['purpose']}, given at {event['at']}, entered at {entered})"
