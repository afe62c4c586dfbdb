"""Describes the records of a release in the words of Croissant: splits, tables and tokens, in forms that mlcroissant reads.

What mlcroissant 1.1.1 cannot read is written in the form that it can: a list of structs as ``subField`` with a ``jsonPath``, the
splits with a second atomic type beside ``cr:Split`` (croissant-spec-1.1.md, "Fields" and "Splits").
"""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from duologue_cards.croissant.files import TABLE_TEXTS, listed_shards, listed_tables, table_is_folder
from duologue_cards.facts import Facts
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS, SPEAKERS, description

__all__ = ["record_sets"]

_TABLES: Final = {
    "index": (INDEX, ["key"]),
    "recordings": (RECORDINGS, ["recording_id"]),
    "events": (EVENTS, []),
    "speakers": (SPEAKERS, ["speaker"]),
}
_SPLITS: Final = {
    "train": "http://mlcommons.org/croissant/TrainingSplit",
    "validation": "http://mlcommons.org/croissant/ValidationSplit",
}


def record_sets(facts: Facts) -> list[dict[str, Any]]:
    """Describes the splits, every column of every table, and the tokens where the shards are listed one by one."""
    return [_splits(facts), *(_record_set(facts, name) for name in listed_tables(facts)), *_tokens(facts)]


def _tokens(facts: Facts) -> list[dict[str, Any]]:
    if not listed_shards(facts):
        return []
    source = {"fileSet": {"@id": "token-files"}}
    fields = [
        (
            "key",
            "The sample.",
            "sc:Text",
            {"extract": {"fileProperty": "filename"}, "transform": {"regex": r"^(.+)\.codes\.npy$"}},
        ),
        ("content", "The bytes of KEY.codes.npy.", "sc:Text", {"extract": {"fileProperty": "content"}}),
    ]
    return [
        {
            "@type": "cr:RecordSet",
            "@id": "tokens",
            "name": "tokens",
            "description": "The tokens of every sample, as the bytes of a NumPy file.",
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": f"tokens/{name}",
                    "name": name,
                    "description": text,
                    "dataType": type_,
                    "source": {**source, **how},
                }
                for name, text, type_, how in fields
            ],
        }
    ]


def _splits(facts: Facts) -> dict[str, Any]:
    """Describes the splits; ``bridge`` is for neither training nor validation, and has no address in Croissant."""
    rows = [
        {
            "splits/name": split.name,
            **({"splits/url": _SPLITS[split.name]} if split.name in _SPLITS else {"splits/url": ""}),
        }
        for split in facts.splits
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits of the release; no speaker is in train and in validation.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": "splits/name",
                "name": "name",
                "description": "Name of the split.",
                "dataType": "sc:Text",
            },
            {
                "@type": "cr:Field",
                "@id": "splits/url",
                "name": "url",
                "description": "What it is for, in the words of Croissant; empty where it is for neither.",
                "dataType": ["cr:Split", "sc:URL"],
            },
        ],
        "data": rows,
    }


def _record_set(facts: Facts, table: str) -> dict[str, Any]:
    schema, key = _TABLES[table]
    place = (
        {"fileSet": {"@id": f"{table}-files"}}
        if table_is_folder(facts, table)
        else {"fileObject": {"@id": f"{table}.parquet"}}
    )
    record_set = {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": TABLE_TEXTS[table],
        "key": [{"@id": f"{table}/{column}"} for column in key],
        "field": [_field(table, column, place) for column in schema if f"{table}/{column.name}" not in facts.without],
    }
    return {name: value for name, value in record_set.items() if value}


def _field(table: str, column: pa.Field, place: Mapping[str, Any]) -> dict[str, Any]:
    is_list = pa.types.is_list(column.type)
    type_ = column.type.value_type if is_list else column.type
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "description": description(column),
    }
    source = {**place, "extract": {"column": column.name}}
    if pa.types.is_struct(type_):
        # A list of structs is described by its parts, each taken out of every struct; as one value no reader can give it.
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{table}/{column.name}/{part.name}",
                "name": part.name,
                "dataType": _data_type(part.type),
                "source": {**source, "transform": {"jsonPath": part.name}},
            }
            for part in type_
        ]
    else:
        field |= {"dataType": _data_type(type_), "source": source}
    if is_list:
        field |= {"isArray": True, "arrayShape": "-1"}
    return field


def _data_type(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "sc:Integer"
    if pa.types.is_floating(type_):
        return "sc:Float"
    return "sc:Boolean" if pa.types.is_boolean(type_) else "sc:Text"
