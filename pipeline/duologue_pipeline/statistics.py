"""The turn-taking of one conversation in exact counts, and the shares and percentiles that are made of them.

Counts are integers of milliseconds and events, so that those of many conversations can be added without loss; a share
is formed only where it is shown.
"""

from collections import Counter
from collections.abc import Sequence

from duologue_pipeline.records import Activity, Event, Span, Statistics

__all__ = ["conversation_statistics", "fto_percentile_ms", "overlap_share_of_speech", "overlap_share_of_time"]


def conversation_statistics(activity: Activity, events: Sequence[Event], *, duration_ms: int) -> Statistics:
    """Counts what :func:`duologue_pipeline.events.find_events` found.

    Speech and overlap are those of the activity itself: an inter-pausal unit also holds silences under 200 ms, which
    are not counted as speech here.

    Args:
        activity: when each speaker is heard: spans sorted and disjoint.
        events: of the same conversation, in any order.
        duration_ms: of the conversation.
    """
    counts = Counter((event.kind, event.speaker) for event in events)
    kinds = Counter(event.kind for event in events)
    return Statistics(
        duration_ms=duration_ms,
        speech_a_ms=sum(span.duration_ms for span in activity.a),
        speech_b_ms=sum(span.duration_ms for span in activity.b),
        overlap_ms=_overlap_ms(activity.a, activity.b),
        ftos_ms=sorted(e.fto_ms for e in events if e.kind == "floor_transfer" and e.fto_ms is not None),
        turns_a=counts["turn", "a"],
        turns_b=counts["turn", "b"],
        backchannels_a=counts["backchannel", "a"],
        backchannels_b=counts["backchannel", "b"],
        interruptions_a=counts["interruption", "a"],
        interruptions_b=counts["interruption", "b"],
        pauses=kinds["pause"],
        gaps=kinds["gap"],
        overlaps_between=kinds["overlap_between"],
        overlaps_within=kinds["overlap_within"],
    )


def overlap_share_of_time(statistics: Statistics) -> float | None:
    """Time in which both speak, over the duration; None for a conversation of no duration."""
    return statistics.overlap_ms / statistics.duration_ms if statistics.duration_ms else None


def overlap_share_of_speech(statistics: Statistics) -> float | None:
    """Time in which both speak, over the time in which anybody speaks; None where nobody does."""
    anybody_ms = statistics.speech_a_ms + statistics.speech_b_ms - statistics.overlap_ms
    return statistics.overlap_ms / anybody_ms if anybody_ms else None


def fto_percentile_ms(statistics: Statistics, p: float) -> float | None:
    """The ``p``-th percentile of the floor-transfer offsets, interpolated linearly (Hyndman & Fan 1996, type 7).

    Args:
        statistics: of one conversation.
        p: in [0, 100]; 50 is the median.

    Returns:
        Milliseconds, negative in overlap; None where the floor never changed.

    Raises:
        ValueError: ``p`` is not in [0, 100].
    """
    if not 0 <= p <= 100:
        raise ValueError(f"p is {p}; a percentile lies in [0, 100]")
    ftos_ms = statistics.ftos_ms
    if not ftos_ms:
        return None
    position = (len(ftos_ms) - 1) * p / 100
    below = int(position)
    above = min(below + 1, len(ftos_ms) - 1)
    return ftos_ms[below] + (ftos_ms[above] - ftos_ms[below]) * (position - below)


def _overlap_ms(a: Sequence[Span], b: Sequence[Span]) -> int:
    total_ms = i = j = 0
    while i < len(a) and j < len(b):
        total_ms += max(0, min(a[i].end_ms, b[j].end_ms) - max(a[i].start_ms, b[j].start_ms))
        if a[i].end_ms <= b[j].end_ms:
            i += 1
        else:
            j += 1
    return total_ms
