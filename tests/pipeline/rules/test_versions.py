"""The versions of rule sets that outputs name."""

from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.versions import rule_versions


def test_versions_are_told_in_the_order_that_is_asked() -> None:
    assert list(rule_versions((EventsRules, ActivityRules)).items()) == [("events", "2.1"), ("activity", "2.2")]
