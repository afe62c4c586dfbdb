"""Lists the people of an intake for whoever keeps the consent ledger: a row each, with the columns of a grant to fill in."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from duologue_consent import format_time
from duologue_consent.decisions.recorded import recorded_between
from duologue_pipeline.intake.model import FoundRecording

__all__ = ["consent_todo"]

_TO_FILL_IN: Final = ("purpose", "at", "expires", "form", "notice_version", "method", "evidence_reference")
_KNOWN: Final = ("jurisdiction", "age_band")
_FOR_THE_EYE: Final = ("x_first_recorded", "x_recordings", "x_first_track", "x_role", "x_terms", "x_source")


def consent_todo(recordings: Sequence[FoundRecording], source: str, terms: str) -> str:
    """Writes the table ``consent-todo.csv``: nobody's consent is in it.

    The columns are named as the options of ``duologue consent grant``; those that only a person can know are empty. What begins
    with ``x_`` is for whoever fills it in: the earliest time of a recording (a grant has to be older), how many there are, where the speaker is
    heard first by the names of the recordings, the roles, the terms that are known (else the licences), and the source.

    Args:
        recordings: whose speakers are all named.
        source, terms: for all rows.
    """
    rows: dict[str, list[tuple[FoundRecording, int]]] = {}
    for recording in recordings:
        for side, track in enumerate(recording.tracks):
            rows.setdefault(str(track.speaker_id), []).append((recording, side))
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["speaker", *_TO_FILL_IN, *_KNOWN, *_FOR_THE_EYE])
    for speaker in sorted(rows):
        own = rows[speaker]
        tracks = [recording.tracks[side] for recording, side in own]
        starts = [_earliest(recording) for recording, _ in own]
        first = "" if "" in starts else min(starts)
        jurisdictions, ages = (
            {value for value in values if value}
            for values in zip(*((t.jurisdiction, t.age_band) for t in tracks), strict=True)
        )
        roles = sorted({track.role for track in tracks if track.role})
        table.writerow(
            [
                speaker,
                *[""] * len(_TO_FILL_IN),
                jurisdictions.pop() if len(jurisdictions) == 1 else "",
                ages.pop() if ages in ({"adult"}, {"minor"}) else "",
                first,
                len(own),
                own[0][0].heard_in(own[0][1]),
                ";".join(roles),
                terms or "; ".join(sorted({recording.license for recording, _ in own if recording.license})),
                source,
            ]
        )
    return stream.getvalue()


def _earliest(recording: FoundRecording) -> str:
    """Gives the earliest moment at which it can have been made; empty where nobody says."""
    if recording.started_at is None:
        return ""
    return format_time(recorded_between(recording.started_at, recording.started_before).earliest.replace(microsecond=0))
