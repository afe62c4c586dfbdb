"""Decides whether the events of a speaker allow a use of a recording. Pure: no clock, no file but those of the law.

What is looked at and what is found stands in :mod:`duologue_consent.decisions.examination`; here is the rule and its answer.

1. How a purpose stands at a moment for a form is said in :mod:`duologue_consent.decisions.standing`.
2. A use is allowed iff for the purpose itself and for ``recording``, and for every form that is used, a live grant stands
   both now (``as_of``; every denial in the log counts) and at the moment the recording was made. So consent precedes the recording, a withdrawal ends it,
   and a grant given again later serves only recordings made while consent was in force. Of a recording that was made some time
   in an interval, each rule takes the safer end (:mod:`duologue_consent.decisions.recorded`).
3. Unknown is no: a speaker without events, a purpose without an answer, a form that no grant names, a recording without a
   time. One thing unknown is let through with a warning: the speaker's age.
4. A grant by a minor counts only with a guardian's record. Who was a minor at one decision was one at all before.
5. Where a grant limits retention the recording may be used no longer than that after it was made, or can have been made first.
6. Rules of the jurisdiction where the speaker was, by the manifest and by the grants relied on, add requirements
   (:mod:`duologue_consent.decisions.jurisdictions.rules`). They only ever add findings, and any finding is a no.
7. Where several faults hold, one is reported: the unknown speaker, then the unknown recording time, then the most
   serious by the list below; of equals that of ``recording`` before that of the purpose, and now before then.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from duologue_consent.decisions.events import ConsentEvent, Purpose, format_time
from duologue_consent.decisions.examination import examine, speaker_of
from duologue_consent.decisions.finding import describe
from duologue_consent.decisions.in_force import RUN_WITHOUT
from duologue_consent.decisions.jurisdictions.rules import Rule, rules_for
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = ["Decision", "Grant", "decide"]


@dataclass(frozen=True)
class Grant:
    """Names a ledger event on which a permission rests, as outputs do (times as RFC 3339 text)."""

    purpose: str
    event_sha256: str
    granted_at: str
    expires_at: str | None


@dataclass(frozen=True)
class Decision:
    """Holds the answer for one speaker and one purpose.

    ``reason`` is None where allowed, else one of the ``consent_*`` reject codes. ``grants`` are the events that allow
    it, ``recording`` first, and empty where not allowed.
    """

    allowed: bool
    reason: str | None
    detail: str
    grants: tuple[Grant, ...]


def decide(
    events: Sequence[ConsentEvent],
    purpose: str,
    recorded_at: datetime | Recorded | None,
    as_of: datetime,
    *,
    speaker_id: str | None = None,
    forms: Iterable[Form] = ALL_FORMS,
    jurisdiction: str | None = None,
    rules: Callable[[str], Sequence[Rule]] = rules_for,
    run_without: Mapping[Form, str] = RUN_WITHOUT,
) -> Decision:
    """Decides whether one speaker allows a recording to be used for a purpose; the rule stands on top of this module.

    Args:
        events: all events of this speaker, and of nobody else, in any order.
        purpose: one of :class:`~duologue_consent.decisions.events.Purpose`.
        recorded_at: when the recording was made, aware, or the interval in which it was; None where it is not known.
        as_of: the moment for which the answer is asked, aware: usually the start of the run. It says which grants have
            begun or are over; a denial counts whatever it is.
        speaker_id: only for the ``detail`` of a speaker without events; else the events name the speaker.
        forms: what of the recording is used; all that there is if not said.
        jurisdiction: where the speaker was by the manifest, ISO 3166; None where it does not say.
        rules: what the law of a jurisdiction adds.
        run_without: form -> how the run leaves it out, for the remedy.

    Raises:
        ValueError: the purpose or a form is none, no form is named, a time has no zone, or the events are not all of one speaker.
    """
    asked = Purpose(purpose)
    used = tuple(map(Form, forms))
    examination = examine(
        events,
        asked,
        recorded_at,
        as_of,
        speaker_id=speaker_id,
        forms=used,
        jurisdiction=jurisdiction,
        rules=rules,
        run_without=run_without,
    )
    head = f"Speaker {speaker_of(events, speaker_id)!r}, purpose {asked}"
    if not examination.findings:
        recorded = "" if recorded_at is None else f" {Recorded.of(recorded_at).said}"
        detail = f"{head}: consent was in force when the recording was made{recorded} and is at {format_time(as_of)}."
        return Decision(True, None, detail, tuple(map(_grant, examination.grants)))
    worst = examination.findings[0]
    return Decision(False, worst.reason, f"{head}: {describe(worst, asked, used)}; {worst.remedy}.", ())


def _grant(event: ConsentEvent) -> Grant:
    expires_at = None if event.expires_at is None else format_time(event.expires_at)
    return Grant(event.purpose.value, event.sha256, format_time(event.at), expires_at)
