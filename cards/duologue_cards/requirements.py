"""Judges a release by what full-duplex training asks of data: eight requirements, three phases, and what it is usable for.

The requirements and phases are those of fullduplex.ai, "The data ceiling", sections 4 and 8: each requirement alone makes data
unusable. The limits stand beside each verdict; where no source gives one it is said to be our convention. What a program cannot
see, such as how the tracks were recorded, does not pass unless a person has stated it.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from duologue_cards.entry import PURPOSES
from duologue_cards.licenses import forbids, is_known
from duologue_cards.phases import FAIL, FIT, PASS, UNKNOWN, phases
from duologue_cards.phrases import percent
from duologue_cards.reference import limit as reference_limit
from duologue_cards.sheet import Sheet

__all__ = ["Requirement", "judge", "usable_for", "write_requirements"]

_ORDER: Final = (PASS, UNKNOWN, FAIL)
_AT_SOURCE: Final = "separate microphones/lines at source"
_SEPARATED: Final = "separated from a mix"
_LEAST_WORDS: Final = 1000  # of fewer no rate of disfluencies is judged
_TRAINING: Final = ("training_inhouse", "redistribution")
"""The purposes of which one at least must have been asked for where anything is trained."""
_NEEDS: Final = {
    "training": ("consent_per_speaker",),
    "post-training of a full-duplex model": (
        "capture_at_source",
        "dyadic_spontaneous",
        "realistic_overlap",
        "register_coverage",
        "speaker_diversity",
        "consent_per_speaker",
        "redistribution_rights",
        "phase_fit",
    ),
    "in-house training": ("capture_at_source", "dyadic_spontaneous", "realistic_overlap", "consent_per_speaker"),
    "passing on to others": ("consent_per_speaker", "redistribution_rights"),
}


@dataclass(frozen=True)
class Requirement:
    """Holds a verdict on one requirement.

    Attributes:
        id: of the requirement.
        status: ``pass``, ``fail`` or ``unknown``.
        threshold: what it takes to pass.
        says: the evidence, or why it is unknown.
        facts: ids of the facts that it was judged by.
    """

    id: str
    status: str
    threshold: str
    says: str
    facts: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Builds its entry in requirements.json."""
        said = {"reason" if self.status == UNKNOWN else "evidence": self.says}
        return {"id": self.id, "status": self.status, "threshold": self.threshold, **said, "facts": list(self.facts)}


def judge(sheet: Sheet) -> tuple[Requirement, ...]:
    """Judges all eight requirements, in their order."""
    found = [rule(sheet) for rule in _RULES]
    judged = phases(sheet, _statuses(found))
    fits = [phase for phase in judged if phase["fit"] == FIT]
    unclear = [phase for phase in judged if phase["fit"] == UNKNOWN]
    if fits:
        status, says = PASS, "fit for " + ", ".join(phase["id"] for phase in fits)
    elif unclear:
        status, says = UNKNOWN, "; ".join(f"{phase['id']}: {phase['why']}" for phase in unclear)
    else:
        status, says = (
            FAIL,
            "; ".join(f"{phase['id']}: {phase['fit']}, {phase['why']}" for phase in judged),
        )
    return (*found, Requirement("phase_fit", status, "fit for one phase of training at least", says, ("duration_s",)))


def _statuses(found: Iterable[Requirement]) -> dict[str, str]:
    return {each.id: each.status for each in found}


