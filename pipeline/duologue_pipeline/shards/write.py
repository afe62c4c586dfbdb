"""Writes a shard: the parts of its recordings joined, and their rows as its pieces of the tables.

Every recording has left rows beside its part. Nothing is held in memory but the rows of one shard.

Samples lie in the order of their recordings, but for a few: where the first five have no words (or events, or activity) and a
later one has, that one goes first. ``load_dataset("webdataset", ...)`` learns the types of the fields from the first five.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import write_table
from duologue_pipeline.files.text import read_json
from duologue_pipeline.records import Tokenized, WrittenShard
from duologue_pipeline.shards.relabel import relabelled
from duologue_pipeline.shards.tar import Piece, join_parts
from duologue_schemas.tables import TABLES

__all__ = ["READY", "STAGING", "write_shard"]

STAGING: Final = ".staging"
"""The folder under the output where unfinished work lies; it goes when the release is complete."""

READY: Final = f"{STAGING}/next"
"""The folder in which the files of a release lie ready, by their paths in it, until all are there and may be seen."""

_LEARNED_FROM: Final = 5
"""From so many samples at the beginning of a shard ``datasets`` learns the types."""


@dataclass(frozen=True)
class _Sample:
    row: Mapping[str, Any]
    filled: frozenset[str]
    piece: Piece


def write_shard(shard: str, parts: Iterable[Tokenized], *, out: str) -> WrittenShard:
    """Joins the parts of a shard and writes its pieces of the tables.

    Args:
        shard: the name without hash, e.g. ``train-00000``.
        parts: of all its recordings, in any order.
        out: the output folder.

    Returns:
        The shard; it lies ready under :data:`READY`.
    """
    ordered = sorted(parts, key=lambda part: part.recording_id)
    staging = join(out, STAGING)
    split = shard.rpartition("-")[0]
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
        folder=join(out, READY, "shards"),
        name=shard,
        staging=staging,
        first=[sample.piece for sample in first],
    )
    path = f"shards/{name}"
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    offset = 0
    for sample in [*first, *(sample for sample in samples if sample not in first)]:
        rows["index"].append({**sample.row, "split": split, "shard": path, "offset": offset})
        offset += sample.row["bytes"]
    for part, document in zip(ordered, documents, strict=True):
        where = {"split": split, "shard": path, "same_audio": list(part.same_audio)}
        rows["recordings"] += [{**row, **where} for row in document["recordings"]]
        rows["events"] += [{**row, "split": split} for row in document["events"]]
    pieces = join(staging, "tables", shard)
    for table, schema in TABLES.items():
        write_table(join(pieces, f"{table}.parquet"), pa.Table.from_pylist(rows[table], schema=schema))
    return WrittenShard(
        name=name,
        split=split,
        sha256=sha256,
        bytes=size,
        samples=len(rows["index"]),
        duration_ms=round(1000 * sum(row["end_s"] - row["start_s"] for row in rows["index"])),
        rows_uri=pieces,
    )


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
