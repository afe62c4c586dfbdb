"""Reads what the tables of a corpus say of its recordings and its people, as flat facts: ``a.speaker_id``, ``started_at``, ``sex``."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from duologue_pipeline.corpora.adapter import FileRule
from duologue_pipeline.errors import UsageError

__all__ = ["Facts", "read_facts"]

_ENCODINGS = ("utf-8-sig", "latin-1")


class Facts:
    """Gathers what is known: of recordings by their name, and of people by their id.

    What two places say differently of a speaker is kept apart and told (``conflicts``, by recording and side), never decided.
    """

    def __init__(self) -> None:
        self.recordings: dict[str, dict[str, Any]] = {}
        self.people: dict[str, dict[str, str]] = {}
        self.conflicts: dict[tuple[str, str], str] = {}

    def add(self, recording: str, facts: Mapping[str, Any]) -> None:
        """Adds what a place says of a recording; what was said before stays."""
        own = self.recordings.setdefault(recording, {})
        for name, value in facts.items():
            if own.setdefault(name, value) != value and name.endswith(".speaker_id"):
                side = name.partition(".")[0]
                self.conflicts[recording, side] = (
                    f"{own[name]!r} and {value!r} are both named as the speaker of track {side}; say with --speakers who it is"
                )

    def add_person(self, speaker_id: str, facts: Mapping[str, str]) -> None:
        """Adds what a place says of a person; what was said before stays."""
        self.people[speaker_id] = {**facts, **self.people.get(speaker_id, {})}


def read_facts(facts: Facts, data: bytes, rule: FileRule, *, name: str) -> int:
    """Reads a table into the facts.

    The table is read as its rule says (``table``): ``separator`` (a blank: any white space), ``skip`` lines at its top, ``key`` (the
    column that names the recording, or with ``of: speaker`` the person; ``format`` makes a name of it), and ``fields``: the column
    of each, by its number or by its heading, ``match`` (what of the cell counts: the first group), ``values`` (what it means) and
    ``time`` (the format of a time).

    Returns:
        How many rows said something.

    Raises:
        UsageError: a column is not there.
    """
    spec = rule.table
    try:
        rows = list(_rows(data, spec))
    except csv.Error as error:
        raise UsageError(f"{name}: is no table as this corpus has it ({error}); fetch it again") from None
    heading = [cell.strip().casefold() for cell in rows[0]] if rows and spec.get("heading") else []
    used = 0
    for row in rows[1 if heading else spec.get("skip", 0) :]:
        key = _cell(row, spec["key"], heading, name)
        if not key:
            continue
        found = {field: value for field, each in spec["fields"].items() if (value := _cell(row, each, heading, name))}
        used += bool(found)
        if spec.get("of") == "speaker":
            facts.add_person(key, found)
        else:
            facts.add(key, found)
    return used


def _rows(data: bytes, spec: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    separator = spec.get("separator", ",")
    if separator == " ":
        yield from (line.split() for line in text.splitlines() if line.strip())
    else:
        yield from (row for row in csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True) if row)


def _cell(row: Sequence[str], spec: Mapping[str, Any], heading: Sequence[str], name: str) -> str:
    column = spec["column"]
    if isinstance(column, str):
        if column.casefold() not in heading:
            raise UsageError(f"{name}: has no column {column!r}; it has {', '.join(heading[:20])}")
        column = heading.index(column.casefold())
    text = row[column].strip().strip("\"'").strip() if column < len(row) else ""
    if "match" in spec:
        found = re.fullmatch(spec["match"], text)
        text = found[1] if found else ""
    if "values" in spec:
        text = spec["values"].get(text.casefold(), "")
    if text and "time" in spec:
        return f"{spec['time']}\n{text}"
    return spec["format"].format(text) if text and "format" in spec else text
