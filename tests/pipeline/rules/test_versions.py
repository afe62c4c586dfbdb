"""The versions of rule sets that outputs name: in the order asked for, and none is forgotten."""

import importlib
import pkgutil

from duologue_pipeline import rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.loader import RuleSet
from duologue_pipeline.rules.versions import RELEASED, rule_versions

ELSEWHERE = {
    "files",
    "guard",
    "human_reference",
    "laughter",
    "leakage",
    "score",
    "second_opinion",
    "simulate",
    "withdrawal",
}
"""Rule sets that ``KEY.json`` does not name: what rests on them stands in other files."""


def test_versions_are_told_in_the_order_that_is_asked() -> None:
    assert list(rule_versions((EventsRules, ActivityRules)).items()) == [("events", "2.2"), ("activity", "2.3")]


def test_every_rule_set_marks_the_samples_or_is_known_not_to() -> None:
    for module in pkgutil.iter_modules(rules.__path__):
        importlib.import_module(f"{rules.__name__}.{module.name}")
    named = {kind.name for kind in RuleSet.__subclasses__() if kind.__module__.startswith(f"{rules.__name__}.")}
    assert named == {kind.name for kind in RELEASED} | ELSEWHERE
