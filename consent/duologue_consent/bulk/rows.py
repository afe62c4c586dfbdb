"""Reads the rows of a table that a steward has: CSV in any of its dialects, or JSON Lines. Pure.

A table is one of two, told by its first letter: JSON Lines begin with ``{``, all else is CSV.

- CSV has a header. The separator is the comma, semicolon or tab by which the header falls into most columns that are known, so that what Excel
  writes in any country is read; a first line ``sep=;`` says which. A cell may hold several values with ``;`` between them.
- Text is UTF-8, with or without a mark, or UTF-16 with one ("Unicode text" of Excel), or what the caller names. Nothing is guessed: a letter
  that is read wrong would be another speaker.
- Names of columns are those of the options, in any case, with ``-`` or ``_``. A column that is not known is a fault, because what is
  misspelt must not be passed over; one that begins with ``x_`` is the steward's own and passed over.
- Blanks at the ends of a cell are not part of it, and a cell of blanks is empty; a row of empty cells is passed over.
"""

import codecs
import csv
import difflib
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from duologue_consent.bulk.faults import CellFault, TableError
from duologue_consent.proofs.dsse import EnvelopeError, load_json

__all__ = ["LISTS", "OWN", "Cell", "Row", "Table", "column_name", "read_table"]

Cell = str | tuple[str, ...]
"""What a cell holds: one text, or the values of one that holds several."""

LISTS: Final = frozenset({"purpose", "form", "recipient"})
"""The columns of which a cell holds several values."""

OWN: Final = "x_"
"""How the names of columns begin that are the steward's own."""

_ALIASES: Final = {"speaker_id": "speaker", "purposes": "purpose", "forms": "form"}
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How workbooks begin: of Excel and LibreOffice, and of Excel before 2007."""
_SEPARATORS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile('"?sep=(.)"?', re.IGNORECASE)
_FORMULA: Final = re.compile(r"=|[+@-][A-Za-z]+\(|[+@-].*\|.*!")
_ROUNDED: Final = re.compile(r"[0-9]+([.,][0-9]+)?E\+[0-9]+")
_LINE_END: Final = re.compile("\r\n|\r|\n")
_ROWS: Final = 100_000
_TOO_MANY: Final = f"it has more than {_ROWS:,} rows; enter it in parts"


@dataclass(frozen=True)
class Row:
    """Holds a row: its number as a spreadsheet counts it, and its cells that are not empty, by column."""

    number: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """Holds the rows of a table, the columns that it has, those of them that were passed over, and what is wrong with its cells."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    own: tuple[str, ...]
    faults: tuple[CellFault, ...] = ()

    @property
    def filled(self) -> frozenset[str]:
        """Lists the columns that hold something in some row."""
        return frozenset(name for row in self.rows for name in row.cells)


def column_name(text: str) -> str:
    """Gives the name that a column is known by: ``--Age-Band`` is ``age_band``."""
    name = re.sub(r"[\s-]+", "_", text.strip().lstrip("-").strip()).casefold()
    return _ALIASES.get(name, name)


def read_table(data: bytes, *, known: Collection[str], encoding: str | None = None) -> Table:
    """Reads the rows of a table.

    Args:
        data: its bytes.
        known: the columns that it may have.
        encoding: of its text; None: UTF-8, or UTF-16 with a mark.

    Raises:
        TableError: it cannot be read, or a column is not as it must be; all such faults are named.
    """
    text = _decoded(data, encoding)
    found = _JsonLines(known) if text.lstrip().startswith("{") else _Csv(known)
    rows = found.read(text)
    if found.broken:
        raise TableError([*found.broken, *found.faults])
    if not rows:
        raise TableError([CellFault(0, "", "it has no row; give a header and one row a speaker")])
    own = tuple(name for name in found.columns if name.startswith(OWN))
    return Table(tuple(rows), tuple(found.columns), own, tuple(found.faults))


