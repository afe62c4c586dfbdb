"""Counts the tables of a release into what all figures of the cards are made of: one number for each of a few thousand names.

Tallies of parts are added up, in any order and by as many workers as one likes, and give that of the whole; so no process has to
hold the tables. A value of which percentiles are taken is a name of its own (``("fto_ms", 120)``), times are whole milliseconds.
People are counted apart (:func:`tally_speakers`), because one person may be in many parts.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from duologue_schemas.tables import FAULT_MEASURES, TABLES, WITHDRAWN

__all__ = [
    "Tally",
    "add_tallies",
    "tally_index",
    "tally_people",
    "tally_recordings",
    "tally_speakers",
    "tally_tables",
]

Tally = Counter[tuple[Any, ...]]
"""Name, a text and whatever tells it from others of its kind -> how many, or how many milliseconds."""


def add_tallies(tallies: Iterable[Tally]) -> Tally:
    """Adds up tallies; none give an empty one."""
    total: Tally = Counter()
    for tally in tallies:
        total.update(tally)
    return total


def tally_tables(index: pa.Table, recordings: pa.Table) -> Tally:
    """Counts all of a release, or the rows of some of its shards, but for its people.

    Args:
        index: of ``index.parquet``.
        recordings: of ``recordings.parquet``, those of the same shards.
    """
    return add_tallies((tally_index(index), tally_recordings(recordings)))


def tally_index(index: pa.Table) -> Tally:
    """Counts rows of ``index.parquet``."""
    tally = _missing("index", index)
    _count(tally, "samples", index["split"].to_pylist())
    return tally


def tally_recordings(recordings: pa.Table) -> Tally:
    """Counts rows of ``recordings.parquet``."""
    tally = _missing("recordings", recordings)
    columns = _Columns(recordings)
    _count(tally, "recordings", columns["split"])
    for name in ("language", "license", "corpus", "route", "setting", "register"):
        _count(tally, name, columns[name])
    starts = [start for start in columns["started_at"] if start]
    _count(tally, "date", [datetime.fromisoformat(start).astimezone(UTC).date().isoformat() for start in starts])
    tally["undated",] += recordings.num_rows - len(starts)
    tally["delay_unknown",] += _delay_unknown(recordings)
    tally["transcribed_tracks",] += sum(columns.both("words"))
    heard = zip(columns.both("speaker"), columns.both("bandwidth_hz"), strict=True)
    _count(tally, "bandwidth_hz", [bandwidth_hz for speaker, bandwidth_hz in heard if speaker != WITHDRAWN])
    tally["one_voice",] += columns.both("speaker").count(WITHDRAWN)
    _count_conversations(tally, _Columns(_with_both_speakers(recordings)))
    return tally


def tally_speakers(recordings: Iterable[pa.Table]) -> Tally:
    """Counts the people of a whole release (:func:`tally_people`).

    Args:
        recordings: all of ``recordings.parquet``, in any number of parts; one of them is held at a time.
    """
    found: dict[str, tuple[set[str], set[str | None]]] = {}
    for part in recordings:
        columns = _Columns(part)
        rows = zip(columns["split"] * 2, columns.both("speaker"), columns.both("jurisdiction"), strict=True)
        for split, speaker, jurisdiction in rows:
            if speaker != WITHDRAWN:
                splits, jurisdictions = found.setdefault(speaker, (set(), set()))
                splits.add(split)
                jurisdictions.add(jurisdiction)
    return tally_people(found.values())


def tally_people(people: Iterable[tuple[Iterable[str], Iterable[str | None]]]) -> Tally:
    """Counts people, each of whom is given once: the splits that they are in, and the jurisdictions that they spoke in."""
    tally: Tally = Counter()
    for splits, jurisdictions in people:
        tally["speakers",] += 1
        tally["speakers_on_both_sides",] += set(splits) >= {"train", "validation"}
        _count(tally, "speakers", sorted(splits))
        _count(tally, "jurisdiction", sorted(jurisdictions, key=str))
    return tally


def _missing(name: str, table: pa.Table) -> Tally:
    """Begins a tally with the columns that a table of an earlier version does not have."""
    missing = [column for column in TABLES[name].names if column not in table.column_names]
    return Counter({("without", f"{name}/{column}"): 1 for column in missing})


class _Columns:
    """Reads the columns of recordings.parquet as lists, one at a time: all of a large corpus would not fit."""

    def __init__(self, recordings: pa.Table) -> None:
        self._recordings = recordings

    def __getitem__(self, name: str) -> list[Any]:
        values: list[Any] = self._recordings[name].to_pylist()
        return values

    def both(self, name: str) -> list[Any]:
        """Reads the values of both tracks: those of a, then those of b."""
        return self[f"{name}_a"] + self[f"{name}_b"]


def _count(tally: Tally, name: str, values: Iterable[Any]) -> None:
    for value, count in Counter(values).items():
        tally[name, value] += count


def _count_conversations(tally: Tally, columns: _Columns) -> None:
    """Counts what only recordings with both speakers have: isolation and turn-taking."""
    levels_db = columns["bleed_db_a_from_b"] + columns["bleed_db_b_from_a"]
    floors_db = columns["floor_db_a_from_b"] + columns["floor_db_b_from_a"]
    tally["directions",] += len(levels_db)
    _count(tally, "bleed_db", [level for level in levels_db if level is not None])
    clean = [floor for level, floor in zip(levels_db, floors_db, strict=True) if level is None and floor is not None]
    _count(tally, "floor_db", clean)
    _count(tally, "isolation", columns["isolation"])
    for fault in FAULT_MEASURES:
        for found, count in Counter(columns[f"{fault}_found"]).items():
            tally["fault", fault, found] += count
    tally["duration_ms",] += _ms(columns["duration_s"])
    tally["overlap_ms",] += _ms(columns["overlap_s"])
    tally["speech_ms",] += _ms(columns["speech_a_s"] + columns["speech_b_s"])
    _count(tally, "overlap_share", [share for share in columns["overlap_share_of_speech"] if share is not None])
    _count(tally, "fto_ms", [round(1000 * fto_s) for ftos_s in columns["ftos_s"] for fto_s in ftos_s])
    tally["backchannels",] += sum(columns.both("backchannels"))
    tally["interruptions",] += sum(columns.both("interruptions"))


def _ms(seconds: Iterable[float]) -> int:
    return sum(round(1000 * each) for each in seconds)


def _with_both_speakers(recordings: pa.Table) -> pa.Table:
    return recordings.filter(
        pc.and_(pc.not_equal(recordings["speaker_a"], WITHDRAWN), pc.not_equal(recordings["speaker_b"], WITHDRAWN))
    )


def _delay_unknown(recordings: pa.Table) -> int:
    """Counts the recordings in which a track may begin late; an earlier release does not say."""
    if not {"delay_known_a", "delay_known_b"} <= set(recordings.column_names):
        return 0
    known: int = pc.sum(pc.and_(recordings["delay_known_a"], recordings["delay_known_b"])).as_py() or 0
    return recordings.num_rows - known
