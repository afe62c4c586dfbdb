"""The pages of a Parquet file, as they are found without unpacking them."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from duologue_pipeline.files.parquet_pages import column_pages


def test_a_row_group_without_rows_has_columns_without_pages() -> None:
    schema = pa.schema([("name", pa.string()), ("count", pa.int64())])
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema) as writer:
        for rows in ([], [{"name": "one", "count": 1}], []):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    data = buffer.getvalue()
    pages = list(column_pages(data, pq.ParquetFile(pa.BufferReader(data)).metadata))
    assert [(each.path, each.is_text, each.rows, each.values) for each in pages] == [
        ("name", True, 0, 0),
        ("count", False, 0, 0),
        ("name", True, 1, 1),
        ("count", False, 1, 1),
        ("name", True, 0, 0),
        ("count", False, 0, 0),
    ]
