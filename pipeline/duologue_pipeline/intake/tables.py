"""Reads tables of people: CSV with any usual separator, and Parquet; every cell as text."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from pyarrow import ArrowException

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import read_bytes

__all__ = ["Table", "read_table"]

_MOST_BYTES: Final = 1 << 30
_SEPARATORS: Final = ",;\t|"
_SEPARATOR_LINE: Final = re.compile('"?sep=(.)"?\r?\n', re.IGNORECASE)
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How workbooks begin: of Excel and LibreOffice, and of Excel before 2007."""


@dataclass(frozen=True)
class Table:
    """Holds a table as text: its name, its column names as they stand, and its rows; an empty cell is an empty text.

    ``first_row`` is the number that its first row has in the file, for messages.
    """

    name: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    first_row: int

    def column(self, name: str) -> int | None:
        """Gives the place of a column, whatever the case of its name and the blanks around it; None where there is none."""
        wanted = name.strip().casefold()
        return next((place for place, each in enumerate(self.columns) if each.strip().casefold() == wanted), None)


def read_table(path: str) -> Table:
    """Reads a table: Parquet where it begins as such, else CSV in UTF-8 or UTF-16.

    Raises:
        UsageError: it cannot be read, has no header, a column twice, or a row of another length.
    """
    try:
        data = read_bytes(path, max_bytes=_MOST_BYTES)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such table; correct its name") from None
    except OSError as error:
        raise UsageError(f"{path}: the table cannot be read ({error})") from None
    if data.startswith(_WORKBOOKS):
        raise UsageError(
            f"{path}: is a workbook of a spreadsheet and no CSV; save its sheet as 'CSV UTF-8' and name that file"
        )
    table = _parquet(path, data) if data[:4] == b"PAR1" else _csv(path, data)
    seen = [column.strip().casefold() for column in table.columns]
    twice = sorted({column for column in seen if seen.count(column) > 1})
    if twice:
        raise UsageError(f"{path}: has the column {twice[0]!r} twice; rename one of them")
    return table


def _csv(path: str, data: bytes) -> Table:
    text = _text(path, data)
    said = _SEPARATOR_LINE.match(text)  # as Excel writes it
    text = text[said.end() :] if said else text
    head = text.split("\n", 1)[0]
    separator = said[1] if said else max(_SEPARATORS, key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise UsageError(f"{path}: is no table of comma-separated values ({error}); save it as CSV in UTF-8") from None
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise UsageError(f"{path}: has no header; its first line names the columns")
    if rows[0][0].lstrip()[:1] in ("{", "["):
        raise UsageError(f"{path}: is JSON and no table; save it as CSV with a header, or as Parquet")
    width = max(
        place for place, cell in enumerate(rows[0], 1) if cell.strip()
    )  # a spreadsheet goes on with empty columns
    first_row = 3 if said else 2
    for number, row in enumerate(rows[1:], first_row):
        if row and (len(row) < width or any(cell.strip() for cell in row[width:])):
            raise UsageError(
                f"{path}: row {number} has {len(row)} cells and the header {width}; put cells that hold {separator!r} into quotes"
            )
    kept = [row[:width] if row else [""] * width for row in rows[1:]]
    return Table(Path(path).name, tuple(rows[0][:width]), kept, first_row)


def _text(path: str, data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path}: is not UTF-8 (byte 0x{data[error.start]:02x} in line {line}); save it as 'CSV UTF-8', as Excel calls it"
        ) from None


def _parquet(path: str, data: bytes) -> Table:
    try:
        table = pq.read_table(io.BytesIO(data))
        cells = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    except (ArrowException, OSError, ValueError) as error:
        raise UsageError(f"{path}: is no Parquet file that can be read ({error}); make it again") from None
    return Table(Path(path).name, tuple(table.column_names), list(zip(*cells, strict=True)), 1)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a whole number with holes in its column became a float on its way
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
