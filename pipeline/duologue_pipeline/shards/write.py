"""Writes a shard: the parts of its recordings joined, and their rows as its file of each table.

Every recording has left rows beside its part. Nothing is held in memory but the rows of one shard.

All lies ready in a folder that one launch has for itself: whatever is written twice, in parallel or late is the same bytes
there, and what a launch of before still writes lands where nobody looks.

Samples lie in the order of their recordings, but for a few: where the first five have no words (or events, or activity) and a
later one has, that one goes first. ``load_dataset("webdataset", ...)`` learns the types of the fields from the first five.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from duologue_cards import Tally
from duologue_pipeline.events.speakers import SpeakerTotals
from duologue_pipeline.files.storage import join, write_bytes
from duologue_pipeline.files.tables import table_bytes
from duologue_pipeline.files.text import read_json
from duologue_pipeline.records import Tokenized, WrittenShard, WrittenTable
from duologue_pipeline.shards.relabel import relabelled
from duologue_pipeline.shards.summary import people_and_rows, summarise
from duologue_pipeline.shards.tar import Piece, join_parts
from duologue_schemas.tables import SHARD_TABLES, TABLES

__all__ = ["READY", "STAGING", "WrittenSpeakers", "lay_ready", "ready_folder", "write_shard", "write_speakers"]

STAGING: Final = ".staging"
"""The folder under the output where unfinished work lies; it goes when the release is complete."""

READY: Final = f"{STAGING}/next"
"""The folder in which the files of a release lie ready, by their paths in it, until all are there and may be seen; each
launch has a folder of its own in it (:func:`ready_folder`)."""

_LEARNED_FROM: Final = 5
"""From so many samples at the beginning of a shard ``datasets`` learns the types."""


@dataclass(frozen=True)
class WrittenSpeakers:
    """Describes a file of the table of speakers that lies ready, and counts the people in it."""

    file: WrittenTable
    tally: Tally


@dataclass(frozen=True)
class _Sample:
    row: Mapping[str, Any]
    filled: frozenset[str]
    piece: Piece


def ready_folder(out: str, launch: str) -> str:
    """Names the folder in which the files of one launch lie ready; with no launch ("") that of a release made in one process."""
    return join(out, READY, launch) if launch else join(out, READY)


def write_shard(shard: str, parts: Iterable[Tokenized], *, out: str, launch: str = "") -> WrittenShard:
    """Joins the parts of a shard and writes its file of each table; the same parts give the same bytes however often.

    Args:
        shard: the name without hash, e.g. ``train-00000``.
        parts: of all its recordings, in any order.
        out: the output folder.
        launch: whose folder it goes to (:func:`ready_folder`).

    Returns:
        The shard; it lies ready there.
    """
    ordered = sorted(parts, key=lambda part: part.recording_id)
    split = shard.rpartition("-")[0]
    ready = ready_folder(out, launch)
    labelled = [relabelled(part.part_uri, read_json(part.rows_uri), split=split) for part in ordered]
    part_uris, documents = [uri for uri, _ in labelled], [document for _, document in labelled]
    samples = [
        _Sample(row, frozenset(filled), Piece(uri, row["offset"], row["offset"] + row["bytes"]))
        for uri, document in labelled
        for row, filled in zip(document["index"], document["filled"], strict=True)
    ]
    first = _first(samples)
    name, sha256, size = join_parts(
        part_uris,
        folder=join(ready, "shards"),
        name=shard,
        staging=join(out, STAGING),
        first=[sample.piece for sample in first],
    )
    path = f"shards/{name}"
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in SHARD_TABLES}
    offset = 0
    for sample in [*first, *(sample for sample in samples if sample not in first)]:
        rows["index"].append({**sample.row, "split": split, "shard": path, "offset": offset})
        offset += sample.row["bytes"]
    for part, document in zip(ordered, documents, strict=True):
        where = {"split": split, "shard": path, "same_audio": list(part.same_audio)}
        rows["recordings"] += [{**row, **where} for row in document["recordings"]]
        rows["events"] += [{**row, "split": split} for row in document["events"]]
    uses = {row["recording_id"]: document.get("uses", ()) for document in documents for row in document["recordings"]}
    tables = {table: pa.Table.from_pylist(rows[table], schema=TABLES[table]) for table in SHARD_TABLES}
    return WrittenShard(
        name=name,
        split=split,
        sha256=sha256,
        bytes=size,
        samples=len(rows["index"]),
        duration_ms=round(1000 * sum(row["end_s"] - row["start_s"] for row in rows["index"])),
        tables=tuple(lay_ready(ready, f"{kind}/{shard}.parquet", table) for kind, table in tables.items()),
        summary=summarise(tables["index"], tables["recordings"], uses=uses),
    )


def write_speakers(name: str, speakers: Mapping[str, SpeakerTotals], *, out: str, launch: str = "") -> WrittenSpeakers:
    """Writes one file of the table of speakers, and counts its people.

    Args:
        name: of the file without its ending (:func:`duologue_pipeline.shards.summary.bucket`).
        speakers: all of that file.
        out, launch: as for :func:`write_shard`.
    """
    tally, rows = people_and_rows(speakers)
    table = pa.Table.from_pylist(rows, schema=TABLES["speakers"])
    return WrittenSpeakers(lay_ready(ready_folder(out, launch), f"speakers/{name}.parquet", table), tally)


def lay_ready(ready: str, path: str, table: pa.Table) -> WrittenTable:
    """Writes one file of a table into the folder in which a release lies ready.

    Args:
        ready: the folder.
        path: of the file in the release, e.g. ``index/train-00000.parquet``.
        table: its rows.
    """
    data = table_bytes(table)
    write_bytes(join(ready, path), data)
    return WrittenTable(path, table.num_rows, hashlib.sha256(data).hexdigest(), len(data))


def _first(samples: Sequence[_Sample]) -> list[_Sample]:
    """Picks what has to come first so that every list which any sample fills is filled among the first samples."""
    missing = {name for sample in samples for name in sample.filled}
    if missing <= {name for sample in samples[:_LEARNED_FROM] for name in sample.filled}:
        return []
    picked: list[_Sample] = []
    for sample in sorted(samples, key=lambda sample: -len(sample.filled)):
        if missing & sample.filled:
            picked.append(sample)
            missing -= sample.filled
    return picked
