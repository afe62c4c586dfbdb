"""The rule by which the events of a speaker allow a use or not. Pure: no file, no clock.

1. The *standing* of a purpose at a moment is its event with the greatest (at, seq) among those with at <= the moment.
   A grant whose ``expires_at`` is not after the moment is expired.
2. A use is allowed iff for the purpose itself and for ``recording`` the standing is a live grant both now (``as_of``)
   and at the moment the recording was made. So consent precedes the recording, a withdrawal ends it, and a grant given
   again later serves only recordings made while consent was in force.
3. Unknown is no: a speaker without events, a purpose without an answer, a recording without a time.
4. Where several faults hold, one is reported: the unknown speaker, then the unknown recording time, then the most
   serious of what was found now and at the recording (withdrawn, refused, expired, not given, given only after the
   recording); of equals that of ``recording`` before that of the purpose, and now before then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from .events import Action, ConsentEvent, Purpose, format_time

__all__ = ["Decision", "Grant", "Standing", "State", "decide", "standing"]


class State(StrEnum):
    """How a purpose stands at a moment."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Standing:
    """A state and the event that made it (None: not asked)."""

    state: State
    event: ConsentEvent | None


@dataclass(frozen=True)
class Grant:
    """A ledger event on which a permission rests, as outputs name it (times as RFC 3339 text)."""

    purpose: str
    event_sha256: str
    granted_at: str
    expires_at: str | None


@dataclass(frozen=True)
class Decision:
    """The answer for one speaker and one purpose.

    ``reason`` is None where allowed, else one of the ``consent_*`` reject codes. ``grants`` are the events that allow
    it, ``recording`` first, and empty where not allowed.
    """

    allowed: bool
    reason: str | None
    detail: str
    grants: tuple[Grant, ...]


_MOST_SERIOUS_FIRST: Final = (
    "consent_withdrawn",
    "consent_refused",
    "consent_expired",
    "consent_not_given",
    "consent_after_recording",
)
_REASON_OF_STATE: Final = {
    State.WITHDRAWN: "consent_withdrawn",
    State.REFUSED: "consent_refused",
    State.EXPIRED: "consent_expired",
    State.NOT_ASKED: "consent_not_given",
}
_LEAVE_OUT: Final = "leave the recording out"
_NOT_COVERED: Final = f"{_LEAVE_OUT}, a later grant does not cover it"
_ENTER_IT: Final = (
    "if the speaker agreed before the recording was made, enter it with `duologue consent grant --at TIME`, "
    f"otherwise {_LEAVE_OUT}"
)
_RENEW: Final = f"ask the speaker and enter a new grant with `duologue consent grant`, or {_LEAVE_OUT}"


@dataclass(frozen=True)
class _Fault:
    reason: str
    purpose: Purpose
    found: str
    remedy: str


def standing(events: Sequence[ConsentEvent], purpose: Purpose, moment: datetime) -> Standing:
    """How ``purpose`` stands at ``moment`` by the ``events`` of one speaker, which may come in any order."""
    heard = [event for event in events if event.purpose == purpose and event.at <= moment]
    if not heard:
        return Standing(State.NOT_ASKED, None)
    last = max(heard, key=lambda event: (event.at, event.seq))
    if last.action is Action.WITHDRAW:
        return Standing(State.WITHDRAWN, last)
    if last.action is Action.REFUSE:
        return Standing(State.REFUSED, last)
    expired = last.expires_at is not None and last.expires_at <= moment
    return Standing(State.EXPIRED if expired else State.GIVEN, last)


def decide(
    events: Sequence[ConsentEvent],
    purpose: str,
    recorded_at: datetime | None,
    as_of: datetime,
    *,
    speaker_id: str | None = None,
) -> Decision:
    """Whether one speaker allows a recording to be used for a purpose; the rule stands on top of this module.

    Args:
        events: all events of this speaker, and of nobody else, in any order.
        purpose: one of :class:`~duologue_consent.events.Purpose`.
        recorded_at: when the recording was made, aware; None where it is not known.
        as_of: the moment for which the answer is asked, aware: usually the start of the run.
        speaker_id: only for the ``detail`` of a speaker without events; else the events name the speaker.

    Raises:
        ValueError: the purpose is none, a time has no zone, or the events are not all of one speaker.
    """
    asked = Purpose(purpose)
    speakers = {event.speaker_id for event in events} | ({speaker_id} if speaker_id is not None else set())
    if len(speakers) > 1:
        raise ValueError(f"the events are of {len(speakers)} speakers ({', '.join(sorted(speakers))}); pass one's own")
    head = f"Speaker {next(iter(speakers), '(not named)')!r}, purpose {asked}"
    as_of_text = format_time(as_of)
    if not events:
        found = f"the ledger has no event of this speaker; {_ENTER_IT}."
        return _no("consent_unknown_speaker", f"{head}: {found}")
    if recorded_at is None:
        found = "it is not known when the recording was made, so that no consent can be shown to precede it"
        return _no("consent_recording_time_unknown", f"{head}: {found}; give started_at in its manifest line.")
    recorded_text = format_time(recorded_at)

    faults: list[_Fault] = []
    grants: dict[ConsentEvent, None] = {}  # an ordered set: the grant then and the grant now are mostly the same
    for needed in dict.fromkeys((Purpose.RECORDING, asked)):
        now, then = standing(events, needed, as_of), standing(events, needed, recorded_at)
        if now.state is not State.GIVEN:
            # No clock in the text: it is published, and the same input must give the same bytes.
            found = _found(now) or "has not been given"
            remedies = {State.EXPIRED: _RENEW, State.NOT_ASKED: _ENTER_IT}
            faults.append(_Fault(_REASON_OF_STATE[now.state], needed, found, remedies.get(now.state, _LEAVE_OUT)))
        if then.state is State.NOT_ASKED:
            found = f"was given after the recording was made at {recorded_text}"
            faults.append(_Fault("consent_after_recording", needed, found, _ENTER_IT))
        elif then.state is not State.GIVEN:
            found = f"{_found(then)}, before the recording was made at {recorded_text}"
            faults.append(_Fault(_REASON_OF_STATE[then.state], needed, found, _NOT_COVERED))
        grants |= {place.event: None for place in (then, now) if place.event is not None}

    if faults:
        # min() keeps the first of equals, and the loop above goes in the order of rule 4.
        worst = min(faults, key=lambda fault: _MOST_SERIOUS_FIRST.index(fault.reason))
        precondition = f", which {asked} needs," if worst.purpose is not asked else ""
        detail = f"{head}: consent for {worst.purpose}{precondition} {worst.found}; {worst.remedy}."
        return _no(worst.reason, detail)
    detail = f"{head}: consent was in force when the recording was made at {recorded_text} and is at {as_of_text}."
    return Decision(True, None, detail, tuple(_grant(event) for event in grants))


def _found(place: Standing) -> str | None:
    """What the standing says of a consent that is not live, None where nobody was asked."""
    if place.event is None:
        return None
    if place.state is State.EXPIRED and place.event.expires_at is not None:
        return f"expired at {format_time(place.event.expires_at)}"
    return f"was {place.state} at {format_time(place.event.at)}"


def _no(reason: str, detail: str) -> Decision:
    return Decision(False, reason, detail, ())


def _grant(event: ConsentEvent) -> Grant:
    expires_at = None if event.expires_at is None else format_time(event.expires_at)
    return Grant(event.purpose.value, event.sha256, format_time(event.at), expires_at)
