"""Groups what a speaker says into inter-pausal units (IPUs): what no own silence of some length separates is one unit.

This is the only place that says so: units of words and units of activity are made by it.
"""

from collections.abc import Sequence

from duologue_pipeline.records import Span, Word

__all__ = ["ipu_ranges"]


def ipu_ranges(said: Sequence[Span | Word], silence_ms: int) -> list[tuple[int, int]]:
    """Finds which neighbours belong to one IPU.

    Args:
        said: words or stretches of speech of one speaker, sorted by start; they may overlap.
        silence_ms: the shortest own silence between two IPUs.

    Returns:
        Half-open ranges ``(first, last)`` of places in ``said``, one an IPU, in order; together they hold every place.
    """
    ipus: list[tuple[int, int]] = []
    end_ms = 0
    for i, part in enumerate(said):
        if ipus and part.start_ms - end_ms < silence_ms:
            ipus[-1] = (ipus[-1][0], i + 1)
            end_ms = max(end_ms, part.end_ms)
        else:
            ipus.append((i, i + 1))
            end_ms = part.end_ms
    return ipus
