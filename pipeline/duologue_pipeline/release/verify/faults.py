"""Collects what is wrong, as lines of bounded length and number, whatever a hostile release has in its names and values."""

from collections.abc import Iterable
from typing import Final

__all__ = ["Faults", "one_line"]

_SHOWN: Final = 200
_CHARACTERS: Final = 1000


class Faults:
    """Holds the first faults as lines, and counts all.

    Attributes:
        count: how many were found.
    """

    def __init__(self) -> None:
        self.count = 0
        self._shown: list[str] = []

    def add(self, fault: str) -> None:
        """Adds a fault."""
        self.count += 1
        if len(self._shown) < _SHOWN:
            self._shown.append(one_line(fault))

    def extend(self, faults: Iterable[str]) -> None:
        """Adds faults."""
        for fault in faults:
            self.add(fault)

    def lines(self) -> tuple[str, ...]:
        """Gives the lines; where there are more faults than are shown, the last says how many."""
        more = self.count - len(self._shown)
        return (*self._shown, f"and {more} more faults") if more else tuple(self._shown)


def one_line(text: str) -> str:
    """Writes a text as one line of bounded length: nobody may slip in a line, or a screen's commands, by a file name."""
    if len(text) > _CHARACTERS:
        text = f"{text[:_CHARACTERS]}..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
