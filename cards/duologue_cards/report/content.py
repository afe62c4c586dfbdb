"""Holds what the page says, whatever it is about: a release or one conversation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duologue_cards.report.svg import Plot

__all__ = ["Page", "Table", "Tile"]


@dataclass(frozen=True)
class Tile:
    """Holds a verdict on one requirement: its name, ``pass``, ``fail`` or ``unknown``, and the evidence."""

    name: str
    status: str
    says: str


@dataclass(frozen=True)
class Table:
    """Holds a table: its heading, the names of its columns (none for pairs of a name and a value), its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Page:
    """Holds everything that the page says, in its order.

    Attributes:
        title, version, lead: what it is about.
        warning: what must be known before all else; "" for nothing.
        numbers: (value, what it counts).
        uses: (use, status, because).
        tiles: the verdicts; none where nothing is judged.
        conversations: for the player, of :func:`duologue_cards.report.conversation.player_document`.
        chosen: how they were chosen, in a sentence.
        people: who the turn-taking is held against, and how they were measured; "" where it is not.
        turns, isolation, consent: pictures and tables of these parts; a part without any is left out.
        unknown: sentences on what is not known.
        rest: tables at the end.
        made_by: name and version of the program.
    """

    title: str
    version: str
    lead: str
    warning: str
    numbers: Sequence[tuple[str, str]]
    uses: Sequence[tuple[str, str, str]]
    tiles: Sequence[Tile]
    conversations: Sequence[Mapping[str, Any]]
    chosen: str
    people: str
    turns: Sequence[Plot | Table]
    isolation: Sequence[Plot | Table]
    consent: Sequence[Plot | Table]
    unknown: Sequence[str]
    rest: Sequence[Table]
    made_by: str
