"""Chooses the conversations that the page shows, by rule, so that nobody has picked the fair ones."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from duologue_cards.report.conversation import LONGEST_S
from duologue_schemas.tables import WITHDRAWN

__all__ = ["COLUMNS", "FURTHER_S", "choose", "shown_s"]

FURTHER_S: Final = 60.0
"""So much is shown of those that are chosen beyond the first three: eight of the longest are 17 minutes, and not 32."""

COLUMNS: Final = (
    "recording_id",
    "shard",
    "duration_s",
    "language",
    "setting",
    "topic",
    "license",
    "speaker_a",
    "speaker_b",
    "isolation",
    "bleed_db_a_from_b",
    "bleed_db_b_from_a",
    "floor_db_a_from_b",
    "floor_db_b_from_a",
    "overlap_share_of_speech",
    "backchannels_a",
    "backchannels_b",
    "interruptions_a",
    "interruptions_b",
)
"""The columns of recordings.parquet that are looked at."""

_WARNED: Final = ("fail", "warn", "undetermined")
_FIRST, _MOST = 3, 8


def choose(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
    """Chooses up to eight conversations.

    Most overlap, worst warning, nearest to the median of overlap; then least overlap, most interruptions and most backchannels a minute,
    the loudest other voice, the longest, and the next nearest to the median.

    Conversations of which a speaker was taken out, and those in which nobody speaks, are not looked at. Of equals the one whose id
    comes first is taken.

    Args:
        rows: with :data:`COLUMNS`.

    Returns:
        (row, the rule that it was chosen by), each conversation once.
    """
    fit = sorted(
        (
            row
            for row in rows
            if row["overlap_share_of_speech"] is not None and WITHDRAWN not in (row["speaker_a"], row["speaker_b"])
        ),
        key=lambda row: str(row["recording_id"]),
    )
    chosen: list[tuple[Mapping[str, Any], str]] = []

    def left() -> list[Mapping[str, Any]]:
        taken = {row["recording_id"] for row, _ in chosen}
        return [row for row in fit if row["recording_id"] not in taken]

    if fit:
        chosen.append((max(fit, key=lambda row: row["overlap_share_of_speech"]), "most overlap"))
        median = float(np.median([row["overlap_share_of_speech"] for row in fit]))
    warned = [row for row in left() if row["isolation"] in _WARNED]
    if warned:
        worst = min(warned, key=_how_bad)
        chosen.append((worst, f"worst isolation: {worst['isolation']}"))
    rules: list[tuple[str, Callable[[Mapping[str, Any]], float | None]]] = [
        ("nearest to the median", lambda row: -abs(row["overlap_share_of_speech"] - median)),
        ("least overlap", lambda row: -row["overlap_share_of_speech"]),
        ("most interruptions a minute", lambda row: _a_minute(row, "interruptions")),
        ("most backchannels a minute", lambda row: _a_minute(row, "backchannels")),
        ("the other voice is loudest", _loudest_db),
        ("the longest", lambda row: row["duration_s"]),
        ("next nearest to the median", lambda row: -abs(row["overlap_share_of_speech"] - median)),
    ]
    for why, measure in rules:
        measured = [(value, row) for row in left() if (value := measure(row)) is not None]
        if measured and len(chosen) < _MOST:
            chosen.append((max(measured, key=lambda each: each[0])[1], why))
    return chosen


def shown_s(place: int) -> float:
    """Gives how many seconds at most are shown of the conversation at this place among the chosen ones, from 0."""
    return LONGEST_S if place < _FIRST else FURTHER_S


def _a_minute(row: Mapping[str, Any], events: str) -> float | None:
    """Counts events of both a minute; None where there is none."""
    count = row[f"{events}_a"] + row[f"{events}_b"]
    return 60 * count / row["duration_s"] if count else None


def _how_bad(row: Mapping[str, Any]) -> tuple[int, float]:
    """Orders by verdict, worst first, then by the louder other voice; where none is seen, last."""
    loudest_db = _loudest_db(row)
    return _WARNED.index(row["isolation"]), math.inf if loudest_db is None else -loudest_db


def _loudest_db(row: Mapping[str, Any]) -> float | None:
    """Gives the level of the other voice where it is seen at the louder side; None where it is seen at none."""
    levels = [row[name] for name in ("bleed_db_a_from_b", "bleed_db_b_from_a") if row[name] is not None]
    return max(levels, default=None)
