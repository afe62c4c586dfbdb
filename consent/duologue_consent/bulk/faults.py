"""Names what is wrong with a table of decisions: in which row and column, what, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from duologue_consent.errors import ConsentError

__all__ = ["CellFault", "TableError"]

_SHOWN: Final = 20


@dataclass(frozen=True, order=True)
class CellFault:
    """Names one fault: the row as a spreadsheet counts it, the header being row 1 (0: of the whole table), the column, what to do.

    ``column`` is "" where the whole row is meant.
    """

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        place = ", ".join([*([f"row {self.row}"] if self.row else []), *([self.column] if self.column else [])])
        return f"{place}: {self.text}" if place else self.text


class TableError(ConsentError, ValueError):
    """Tells that a table cannot be entered; nothing was appended.

    Attributes:
        faults: all of them, by row.
    """

    def __init__(self, faults: Iterable[CellFault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__(self.faults)

    def __str__(self) -> str:
        """Writes a line for each of the first faults, and one that says how many there are."""
        lines = [str(fault) for fault in self.faults[:_SHOWN]]
        more = len(self.faults) - len(lines)
        lines += [f"and {more} more faults"] if more else []
        count = "one fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        return "\n".join(
            [*lines, f"the table has {count}, and nothing was appended; correct it and run the command again"]
        )
