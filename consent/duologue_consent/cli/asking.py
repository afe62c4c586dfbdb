"""Asks whoever sits before the terminal whether an id that looks like a known one is of the same person."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Literal, TypeVar

import typer

from duologue_consent.bulk.entries import Entry
from duologue_consent.cli.support import fail, on_terminal
from duologue_consent.decisions.names import escaped, named_by
from duologue_consent.ledger.entering import UnclearPeopleError
from duologue_consent.ledger.speakers import LookAlikeError

__all__ = ["Meant", "asking_who", "asking_who_of_each", "require_one_meaning"]

Meant = Literal["", "same", "new"]
"""Says whom an id means that looks like a known one: not said, that person, or another one."""

_ANSWERS: Final[dict[str, Meant]] = {"same": "same", "s": "same", "new": "new", "n": "new", "another": "new"}
_Done = TypeVar("_Done")


def require_one_meaning(*, new_person: bool, same_person: bool) -> Meant:
    """Reads ``--new-person`` and ``--same-person``; ends the command where both are given."""
    if new_person and same_person:
        fail("--new-person and --same-person: give one of them")
    return "new" if new_person else "same" if same_person else ""


def asking_who(act: Callable[[Meant], _Done], *, meant: Meant) -> _Done:
    """Enters a decision, and asks first on a terminal where the id is not known and looks like one that is.

    Args:
        act: enters it with an answer.
        meant: what the options say.

    Raises:
        LookAlikeError: nobody can be asked.
    """
    try:
        return act(meant)
    except LookAlikeError as error:
        if not on_terminal():
            raise
        return act(_ask(error.speaker_id, error.alike, where=""))


def asking_who_of_each(act: Callable[[Sequence[Entry]], _Done], entries: Sequence[Entry]) -> _Done:
    """Enters the rows of a table, and asks first about each id that is not known and looks like another one.

    Raises:
        UnclearPeopleError: nobody can be asked.
    """
    said: dict[int, Meant] = {}
    while True:
        asked = [
            replace(entry, same_person=said[entry.row] == "same", new_person=said[entry.row] == "new")
            if entry.row in said
            else entry
            for entry in entries
        ]
        try:
            return act(asked)
        except UnclearPeopleError as error:
            if not on_terminal():
                raise
            for entry, alike in error.cases:
                said[entry.row] = _ask(entry.speaker_id, alike, where=f"row {entry.row}: ")


def _ask(speaker_id: str, alike: tuple[str, ...], *, where: str) -> Meant:
    typer.echo(
        f"{where}{escaped(speaker_id)} is not in the ledger, but looks like {named_by(alike)}, which is. Is it the same person?",
        err=True,
    )
    for _ in range(3):
        typer.echo(
            "same: enter it for the id that is known; new: it is another person; nothing: stop > ", err=True, nl=False
        )
        answer = sys.stdin.readline().strip().casefold()
        if answer in _ANSWERS:
            return _ANSWERS[answer]
        if not answer:
            break
    fail("nothing was appended")
