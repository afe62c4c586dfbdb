"""The rows of a recording in the three tables."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from duologue_pipeline.records import Annotated
from duologue_pipeline.tokens.rows import event_rows, index_row, recording_row
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS

Build = Callable[..., Any]


def test_rows_have_exactly_the_columns_of_their_tables(conversation: Annotated, document: Build) -> None:
    rows = {
        "index": (index_row(document(conversation), offset=0, size=512), INDEX),
        "recordings": (recording_row(conversation, samples=2), RECORDINGS),
        "events": (event_rows(conversation)[2], EVENTS),
    }
    for row, schema in rows.values():
        assert sorted(row) == sorted(schema.names)
        assert pa.Table.from_pylist([row], schema=schema).validate(full=True) is None


def test_an_index_row_repeats_what_the_document_says(conversation: Annotated, document: Build) -> None:
    row = index_row(document(conversation), offset=1024, size=4096)
    assert (row["key"], row["offset"], row["bytes"], row["frames"]) == ("call-1-00001", 1024, 4096, 26)
    assert (row["start_s"], row["end_s"], row["language"]) == (1.92, 4.0, None)


def test_an_index_row_counts_what_the_sample_holds(conversation: Annotated, document: Build) -> None:
    row = index_row(document(conversation), offset=0, size=512)
    assert row["overlap_share_of_speech"] == 580 / 2080
    assert (row["backchannels"], row["interruptions"], row["words"]) == (0, 0, False)


def test_events_in_the_table_count_from_the_start_of_the_conversation(conversation: Annotated) -> None:
    row = event_rows(conversation)[2]
    assert (row["kind"], row["start_s"], row["end_s"], row["fto_s"]) == ("overlap_between", 1.9, 2.5, -0.6)
    assert event_rows(conversation)[0]["fto_s"] is None


def test_a_recording_row_holds_the_measures_of_both_tracks(conversation: Annotated) -> None:
    row = recording_row(conversation, samples=2)
    assert (row["recording_id"], row["samples"], row["duration_s"]) == ("call-1", 2, 5.0)
    assert (row["sample_rate_hz_a"], row["words_a"], row["isolation"]) == (8000, False, "pass")
    assert (row["bleed_db_a_from_b"], row["floor_db_b_from_a"]) == (None, -60.0)
    assert row["samples_sha256_a"] != row["samples_sha256_b"]
