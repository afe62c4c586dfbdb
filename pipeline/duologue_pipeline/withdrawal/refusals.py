"""Finds who in a release no longer allows what it is for: asks the consent gate's question again of what was written.

Asked for each speaker of each recording, because consent may end for some recordings of a speaker and not for others (a
retention that is over, a grant that was invalidated). Unknown is no here as well: a speaker whom the ledger has forgotten
allows nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

from duologue_consent import ConsentEvent, Form, Purpose, Snapshot, format_time
from duologue_consent.decisions.policy import decide
from duologue_consent.decisions.snapshot import DENIALS
from duologue_consent.decisions.standing import State, standing
from duologue_pipeline.consent.forms import forms_of_row
from duologue_pipeline.consent.gate import recorded_of_row
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_schemas.tables import WITHDRAWN

__all__ = ["STANDS", "Refusal", "find_refusals", "mark_refused"]

STANDS: Final = "stands:"
"""What :func:`mark_refused` puts before the commitment of a speaker whose consent stands."""


@dataclass(frozen=True, order=True)
class Refusal:
    """Names one speaker of one recording who does not allow what the release is for, and why.

    Attributes:
        recording_id, side: whose track.
        commitment: the speaker.
        reason: the ``consent_*`` code.
        at: since when, RFC 3339.
        seq: the leaf that took the consent away; None where no decision did: it ended by itself, or nobody is known.
    """

    recording_id: str
    side: Speaker
    commitment: str
    reason: str
    at: str
    seq: int | None


_ASKED_BY: Final = (
    "recording_id",
    "started_at",
    "started_before",
    "speaker_a",
    "speaker_b",
    "jurisdiction_a",
    "jurisdiction_b",
    "words_a",
    "words_b",
)


def find_refusals(
    release: Mapping[str, Any], recordings: pa.Table, snapshot: Snapshot, *, as_of: datetime
) -> tuple[Refusal, ...]:
    """Finds everyone in a release who does not allow one of its purposes in all the forms that it holds.

    Args:
        release: the document of ``dataset.json``.
        recordings: the table of ``recordings.parquet``.
        snapshot: the ledger.
        as_of: the moment.

    Returns:
        Sorted; of several reasons the one of the purpose that the release names first.
    """
    ids = _ids(snapshot)
    found: list[Refusal] = []
    asked_by = [name for name in _ASKED_BY if name in recordings.column_names]  # an earlier version lacks some
    for row in iter_rows(recordings, asked_by):
        for side in SPEAKERS:
            commitment = row[f"speaker_{side}"]
            if commitment != WITHDRAWN:
                speaker_id = ids.get(commitment, "")
                own = list(_refusals(release, row, side, snapshot.history(speaker_id), as_of))
                found += own or _look_alikes_no(release, row, side, snapshot, speaker_id, as_of)
    return tuple(sorted(found))


@lru_cache(maxsize=1)
def _ids(snapshot: Snapshot) -> dict[str, str]:
    """Gives the speaker of each commitment; once for all parts of an unfinished run, as there may be many of both."""
    return {snapshot.commitment(speaker_id): speaker_id for speaker_id in snapshot.speakers}


def mark_refused(table: pa.Table, refusals: Iterable[Refusal]) -> tuple[pa.Table, frozenset[str]]:
    """Marks in a table the commitments of those whose consent stands, so that only refused tracks are found by theirs.

    Args:
        table: ``index.parquet`` or ``recordings.parquet``.
        refusals: from :func:`find_refusals`.

    Returns:
        The table, and the names that stand in it for those whose consent stands.
    """
    refused = {(refusal.recording_id, refusal.side) for refusal in refusals}
    names = table["recording_id"].to_pylist()
    stands: set[str] = set()
    for side in SPEAKERS:
        column = f"speaker_{side}"
        marked = [
            commitment if (name, side) in refused or commitment == WITHDRAWN else STANDS + commitment
            for name, commitment in zip(names, table[column].to_pylist(), strict=True)
        ]
        stands |= {name for name in marked if name.startswith(STANDS)}
        field = table.schema.get_field_index(column)
        table = table.set_column(field, table.schema.field(field), pa.array(marked, pa.string()))
    return table, frozenset(stands)


def _refusals(
    release: Mapping[str, Any],
    row: Mapping[str, Any],
    side: Speaker,
    history: Sequence[ConsentEvent],
    as_of: datetime,
) -> Iterator[Refusal]:
    forms = forms_of_row(row, include_audio=release["include_audio"])
    recorded_at = recorded_of_row(row)
    for purpose in release["purposes"]:
        decision = decide(
            history, purpose, recorded_at, as_of, forms=forms, jurisdiction=row[f"jurisdiction_{side}"] or None
        )
        if decision.reason is not None:
            at, seq = _ended(history, Purpose(purpose), as_of, forms)
            yield Refusal(row["recording_id"], side, row[f"speaker_{side}"], decision.reason, at, seq)
            return


def _look_alikes_no(
    release: Mapping[str, Any],
    row: Mapping[str, Any],
    side: Speaker,
    snapshot: Snapshot,
    speaker_id: str,
    as_of: datetime,
) -> list[Refusal]:
    """Takes the no of somebody whose id looks like the speaker's, as the consent gate does."""
    for other in snapshot.perhaps_the_same(speaker_id):
        for no in _refusals(release, row, side, snapshot.history(other), as_of):
            if no.reason in DENIALS:
                return [replace(no, reason="consent_look_alike")]
    return []


def _ended(
    history: Sequence[ConsentEvent], purpose: Purpose, as_of: datetime, forms: Sequence[Form]
) -> tuple[str, int | None]:
    """Finds when consent ended, and by which leaf if a decision ended it."""
    for needed in dict.fromkeys((Purpose.RECORDING, purpose)):
        for form in forms:
            place = standing(history, needed, as_of, form=form)
            if place.event is None or place.state in (State.GIVEN, State.NOT_COVERED):
                continue
            if place.state is State.EXPIRED and place.event.expires_at is not None:
                return format_time(place.event.expires_at), None
            return format_time(place.event.at), place.event.seq
    return format_time(as_of), None
