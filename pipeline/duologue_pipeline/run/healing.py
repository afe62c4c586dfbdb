"""Tells which refusals of a run may heal, and keeps such a run from being published where that was asked for.

A release is never written over: its readers may be in the midst of an epoch, and their states name its samples. So what may
heal is tried again before the release is published. Until then all that was tokenized is kept, by names that hold a hash of
what decides the bytes; the release that comes of the last attempt is that of a run in which nothing had failed.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from duologue_pipeline.errors import HEALING
from duologue_pipeline.files.storage import exists, join
from duologue_pipeline.files.text import read_json_lines
from duologue_pipeline.release.ready import REFUSED

__all__ = ["healing", "healing_lying_ready", "held_back", "may_heal"]

_HEALED_BY: Final = {
    "time": "may be there another time",
    "mended": "may be read once the files are where the manifest says, or are allowed",
    "elsewhere": "may pass with another version of duologue, or on another machine",
}


def healing(refused: Mapping[str, int]) -> dict[str, int]:
    """Picks the refusals that may heal from all: reason -> how many."""
    return {reason: count for reason, count in refused.items() if reason in HEALING}


def healing_lying_ready(ready: str) -> dict[str, int]:
    """Counts the refusals that may heal of a release that lies ready in a folder: reason -> how many."""
    if not exists(join(ready, REFUSED)):
        return {}  # a publication has begun, which moved the list to its name: it can only be finished
    return healing(Counter(row["reason"] for row in read_json_lines(join(ready, REFUSED))))


def may_heal(refused: Mapping[str, int]) -> str:
    """Says in a sentence what of the refusals may heal, and how it is tried again; empty where nothing may."""
    found = healing(refused)
    if not found:
        return ""
    return (
        f"{_told(found)}. A release is never written over: to try again, run into another --out with --retry-rejected, which "
        "publishes once nothing is left that may heal"
    )


def held_back(found: Mapping[str, int], *, out: str, details: str | None) -> str:
    """Says that a run is not published, because refusals may heal."""
    private = "" if details is None else f" What was found stands in {details} (private)."
    return (
        f"Nothing is published yet: {_told(found)}.{private} Run the same command again to try them again; what is done is kept "
        f"in {out}. Without --retry-rejected it is published as it is"
    )


def _told(found: Mapping[str, int]) -> str:
    reasons = ", ".join(f"{reason} {count} ({_HEALED_BY[HEALING[reason]]})" for reason, count in sorted(found.items()))
    total = sum(found.values())
    return f"{total} refusal{'s' if total > 1 else ''} may heal: {reasons}"
