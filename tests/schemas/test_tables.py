from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duologue_schemas.docs import formats_page
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS, description

TABLES = [pytest.param(INDEX, id="index"), pytest.param(RECORDINGS, id="recordings"), pytest.param(EVENTS, id="events")]
EVENT = {
    "recording_id": "call-1",
    "split": "train",
    "kind": "gap",
    "subtype": None,
    "speaker": "b",
    "addressee": "silent",
    "start_s": 4.2,
    "end_s": 4.5,
    "fto_s": 0.3,
    "floor_taking": None,
    "take_over": None,
    "response_latency_s": None,
    "stop_latency_s": None,
    "success_latency_s": None,
    "penalty_latency_s": None,
    "reparandum_start_s": None,
    "reparandum_end_s": None,
    "interregnum_start_s": None,
    "interregnum_end_s": None,
    "repair_start_s": None,
    "repair_end_s": None,
    "confidence": 1.0,
    "source": "activity",
    "rules": "2.0",
}


@pytest.mark.parametrize("schema", TABLES)
def test_every_column_has_a_name_of_its_own_and_says_what_it_holds(schema: pa.Schema) -> None:
    assert len(set(schema.names)) == len(schema.names)
    assert all(description(column).endswith(".") for column in schema)


def test_rows_survive_parquet_with_their_schema(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([EVENT], schema=EVENTS)
    pq.write_table(table, tmp_path / "events.parquet")
    again = pq.read_table(tmp_path / "events.parquet")
    assert again.schema.equals(EVENTS, check_metadata=True)
    assert again.to_pylist() == [EVENT]


def test_null_in_a_column_that_must_not_be_null_is_not_written(tmp_path: Path) -> None:
    table = pa.Table.from_pylist([{**EVENT, "kind": None}], schema=EVENTS)
    with pytest.raises(pa.ArrowInvalid, match="'kind' is declared non-nullable but contains nulls"):
        pq.write_table(table, tmp_path / "events.parquet")


def test_speakers_appear_only_as_commitments() -> None:
    columns = [column for schema in (INDEX, RECORDINGS) for column in schema if column.name.startswith("speaker")]
    assert [column.name for column in columns] == ["speaker_a", "speaker_b"] * 2
    assert all("Commitment" in description(column) for column in columns)
    assert not any("embedding" in name for schema in (INDEX, RECORDINGS, EVENTS) for name in schema.names)


def test_formats_page_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
    remedy = "docs/formats.md is stale: run python -m duologue_schemas.docs > docs/formats.md"
    assert page.read_text(encoding="utf-8") == formats_page(), remedy
