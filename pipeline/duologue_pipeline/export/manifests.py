"""Writes the files that list a whole export, a split each."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.export.format import Context, Option, Part

__all__ = ["ROOT", "rooted", "rows_of", "write_lines"]

ROOT: Final = Option("", "Put a folder in front of every path in the lists, for a reader that does not start there.")
"""The option ``root``."""


def rooted(path: str, context: Context) -> str:
    """Puts the folder of the option ``root`` in front of a path of the export."""
    root = str(context.options["root"]).rstrip("/")
    return f"{root}/{path}" if context.options["root"] else path


def rows_of(parts: Iterable[Part], split: str) -> Iterator[Any]:
    """Gives the index entries of a split, one part in memory."""
    for part in parts:
        if part.split == split:
            yield from part.index


def write_lines(out: Path, ending: str, parts: Iterable[Part], context: Context) -> None:
    """Writes ``SPLIT.ending`` for each split that is exported: a text entry as it is, any other as a line of JSON."""
    for split in context.splits:
        with (out / f"{split}.{ending}").open("w", encoding="utf-8", newline="\n") as file:
            for row in rows_of(parts, split):
                file.write(row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) + "\n")
