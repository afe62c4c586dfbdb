"""Writes the table of the corpora that are known, as `duologue corpus list` prints it and docs/corpora.md holds it."""

from collections.abc import Sequence

from duologue_pipeline.corpora.adapter import Adapter

__all__ = ["table_of"]

_WHAT = {"yes": "usable", "care": "usable, with care", "refuse": "refused"}


def table_of(adapters: Sequence[Adapter]) -> str:
    """Writes the table in Markdown: a row a corpus, its verdict with the reason, its licence, tracks, and what is needed."""
    rows = ["| name | corpus | verdict | licence | tracks | needs |", "| --- | --- | --- | --- | --- | --- |"]
    for each in adapters:
        verdict = _WHAT[each.verdict] + (f": {each.sentence}" if each.sentence else "")
        cells = (f"`{each.name}`", each.title, verdict, each.license, each.tracks, each.needs)
        rows.append(f"| {' | '.join(cell.replace('|', '/') or '-' for cell in cells)} |")
    return "\n".join(rows)
