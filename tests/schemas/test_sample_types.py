"""KEY.json must not need a card: ``datasets`` takes the types of a shard from its first samples, one table each."""

import json
from functools import cache
from itertools import permutations
from pathlib import Path

import pyarrow as pa
import pytest

VALID = Path(__file__).resolve().parents[2] / "schemas" / "duologue_schemas" / "examples" / "sample" / "valid"


@cache
def table_of(example: str) -> pa.Table:
    return pa.Table.from_pylist([{"json": json.loads((VALID / f"{example}.json").read_text())}])


def type_of(*examples: str) -> pa.DataType:
    """The type that ``datasets`` infers from these samples in this order."""
    tables = [table_of(name) for name in examples]
    return pa.concat_tables(tables, promote_options="default").schema.field("json").type


def test_samples_of_every_kind_have_one_type_in_any_order() -> None:
    examples = sorted(path.stem for path in VALID.glob("*.json"))
    assert examples == [
        "full",
        "little-known",
        "no-transcript",
        "nobody-heard",
        "one-speaker-silent",
        "speaker-withdrawn",
    ]
    assert {type_of(*order) for order in permutations(examples)} == {type_of("full")}


@pytest.mark.parametrize(
    ("example", "empty"),
    [
        ("full", set()),
        ("one-speaker-silent", set()),
        ("speaker-withdrawn", {"consent"}),
        ("no-transcript", {"words"}),
        ("little-known", {"words"}),
        ("nobody-heard", {"words", "activity", "events"}),
    ],
)
def test_one_sample_alone_gives_the_type_of_all_but_its_empty_lists(example: str, empty: set[str]) -> None:
    alone, full = type_of(example), type_of("full")
    assert {field.name for field in alone if field != full.field(field.name)} == empty
    assert all(alone.field(name).type == pa.list_(pa.null()) for name in empty - {"consent"})
    if "consent" in empty:
        assert alone.field("consent").type.field("a").type.field("grants").type == pa.list_(pa.null())
