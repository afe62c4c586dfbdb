"""Prints what `duologue validate` finds: a table on a terminal, lines with tabs elsewhere, or one JSON document."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, islice
from typing import Any, Final

import typer

from duologue_consent.cli.said import counted
from duologue_pipeline.progress import ProgressShow
from duologue_pipeline.validate.finding import Finding, Totals
from duologue_pipeline.validate.validation import Validation

__all__ = ["print_findings"]

_COLUMNS: Final = ("result", "what", "reason", "line", "recording", "track", "fault", "remedy")
_OF_PROGRAMS: Final = ("reason",)
"""A person reads the fault itself."""

_MOST: Final = 1000
"""So many rows a table has: it is held until its widths are known, and nobody reads more."""


def print_findings(
    validation: Validation, name: str, *, files: bool, ledger: bool, as_json: bool, show: ProgressShow
) -> None:
    """Prints all findings, and on stderr the totals and what was not checked; of JSON they are a part.

    Args:
        validation: that was not begun.
        name: of the manifest, as the user wrote it.
        files, ledger: whether these were asked.
        as_json: whether a program reads it.
        show: how far it has come.

    Raises:
        UsageError: as :meth:`Validation.findings`.
    """
    unchecked = list(_unchecked(files=files, ledger=ledger))
    if as_json:
        with show:
            _print_json(validation, name, unchecked)
        return
    if sys.stdout.isatty():
        with show:
            rows, more = _taken(validation.findings())
        _print_table(rows, more)
    else:
        with show:
            _print_lines(validation.findings())
    for line in [*_told(validation.totals, name, files=files), *(f"not checked: {each}" for each in unchecked)]:
        typer.echo(line, err=True)


def _row(found: Finding) -> tuple[str, ...]:
    line = "" if found.line is None else str(found.line)
    cells = (
        found.level,
        found.what,
        found.reason,
        line,
        found.recording_id or "",
        found.track or "",
        found.fault,
        found.remedy,
    )
    return tuple("".join(each if each.isprintable() else " " for each in cell) for cell in cells)


def _print_lines(findings: Iterator[Finding]) -> None:
    first = next(findings, None)
    if first is None:
        return
    typer.echo("\t".join(_COLUMNS))
    for found in chain([first], findings):
        typer.echo("\t".join(_row(found)))


def _taken(findings: Iterator[Finding]) -> tuple[list[tuple[str, ...]], int]:
    """Gives the rows of a table, and how many more there are."""
    rows = [_row(found) for found in islice(findings, _MOST)]
    return rows, sum(1 for _ in findings)


def _print_table(rows: list[tuple[str, ...]], more: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    shown = [
        place for place, name in enumerate(_COLUMNS) if name not in _OF_PROGRAMS and any(row[place] for row in rows)
    ]
    table = Table(*(_COLUMNS[place] for place in shown), box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        style = "red" if row[0] == "refused" else "yellow"
        table.add_row(*(Text(row[place], style=style if place == 0 else "") for place in shown))
    Console(file=sys.stdout).print(table)
    if more:
        typer.echo(f"and {more} more; a pipe (| cat) or --json gives all")


def _print_json(validation: Validation, name: str, unchecked: list[str]) -> None:
    """Writes the document piece by piece, so that a long one is never held."""
    head = json.dumps({"manifest": name, "not_checked": unchecked}, ensure_ascii=False)
    typer.echo(f'{head[:-1]}, "findings": [', nl=False)
    for number, found in enumerate(validation.findings()):
        row = json.dumps(asdict(found), ensure_ascii=False)
        typer.echo(f"{',' if number else ''}\n{row}", nl=False)
    totals = json.dumps(_totals(validation.totals), ensure_ascii=False)
    typer.echo(f"\n], {totals[1:]}")


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "recordings": totals.lines,
        "taken": totals.taken,
        "warned": totals.warned,
        "refused": dict(sorted(totals.refused.items())),
        "looked_at": totals.looked,
        "duration_s": totals.duration_ms / 1000,
        "words": dict(sorted(totals.words.items())),
    }


def _told(totals: Totals, name: str, *, files: bool) -> Iterator[str]:
    refused = totals.refused.total()
    because = ", ".join(f"{what} {count}" for what, count in sorted(totals.refused.items()))
    warned = f" ({totals.warned} of them with a warning)" if totals.warned else ""
    yield (
        f"{name}: {counted(totals.lines, 'recording')}: {totals.taken} would be taken{warned}, {refused} refused"
        + (f" ({because})" if because else "")
    )
    if files:
        words = ", ".join(f"{count} {name}" for name, count in sorted(totals.words.items()))
        yield (
            f"audio: {totals.duration_ms / 3_600_000:.2f} h in {counted(totals.looked, 'recording')}, read to the end; "
            f"words: {f'tracks by format: {words}' if words else 'none'}"
        )


def _unchecked(*, files: bool, ledger: bool) -> Iterator[str]:
    if not files:
        yield "audio and words (--files)"
    if not ledger:
        yield "consent (--ledger LEDGER); without it a run refuses every recording"
    if files:
        yield "whether the tracks are kept apart and the words fit what is heard: `duologue run` does, `duologue isolation A B` for one"
