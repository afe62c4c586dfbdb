"""Writes the table of the corpora that are known, as `duologue corpus list` prints it and docs/corpora.md holds it."""

from collections.abc import Sequence

from duologue_pipeline.corpora.adapter import Adapter

__all__ = ["rows_of", "table_of"]

_HEADING = ("name", "corpus", "verdict", "licence", "tracks", "needs")
_WHAT = {"yes": "usable", "care": "usable, with care", "refuse": "refused"}


def rows_of(adapters: Sequence[Adapter]) -> list[tuple[str, ...]]:
    """Gives the heading and a row a corpus: its verdict with the reason, its licence, tracks, and what is needed."""
    rows: list[tuple[str, ...]] = [_HEADING]
    for each in adapters:
        verdict = _WHAT[each.verdict] + (f": {each.sentence}" if each.sentence else "")
        rows.append((each.name, each.title, verdict, each.license, each.tracks, each.needs))
    return rows


def table_of(adapters: Sequence[Adapter]) -> str:
    """Writes the table in Markdown."""
    heading, *rows = rows_of(adapters)
    lines = [heading, ("---",) * len(heading), *((f"`{name}`", *rest) for name, *rest in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') or '-' for cell in cells)} |" for cells in lines)
