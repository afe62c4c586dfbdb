"""The packaged rule sets: each file fits its class, every parameter is explained, and something reads it."""

import ast
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import duologue_cards
import duologue_pipeline
from duologue_cards import tally
from duologue_pipeline.rules import RulesError, RuleSet, load_rules, parse_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.rules.guard import GuardRules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.isolation import IsolationRules
from duologue_pipeline.rules.laughter import LaughterRules
from duologue_pipeline.rules.leakage import LeakageRules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.rules.second_opinion import SecondOpinionRules
from duologue_pipeline.rules.simulate import SimulateRules
from duologue_pipeline.rules.vocalisations import VocalisationsRules
from duologue_pipeline.rules.withdrawal import WithdrawalRules
from duologue_pipeline.rules.words_check import WordsCheckRules

PACKAGE = Path(duologue_pipeline.__file__).parent
KINDS: dict[type[RuleSet], str] = {
    ActivityRules: "2.3",
    BackchannelWordsRules: "2.0",
    DisfluencyRules: "1.2",
    EventsRules: "2.2",
    FilesRules: "1.0",
    GuardRules: "1.0",
    HumanReferenceRules: "1.3",
    IngestRules: "1.3",
    IsolationRules: "2.4",
    ScoreRules: "1.0",
    LaughterRules: "1.0",
    LeakageRules: "1.0",
    SecondOpinionRules: "1.0",
    SimulateRules: "1.1",
    VocalisationsRules: "1.1",
    WithdrawalRules: "1.5",
    WordsCheckRules: "1.3",
}


def packaged(kind: type[RuleSet]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((files("duologue_pipeline.rules") / f"{kind.name}.json").read_text("utf-8"))
    return document


def own_parameters(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in ("version", "source")]


def parts_of(kind: Any) -> Iterator[Any]:
    """A rule set and the dataclasses in it."""
    yield kind
    for hint in get_type_hints(kind).values():
        for part in (hint, *getattr(hint, "__args__", ())):
            if is_dataclass(part):
                yield part


def test_every_rule_file_has_its_class_here() -> None:
    assert sorted(kind.name for kind in KINDS) == sorted(path.stem for path in (PACKAGE / "rules").glob("*.json"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_packaged_file_fits_its_class_and_lacks_no_key(kind: type[RuleSet]) -> None:
    assert load_rules(kind).version == KINDS[kind]
    document = packaged(kind)
    assert document.keys() == {"version", "source", *own_parameters(kind)}
    for key in document:
        rest = {name: value for name, value in document.items() if name != key}
        with pytest.raises(RulesError, match=f"^{kind.name}.json: lacks the key '{key}'$"):
            parse_rules(kind, rest, where=f"{kind.name}.json")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_parameter_is_explained(kind: type[RuleSet]) -> None:
    for part in parts_of(kind):
        explained = [line.strip().partition(":")[0] for line in (part.__doc__ or "").splitlines() if ":" in line]
        assert [name for name in own_parameters(part) if name not in explained] == []


def test_every_parameter_is_read_by_the_package() -> None:
    read = {
        node.attr
        for package in (PACKAGE, Path(duologue_cards.__file__).parent)
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    parameters = {name for kind in KINDS for part in parts_of(kind) for name in own_parameters(part)}
    assert sorted(parameters - read) == []


def test_cards_take_tracks_to_begin_together_as_ingest_does() -> None:
    assert load_rules(IngestRules).length_tolerance_s == tally._TOGETHER_S
