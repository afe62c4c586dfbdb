"""Reads and writes the Parquet tables of a release."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_pipeline.files.storage import read_bytes, write_bytes

__all__ = ["parse_table", "read_columns", "read_table", "write_table"]


def read_table(uri: str) -> pa.Table:
    """Reads a whole table.

    ``pyarrow.parquet.read_table`` is not used: its scanner's threads may still hold the Python file when the
    interpreter ends, which aborts the process ("terminate called without an active exception").
    """
    return parse_table(read_bytes(uri))


def parse_table(data: bytes) -> pa.Table:
    """Reads a whole table from the bytes of its Parquet file."""
    return _file(data).read(use_threads=False)


def read_columns(uri: str) -> list[str]:
    """Reads the names of a table's columns."""
    names: list[str] = _file(read_bytes(uri)).schema_arrow.names
    return names


def _file(data: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(data))


def write_table(uri: str, table: pa.Table) -> None:
    """Writes a whole table; the same rows give the same bytes."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    write_bytes(uri, buffer.getvalue())
