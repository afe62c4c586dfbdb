"""Says how a purpose stands at a moment, by the events of one speaker: given, withdrawn, expired, ... Pure: no file, no clock.

1. The standing of a purpose for a form is the event with the greatest (at, seq) among those with at <= the moment that
   speak of the form. A grant speaks of every form: it gives those that it names and does not cover the others. Any other
   event speaks of the forms that it names, of all where it names none.
2. A grant whose ``expires_at`` is not after the moment is expired.
3. A grant that was invalidated later never was valid: it stands as invalidated also at moments before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose
from duologue_consent.decisions.vocabulary import Form

__all__ = ["DPV", "Standing", "State", "standing"]

DPV: Final = "https://w3id.org/dpv#"


class State(StrEnum):
    """Names how a purpose stands at a moment, in the words of this program; :attr:`iri` is the W3C DPV 2 term for it."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"
    EXPIRED = "expired"
    NOT_COVERED = "not covered"
    NOT_ASKED = "not asked"

    @property
    def iri(self) -> str:
        """Gives the term of https://w3id.org/dpv, e.g. ``https://w3id.org/dpv#ConsentGiven``."""
        return DPV + _DPV_STATES[self]


_DPV_STATES: Final = {
    State.GIVEN: "ConsentGiven",
    State.REFUSED: "ConsentRefused",
    State.WITHDRAWN: "ConsentWithdrawn",
    State.REVOKED: "ConsentRevoked",
    State.INVALIDATED: "ConsentInvalidated",
    State.EXPIRED: "ConsentExpired",
    # DPV has no state for a form outside of a consent: nothing is known of it
    State.NOT_COVERED: "ConsentUnknown",
    State.NOT_ASKED: "ConsentUnknown",
}
_STATE_AFTER: Final = {
    Action.REFUSE: State.REFUSED,
    Action.WITHDRAW: State.WITHDRAWN,
    Action.REVOKE: State.REVOKED,
    Action.INVALIDATE: State.INVALIDATED,
}


@dataclass(frozen=True)
class Standing:
    """Holds a state and the event that made it (None: not asked)."""

    state: State
    event: ConsentEvent | None


def standing(
    events: Sequence[ConsentEvent],
    purpose: Purpose,
    moment: datetime,
    *,
    form: Form | None = None,
    known_at: datetime | None = None,
) -> Standing:
    """Says how ``purpose`` stands at ``moment`` by the ``events`` of one speaker, which may come in any order.

    Args:
        events: of one speaker.
        purpose: asked for.
        moment: at which it stands so.
        form: for this form; None for the best that any form has.
        known_at: up to when an invalidation counts that voids earlier grants; the moment itself if None.
    """
    if form is None:
        each_form = [standing(events, purpose, moment, form=each, known_at=known_at) for each in Form]
        given = [found for found in each_form if found.state is State.GIVEN]
        return max(given or each_form, key=lambda found: (0,) if found.event is None else (1, *_order(found.event)))
    heard = [event for event in events if event.purpose == purpose and event.at <= moment and _speaks_of(event, form)]
    if not heard:
        return Standing(State.NOT_ASKED, None)
    last = max(heard, key=_order)
    if last.action is not Action.GRANT:
        return Standing(_STATE_AFTER[last.action], last)
    if form not in last.terms.forms:
        return Standing(State.NOT_COVERED, last)
    for event in events:
        if (
            event.action is Action.INVALIDATE
            and event.purpose == purpose
            and event.at <= (known_at or moment)
            and _order(event) > _order(last)
            and _speaks_of(event, form)
        ):
            return Standing(State.INVALIDATED, event)
    expired = last.expires_at is not None and last.expires_at <= moment
    return Standing(State.EXPIRED if expired else State.GIVEN, last)


def _speaks_of(event: ConsentEvent, form: Form) -> bool:
    return event.action is Action.GRANT or not event.terms.forms or form in event.terms.forms


def _order(event: ConsentEvent) -> tuple[datetime, int]:
    return event.at, event.seq
