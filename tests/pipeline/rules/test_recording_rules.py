"""Rule sets of ingest, isolation, simulation, withdrawal and human figures: each file fits its class, whole and not less."""

import json
from dataclasses import fields
from importlib.resources import files

import pytest

from duologue_pipeline.rules import RulesError, RuleSet, load_rules, parse_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.isolation import IsolationRules
from duologue_pipeline.rules.second_opinion import SecondOpinionRules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.rules.withdrawal import WithdrawalRules

KINDS: dict[type[RuleSet], str] = {
    HumanReferenceRules: "1.1",
    IngestRules: "1.1",
    IsolationRules: "2.1",
    SecondOpinionRules: "1.0",
    SimulateRules: "1.1",
    WithdrawalRules: "1.1",
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_packaged_file_fits_its_class_and_lacks_no_key(kind: type[RuleSet]) -> None:
    assert load_rules(kind).version == KINDS[kind]
    document = json.loads(files("duologue_pipeline.rules").joinpath(f"{kind.name}.json").read_text(encoding="utf-8"))
    for key in document:
        rest = {name: value for name, value in document.items() if name != key}
        with pytest.raises(RulesError, match=f"^{kind.name}.json: lacks the key '{key}'$"):
            parse_rules(kind, rest, where=f"{kind.name}.json")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_parameter_is_explained(kind: type[RuleSet]) -> None:
    explained = [line.strip().partition(":")[0] for line in (kind.__doc__ or "").splitlines() if ":" in line]
    own = [field.name for field in fields(kind) if field.name not in ("version", "source")]
    assert [name for name in own if name not in explained] == []
    document = json.loads(files("duologue_pipeline.rules").joinpath(f"{kind.name}.json").read_text(encoding="utf-8"))
    assert document.keys() == {"version", "source", *own}
