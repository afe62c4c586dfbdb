"""Chooses the conversations that the page shows, by rule, so that nobody has picked the fair ones."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from duologue_schemas.tables import WITHDRAWN

__all__ = ["COLUMNS", "choose"]

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
)
"""The columns of recordings.parquet that are looked at."""

_WARNED: Final = ("fail", "warn", "undetermined")


def choose(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], str]]:
    """Chooses up to three conversations: most overlap, worst warning, nearest to the median of overlap.

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
        worst = min(warned, key=lambda row: (_WARNED.index(row["isolation"]), -_loudest_db(row)))
        chosen.append((worst, f"worst isolation: {worst['isolation']}"))
    if left():
        chosen.append(
            (min(left(), key=lambda row: abs(row["overlap_share_of_speech"] - median)), "nearest to the median")
        )
    return chosen


def _loudest_db(row: Mapping[str, Any]) -> float:
    levels = [row[name] for name in ("bleed_db_a_from_b", "bleed_db_b_from_a") if row[name] is not None]
    return max(levels, default=-200.0)
