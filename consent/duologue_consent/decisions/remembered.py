"""Remembers what was allowed, so that a speaker of many recordings is not examined anew for each of them. Pure.

What is asked has one answer, on the same grants, as long as neither the time of the recording nor the moment of the question goes past
an event of the speaker, or of somebody whose id looks alike, or past the end of a grant, and as long as the recording has not been
kept longer than a grant allows. Where each of those events speaks of every form, it is one answer for all forms too. Of a decision only a
yes is remembered: a no has a sentence that names the time of the recording, and is found anew.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from duologue_consent.decisions.events import ConsentEvent
from duologue_consent.decisions.in_force import RUN_WITHOUT
from duologue_consent.decisions.policy import Decision
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.standing import each_speaks_of_all
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = ["RememberingSnapshot"]


@dataclass(frozen=True)
class _Past:
    """Holds what changes the answers about a speaker.

    Attributes:
        moments: at which an answer may change, sorted.
        kept: for how long recordings may be kept by one grant or another, sorted.
        speaks_of_all_forms: whether each event does.
    """

    moments: list[datetime]
    kept: list[timedelta]
    speaks_of_all_forms: bool


@dataclass(frozen=True)
class RememberingSnapshot(Snapshot):
    """Is a :class:`Snapshot` that answers the same and remembers each yes."""

    _pasts: dict[str, _Past] = field(default_factory=dict, repr=False, hash=False, compare=False)
    _allowed: dict[tuple[object, ...], Decision] = field(default_factory=dict, repr=False, hash=False, compare=False)

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> "RememberingSnapshot":
        """Makes one of a snapshot, whose content it shares; one that remembers already is given as it is."""
        return snapshot if isinstance(snapshot, cls) else cls(**vars(snapshot))

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
        """Decides as :meth:`Snapshot.decide` does. The ``detail`` of a yes may name another time."""
        used = tuple(forms)
        key = None
        if recorded_at is not None and used:
            told_apart = "" if self._past(speaker_id).speaks_of_all_forms else " ".join(used)
            key = (speaker_id, self.stretch(speaker_id, recorded_at, as_of), purpose, told_apart, jurisdiction)
            known = self._allowed.get(key)
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

    def stretch(self, speaker_id: str, recorded_at: datetime | Recorded, as_of: datetime) -> tuple[int, int, int, int]:
        """Names times of a recording and moments of a question for which all answers about a speaker are the same."""
        past = self._past(speaker_id)
        recorded = Recorded.of(recorded_at)
        over = bisect_right(past.kept, as_of - recorded.earliest) if past.kept else 0
        first = bisect_right(past.moments, recorded.earliest)
        last = first if recorded.is_moment else bisect_right(past.moments, recorded.latest)
        return first, last, bisect_right(past.moments, as_of), over

    def _past(self, speaker_id: str) -> _Past:
        past = self._pasts.get(speaker_id)
        if past is None:
            persons = (speaker_id, *self.perhaps_the_same(speaker_id))
            past = self._pasts[speaker_id] = _past_of([event for each in persons for event in self.history(each)])
        return past


def _past_of(events: Sequence[ConsentEvent]) -> _Past:
    moments, kept = set[datetime](), set[timedelta]()
    for event in events:
        moments.add(event.at)
        if event.expires_at is not None:
            moments.add(event.expires_at)
        if event.terms.retention_days is not None:
            kept.add(timedelta(days=event.terms.retention_days))
    return _Past(sorted(moments), sorted(kept), each_speaks_of_all(events, ALL_FORMS))
