"""Says how a purpose stands, by the events of one speaker: given, withdrawn, expired, ... Pure: no file, no clock.

There are two questions, and they are answered by two rules.

**Now** (:func:`standing`). A denial (refuse, withdraw, revoke, invalidate) counts from its place in the log, and no clock is asked:
all that are there count, whatever they are dated. So a machine whose clock is behind cannot miss one.

1. A grant gives where every denial that speaks of the form stands before it, both in the log (``seq``) and in time (an ``at`` that is
   not after that of the grant). It gives from its own ``at`` on, and is over at ``expires_at``.
2. Of several grants that give the one with the greatest (``at``, ``seq``) counts; it replaces the others whole.
3. Where no grant gives, the last denial in the log says how the purpose stands.
4. A grant speaks of every form: it gives those that it names and does not cover the others. Any other event speaks of the forms
   that it names, of all where it names none.

    in the log, in this order                     now
    --------------------------------------------  ----------------------------------------------------------------------------
    grant at 1                                    given
    grant at 1, withdraw at 6                     withdrawn
    grant at 1, withdraw at 99, after now         withdrawn: the clock that dated it was ahead, or ours is behind
    grant at 1, withdraw at 6, grant at 7         given: all denials are before it, in both
    grant at 1, withdraw at 6, grant at 6         given: of one moment the log tells the order
    grant at 1, withdraw at 6, grant at 3         withdrawn: a grant that is backdated behind a denial does not lift it
    grant at 8, withdraw at 5, entered late       withdrawn: if the speaker agreed again at 8, that grant is entered again
    grant at 8, withdraw at 5, grant at 8         given: it was entered again
    withdraw at 99, grant at 7                    withdrawn, until a grant is dated 99 or later
    grant at 99, after now                        not asked: it does not give yet

**Then** (:func:`standing_then`), when the recording was made: the event with the greatest (``at``, ``seq``) among those with ``at`` <= that
moment. A grant that was invalidated, whenever that was found, never was valid. Where only an interval is known in which it was
made (:mod:`duologue_consent.decisions.recorded`), it has to have been given at every moment of it (:func:`standings_between`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = [
    "DPV",
    "Standing",
    "State",
    "each_speaks_of_all",
    "lifted_denial",
    "overruled_grant",
    "standing",
    "standing_then",
    "standings_between",
]

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
    events: Sequence[ConsentEvent], purpose: Purpose, moment: datetime, *, form: Form | None = None
) -> Standing:
    """Says how ``purpose`` stands now by the ``events`` of one speaker, which may come in any order.

    Args:
        events: of one speaker, all that the log holds.
        purpose: asked for.
        moment: the moment of the question: which grants have begun, and which are over. Denials count whatever it is.
        form: for this form; None for the best that any form has.
    """
    if form is None:
        each_form = [standing(events, purpose, moment, form=each) for each in Form]
        given = [found for found in each_form if found.state is State.GIVEN]
        return max(given or each_form, key=lambda found: (0,) if found.event is None else (1, *_order(found.event)))
    heard = [event for event in events if event.purpose == purpose and _speaks_of(event, form)]
    denials = [event for event in heard if event.action is not Action.GRANT]
    last_denial = max(denials, key=lambda event: event.seq, default=None)
    latest_at = max((event.at for event in denials), default=None)
    grants = [
        event
        for event in heard
        if event.action is Action.GRANT
        and event.at <= moment
        and (last_denial is None or event.seq > last_denial.seq)
        and (latest_at is None or event.at >= latest_at)
    ]
    if grants:
        return _of_grant(max(grants, key=_order), moment, form)
    return Standing(State.NOT_ASKED, None) if last_denial is None else _of_denial(last_denial)


def standing_then(events: Sequence[ConsentEvent], purpose: Purpose, moment: datetime, *, form: Form) -> Standing:
    """Says how ``purpose`` stood for a form at ``moment``, when the recording was made; arguments as :func:`standing`."""
    heard = [event for event in events if event.purpose == purpose and _speaks_of(event, form)]
    last = max((event for event in heard if event.at <= moment), key=_order, default=None)
    if last is None:
        return Standing(State.NOT_ASKED, None)
    if last.action is not Action.GRANT:
        return _of_denial(last)
    if form in last.terms.forms:
        for event in heard:
            if event.action is Action.INVALIDATE and (event.seq > last.seq or event.at > last.at):
                return _of_denial(event)
    return _of_grant(last, moment, form)


def standings_between(
    events: Sequence[ConsentEvent], purpose: Purpose, first: datetime, last: datetime, *, form: Form
) -> tuple[Standing, ...]:
    """Says how ``purpose`` stood for a form at every moment from ``first`` to ``last``, as :func:`standing_then` says it for each.

    Returns:
        The standings in the order of time, the first that of ``first``; one that follows on an equal one is left out.
    """
    changes = {event.at for event in events} | {event.expires_at for event in events if event.expires_at is not None}
    moments = [first, *sorted(moment for moment in changes if first < moment <= last)]
    found: list[Standing] = []
    for moment in moments:
        held = standing_then(events, purpose, moment, form=form)
        if not found or found[-1] != held:
            found.append(held)
    return tuple(found)


def overruled_grant(events: Sequence[ConsentEvent], denial: ConsentEvent) -> ConsentEvent | None:
    """Finds the grant that is dated after a denial and was in the log before it: the speaker may have agreed again.

    Args:
        events: of one speaker.
        denial: one of them.

    Returns:
        The last such grant of the denial's purpose; None where there is none.
    """
    grants = (event for event in events if event.action is Action.GRANT and event.purpose == denial.purpose)
    return max((each for each in grants if each.seq < denial.seq and each.at > denial.at), key=_order, default=None)


def lifted_denial(events: Sequence[ConsentEvent], grant: ConsentEvent) -> Standing | None:
    """Finds the denial that stands now and that a grant lifts: the speaker said no, and then allowed it again.

    Args:
        events: of one speaker, without the grant and what was entered after it.
        grant: a draft, or one of the log.

    Returns:
        The last denial in the log of a form that the grant gives, with its state; None where it lifts none.
    """
    denials = [
        found.event
        for form in grant.terms.forms
        if (found := standing(events, grant.purpose, grant.at, form=form)).state in _STATE_AFTER.values()
        and found.event is not None
        and all(event.at <= grant.at for event in events if event.purpose == grant.purpose and _denies(event, form))
    ]
    last = max(denials, key=lambda event: event.seq, default=None)
    return None if last is None else _of_denial(last)


def _denies(event: ConsentEvent, form: Form) -> bool:
    return event.action is not Action.GRANT and _speaks_of(event, form)


def each_speaks_of_all(events: Iterable[ConsentEvent], forms: Sequence[Form]) -> bool:
    """Tells whether each event speaks of all of these forms, and each grant gives them: then all of them stand alike.

    Args:
        events: of one speaker.
        forms: some of :class:`~duologue_consent.decisions.vocabulary.Form`.
    """
    return all(
        (event.terms.forms == ALL_FORMS or all(form in event.terms.forms for form in forms))
        if event.action is Action.GRANT
        else not event.terms.forms
        for event in events
    )


def _of_grant(grant: ConsentEvent, moment: datetime, form: Form) -> Standing:
    if form not in grant.terms.forms:
        return Standing(State.NOT_COVERED, grant)
    expired = grant.expires_at is not None and grant.expires_at <= moment
    return Standing(State.EXPIRED if expired else State.GIVEN, grant)


def _of_denial(denial: ConsentEvent) -> Standing:
    return Standing(_STATE_AFTER[denial.action], denial)


def _speaks_of(event: ConsentEvent, form: Form) -> bool:
    return event.action is Action.GRANT or not event.terms.forms or form in event.terms.forms


def _order(event: ConsentEvent) -> tuple[datetime, int]:
    return event.at, event.seq
