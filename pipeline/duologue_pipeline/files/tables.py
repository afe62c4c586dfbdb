"""Reads and writes the Parquet tables of a release."""

import io
from collections.abc import Collection, Container, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from duologue_pipeline.files.parquet_pages import column_pages
from duologue_pipeline.files.storage import read_bytes, write_bytes

__all__ = [
    "check_table",
    "iter_rows",
    "parse_foreign_table",
    "parse_table",
    "read_table",
    "table_bytes",
    "table_rows",
    "write_table",
]

_ROWS: Final = 1 << 12
_BASE_BYTES: Final = 1 << 26
_ROW_BYTES: Final = 1 << 16
"""How much memory a table may take: the first, and the second for each row. Rows of a release have hundreds of bytes."""
_THRIFT_BYTES: Final = 1 << 26


def iter_rows(table: pa.Table, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Gives the rows of a table as Python objects, some thousand at a time: those of a large table would fill the memory.

    Args:
        table: any.
        columns: those that are wanted; all if None.
    """
    wanted = table if columns is None else table.select(list(columns))
    for start in range(0, len(wanted), _ROWS):
        yield from wanted.slice(start, _ROWS).to_pylist()


def read_table(uri: str) -> pa.Table:
    """Reads a whole table that this program has written.

    ``pyarrow.parquet.read_table`` is not used: its scanner's threads may still hold the Python file when the
    interpreter ends, which aborts the process ("terminate called without an active exception").
    """
    return parse_table(read_bytes(uri))


def parse_table(data: bytes) -> pa.Table:
    """Reads a whole table that this program has written from the bytes of its Parquet file."""
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


def table_rows(data: bytes) -> int:
    """Counts the rows of a table that this program has written from the bytes of its Parquet file."""
    rows: int = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
    return rows


def check_table(
    data: bytes, schema: pa.Schema, *, max_rows: int, more_columns: bool = False, may_lack: Collection[str] = ()
) -> str:
    """Finds whether the bytes are a table that can be read with no harm: its columns, its rows, what it unpacks to.

    Args:
        data: of the whole Parquet file.
        schema: the columns that it must have.
        max_rows: how many rows it may have.
        more_columns: whether it may have other columns beside those.
        may_lack: columns that it may be without.

    Returns:
        What is wrong with it, e.g. ``has the columns key, expected key, shard``; empty where nothing is.
    """
    try:
        _checked(data, schema, None, max_rows=max_rows, more_columns=more_columns, may_lack=may_lack)
    except ValueError as error:
        return str(error)
    return ""


def parse_foreign_table(
    data: bytes,
    schema: pa.Schema,
    *,
    max_rows: int,
    more_columns: bool = False,
    may_lack: Collection[str] = (),
    columns: Collection[str] | None = None,
) -> pa.Table:
    """Reads a whole table of somebody else from the bytes of its Parquet file, after :func:`check_table`.

    The other arguments are those of :func:`check_table`; columns that the schema does not have are left out.

    Args:
        columns: those that are read, and looked at; all of the schema if None. Those that it may lack are read where it has them.

    Raises:
        ValueError: it is damaged, has other columns or too many rows, or a column that may not be null is; the message
            is the end of a sentence that names the file.
    """
    file, schema = _checked(data, schema, columns, max_rows=max_rows, more_columns=more_columns, may_lack=may_lack)
    texts = _texts(schema)
    try:
        table = file.read(schema.names, use_threads=False)
        size = sum(_most_text_bytes(table[name]) for name in texts)
        if size > _allowed(table.num_rows):
            size = sum(_text_bytes(table[name]) for name in texts)
        if size > _allowed(table.num_rows):
            raise ValueError(f"would take {size} bytes of memory, far more than its {table.num_rows} rows can need")
        if table.num_rows > max_rows:
            raise ValueError(f"has {table.num_rows} rows, and dataset.json allows for {max_rows}")
        for column in schema:
            found = table[column.name]
            if (not column.nullable and found.null_count) or any(_has_gaps(chunk) for chunk in found.chunks):
                raise ValueError(f"has an empty value in the column {column.name}, which always holds one")
        parsed = pa.table([table[column.name].cast(column.type) for column in schema], schema=schema)
        parsed.validate(full=True)
    except (pa.ArrowException, OSError, MemoryError, OverflowError) as error:
        raise ValueError(f"cannot be read ({_told(error)})") from None
    return parsed


def _checked(
    data: bytes,
    schema: pa.Schema,
    wanted: Collection[str] | None,
    *,
    max_rows: int,
    more_columns: bool,
    may_lack: Collection[str],
) -> tuple[pq.ParquetFile, pa.Schema]:
    """Opens a table, and gives it with the columns that are to be read; raises ValueError as :func:`check_table` tells."""
    try:
        # Texts as places in a dictionary first: one long text may stand in every row.
        try:
            file = _open(data, _texts(schema))
        except KeyError:  # it has no such column
            paths = {column.path for column in _open(data, []).metadata.schema}
            file = _open(data, [name for name in _texts(schema) if name in paths])
        columns, rows = file.metadata.schema.to_arrow_schema(), file.metadata.num_rows
        schema = _without(schema, set(may_lack) - set(columns.names))
        more = more_columns and set(columns.names) > set(schema.names) and len(set(columns.names)) == len(columns.names)
        if columns.names != schema.names and not more:
            raise _FaultError(f"has the columns {', '.join(columns.names)}, expected {', '.join(schema.names)}")
        for column in schema:
            found = columns.field(column.name)
            if found.type != column.type:
                raise _FaultError(f"has {found.type} in the column {column.name}, expected {column.type}")
            if found.nullable and not column.nullable:
                raise _FaultError(f"allows for an empty value in the column {column.name}, which always holds one")
        if not 0 <= rows <= max_rows:
            raise _FaultError(f"has {rows} rows, and dataset.json allows for {max_rows}")
        if wanted is not None:
            schema = _without(schema, set(schema.names) - set(wanted))
        _check_size(data, file, rows, None if wanted is None else set(wanted))
    except _FaultError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        raise ValueError(f"cannot be read ({_told(error)})") from None
    return file, schema


def _open(data: bytes, as_dictionaries: list[str]) -> pq.ParquetFile:
    return pq.ParquetFile(
        pa.BufferReader(data),
        read_dictionary=as_dictionaries,
        thrift_string_size_limit=_THRIFT_BYTES,
        thrift_container_size_limit=_THRIFT_BYTES,
    )


class _FaultError(ValueError):
    """Says what a table has that it may not have."""


def _without(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    return pa.schema([column for column in schema if column.name not in names]) if names else schema


def _check_size(data: bytes, file: pq.ParquetFile, rows: int, wanted: Container[str] | None) -> None:
    size = 0
    for pages in column_pages(data, file.metadata, wanted):
        if not pages.is_nested and pages.values != pages.rows:
            raise _FaultError(f"has {pages.values} values in {pages.rows} rows of the column {pages.path}")
        size += pages.bytes + 16 * pages.values
        if pages.is_nested and pages.is_text:
            size += pages.dictionary_bytes * pages.values
        if size > _allowed(rows):
            raise _FaultError(
                f"would take more than {_allowed(rows)} bytes of memory, far more than its {rows} rows can need"
            )


def _allowed(rows: int) -> int:
    return _BASE_BYTES + _ROW_BYTES * rows


def _texts(schema: pa.Schema) -> list[str]:
    return [column.name for column in schema if pa.types.is_string(column.type)]


def _most_text_bytes(column: pa.ChunkedArray) -> int:
    """Says what :func:`_text_bytes` surely does not exceed."""
    return sum(len(chunk) * int(chunk.dictionary.nbytes) for chunk in column.chunks)


def _text_bytes(column: pa.ChunkedArray) -> int:
    """Counts the bytes of the texts of a column of dictionaries, as they would lie in memory."""
    size = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
        size += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    return size


def _has_gaps(array: pa.Array) -> bool:
    """Tells whether there is a null within a list: a list of a release always holds values."""
    if not pa.types.is_list(array.type):
        return False
    entries = array.flatten()
    parts = [entries, *(entries.flatten() if pa.types.is_struct(entries.type) else ())]
    return any(part.null_count for part in parts)


def _told(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def table_bytes(table: pa.Table) -> bytes:
    """Makes the Parquet file of a whole table; the same rows give the same bytes."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def write_table(uri: str, table: pa.Table) -> None:
    """Writes the Parquet file of a whole table (:func:`table_bytes`)."""
    write_bytes(uri, table_bytes(table))
