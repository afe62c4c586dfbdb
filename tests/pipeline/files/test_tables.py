"""Tables of somebody else: what they say of themselves is not believed."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duologue_pipeline.files.tables import check_table, iter_rows, parse_foreign_table

SCHEMA = pa.schema([pa.field("key", pa.string(), nullable=False), ("n", pa.int64()), ("tags", pa.list_(pa.string()))])


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def rows(count: int = 3, **columns: Any) -> pa.Table:
    values = {"key": [f"k{n}" for n in range(count)], "n": [*range(count)], "tags": [["a", "b"]] * count}
    return pa.table(values | columns, schema=SCHEMA)


def test_a_table_comes_back_as_it_was_written() -> None:
    table = rows()
    assert parse_foreign_table(parquet(table), SCHEMA, max_rows=3).equals(table)
    assert parse_foreign_table(parquet(table, compression="zstd", use_dictionary=False), SCHEMA, max_rows=3).equals(
        table
    )
    assert parse_foreign_table(parquet(table, data_page_version="2.0"), SCHEMA, max_rows=3).equals(table)


def test_columns_of_a_later_version_may_be_left_out() -> None:
    data = parquet(rows().append_column("later", pa.array([1, 2, 3])))
    assert check_table(data, SCHEMA, max_rows=3) == "has the columns key, n, tags, later, expected key, n, tags"
    assert parse_foreign_table(data, SCHEMA, max_rows=3, more_columns=True).equals(rows())


@pytest.mark.parametrize("again", ["key", "tags", "later"])
@pytest.mark.parametrize("columns", [None, ["n"]])
def test_a_table_that_has_a_column_twice_is_refused(again: str, columns: list[str] | None) -> None:
    table = rows().append_column("later", pa.array([1, 2, 3]))
    data = parquet(table.append_column(again, table[again]))
    with pytest.raises(ValueError, match=f"has the columns key, n, tags, later, {again}, expected key, n, tags"):
        parse_foreign_table(data, SCHEMA, max_rows=3, more_columns=True, columns=columns)


def test_only_the_columns_that_are_asked_for_are_read() -> None:
    hollow = parquet(rows(1, tags=[[""] * (1 << 23)]), compression="zstd")  # a hundred bytes that unpack to very much
    found = parse_foreign_table(hollow, SCHEMA, max_rows=1, columns=["n", "key"])
    assert found.to_pylist() == [{"key": "k0", "n": 0}]
    with pytest.raises(ValueError, match="far more than its 1 rows can need"):
        parse_foreign_table(hollow, SCHEMA, max_rows=1, columns=["tags"])
    assert parse_foreign_table(
        parquet(rows().drop_columns(["key"])), SCHEMA, max_rows=3, may_lack={"key"}, columns=["key", "n"]
    ).to_pylist() == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_rows_come_one_after_the_other() -> None:
    table = rows(10_000)
    assert list(iter_rows(table, ["n"])) == [{"n": number} for number in range(10_000)]
    assert list(iter_rows(rows(2))) == rows(2).to_pylist()
    assert list(iter_rows(rows(0))) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"PAR1" + bytes(100) + b"PAR1", "cannot be read"),
        (parquet(rows())[:-9], "cannot be read"),
        (parquet(rows(4)), "has 4 rows, and dataset.json allows for 3"),
        (parquet(rows().drop_columns(["n"])), "has the columns key, tags, expected key, n, tags"),
        (parquet(rows().drop_columns(["key"])), "has the columns n, tags, expected key, n, tags"),
        (
            parquet(rows().set_column(0, "key", pa.array([{"x": "a"}] * 3))),
            r"has struct<x: string> in the column key, expected string",
        ),
        (parquet(rows().set_column(1, "n", pa.array(["1"] * 3))), "has string in the column n, expected int64"),
        (
            parquet(rows().set_column(0, "key", pa.array(["a", None, "b"]))),
            "allows for an empty value in the column key, which always holds one",
        ),
        (
            parquet(rows(), use_dictionary=False, column_encoding={"key": "DELTA_BYTE_ARRAY"}),
            "encoding 7, which duologue",
        ),
    ],
)
def test_a_table_that_is_another_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_foreign_table(data, SCHEMA, max_rows=3)


def test_a_long_text_in_every_row_is_refused() -> None:
    """A few kilobytes that say: this megabyte, a thousand times."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * (1 << 20)]))
    table = pa.table({"key": text, "n": [1] * 20_000, "tags": [[]] * 20_000})
    data = parquet(table.cast(pa.schema([("key", text.type), *[SCHEMA.field(n) for n in (1, 2)]])), compression="zstd")
    assert len(data) < 1 << 20
    with pytest.raises(ValueError, match=r"has dictionary|would take \d+ bytes of memory|would take more than"):
        parse_foreign_table(data, SCHEMA, max_rows=20_000)


@pytest.mark.parametrize(
    "table",
    [
        rows(1, key=["x" * (1 << 27)]),
        rows(1, tags=[[""] * (1 << 23)]),
    ],
    ids=["one long text", "one long list"],
)
def test_what_unpacks_to_far_more_than_its_rows_need_is_refused(table: pa.Table) -> None:
    data = parquet(table, compression="zstd")
    assert len(data) < 1 << 20
    assert "far more than its 1 rows can need" in check_table(data, SCHEMA, max_rows=1)
