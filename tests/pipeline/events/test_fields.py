"""The table of an event's fields, against the record and the schemas, and an event written in each form."""

import dataclasses
from typing import Any

import pytest

from duologue_pipeline.events.fields import (
    EVENT_COLUMNS,
    EVENT_FIELDS,
    event_columns,
    event_document,
    sample_event,
)
from duologue_pipeline.records import Event, Span
from duologue_schemas import load_schema
from duologue_schemas.tables import EVENTS

REPETITION = Event(
    "repetition",
    "a",
    2320,
    2520,
    source="words",
    rules="2.0",
    confidence=0.94,
    reparandum=Span(2320, 2400),
    interregnum=Span(2400, 2400),
    repair=Span(2450, 2520),
)
INTERRUPTION = Event(
    "interruption",
    "b",
    2500,
    4000,
    subtype="barge_in",
    addressee="speaking",
    floor_taking=True,
    take_over=True,
    fto_ms=-400,
    response_latency_ms=1200,
    stop_latency_ms=0,
    success_latency_ms=0,
    penalty_latency_ms=0,
    rules="2.0",
)


def event_schema(name: str) -> Any:
    return load_schema(name)["$defs"]["event"]


# --- against the record and the schemas -----------------------------------------------------------------------------


def test_every_attribute_of_the_record_is_a_field() -> None:
    assert sorted(field.attribute for field in EVENT_FIELDS) == sorted(x.name for x in dataclasses.fields(Event))


def test_a_name_says_seconds_where_the_attribute_says_milliseconds() -> None:
    for field in EVENT_FIELDS:
        assert field.name == (
            field.attribute.removesuffix("_ms") + "_s" if field.attribute.endswith("_ms") else field.attribute
        )
        assert field.attribute.endswith("_ms") == (field.holds in ("moment", "length"))


def test_the_columns_are_those_of_the_table_and_null_where_a_field_may_not_apply() -> None:
    nullable = {column: not field.always for field in EVENT_FIELDS for column in field.columns}
    assert nullable == {
        column.name: column.nullable for column in EVENTS if column.name not in ("recording_id", "split")
    }


def test_the_table_and_a_sample_have_the_fields_in_one_order() -> None:
    columns = {field.name: field.columns for field in EVENT_FIELDS}
    *properties, owned = event_schema("sample")["properties"]
    assert (owned, event_schema("sample")["required"]) == ("owned", properties)  # it came later
    assert ["recording_id", "split", *(column for name in properties for column in columns[name])] == EVENTS.names


def test_a_sample_has_all_fields_with_blanks_of_their_type() -> None:
    properties = event_schema("sample")["properties"]
    assert properties.keys() == {*(field.name for field in EVENT_FIELDS), "owned"}
    types = {str: "string", bool: "boolean", float: "number"}
    for field in EVENT_FIELDS:
        schema = properties[field.name]
        if field.always or field.holds == "stretch":
            assert field.blank is None
        elif "enum" in schema:
            assert field.blank in schema["enum"]
        elif "$ref" in schema:
            assert field.blank == -1.0
        else:
            assert schema["type"] == types[type(field.blank)]


def test_an_annotation_has_all_fields_and_requires_what_always_applies() -> None:
    schema = event_schema("annotation")
    assert schema["properties"].keys() == {field.name for field in EVENT_FIELDS}
    assert schema["required"] == [field.name for field in EVENT_FIELDS if field.always]


def test_the_columns_of_the_csv_are_these() -> None:
    assert EVENT_COLUMNS == (
        "kind", "speaker", "start_s", "end_s", "subtype", "addressee", "floor_taking", "take_over", "fto_s",
        "response_latency_s", "stop_latency_s", "success_latency_s", "penalty_latency_s",
        "reparandum_start_s", "reparandum_end_s", "interregnum_start_s", "interregnum_end_s",
        "repair_start_s", "repair_end_s", "confidence", "source", "rules",
    )  # fmt: skip


# --- the forms ------------------------------------------------------------------------------------------------------


def test_a_row_has_every_column_and_none_where_a_field_does_not_apply() -> None:
    row = event_columns(REPETITION)
    assert tuple(row) == EVENT_COLUMNS
    assert {column: value for column, value in row.items() if value is not None} == {
        "kind": "repetition", "speaker": "a", "start_s": 2.32, "end_s": 2.52,
        "reparandum_start_s": 2.32, "reparandum_end_s": 2.4, "interregnum_start_s": 2.4, "interregnum_end_s": 2.4,
        "repair_start_s": 2.45, "repair_end_s": 2.52, "confidence": 0.94, "source": "words", "rules": "2.0",
    }  # fmt: skip
    assert (event_columns(INTERRUPTION)["fto_s"], event_columns(INTERRUPTION)["stop_latency_s"]) == (-0.4, 0.0)


def test_a_document_leaves_out_what_does_not_apply_and_begins_with_what_every_event_has() -> None:
    assert list(event_document(REPETITION).items()) == [
        ("kind", "repetition"), ("speaker", "a"), ("start_s", 2.32), ("end_s", 2.52),
        ("confidence", 0.94), ("source", "words"), ("rules", "2.0"),
        ("reparandum", [2.32, 2.4]), ("interregnum", [2.4, 2.4]), ("repair", [2.45, 2.52]),
    ]  # fmt: skip
    assert event_document(INTERRUPTION)["floor_taking"] is True
    assert event_document(dataclasses.replace(INTERRUPTION, floor_taking=False))["floor_taking"] is False


@pytest.mark.parametrize("zero_ms", [0, 1920])
def test_an_event_of_a_sample_has_every_field_and_counts_from_the_sample(zero_ms: int) -> None:
    def at(ms: int) -> float:
        return (ms - zero_ms) / 1000

    nothing = {"start_s": at(2500), "end_s": at(2500)}
    assert sample_event(INTERRUPTION, zero_ms=zero_ms) == {
        "kind": "interruption", "subtype": "barge_in", "speaker": "b", "addressee": "speaking",
        "start_s": at(2500), "end_s": at(4000), "fto_s": -0.4, "floor_taking": True, "take_over": True,
        "response_latency_s": 1.2, "stop_latency_s": 0.0, "success_latency_s": 0.0, "penalty_latency_s": 0.0,
        "reparandum": nothing, "interregnum": nothing, "repair": nothing,
        "confidence": 1.0, "source": "activity", "rules": "2.0",
    }  # fmt: skip
    blank = sample_event(REPETITION, zero_ms=zero_ms)
    assert (blank["subtype"], blank["fto_s"], blank["floor_taking"], blank["penalty_latency_s"]) == (
        "",
        0.0,
        False,
        -1.0,
    )
    assert blank["repair"] == {"start_s": at(2450), "end_s": at(2520)}