def usable_for(sheet: Sheet, found: tuple[Requirement, ...]) -> list[dict[str, str]]:
    """Says what a release is usable for: no better than the worst of what the use needs."""
    uses = []
    for use, needs in _NEEDS.items():
        needed = [each for each in found if each.id in needs]
        worst = max((each.status for each in needed), key=_ORDER.index, default=PASS)
        because = "; ".join(f"{each.id}: {each.says}" for each in needed if each.status == worst and worst != PASS)
        if use != "passing on to others" and sheet.facts.codec.name == "embedded":
            worst, because = (
                FAIL,
                "the tokens are of the codec embedded, which is for trying things out and not for training",
            )
        elif use != "passing on to others" and not set(_TRAINING) & set(sheet.facts.purposes):
            worst, because = (
                FAIL,
                f"consent to training was not asked for, but to {', '.join(sheet.facts.purposes) or 'nothing'}",
            )
        uses.append({"use": use, "status": worst, "because": because or "all that it needs passes"})
    return uses


def write_requirements(sheet: Sheet) -> str:
    """Writes the text of cards/requirements.json."""
    found = judge(sheet)
    document = {
        "schema": "requirements/1.0",
        "source": 'fullduplex.ai, "The data ceiling", sections 4 and 8',
        "requirements": [each.document() for each in found],
        "phases": phases(sheet, _statuses(found)),
        "usable_for": usable_for(sheet, found),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _capture_at_source(sheet: Sheet) -> Requirement:
    evidence, limit_db = sheet.evidence, sheet.rules.warn_above_db
    threshold = (
        "95 % of the hours pass and none fails, and it is stated that each voice had a microphone or a line of its own; fails "
        f"with one signal on both tracks, a mix, a swap, or more than 5 % of the hours above {limit_db:g} dB"
    )
    facts = ("isolation_pass", "isolation_fail", "isolation_undetermined", "isolation_bleeding_s", "stated.capture")
    broken = {fault: count for fault, count in evidence.broken.items() if count}
    hours, verdicts = evidence.hours, evidence.isolation_hours
    share = {name: verdicts.get(name, 0.0) / hours if hours else 0.0 for name in ("pass", "fail", "undetermined")}
    capture = sheet.stated.get("capture")
    if broken:
        told = ", ".join(f"{fault} in {count:,}" for fault, count in broken.items())
        status, says = FAIL, f"faults of the tracks: {told} of {evidence.conversations:,} conversations"
    elif hours and evidence.bleeding_hours / hours > 0.05:
        status, says = (
            FAIL,
            f"the other voice is above {limit_db:g} dB in {percent(evidence.bleeding_hours / hours)} of the hours",
        )
    elif capture == _SEPARATED:
        status, says = FAIL, f"stated: {capture}"
    elif not hours:
        status, says = UNKNOWN, "there is no conversation with both voices"
    elif share["undetermined"] > 0.05:
        status, says = UNKNOWN, f"isolation could not be determined in {percent(share['undetermined'])} of the hours"
    elif capture is None:
        status = UNKNOWN
        says = "nobody has stated how it was recorded, and no measurement can tell a good separation from isolation at source"
    elif capture != _AT_SOURCE:
        status, says = UNKNOWN, f"stated: {capture}, which does not tell whether each voice had a line of its own"
    elif share["pass"] >= 0.95 and not share["fail"]:
        status, says = PASS, f"{percent(share['pass'])} of the hours pass, none fails; stated: {capture}"
    else:
        status, says = UNKNOWN, f"{percent(share['pass'])} of the hours pass, {percent(share['fail'])} fail"
    return Requirement("capture_at_source", status, threshold, says, facts)


def _dyadic_spontaneous(sheet: Sheet) -> Requirement:
    evidence = sheet.evidence
    threshold = (
        "each speaker holds 10 % of the speech in 90 % of the conversations, with disfluencies and backchannels, and it is "
        "stated that people spoke freely; fails if synthetic, one-sided, or with less than 1 disfluency per 100 written words"
    )
    facts = (
        "quieter_share",
        "balanced_share",
        "disfluencies",
        "disfluencies_per_100_words",
        "backchannels_per_minute",
        "stated.spontaneous",
    )
    per_100 = evidence.disfluencies_per_100_words
    if sheet.facts.synthetic:
        status, says = FAIL, f"{sheet.facts.synthetic:,} of {sheet.facts.recordings:,} conversations are synthetic"
    elif sheet.stated.get("spontaneous") is False:
        status, says = FAIL, "stated: not spontaneous"
    elif evidence.quieter_share is None or evidence.balanced_share is None:
        status, says = UNKNOWN, "there is no speech of two"
    elif evidence.quieter_share < 0.10:
        status, says = FAIL, f"who speaks less holds {percent(evidence.quieter_share)} of the speech on average"
    elif evidence.transcribed_words >= _LEAST_WORDS and per_100 is not None and per_100 < 1:
        status, says = FAIL, f"{per_100:.2f} disfluencies per 100 words of the tracks with a written transcript"
    elif "spontaneous" not in sheet.stated:
        status, says = UNKNOWN, "nobody has stated whether people spoke freely"
    elif not (evidence.balanced_share >= 0.90 and evidence.disfluencies and evidence.backchannels):
        status = UNKNOWN
        says = (
            f"both take part in {percent(evidence.balanced_share)} of the conversations; {evidence.disfluencies:,} "
            f"disfluencies, {evidence.backchannels:,} backchannels"
        )
    else:
        status = PASS
        says = f"both take part in {percent(evidence.balanced_share)} of the conversations; stated: spontaneous"
    return Requirement("dyadic_spontaneous", status, threshold, says, facts)


def _realistic_overlap(sheet: Sheet) -> Requirement:
    threshold = (
        "the Wasserstein-1 distance of the floor-transfer offsets to those of people is at most the 99th percentile of as many "
        f"human calls, {sheet.reference.lowest_limit_s:g} s at least"
    )
    facts = (
        "fto_distance_s",
        "fto_distance_limit_s",
        "fto_median_s",
        "overlapped_transfers_share",
        "overlap_share_of_speech",
    )
    distance, limit = sheet.value("fto_distance_s"), sheet.value("fto_distance_limit_s")
    if distance is None:
        return Requirement("realistic_overlap", UNKNOWN, threshold, sheet.why("fto_distance_s"), facts)
    usual = reference_limit(sheet.reference, sheet.evidence.conversations, lambda row: row.distance_p95_s)
    says = (
        f"{distance:.3f} s, limit {limit:.3f} s, 95 % of human calls within {usual:.3f} s; the reference comes from word times, these offsets from voice activity "
        f"({sheet.reference.source})"
    )
    return Requirement("realistic_overlap", PASS if distance <= limit else FAIL, threshold, says, facts)


def _register_coverage(sheet: Sheet) -> Requirement:
    threshold = (
        "3 effective registers (exp of the entropy of the hours), none with more than 60 %; where no register is named the "
        "setting counts, else the topic; our convention"
    )
    facts = ("registers", "settings")
    hours = sheet.evidence.registers
    total = math.fsum(hours.values())
    named = {name: value for name, value in hours.items() if name is not None}
    if not total or total - math.fsum(named.values()) > 0.20 * total:
        says = "more than 20 % of the hours name neither register nor setting nor topic; emotions are never known"
        return Requirement("register_coverage", UNKNOWN, threshold, says, facts)
    shares = [value / math.fsum(named.values()) for value in named.values() if value]
    effective = math.exp(-math.fsum(share * math.log(share) for share in shares))
    good = effective >= 3 - 1e-9 and max(shares) <= 0.60
    told = math.floor(100 * (effective + 1e-9)) / 100  # not rounded up to a limit that it does not reach
    says = (
        f"{told:.2f} effective registers (registers, else settings, else topics), the largest with {percent(max(shares))} of "
        "the hours that name one"
    )
    return Requirement("register_coverage", PASS if good else FAIL, threshold, says, facts)


def _speaker_diversity(sheet: Sheet) -> Requirement:
    threshold = (
        "100 effective speakers, none with more than 5 % of the recorded time; our convention, no published source"
    )
    facts = ("effective_speakers", "top_speaker_share", "speakers", "speakers_by_dialect")
    effective, top = sheet.evidence.effective_speakers, sheet.evidence.top_speaker_share
    if effective is None or top is None:
        return Requirement("speaker_diversity", UNKNOWN, threshold, "there is no speaker", facts)
    says = f"{effective:.1f} effective speakers, the most recorded with {percent(top)}; {_accents(sheet)}"
    return Requirement("speaker_diversity", PASS if effective >= 100 and top <= 0.05 else FAIL, threshold, says, facts)


def _accents(sheet: Sheet) -> str:
    named = sheet.value("speakers_by_dialect")
    return "accents are not known" if named is None else f"accents of some are known ({len(named)} groups)"


def _consent_per_speaker(sheet: Sheet) -> Requirement:
    facts = ("purposes", "consent_notices", "consent_checked_at", "ledger_id", "ledger_events", "ledger_root")
    asked = [purpose for purpose in sheet.facts.purposes if purpose in PURPOSES]
    total, consent = sheet.facts.recordings, sheet.facts.consent
    threshold = (
        "both speakers of every conversation: a grant for each purpose by itself, that names its notice, was in force when it was "
        "recorded and at the moment of the check; 100 % or it fails"
    )
    if not asked:
        return Requirement("consent_per_speaker", FAIL, threshold, "no purpose was asked for", facts)
    passed = f"all {total:,} conversations passed the ledger for {', '.join(asked)} at its checkpoint of {sheet.facts.ledger.events:,} records"
    if consent is None:
        says = f"{passed}; whether the grants name a notice is not known: {sheet.why('consent_notices')}"
        return Requirement("consent_per_speaker", UNKNOWN, threshold, says, facts)
    when = f"checked for {consent.checked_at}"
    short = [purpose for purpose in asked if purpose not in sheet.in_force]
    if short:
        says = f"not all conversations are covered any more for {', '.join(short)}, {when}: `duologue consent propagate` takes them out"
        return Requirement("consent_per_speaker", FAIL, threshold, says, facts)
    if consent.notices != total:
        says = (
            f"{passed}, {when}; but the grants of {total - consent.notices:,} name no notice that the speaker was shown "
            "(`duologue consent grant --notice`)"
        )
        return Requirement("consent_per_speaker", FAIL, threshold, says, facts)
    says = f"{passed}, each purpose by a grant of its own that names its notice, {when}; consent may have ended since: `duologue consent propagate` looks again"
    return Requirement("consent_per_speaker", PASS, threshold, says, facts)


def _redistribution_rights(sheet: Sheet) -> Requirement:
    threshold = "both speakers allow redistribution, and every licence allows it, commercially too"
    facts = ("purposes", "licenses")
    bad = [
        each.value
        for each in sheet.facts.licenses
        if each.value and (forbids(each.value, "NC") or forbids(each.value, "ND"))
    ]
    unknown = sum(each.count for each in sheet.facts.licenses if each.value is None)
    unread = [each.value for each in sheet.facts.licenses if each.value and not is_known(each.value)]
    if sheet.not_passed_on:
        status, says = FAIL, sheet.not_passed_on
    elif bad:
        status, says = FAIL, f"licences that forbid it: {', '.join(bad)}"
    elif unknown:
        status, says = UNKNOWN, f"{unknown:,} conversations have no licence stated"
    elif unread:
        status, says = UNKNOWN, f"licences that no program can read: {', '.join(unread)}"
    else:
        status, says = PASS, "both speakers of every conversation allow it, and so do the licences"
    return Requirement("redistribution_rights", status, threshold, says, facts)


_RULES: Final[tuple[Callable[[Sheet], Requirement], ...]] = (
    _capture_at_source,
    _dyadic_spontaneous,
    _realistic_overlap,
    _register_coverage,
    _speaker_diversity,
    _consent_per_speaker,
    _redistribution_rights,
)
