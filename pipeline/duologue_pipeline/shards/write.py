"""Writes a shard: the parts of its recordings joined, and their rows as its pieces of the tables.

Every recording has left rows beside its part. Nothing is held in memory but the rows of one shard.
"""

from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import write_table
from duologue_pipeline.files.text import read_json
from duologue_pipeline.records import Tokenized, WrittenShard
from duologue_pipeline.shards.tar import join_parts
from duologue_schemas.tables import TABLES

__all__ = ["READY", "STAGING", "write_shard"]

STAGING: Final = ".staging"
"""The folder under the output where unfinished work lies; it goes when the release is complete."""

READY: Final = f"{STAGING}/next"
"""The folder in which the files of a release lie ready, by their paths in it, until all are there and may be seen."""


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
    name, sha256, size = join_parts(
        [part.part_uri for part in ordered], folder=join(out, READY, "shards"), name=shard, staging=staging
    )
    path = f"shards/{name}"
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    base = 0
    for part in ordered:
        document = read_json(part.rows_uri)
        rows["index"] += [{**row, "shard": path, "offset": row["offset"] + base} for row in document["index"]]
        rows["recordings"] += [{**row, "shard": path} for row in document["recordings"]]
        rows["events"] += document["events"]
        base += document["part_bytes"]
    pieces = join(staging, "tables", shard)
    for table, schema in TABLES.items():
        write_table(join(pieces, f"{table}.parquet"), pa.Table.from_pylist(rows[table], schema=schema))
    return WrittenShard(
        name=name,
        split=shard.rpartition("-")[0],
        sha256=sha256,
        bytes=size,
        samples=len(rows["index"]),
        duration_ms=round(1000 * sum(row["end_s"] - row["start_s"] for row in rows["index"])),
        rows_uri=pieces,
    )