def _decoded(data: bytes, encoding: str | None) -> str:
    if data.startswith(_WORKBOOKS):
        raise TableError(
            [CellFault(0, "", "it is a workbook of a spreadsheet and no CSV; save its sheet as 'CSV UTF-8'")]
        )
    name = encoding or next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(name)
    except LookupError:
        raise TableError(
            [CellFault(0, "", f"there is no encoding {name!r}; write one such as utf-8 or cp1252")]
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = (
            f"it is not {name} (byte 0x{data[error.start]:02x} in line {line}); save it as 'CSV UTF-8', or say what it is, e.g. "
            "--encoding cp1252 for Windows in western Europe and the Americas"
        )
        raise TableError([CellFault(0, "", fault)]) from None
    except ValueError as error:  # of encodings that are made for something else
        raise TableError(
            [CellFault(0, "", f"it cannot be read as {name} ({error}); write another --encoding")]
        ) from None
    if "\0" in text:
        raise TableError(
            [CellFault(0, "", "it holds bytes of value 0, so it is no text; export the sheet as 'CSV UTF-8'")]
        )
    return text.removeprefix("\ufeff")


class _Reader:
    """Collects columns, faults of cells (``faults``) and of the table itself (``broken``)."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self.columns: list[str] = []
        self.faults: list[CellFault] = []
        self.broken: list[CellFault] = []

    def _break(self, row: int, column: str, text: str) -> None:
        self.broken.append(CellFault(row, column, text))

    def _fault(self, row: int, column: str, text: str) -> None:
        self.faults.append(CellFault(row, column, text))

    def _check_column(self, row: int, name: str, written: str) -> None:
        if name in self._known or name.startswith(OWN):
            return
        close = difflib.get_close_matches(name, self._known, 1)
        guess = f"did you mean {close[0]}?" if close else f"known are {', '.join(self._known)}."
        self._break(row, "", f"there is no column {written[:60]!r}; {guess} A column of your own begins with {OWN}")

    def _row(self, number: int, cells: Mapping[str, Cell]) -> Row | None:
        kept: dict[str, Cell] = {}
        for name, cell in cells.items():
            if name.startswith(OWN):
                continue
            parts = (cell,) if isinstance(cell, str) else cell
            if name in LISTS:
                parts = tuple(dict.fromkeys(part.strip() for text in parts for part in text.split(";") if part.strip()))
            else:
                parts = tuple(part.strip() for part in parts if part.strip())
            for part in parts:
                self._check_text(number, name, part)
            if parts:
                kept[name] = parts if name in LISTS else parts[0]
        return Row(number, kept) if kept else None

    def _check_text(self, row: int, column: str, text: str) -> None:
        if _FORMULA.match(text):
            self._fault(row, column, f"{text[:60]!r} is a formula; write what it gives")
        elif not text.isprintable():
            self._fault(row, column, f"{text[:60]!r} holds a character that cannot be shown; remove it")
        elif column == "speaker" and _ROUNDED.fullmatch(text):
            self._fault(
                row,
                column,
                f"{text!r} is a number that a spreadsheet has rounded; format the column as text and enter it again",
            )


class _Csv(_Reader):
    def read(self, text: str) -> list[Row]:
        first, *after = _LINE_END.split(text, maxsplit=1)
        said = _SEPARATOR_LINE.fullmatch(first.strip())
        skipped = 1 if said else 0
        text = "".join(after) if said else text
        header = _LINE_END.split(text, maxsplit=1)[0]
        separator = said[1] if said else max(_SEPARATORS, key=lambda sign: self._known_of(header, sign))
        rows: list[Row] = []
        number = skipped
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        while True:
            number += 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self._break(
                    number, "", f"cannot be read as CSV ({error}); see that every quotation mark has its partner"
                )
                break
            if cells is None:
                break
            if number > skipped + 1 + _ROWS:
                self._break(number, "", _TOO_MANY)
                break
            if not any(cell.strip() for cell in cells):
                continue
            if not self.columns:
                if not self._header(number, cells):
                    break
                continue
            if len(cells) > len(self.columns) and any(cell.strip() for cell in cells[len(self.columns) :]):
                self._fault(
                    number,
                    "",
                    f"has {len(cells)} cells, and the header {len(self.columns)}; put a cell that holds {separator!r} in quotes",
                )
                continue
            row = self._row(number, dict(zip(self.columns, cells, strict=False)))
            if row is not None:
                rows.append(row)
        return rows

    def _known_of(self, header: str, separator: str) -> int:
        return sum(column_name(cell.strip('" \r')) in self._known for cell in header.split(separator))

    def _header(self, number: int, cells: list[str]) -> bool:
        while cells and not cells[-1].strip():
            cells = cells[:-1]
        names = [column_name(cell) for cell in cells]
        for name, written in zip(names, cells, strict=True):
            self._check_column(number, name, written.strip())
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._break(number, name, "is there twice; keep one of them")
        self.columns = names
        if "speaker" not in names:
            self.broken = [
                CellFault(number, "", "has no column speaker; the first row names the columns, e.g. speaker,purpose,at")
            ]
        return not self.broken


class _JsonLines(_Reader):
    def read(self, text: str) -> list[Row]:
        rows: list[Row] = []
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            if number > _ROWS:
                self._break(number, "", _TOO_MANY)
                break
            try:
                document = load_json(line.encode("utf-8", "surrogatepass"), "the line")
            except EnvelopeError as error:
                self._break(number, "", f"{error}; write one JSON object a line")
                break
            if not isinstance(document, dict):
                self._break(number, "", "is no JSON object; write one object a line, with speaker and what was decided")
                break
            cells: dict[str, Cell] = {}
            for written, value in document.items():
                name = column_name(written)
                if name not in self.columns:
                    self.columns.append(name)
                    self._check_column(number, name, written)
                if name in cells:
                    self._fault(number, name, "is there twice; keep one of them")
                    continue
                cell = _json_cell(value)
                if cell is None and not name.startswith(OWN):
                    self._fault(
                        number, name, f"is {str(value)[:60]}; write text, or a list of texts where there are several"
                    )
                cells[name] = cell or ""
            row = self._row(number, cells)
            if row is not None:
                rows.append(row)
        return rows


def _json_cell(value: Any) -> Cell | None:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value)
        case list() if all(isinstance(part, str) for part in value):
            return tuple(value)
    return None
