"""Writes estimates, levels, ranges and tables in Markdown, for the sections of README.md."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from duologue_cards import phrases
from duologue_cards.draws import Estimate
from duologue_cards.facts import Count

__all__ = ["FEW_VALUES", "estimated", "names", "percentiles", "span", "table"]

FEW_VALUES: Final = 20
"""Of fewer values no 5th and 95th percentile is given."""


def estimated(estimate: Estimate, write: Callable[[float | None], str]) -> str:
    """Writes an estimate with its interval in brackets."""
    interval = f" ({' to '.join(map(write, estimate.interval))})" if estimate.interval else ""
    return write(estimate.value) + interval


def percentiles(levels_db: tuple[float, float, float] | None, n: int) -> tuple[str, str, str]:
    """Writes percentiles; of few values the median alone."""
    low, middle, high = map(phrases.decibels, levels_db or (None,) * 3)
    return (low, middle, high) if n >= FEW_VALUES else ("", middle, "")


def names(counts: Sequence[Count]) -> str:
    """Writes names with their counts, escaped for Markdown."""
    return phrases.escaped(phrases.named(counts))


def span(low: str | None, high: str | None) -> str:
    """Writes a range of texts, or the one that both ends are; ``unknown`` where there is none."""
    return (low if low == high else f"{low} to {high}") or phrases.UNKNOWN


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Writes a table: one row of headings, and a line a row."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
