"""Writes cards/changes.json: what a withdrawal took out of the version before, in counts."""

from typing import Final

from duologue_cards.documents.answers import json_text
from duologue_cards.sheet import Sheet

__all__ = ["CHANGES", "write_changes"]

CHANGES: Final = "cards/changes.json"
"""Where it lies in a release; not there in a first version."""


def write_changes(sheet: Sheet) -> str:
    """Writes the text of cards/changes.json."""
    return json_text({"schema": "changes/1.0", "version": sheet.facts.version, **sheet.changes})
