"""Counts what a sample holds, from its document alone: who owns a word at a cut, and the figures of its row in the index.

``KEY.json`` lists every word and event that touches the sample, so what crosses a cut is listed on both sides of it. The
sample in which it begins owns it, and only owners count: the counts of a recording's samples add up to those of the
recording::

    conversation   |....... sample 0 .......|....... sample 1 .......|
    a word              (owned by 0)      =====
    listed in      |                      ==|===                     |
                                owned: true   owned: false, start_s < 0
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from duologue_pipeline.records import SPEAKERS

__all__ = ["FIGURES", "owns", "sample_figures"]

FIGURES: Final = ("overlap_share_of_speech", "backchannels", "interruptions", "words")
"""The columns of ``index.parquet`` that :func:`sample_figures` fills."""


def owns(segment: int, start: float) -> bool:
    """Tells whether a sample that lists a word or an event owns it: it begins in the sample, or before the conversation.

    Args:
        segment: which piece of the recording the sample is, counted from 0.
        start: when the word or event begins, from the sample's start; any unit.
    """
    return start >= 0 or segment == 0


def sample_figures(document: Mapping[str, Any]) -> dict[str, Any]:
    """Counts what a sample holds, for its row of ``index.parquet``.

    Args:
        document: of ``KEY.json``, with or without the field ``owned``, also of a sample with a silenced speaker.

    Returns:
        A value for each of :data:`FIGURES`. ``overlap_share_of_speech`` is 0 to 1, by activity in whole milliseconds;
        None where nobody speaks. Words and events are those that the sample owns.
    """
    segment = document["segment"]
    kinds = [event["kind"] for event in document["events"] if owns(segment, event["start_s"])]
    return {
        "overlap_share_of_speech": _overlap_share(document["activity"]),
        "backchannels": kinds.count("backchannel"),
        "interruptions": kinds.count("interruption"),
        "words": any(owns(segment, word["start_s"]) for word in document["words"]),
    }


def _overlap_share(activity: Iterable[Mapping[str, Any]]) -> float | None:
    """Divides the time in which both speak by that in which anybody does; the spans of one speaker are disjoint."""
    edges = sorted(
        (round(1000 * span[edge]), change)
        for span in activity
        if span["speaker"] in SPEAKERS
        for edge, change in (("start_s", 1), ("end_s", -1))
    )
    speaking = before_ms = anybody_ms = both_ms = 0
    for at_ms, change in edges:
        anybody_ms += (at_ms - before_ms) * (speaking > 0)
        both_ms += (at_ms - before_ms) * (speaking > 1)
        speaking, before_ms = speaking + change, at_ms
    return both_ms / anybody_ms if anybody_ms else None
