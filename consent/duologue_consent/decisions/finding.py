"""Describes what stands against a use of a recording: its reason code, its words and its remedy. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duologue_consent.decisions.events import Purpose
from duologue_consent.decisions.vocabulary import Form

__all__ = ["ENTER_AGAIN", "ENTER_FULLY", "ENTER_IT", "LEAVE_OUT", "RENEW", "Finding", "describe", "most_serious_first"]

LEAVE_OUT: Final = "leave the recording out"
ENTER_IT: Final = (
    "if the speaker agreed before the recording was made, enter it with `duologue consent grant --at TIME`, "
    f"otherwise {LEAVE_OUT}"
)
RENEW: Final = f"ask the speaker and enter a new grant with `duologue consent grant`, or {LEAVE_OUT}"
ENTER_FULLY: Final = (
    "if the record is only incomplete, enter the decision again with its own --at and what is missing, "
    f"otherwise {LEAVE_OUT}"
)
ENTER_AGAIN: Final = "if the grant of {at} was given after that, enter it again with its own --at"
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


@dataclass(frozen=True)
class Finding:
    """Names one thing that stands against a use.

    Attributes:
        reason: the reject code.
        purpose: whose consent it is about: the purpose asked for, or ``recording``.
        found: what was found, as the rest of a sentence that begins "consent for PURPOSE".
        remedy: what to do.
        forms: which it concerns.
        rule_id: the rule of a jurisdiction that is not met, if it is one.
    """

    reason: str
    purpose: Purpose
    found: str
    remedy: str
    forms: tuple[Form, ...]
    rule_id: str | None = None


def describe(finding: Finding, asked: Purpose, used: Sequence[Form]) -> str:
    """Puts a finding into a clause, without its remedy; ``asked`` and ``used`` are the purpose and forms that were asked for."""
    if finding.reason in ("consent_unknown_speaker", "consent_recording_time_unknown"):
        return finding.found
    forms = f" as {', '.join(finding.forms)}" if set(finding.forms) != set(used) else ""
    precondition = f", which {asked} needs," if finding.purpose is not asked else ""
    return f"consent for {finding.purpose}{forms}{precondition} {finding.found}"


def most_serious_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sorts findings by how serious their reason is (rule 7 of the policy); equals keep their order."""
    return sorted(findings, key=lambda finding: _MOST_SERIOUS_FIRST.index(finding.reason))
