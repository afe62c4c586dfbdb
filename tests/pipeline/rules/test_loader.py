"""Rule sets: each fits its dataclass, and a file that does not is refused with its name and the key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest

from duologue_pipeline.records import FAULTS
from duologue_pipeline.rules import RulesError, RuleSet, load_rules, parse_rules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.isolation import IsolationRules


@dataclass(frozen=True, kw_only=True)
class Part:
    share: float


@dataclass(frozen=True, kw_only=True)
class Example(RuleSet):
    name: ClassVar[str] = "example"
    count: int
    limit_s: float
    part: Part
    range_s: tuple[float, float]
    kinds: tuple[str, ...]
    faults: Mapping[str, Literal["fail", "warn"]]


WHOLE: dict[str, Any] = {
    "version": "1.0",
    "source": "chosen",
    "count": 3,
    "limit_s": 2,
    "part": {"share": 0.5},
    "range_s": [1.0, 2.0],
    "kinds": ["ipu"],
    "faults": {"swap": "fail"},
}


def test_a_whole_document_becomes_a_frozen_dataclass() -> None:
    assert parse_rules(Example, WHOLE, where="example.json") == Example(
        version="1.0",
        source="chosen",
        count=3,
        limit_s=2.0,
        part=Part(share=0.5),
        range_s=(1.0, 2.0),
        kinds=("ipu",),
        faults={"swap": "fail"},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit": 1}, "example.json: has the unknown key 'limit'"),
        ({"count": 1.5}, "example.json: count: expected an integer, found 1.5"),
        ({"count": True}, "example.json: count: expected an integer, found True"),
        ({"limit_s": "2"}, "example.json: limit_s: expected a number, found '2'"),
        ({"limit_s": float("nan")}, "example.json: limit_s: expected a number, found nan"),
        ({"limit_s": float("-inf")}, "example.json: limit_s: expected a number, found -inf"),
        ({"part": {}}, "example.json: part: lacks the key 'share'"),
        ({"part": 1}, "example.json: part: expected an object, found 1"),
        ({"range_s": [1.0]}, "example.json: range_s: expected 2 values, found 1"),
        ({"kinds": [1]}, "example.json: kinds[0]: expected a string, found 1"),
        ({"faults": {"swap": {}}}, "example.json: faults: swap: expected one of 'fail', 'warn', found {}"),
        ({"faults": {"swap": "no"}}, "example.json: faults: swap: expected one of 'fail', 'warn', found 'no'"),
    ],
)
def test_a_key_or_a_value_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RulesError) as error:
        parse_rules(Example, WHOLE | change, where="example.json")
    assert str(error.value) == message


@pytest.mark.parametrize("key", WHOLE)
def test_no_key_may_be_missing(key: str) -> None:
    document = {name: value for name, value in WHOLE.items() if name != key}
    with pytest.raises(RulesError) as error:
        parse_rules(Example, document, where="example.json")
    assert str(error.value) == f"example.json: lacks the key {key!r}"


def test_what_a_rule_set_maps_cannot_be_changed_by_those_who_share_it() -> None:
    faults: Any = parse_rules(Example, WHOLE, where="example.json").faults
    with pytest.raises(TypeError, match="does not support item assignment"):
        faults["swap"] = "warn"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(RulesError, match=r"^rules/example\.json: cannot be read \("):
        load_rules(Example)


def test_every_fault_of_isolation_has_its_verdict() -> None:
    assert load_rules(IsolationRules).faults.keys() == set(FAULTS)


def test_a_packaged_rule_set_is_read_once() -> None:
    assert load_rules(IngestRules) is load_rules(IngestRules)
    assert load_rules(IngestRules).max_duration_s == 4 * 3600
