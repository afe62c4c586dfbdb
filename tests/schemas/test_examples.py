"""Every schema has valid and invalid examples; the faults of the invalid ones are written out in expected.json."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from duologue_schemas import SCHEMA_NAMES, iter_faults, load_schema

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "duologue_schemas" / "examples"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def cases(kind: str) -> list[Any]:
    paths = sorted(EXAMPLES.glob(f"*/{kind}/*.json"))
    return [pytest.param(path, id=f"{path.parents[1].name}-{path.stem}") for path in paths]


@pytest.mark.parametrize("path", cases("valid"))
def test_valid_example_has_no_fault(path: Path) -> None:
    assert list(iter_faults(path.parents[1].name, read(path))) == []


@pytest.mark.parametrize("path", cases("invalid"))
def test_invalid_example_has_exactly_the_faults_written_out(path: Path) -> None:
    expected = read(path.parents[1] / "expected.json")[path.name]
    assert [(fault.field, fault.message) for fault in iter_faults(path.parents[1].name, read(path))] == list(
        expected.items()
    )


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_schema_has_examples_of_both_kinds_and_no_expectation_without_one(name: str) -> None:
    assert len(list((EXAMPLES / name / "valid").glob("*.json"))) >= 2
    invalid = {path.name for path in (EXAMPLES / name / "invalid").glob("*.json")}
    assert invalid == set(read(EXAMPLES / name / "expected.json"))


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schema_is_json_schema_2020_12_named_by_a_urn(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:duologue:schema:{name}:1.0"
    assert "http" not in json.dumps({key: value for key, value in schema.items() if key != "$schema"}).replace(
        "http(s)://", ""
    )


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_every_pattern_is_anchored_and_says_in_words_what_it_wants(name: str) -> None:
    def subschemas(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for part in node for found in subschemas(part)]
        if not isinstance(node, dict):
            return []
        return [node, *(found for part in node.values() for found in subschemas(part))]

    for schema in subschemas(load_schema(name)):
        if isinstance(schema.get("pattern"), str):
            assert schema["pattern"].startswith("^")
            assert schema["pattern"].endswith("$")
        if {"pattern", "minItems", "maxItems"} & schema.keys():
            assert schema["x-expected"]
