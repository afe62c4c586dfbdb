"""The versions of rule sets that mark a release: none is forgotten."""

import importlib
import pkgutil

from duologue_pipeline import rules
from duologue_pipeline.rules.loader import RuleSet
from duologue_pipeline.rules.versions import RELEASED

ELSEWHERE = {"human_reference", "second_opinion", "simulate", "withdrawal"}
"""Rule sets that ``KEY.json`` does not name: what rests on them stands in other files."""


def test_every_rule_set_marks_the_samples_or_is_known_not_to() -> None:
    for module in pkgutil.iter_modules(rules.__path__):
        importlib.import_module(f"{rules.__name__}.{module.name}")
    named = {kind.name for kind in RuleSet.__subclasses__() if kind.__module__.startswith(f"{rules.__name__}.")}
    assert named == {kind.name for kind in RELEASED} | ELSEWHERE
