"""Remembers what was allowed, so that a speaker of many recordings is not examined anew for each of them. Pure.

Whether a use is allowed changes, as the time of the recording goes on, only at the moments of :func:`_moments`: where an event of
the speaker, or of somebody whose id looks alike, is dated, where a grant ends, and where the time that a recording may be kept
is just over. Between two of them every recording has the same answer, on the same grants. Of a decision only a yes is remembered:
a no has a sentence that names the time of the recording, and is found anew.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from duologue_consent.decisions.events import ConsentEvent
from duologue_consent.decisions.in_force import RUN_WITHOUT
from duologue_consent.decisions.policy import Decision
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = ["RememberingSnapshot"]

_Moments = tuple[list[datetime], list[datetime]]


@dataclass(frozen=True)
class RememberingSnapshot(Snapshot):
    """Is a :class:`Snapshot` that answers the same and remembers each yes to the purpose and moment that it was asked for last."""

    _asked: list[tuple[str, datetime]] = field(default_factory=list, repr=False, hash=False, compare=False)
    _moments: dict[str, _Moments] = field(default_factory=dict, repr=False, hash=False, compare=False)
    _allowed: dict[tuple[object, ...], Decision] = field(default_factory=dict, repr=False, hash=False, compare=False)
    _refused: set[tuple[object, ...]] = field(default_factory=set, repr=False, hash=False, compare=False)

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> "RememberingSnapshot":
        """Makes one of a snapshot, whose content it shares."""
        return cls(**vars(snapshot))

    def decide(
        self,
        speaker_id: str,
        *,
        purpose: str,
        recorded_at: datetime | Recorded | None,
        as_of: datetime,
        forms: Iterable[Form] = ALL_FORMS,
        jurisdiction: str | None = None,
        run_without: Mapping[Form, str] = RUN_WITHOUT,
    ) -> Decision:
        """Decides as :meth:`Snapshot.decide` does. The ``detail`` of a yes may name the time of another recording."""
        used = tuple(forms)
        key = self._key(speaker_id, purpose, recorded_at, as_of, used, jurisdiction)
        known = None if key is None else self._allowed.get(key)
        if known is not None:
            return known
        found = super().decide(
            speaker_id,
            purpose=purpose,
            recorded_at=recorded_at,
            as_of=as_of,
            forms=used,
            jurisdiction=jurisdiction,
            run_without=run_without,
        )
        if key is not None and found.allowed:
            self._allowed[key] = found
        return found

    def allows(
        self,
        speaker_id: str,
        *,
        purpose: str,
        recorded_at: datetime | Recorded | None,
        as_of: datetime,
        forms: Iterable[Form],
        jurisdiction: str | None,
    ) -> bool:
        """Tells what :meth:`decide` decides and nothing of why; so a no is remembered too."""
        used = tuple(forms)
        key = self._key(speaker_id, purpose, recorded_at, as_of, used, jurisdiction)
        if key in self._refused:
            return False
        found = self.decide(
            speaker_id, purpose=purpose, recorded_at=recorded_at, as_of=as_of, forms=used, jurisdiction=jurisdiction
        )
        if key is not None and not found.allowed:
            self._refused.add(key)
        return found.allowed

    def _key(
        self,
        speaker_id: str,
        purpose: str,
        recorded_at: datetime | Recorded | None,
        as_of: datetime,
        forms: tuple[Form, ...],
        jurisdiction: str | None,
    ) -> tuple[object, ...] | None:
        """Names what has one answer; None where the time of the recording is not known. Another purpose or moment forgets all."""
        if recorded_at is None:
            return None
        if self._asked != [(purpose, as_of)]:
            self._asked[:] = [(purpose, as_of)]
            self._moments.clear()
            self._allowed.clear()
            self._refused.clear()
        moments = self._moments.get(speaker_id)
        if moments is None:
            persons = (speaker_id, *self.perhaps_the_same(speaker_id))
            moments = _moments([event for person in persons for event in self.history(person)], as_of)
            self._moments[speaker_id] = moments
        recorded = Recorded.of(recorded_at)
        first, last = (bisect_right(moments[0], end) for end in (recorded.earliest, recorded.latest))
        return speaker_id, first, last, bisect_left(moments[1], recorded.earliest), " ".join(forms), jurisdiction


def _moments(events: Iterable[ConsentEvent], as_of: datetime) -> _Moments:
    """Lists, sorted, the moments at which an answer may change for a recording made then, and for one made just after."""
    then, after = set[datetime](), set[datetime]()
    for event in events:
        then.add(event.at)
        if event.expires_at is not None:
            then.add(event.expires_at)
        if event.terms.retention_days is not None:
            after.add(as_of - timedelta(days=event.terms.retention_days))
    return sorted(then), sorted(after)
