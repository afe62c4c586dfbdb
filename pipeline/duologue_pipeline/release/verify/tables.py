"""Reads the tables of a release for a verification, file by file, and keeps of each what is asked for later and no more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.release_file import table_paths
from duologue_pipeline.reader.tables import iter_release_table
from duologue_pipeline.release.verify.faults import Faults
from duologue_schemas.tables import LATER_TABLES, TABLES

__all__ = ["HeldTables", "hold_tables"]

_REPEATED: Final = ("shard", "split", "speaker_a", "speaker_b", "isolation")
"""Texts of ``index.parquet`` that many rows of a shard share; they take half of its memory."""
_OF_RECORDINGS: Final = ("recording_id", "split", "speaker_a", "speaker_b")


@dataclass(frozen=True)
class HeldTables:
    """Holds what a verification asks of the tables of a release.

    Attributes:
        rows: how many rows each table has.
        missing: the columns that a table of an earlier version does not have.
        index: shard -> rows of ``index.parquet`` that name it, with all columns.
        recordings: ``recordings.parquet``, its ids, splits and speakers.
        events_of: the recordings that ``events.parquet`` names.
    """

    rows: dict[str, int] = field(default_factory=dict)
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    index: dict[str, list[pa.Table]] = field(default_factory=dict)
    recordings: list[pa.Table] = field(default_factory=list)
    events_of: set[str] = field(default_factory=set)

    def take(self, name: str, part: pa.Table) -> None:
        """Takes the next rows of a table."""
        self.rows[name] = self.rows.get(name, 0) + len(part)
        self.missing[name] = tuple(column for column in TABLES[name].names if column not in part.column_names)
        if name == "index":
            for shard, own in _by_shard(part):
                self.index.setdefault(shard, []).append(_once_each(own))
        elif name == "recordings":
            self.recordings.append(part.select(list(_OF_RECORDINGS)))
        elif name == "events":
            self.events_of.update(pc.unique(part["recording_id"]).to_pylist())

    def samples(self, columns: Sequence[str]) -> pa.Table:
        """Gives columns of all rows of ``index.parquet``."""
        parts = [part.select(list(columns)) for own in self.index.values() for part in own]
        return pa.concat_tables(parts or [_none("index", columns)])

    def people(self) -> pa.Table:
        """Gives ids, splits and speakers of all recordings."""
        return pa.concat_tables(self.recordings or [_none("recordings", _OF_RECORDINGS)])


def hold_tables(root: str, release: Mapping[str, Any], faults: Faults) -> HeldTables | None:
    """Reads all tables of a release, each of its files once.

    Args:
        root: its folder.
        release: the document of ``dataset.json``.
        faults: gets what is wrong with a file.

    Returns:
        None where one of them cannot be read.
    """
    held, well = HeldTables(), True
    for name in TABLES:
        if name in LATER_TABLES and not table_paths(release, name):
            continue
        try:
            for part in iter_release_table(root, release, name, other_versions=False):
                held.take(name, part)
        except UsageError as error:
            faults.add(str(error).removeprefix(f"{root}/").partition("; see `duologue shards verify")[0])
            well = False
    return held if well else None


def _by_shard(part: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Takes rows apart by their shard; those of one stay in their order."""
    if not len(part):
        return
    named = pc.dictionary_encode(part["shard"].combine_chunks())
    if len(named.dictionary) == 1:  # as a run writes it
        yield named.dictionary[0].as_py(), part
        return
    place = named.indices.to_numpy()
    order = np.argsort(place, kind="stable")
    sorted_part = part.take(pa.array(order))
    first = 0
    for shard, count in zip(named.dictionary.to_pylist(), np.bincount(place).tolist(), strict=True):
        yield shard, sorted_part.slice(first, count)
        first += count


def _once_each(part: pa.Table) -> pa.Table:
    """Keeps texts that many rows share once each."""
    for name in _REPEATED:
        part = part.set_column(part.schema.get_field_index(name), name, part[name].dictionary_encode())
    return part


def _none(name: str, columns: Sequence[str]) -> pa.Table:
    return TABLES[name].empty_table().select(list(columns))
