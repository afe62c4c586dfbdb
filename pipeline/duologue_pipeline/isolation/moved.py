"""Moves the times of an isolation report, which were measured from where both tracks are there."""

import re
from dataclasses import replace
from typing import Final

from duologue_pipeline.records import BleedReport, IsolationReport, Span

__all__ = ["moved"]

_AT: Final = re.compile(r" at \d+ s$")


def moved(report: IsolationReport, by_ms: int) -> IsolationReport:
    """Gives a report whose times are later.

    Args:
        report: its spans, its points over time and the second of a swap count from somewhere in the conversation.
        by_ms: from where; then they count from the beginning.
    """
    if not by_ms:
        return report
    swap = report.faults["swap"]
    if swap.value is not None:
        at_s = swap.value + by_ms / 1000
        swap = replace(swap, value=round(at_s, 3), detail=_AT.sub(f" at {at_s:.0f} s", swap.detail))
    return replace(
        report,
        a_from_b=_bleed(report.a_from_b, by_ms),
        b_from_a=_bleed(report.b_from_a, by_ms),
        faults={**report.faults, "swap": swap},
    )


def _bleed(bleed: BleedReport, by_ms: int) -> BleedReport:
    spans = tuple(Span(span.start_ms + by_ms, span.end_ms + by_ms) for span in bleed.spans)
    points = tuple(
        replace(point, start_ms=point.start_ms + by_ms, end_ms=point.end_ms + by_ms) for point in bleed.over_time
    )
    return replace(bleed, spans=spans, over_time=points)
