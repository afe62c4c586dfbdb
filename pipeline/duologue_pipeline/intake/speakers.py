"""Reads the map of speakers: who speaks on which side of which recording, and what is known of them. Nobody is ever guessed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.listing import composed
from duologue_pipeline.intake.tables import Table

__all__ = ["PLACEHOLDERS", "TRACK_FIELDS", "Person", "SpeakerMap", "read_speaker_map"]

TRACK_FIELDS: Final = ("role", "role_prompt", "jurisdiction", "age_band", "sex", "dialect", "device", "words_channel")
"""What a map may say of a side beside its speaker, as columns of these names."""

_RECORDING_FIELDS: Final = ("started_at", "started_before", "language", "setting", "topic", "register")

PLACEHOLDERS: Final = frozenset(
    ["unknown", "unk", "n/a", "na", "none", "null", "nan", "-", "--", "?", "anonymous", "anon", "tbd", "xxx"]
)
"""What people write who do not know; as a speaker it would make one person of many."""


@dataclass(frozen=True)
class Person:
    """Holds the speaker of one side, None where the map does not say, and the fields of :data:`TRACK_FIELDS` that it gives."""

    speaker_id: str | None
    fields: Mapping[str, str] = field(default_factory=dict)


class SpeakerMap:
    """Answers who speaks on a side of a recording, and what the map says of the recording."""

    def __init__(
        self,
        name: str,
        people: Mapping[tuple[str, str], Person],
        recordings: Mapping[str, Mapping[str, str]],
        shared: Collection[str] = (),
    ) -> None:
        self.name = name
        self._shared = frozenset(shared)
        self._people = people
        self._recordings = recordings
        self._used = set[str]()

    def key_of(self, aliases: Sequence[Iterable[str]]) -> str | None:
        """Gives what the map calls a recording.

        Args:
            aliases: what it may be called, in groups, the most exact ones first.

        Returns:
            None where no row is of it.

        Raises:
            ValueError: several of one group are in the map, or other recordings answer to the name as well.
        """
        for place, group in enumerate(aliases):
            found = sorted({alias for alias in group if alias in self._recordings})
            self._used.update(found)
            if place and (several := self._shared & set(found)):
                raise ValueError(
                    f"{self.name} says who speaks in {min(several)!r}, and several recordings are called so; write their paths below "
                    "the folder into the column recording"
                )
            if len(found) > 1:
                raise ValueError(f"{self.name} has rows for {' and for '.join(map(repr, found))}; leave one of them")
            if found:
                return found[0]
        return None

    def person(self, key: str, sides: Iterable[str]) -> Person:
        """Gives who speaks on a side, by any of the names that it has; nobody where the map does not say."""
        return next((self._people[key, side] for side in sides if (key, side) in self._people), Person(None))

    def of_recording(self, key: str) -> Mapping[str, str]:
        """Gives what the map says of a recording: ``started_at``, ``language`` and others, those that it has."""
        return self._recordings[key]

    @property
    def not_used(self) -> list[str]:
        """Lists the recordings of the map that nobody asked for, sorted."""
        return sorted(set(self._recordings) - self._used)


def read_speaker_map(table: Table, sides: Sequence[str], *, shared: Collection[str] = ()) -> SpeakerMap:
    """Reads a map of speakers.

    Args:
        table: with the column ``recording`` and either ``side`` and ``speaker``, a row a side, or a column for each side, a row a
            recording; and any of ``started_at``, ``language``, ... of the recording, and of :data:`TRACK_FIELDS` of the side.
        sides: what the sides may be called: a, b, left, right, and what the user calls them.
        shared: names to which several recordings answer: such a row is of nobody, but for the recording of which it is the whole name.

    Raises:
        UsageError: the columns are not there, or two rows say different things.
    """
    place = table.column("recording")
    place = table.column("recording_id") if place is None else place
    if place is None:
        raise UsageError(f"{table.name}: has no column recording; its columns are {', '.join(table.columns)}")
    side_place, speaker_place = table.column("side"), _speaker_column(table)
    wide = {side: found for side in sides if (found := _side_column(table, side)) is not None}
    if side_place is None and not wide:
        raise UsageError(
            f"{table.name}: does not say whose the sides are; give it the columns recording, side and speaker, or recording and "
            f"a column for each side ({' and '.join(sides[-2:])})"
        )
    if side_place is not None and speaker_place is None:
        raise UsageError(f"{table.name}: has the column side and no column speaker; add it")
    of_recording, of_track = _places(table, _RECORDING_FIELDS), _places(table, TRACK_FIELDS)
    of_side = {side: _places(table, TRACK_FIELDS, side=side) for side in wide}
    known_sides = {side.casefold() for side in sides}
    people: dict[tuple[str, str], Person] = {}
    recordings: dict[str, dict[str, str]] = {}
    for number, row in enumerate(table.rows, table.first_row):
        key = composed(row[place].strip())
        if not key:
            if any(cell.strip() for cell in row):
                raise UsageError(
                    f"{table.name}: row {number} names no recording; fill the column in, or remove the row"
                )
            continue
        own = recordings.setdefault(key, {})
        for name, value in _values(row, of_recording).items():
            if own.setdefault(name, value) != value:
                raise UsageError(
                    f"{table.name}: row {number} gives {key} another {name} than a row before; correct one of them"
                )
        if side_place is not None and speaker_place is not None:
            side = row[side_place].strip()
            if side.casefold() not in known_sides:
                raise UsageError(f"{table.name}: row {number} has the side {side!r}; known are {', '.join(sides)}")
            people_here = {side.casefold(): Person(_speaker(row[speaker_place]), _values(row, of_track))}
        else:
            people_here = {
                side.casefold(): Person(_speaker(row[at]), _values(row, of_side[side])) for side, at in wide.items()
            }
        for side, person in people_here.items():
            if people.setdefault((key, side), person) != person:
                raise UsageError(
                    f"{table.name}: row {number} says something else of {key}, side {side}, than a row before; correct one"
                )
    return SpeakerMap(table.name, people, recordings, shared)


def _speaker(cell: str) -> str | None:
    text = cell.strip()
    return None if text.casefold() in PLACEHOLDERS or not text else text


def _speaker_column(table: Table) -> int | None:
    place = table.column("speaker")
    return table.column("speaker_id") if place is None else place


def _side_column(table: Table, side: str) -> int | None:
    for name in (side, f"{side}.speaker", f"{side}.speaker_id", f"speaker_{side}"):
        if (place := table.column(name)) is not None:
            return place
    return None


def _places(table: Table, names: Iterable[str], *, side: str = "") -> dict[str, int]:
    """Finds the columns of fields, those of a side as ``agent.sex``."""
    found = {name: table.column(f"{side}.{name}" if side else name) for name in names}
    return {name: place for name, place in found.items() if place is not None}


def _values(row: Sequence[str], places: Mapping[str, int]) -> dict[str, str]:
    return {name: row[place].strip() for name, place in places.items() if row[place].strip()}
