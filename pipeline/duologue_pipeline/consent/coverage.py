"""Finds what both speakers of a recording allow beside what a run asks for: every purpose, in every form.

It is asked at a moment that the ledger itself tells, so that the same ledger gives the same answer whenever it is asked: the moment
that the run was told, else the last one that anything in the ledger is dated. A release says sums of it; a cell by which fewer than
five people or conversations could be told, by itself or as a difference, is kept back.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final

import pyarrow as pa

from duologue_cards import FEW, Tally, apart, counts_by_place
from duologue_consent import Action, Form, Purpose, Recorded, Snapshot
from duologue_consent.decisions.remembered import RememberingSnapshot
from duologue_consent.decisions.vocabulary import ALL_FORMS
from duologue_pipeline.consent.forms import forms_of_row
from duologue_pipeline.consent.gate import recorded_of_row
from duologue_pipeline.records import SPEAKERS, ConsentBasis, Recording
from duologue_schemas.tables import WITHDRAWN

__all__ = ["NOTICED", "Coverage", "coverage_document", "coverage_moment", "samples_ms", "tally_uses"]

NOTICED: Final = "notice"
"""Stands among the uses of a recording where each grant that it relies on names the notice that the speaker was shown."""

_EVERYTHING: Final = frozenset(f"{purpose}/{form}" for purpose in Purpose for form in Form)
_ALL: Final = ""


def coverage_moment(snapshot: Snapshot, as_of: datetime | None) -> datetime | None:
    """Gives the moment at which coverage is asked for: that which was named, else the latest in the ledger; None in an empty one."""
    return as_of or snapshot.latest


class Coverage:
    """Answers what the speakers of a recording allow, as ``purpose/form``, and as ``purpose`` where that is all that is written.

    It remembers what it was asked. It holds raw ids of speakers, as a :class:`~duologue_consent.Snapshot` does.
    """

    def __init__(self, snapshot: Snapshot, at: datetime) -> None:
        self._at = at
        self._snapshot = RememberingSnapshot.of_snapshot(snapshot)
        self._ids = {snapshot.commitment(speaker_id): speaker_id for speaker_id in snapshot.speakers}
        self._allowed: dict[tuple[object, ...], frozenset[str]] = {}
        self._noticed: dict[str, frozenset[str]] = {}

    def of_basis(
        self, recording: Recording, basis: ConsentBasis, recorded_at: datetime | Recorded | None
    ) -> ConsentBasis:
        """Gives a consent by which a recording passed the gate its uses; what it passed for is among them.

        Args:
            recording: with the raw ids of its speakers.
            basis: its consent.
            recorded_at: when it was recorded.
        """
        allowed = self._allowed_by_all(
            [(track.speaker_id, track.jurisdiction) for track in recording.tracks], recorded_at
        )
        grants = zip(recording.tracks, (basis.a, basis.b), strict=True)
        noticed = all(
            self._names_notice(track.speaker_id, [each.event_sha256 for each in own.grants]) for track, own in grants
        )
        uses = _uses_of_basis(allowed, basis.purpose, tuple(basis.forms), noticed)
        return ConsentBasis(**{**vars(basis), "uses": uses})

    def of_row(self, row: Mapping[str, Any], purposes: Sequence[str], *, include_audio: bool) -> frozenset[str]:
        """Lists the uses of a recording of a release, by the speakers who are left in it.

        Args:
            row: of ``recordings.parquet``.
            purposes, include_audio: what ``dataset.json`` says.
        """
        sides = [
            (self._ids.get(row[f"speaker_{side}"], ""), row[f"jurisdiction_{side}"] or None)
            for side in SPEAKERS
            if row[f"speaker_{side}"] != WITHDRAWN
        ]
        recorded_at = recorded_of_row(row)
        held = frozenset(forms_of_row(row, include_audio=include_audio))
        found = _uses(self._allowed_by_all(sides, recorded_at), held)
        relied_on = [
            (speaker_id, self._grants(speaker_id, place, purpose, recorded_at, held))
            for speaker_id, place in sides
            for purpose in purposes
        ]
        noticed = all(grants and self._names_notice(speaker_id, grants) for speaker_id, grants in relied_on)
        return frozenset((*found, NOTICED) if noticed else found)

    def tally_of(self, release: Mapping[str, Any], recordings: pa.Table, durations_ms: Mapping[str, int]) -> Tally:
        """Counts the uses of recordings of a release (:func:`tally_uses`).

        Args:
            release: the document of ``dataset.json``.
            recordings: rows of ``recordings.parquet``.
            durations_ms: of their samples.
        """
        rows = recordings.to_pylist()
        asked, include_audio = release["purposes"], release["include_audio"]
        uses = {row["recording_id"]: self.of_row(row, asked, include_audio=include_audio) for row in rows}
        return tally_uses(rows, durations_ms, uses)

    def _allowed_by_all(
        self, sides: Sequence[tuple[str, str | None]], recorded_at: datetime | Recorded | None
    ) -> frozenset[str]:
        """Lists what each speaker allows, as ``purpose/form``; each is one with a place, and there may be none."""
        return frozenset.intersection(_EVERYTHING, *(self._allowed_by(*side, recorded_at) for side in sides))

    def _allowed_by(
        self, speaker_id: str, jurisdiction: str | None, recorded_at: datetime | Recorded | None
    ) -> frozenset[str]:
        if recorded_at is None:
            return frozenset()  # nothing is allowed of what was recorded nobody knows when
        key = (speaker_id, self._snapshot.stretch(speaker_id, recorded_at, self._at), jurisdiction)
        known = self._allowed.get(key)
        if known is None:
            known = self._allowed[key] = self._found_allowed(speaker_id, jurisdiction, recorded_at)
        return known

    def _found_allowed(
        self, speaker_id: str, jurisdiction: str | None, recorded_at: datetime | Recorded
    ) -> frozenset[str]:
        def allows(purpose: Purpose, forms: tuple[Form, ...]) -> bool:
            return self._snapshot.decide(
                speaker_id,
                purpose=purpose,
                recorded_at=recorded_at,
                as_of=self._at,
                forms=forms,
                jurisdiction=jurisdiction,
            ).allowed

        granted = {each.purpose for each in self._snapshot.history(speaker_id) if each.action is Action.GRANT}
        found = dict[Purpose, tuple[Form, ...]]()
        for purpose in (each for each in Purpose if each in granted and each is not Purpose.RECORDING):
            found[purpose] = _allowed_forms(partial(allows, purpose))
        # whoever asks for any other purpose asks for that of being recorded too (duologue_consent.decisions.examination)
        whole = ALL_FORMS in found.values()
        found[Purpose.RECORDING] = ALL_FORMS if whole else _allowed_forms(partial(allows, Purpose.RECORDING))
        return frozenset(f"{purpose}/{form}" for purpose, forms in found.items() for form in forms)

    def _grants(
        self,
        speaker_id: str,
        jurisdiction: str | None,
        purpose: str,
        recorded_at: Recorded | None,
        forms: Collection[Form],
    ) -> list[str]:
        decision = self._snapshot.decide(
            speaker_id,
            purpose=purpose,
            recorded_at=recorded_at,
            as_of=self._at,
            forms=tuple(form for form in Form if form in forms),
            jurisdiction=jurisdiction,
        )
        return [grant.event_sha256 for grant in decision.grants]

    def _names_notice(self, speaker_id: str, grants: Iterable[str]) -> bool:
        own = self._noticed.get(speaker_id)
        if own is None:
            history = self._snapshot.history(speaker_id)
            own = frozenset(event.sha256 for event in history if event.terms.notice is not None)
            self._noticed[speaker_id] = own
        return own.issuperset(grants)


def _allowed_forms(allows: Callable[[tuple[Form, ...]], bool]) -> tuple[Form, ...]:
    return ALL_FORMS if allows(ALL_FORMS) else tuple(form for form in Form if allows((form,)))


@lru_cache
def _uses_of_basis(allowed: frozenset[str], passed: str, forms: tuple[str, ...], noticed: bool) -> tuple[str, ...]:
    found = {passed, *(f"{passed}/{form}" for form in forms), *_uses(allowed, frozenset(map(Form, forms)))}
    return tuple(sorted(found | {NOTICED} if noticed else found))


def _uses(allowed: frozenset[str], held: Collection[Form]) -> frozenset[str]:
    """Adds the purposes for which all that is written is allowed."""
    whole = (str(each) for each in Purpose if all(f"{each}/{form}" in allowed for form in held))
    return allowed.union(whole)


def tally_uses(
    rows: Iterable[Mapping[str, Any]], durations_ms: Mapping[str, int], uses: Mapping[str, Collection[str]]
) -> Tally:
    """Counts recordings and the duration of their samples, by what both speakers allow.

    Args:
        rows: of ``recordings.parquet``.
        durations_ms: recording_id -> duration of its samples (:func:`samples_ms`).
        uses: recording_id -> what its speakers allow, as :class:`Coverage` says it.

    Returns:
        ``("consent", purpose, kind, name)`` -> recordings, ``"consent_ms"`` their milliseconds; ``kind`` is ``form``,
        ``jurisdiction``, or empty for all that is written. ``("noticed",)`` counts those with :data:`NOTICED`.
    """
    tally: Tally = Tally()
    for row in rows:
        name = row["recording_id"]
        allowed, ms = frozenset(uses.get(name, ())), durations_ms[name]
        places = {row[f"jurisdiction_{side}"] or None for side in SPEAKERS if row[f"speaker_{side}"] != WITHDRAWN}
        tally["noticed",] += NOTICED in allowed
        for purpose in map(str, Purpose):
            cells = [("form", str(form)) for form in Form if f"{purpose}/{form}" in allowed]
            if purpose in allowed:
                cells += [(_ALL, _ALL), *(("jurisdiction", place or "unknown") for place in places)]
            for cell in cells:
                tally["consent", purpose, *cell] += 1
                tally["consent_ms", purpose, *cell] += ms
    return tally


def samples_ms(*index: pa.Table) -> dict[str, int]:
    """Sums up the samples of each recording of the tables of ``index.parquet``, in milliseconds."""
    found: dict[str, int] = {}
    for table in index:
        columns = (table[name].to_pylist() for name in ("recording_id", "start_s", "end_s"))
        for recording_id, start_s, end_s in zip(*columns, strict=True):
            found[recording_id] = found.get(recording_id, 0) + round(1000 * (end_s - start_s))
    return found


def coverage_document(tally: Tally, *, checked_at: str | None, events: int, later: bool = False) -> dict[str, Any]:
    """Builds ``consent`` of ``dataset.json``: how much of a release is covered by which consent, and when that was asked.

    A cell is told where it differs from all, from none and from every other told cell that it could be held against by nothing or by
    :data:`duologue_cards.FEW` conversations at least (:mod:`duologue_cards.few`).

    Args:
        tally: of all tables and people, with :func:`tally_uses`.
        checked_at: the moment at which consent was asked for, RFC 3339; None where there was nobody to ask.
        events: leaves of the ledger that was asked.
        later: whether a withdrawal has made this version: then only all and none are told, as the difference to the version before
            would tell what who withdrew had allowed.

    Returns:
        ``{"consent": {...}}``; empty where nobody was asked.
    """
    if checked_at is None:
        return {}
    return {
        "consent": {
            "checked_at": checked_at,
            "events": events,
            "notices": tally["noticed",],
            "coverage": _coverage(tally, later=later),
        }
    }


def _coverage(tally: Tally, *, later: bool) -> dict[str, dict[str, Any]]:
    total = sum(count for name, count in tally.items() if len(name) == 2 and name[0] == "recordings")
    speakers = {
        name[1] or "unknown": count for name, count in tally.items() if len(name) == 2 and name[0] == "jurisdiction"
    }
    places_told = all(isinstance(count, int) for count in counts_by_place(speakers, later=later).values())
    ends = {0, total}

    def cell(purpose: str, kind: str, name: str, told: set[int]) -> dict[str, Any]:
        count = tally["consent", purpose, kind, name]
        if count in ends or (not later and apart(count, told)):
            told.add(count)
            return {"recordings": count, "duration_s": tally["consent_ms", purpose, kind, name] / 1000}
        return {"fewer_than": FEW} if count < FEW and not later else {"kept_back": True}

    purposes = list(map(str, Purpose))
    told = set(ends)
    found = {purpose: cell(purpose, _ALL, _ALL, told) for purpose in purposes}
    for purpose in purposes:
        found[purpose]["forms"] = {form: cell(purpose, "form", form, told) for form in map(str, Form)}
    of_place = {place: set(ends) for place in sorted(speakers)}
    for purpose in purposes:
        whole = found[purpose].get("recordings")
        found[purpose]["jurisdictions"] = {
            place: {"kept_back": True}
            if whole is None or not (places_told and apart(tally["consent", purpose, "jurisdiction", place], {whole}))
            else cell(purpose, "jurisdiction", place, counts)
            for place, counts in of_place.items()
        }
    return found
