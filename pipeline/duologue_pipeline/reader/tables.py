"""Reads the tables of a release, of whoever made it, as far as ``dataset.json`` allows."""

import math
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.files.tables import parse_foreign_table
from duologue_schemas.tables import LATER_COLUMNS, TABLES

__all__ = ["index_fault", "max_rows", "parse_release_table"]

_FEW: Final = 1000
_EVENT_BYTES: Final = 64  # what an event takes at least in the json of the samples that it touches


def max_rows(release: Mapping[str, Any], name: str) -> int:
    """Says how many rows a table may have.

    Args:
        release: the document of ``dataset.json``, which follows its schema.
        name: ``index``, ``recordings`` or ``events``.
    """
    totals = release["totals"]
    allowed: dict[str, int] = {
        "index": totals["samples"],
        "recordings": totals["written"],
        "events": _FEW + totals["bytes"] // _EVENT_BYTES,
    }
    return allowed[name]


def parse_release_table(
    data: bytes, release: Mapping[str, Any], name: str, *, other_versions: bool = False
) -> pa.Table:
    """Reads a table.

    Args:
        data: the bytes of its file.
        release: the document of ``dataset.json``.
        name: ``index``, ``recordings`` or ``events``.
        other_versions: whether a later version of duologue may have written it: columns that it has added are left out.
            Those of :data:`duologue_schemas.tables.LATER_COLUMNS` may always be missing.

    Raises:
        ValueError: it cannot be read; the message is the end of a sentence that names the file.
    """
    return parse_foreign_table(
        data,
        TABLES[name],
        max_rows=max_rows(release, name),
        more_columns=other_versions,
        may_lack=LATER_COLUMNS[name],
    )


def index_fault(release: Mapping[str, Any], index: pa.Table) -> str:
    """Finds rows of ``index.parquet`` that cannot be of this release: places outside of the shards, or one on another.

    Returns:
        The end of a sentence that names the file; "" where there is nothing.
    """
    sizes = {shard["path"]: shard["bytes"] for shard in release["shards"]}
    ends = dict.fromkeys(sizes, 0)
    keys: set[str] = set()
    columns = (index[name].to_pylist() for name in ("shard", "offset", "bytes", "key", "start_s", "end_s"))
    for shard, offset, size, key, start_s, end_s in sorted(zip(*columns, strict=True), key=lambda row: row[:2]):
        if shard not in sizes:
            return f"names {shard!r}, which is not in dataset.json: not of one release"
        if key in keys:
            return f"has the sample {key!r} twice"
        if offset != ends[shard] or size <= 0 or offset + size > sizes[shard]:
            return (
                f"says that {key!r} takes {size} bytes of {shard} from byte {offset}, where {ends[shard]} were told "
                f"before and there are {sizes[shard]}"
            )
        if not (math.isfinite(start_s) and math.isfinite(end_s) and start_s <= end_s):
            return f"says that {key!r} lasts from {start_s} to {end_s} s"
        keys.add(key)
        ends[shard] += size
    return ""
