"""Reads the tables of a release, of whoever made it, as far as ``dataset.json`` allows."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import parse_foreign_table
from duologue_pipeline.reader.release_file import release_file, table_paths
from duologue_schemas.tables import LATER_COLUMNS, TABLES

__all__ = [
    "index_fault",
    "iter_release_table",
    "max_rows",
    "parse_release_table",
    "places_are_well",
    "read_release_table",
]

_Numbers = npt.NDArray[np.int64]

_FEW: Final = 1000
_READERS: Final = 16
_EVENT_BYTES: Final = 64  # what an event takes at least in the json of the samples that it touches


def max_rows(release: Mapping[str, Any], name: str) -> int:
    """Says how many rows a table may have.

    Args:
        release: the document of ``dataset.json``, which follows its schema.
        name: a name of :data:`duologue_schemas.tables.TABLES`.
    """
    totals = release["totals"]
    allowed: dict[str, int] = {
        "index": totals["samples"],
        "recordings": totals["written"],
        "events": _FEW + totals["bytes"] // _EVENT_BYTES,
        "speakers": 2 * totals["written"],
    }
    return allowed[name]


def parse_release_table(
    data: bytes,
    release: Mapping[str, Any],
    name: str,
    *,
    other_versions: bool = False,
    columns: Collection[str] | None = None,
) -> pa.Table:
    """Reads a table.

    Args:
        data: the bytes of its file.
        release: the document of ``dataset.json``.
        name: a name of :data:`duologue_schemas.tables.TABLES`.
        other_versions: whether a later version of duologue may have written it: columns that it has added are left out.
            Those of :data:`duologue_schemas.tables.LATER_COLUMNS` may always be missing.
        columns: those that are read; all if None. Of others only the type is looked at.

    Raises:
        ValueError: it cannot be read; the message is the end of a sentence that names the file.
    """
    return parse_foreign_table(
        data,
        TABLES[name],
        max_rows=max_rows(release, name),
        more_columns=other_versions,
        may_lack=LATER_COLUMNS[name],
        columns=columns,
    )


def read_release_table(
    root: str,
    release: Mapping[str, Any],
    name: str,
    *,
    other_versions: bool = True,
    columns: Collection[str] | None = None,
) -> pa.Table:
    """Reads a table of a release, one file or a folder of files, of any version of duologue.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.
        name: a name of :data:`duologue_schemas.tables.TABLES`.
        other_versions: whether a later version may have written it, as for :func:`parse_release_table`.
        columns: those that are read, as for :func:`parse_release_table`.

    Raises:
        UsageError: a file is not the one that ``dataset.json`` names, or cannot be read.
    """
    return pa.concat_tables(iter_release_table(root, release, name, other_versions=other_versions, columns=columns))


def iter_release_table(
    root: str,
    release: Mapping[str, Any],
    name: str,
    *,
    other_versions: bool = True,
    columns: Collection[str] | None = None,
) -> Iterator[pa.Table]:
    """Reads a table of a release file by file, in their order; arguments and errors as of :func:`read_release_table`.

    Yields:
        The rows of each file, of one schema; at least one, which may have no row.
    """
    schema, rows, allowed = None, 0, max_rows(release, name)
    paths = table_paths(release, name) or [f"{name}.parquet"]
    for path, data in _read(root, release, paths):
        try:
            part = parse_release_table(data, release, name, other_versions=other_versions, columns=columns)
            if schema is not None and part.schema != schema:
                raise ValueError("has other columns than the files before it")
            schema, rows = part.schema, rows + len(part)
            if rows > allowed:
                raise ValueError(f"has more rows, with the files before it, than the {allowed} allowed")
        except ValueError as error:
            raise UsageError(f"{join(root, path)}: {error}; see `duologue shards verify {root}`") from None
        yield part


def _read(root: str, release: Mapping[str, Any], paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Reads files in their order, several at a time: of a large release there are ten thousand, and a store takes its time."""
    entries = {entry["path"]: entry for entry in release["files"]}

    def read(path: str) -> bytes:
        return release_file(root, {"files": [entries[path]] if path in entries else []}, path)

    with ThreadPoolExecutor(_READERS) as readers:
        for first in range(0, len(paths), _READERS):
            some = paths[first : first + _READERS]
            yield from zip(some, readers.map(read, some), strict=True)


def index_fault(release: Mapping[str, Any], index: pa.Table) -> str:
    """Finds rows of ``index.parquet`` that cannot be of this release: places outside of the shards, or one on another.

    Returns:
        The end of a sentence that names the file; "" where there is nothing.
    """
    if _is_well(release, index):
        return ""
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


def places_are_well(sizes: _Numbers, shard: npt.NDArray[np.int32], offset: _Numbers, size: _Numbers) -> bool:
    """Tells whether samples lie in shards one behind the other, from the beginning of each.

    Args:
        sizes: int64 [S], of the shards, in bytes.
        shard: int32 [N], the place of each sample's shard in them, -1 where there is none.
        offset, size: int64 [N], in bytes.
    """
    if (shard < 0).any() or (offset < 0).any() or (size <= 0).any() or (size > sizes[shard] - offset).any():
        return False
    step = np.diff(shard)
    if (step < 0).any() or ((step == 0) & (np.diff(offset) < 0)).any():
        order = np.lexsort((offset, shard))
        shard, offset, size = shard[order], offset[order], size[order]
    expected = np.where(
        np.diff(shard, prepend=-1) != 0, 0, np.concatenate([[0], offset[:-1] + size[:-1]])[: len(offset)]
    )
    return bool((offset == expected).all())


def _is_well(release: Mapping[str, Any], index: pa.Table) -> bool:
    """Tells at once whether there is nothing to find; what there is :func:`index_fault` finds row by row."""
    sizes = np.array([shard["bytes"] for shard in release["shards"]] or [0], np.int64)
    paths = pa.array([shard["path"] for shard in release["shards"]], pa.string())
    shard = pc.index_in(index["shard"], value_set=paths).fill_null(-1).to_numpy()
    start_s, end_s = index["start_s"].to_numpy(), index["end_s"].to_numpy()
    return bool(
        places_are_well(sizes, shard, index["offset"].to_numpy(), index["bytes"].to_numpy())
        and (np.isfinite(start_s) & np.isfinite(end_s) & (start_s <= end_s)).all()
        and pc.count_distinct(index["key"]).as_py() == len(index)
    )
