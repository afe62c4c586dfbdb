"""Makes the tables of the new version of a release from the old ones, one row group at a time and by rule.

A column that a later version adds to a table is emptied for a silenced recording unless rules/withdrawal.json keeps it.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duologue_pipeline.events.speakers import speaker_row, speakers_of_rows
from duologue_pipeline.files.tables import parse_table
from duologue_pipeline.reader.index import shard_stem
from duologue_pipeline.reader.release_file import release_file, table_paths
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.withdrawal.plan import Plan, silenced_side
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.silence import (
    empty_value,
    event_stays,
    silence_event_row,
    silence_index_row,
    silence_recording,
)

__all__ = ["new_tables"]

_Row = dict[str, Any]


def new_tables(
    root: str, release: Mapping[str, Any], plan: Plan, outcome: Mapping[str, RewrittenShard]
) -> dict[str, bytes]:
    """Makes the files of tables of the new version that are not those of the old one.

    Of a table that is a folder only the files of the touched shards are read, and those of speakers.

    Args:
        root: the folder of the release, where the tables of the old version lie.
        release: the document of ``dataset.json`` of the old version.
        plan: what was planned.
        outcome: path of an old shard -> what became of it.

    Returns:
        Path of a Parquet file -> its content.
    """
    changes: dict[str, _Rows] = {
        "index": _IndexRows(plan, outcome),
        "recordings": _RecordingRows(plan, outcome),
        "events": _EventRows(plan),
    }
    untouched = {shard_stem(entry["path"]) for entry in release["shards"]} - {shard_stem(path) for path in outcome}
    new = {
        path: _new_table(release_file(root, release, path), rows)
        for name, rows in changes.items()
        for path in table_paths(release, name)
        if _stem(path) not in untouched
    }
    speakers = table_paths(release, "speakers")
    if speakers:
        paths = table_paths(release, "recordings")
        old = [parse_table(release_file(root, release, path)) for path in paths if path in new]
        now = (parse_table(new.get(path) or release_file(root, release, path)) for path in paths)
        rows = _SpeakerRows(plan, old, now)
        new |= {path: _new_table(release_file(root, release, path), rows) for path in speakers}
    return {path: data for path, data in new.items() if data is not None}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".parquet")


class _Rows(ABC):
    """Changes the rows of one table; ``touches`` spares the row groups in which nothing changes."""

    def __init__(self, plan: Plan) -> None:
        self._actions = plan.actions
        self._named = pa.array(self._actions, pa.string())

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["recording_id"], value_set=self._named)).as_py())

    @abstractmethod
    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        """Makes the row of the new version; None where it has none."""


class _IndexRows(_Rows):
    def __init__(self, plan: Plan, outcome: Mapping[str, RewrittenShard]) -> None:
        super().__init__(plan)
        self._shards = pa.array(outcome, pa.string())
        self._places = {sample.key: (shard.path, sample) for shard in outcome.values() for sample in shard.samples}

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["shard"], value_set=self._shards)).as_py())

    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        if action == "drop":
            return None
        path, sample = self._places.get(row["key"], (None, None))
        if sample is not None:
            row |= {"shard": path, "offset": sample.offset, "bytes": sample.bytes}
        side = silenced_side(action)
        if not side:
            return row
        figures = (sample.figures if sample is not None else None) or {}
        return silence_index_row(row, side, figures, schema)


class _RecordingRows(_Rows):
    def __init__(self, plan: Plan, outcome: Mapping[str, RewrittenShard]) -> None:
        super().__init__(plan)
        self._paths = {path: shard.path for path, shard in outcome.items()}
        self._shards = pa.array(self._paths, pa.string())

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["shard"], value_set=self._shards)).as_py())

    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        if action == "drop":
            return None
        side = silenced_side(action)
        if side:
            row = silence_recording(row, side, schema)
        return row | {"shard": self._paths.get(row["shard"], row["shard"])}


class _EventRows(_Rows):
    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        action = self._actions.get(row["recording_id"], "keep")
        side = silenced_side(action)
        if action == "drop" or (side and not event_stays(row["kind"], row["speaker"], side)):
            return None
        return silence_event_row(row, schema) if side else row


class _SpeakerRows(_Rows):
    """Adds up anew what is said of everybody who speaks in a recording that changes: those who go have no row any more."""

    def __init__(self, plan: Plan, old: Iterable[pa.Table], new: Iterable[pa.Table]) -> None:
        super().__init__(plan)
        changed = _rows(old, lambda rows: pc.is_in(rows["recording_id"], value_set=self._named))
        self._names = {row[f"speaker_{side}"] for row in changed for side in SPEAKERS}
        self._speakers = pa.array(sorted(self._names), pa.string())
        of_theirs = _rows(
            new,
            lambda rows: pc.or_(
                *(pc.is_in(rows[f"speaker_{side}"], value_set=self._speakers) for side in SPEAKERS),
            ),
        )
        self._found = speakers_of_rows(of_theirs)

    def touches(self, group: pa.Table) -> bool:
        return bool(pc.any(pc.is_in(group["speaker"], value_set=self._speakers)).as_py())

    def change(self, row: _Row, schema: pa.Schema) -> _Row | None:
        if row["speaker"] not in self._names:
            return row
        found = self._found.get(row["speaker"])
        if found is None or not found.totals.conversations:
            return None
        new = speaker_row(row["speaker"], found.totals)
        return {name: new[name] if name in new else empty_value(name, value, schema) for name, value in row.items()}


def _rows(tables: Iterable[pa.Table], which: Callable[[pa.Table], pa.ChunkedArray]) -> list[_Row]:
    """Reads the chosen rows of the parts of a table."""
    return [row for table in tables for row in table.filter(which(table)).to_pylist()]


def _new_table(data: bytes, rows: _Rows) -> bytes | None:
    """Makes the new version of a file; None where no row changes."""
    source = pq.ParquetFile(pa.BufferReader(data))
    schema = source.schema_arrow
    buffer = io.BytesIO()
    changed = False
    with pq.ParquetWriter(buffer, schema) as writer:
        for number in range(source.num_row_groups):
            group = source.read_row_group(number, use_threads=False)
            if rows.touches(group):
                changed = True
                new = (rows.change(row, schema) for row in group.to_pylist())
                group = pa.Table.from_pylist([row for row in new if row is not None], schema=schema)
            if group.num_rows:
                writer.write_table(group)
    # Parquet calls the items of a list otherwise than pyarrow does in memory: a copy would not be the same bytes.
    return buffer.getvalue() if changed else None
