"""A conversation whose counts are known, and a way to count any other."""

from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.find import find_events
from duologue_pipeline.records import Activity, Span, Statistics

DURATION_MS = 30_000


def count(activity: Activity, *, duration_ms: int = DURATION_MS) -> Statistics:
    return conversation_statistics(activity, find_events(activity, duration_ms=duration_ms), duration_ms=duration_ms)


CONVERSATION = Activity(
    a=[Span(0, 3000), Span(3100, 5000), Span(5500, 8000), Span(14_000, 15_000)],
    b=[Span(5100, 5400), Span(7500, 13_000)],
    rules="1.0",
)
