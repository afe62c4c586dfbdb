"""The rule sets of activity, words and events: each packaged file fits its class, and outputs name its version."""

import pytest

from duologue_pipeline.rules import RuleSet, load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.rules.vocalisations import VocalisationsRules
from duologue_pipeline.rules.words_check import WordsCheckRules

VERSIONS = {
    ActivityRules: "2.2",
    BackchannelWordsRules: "1.1",
    DisfluencyRules: "1.1",
    EventsRules: "2.1",
    VocalisationsRules: "1.1",
    WordsCheckRules: "1.0",
}


@pytest.mark.parametrize("kind", VERSIONS, ids=lambda kind: kind.name)
def test_the_packaged_file_fits_its_class(kind: type[RuleSet]) -> None:
    assert load_rules(kind).version == VERSIONS[kind]


def test_every_kind_of_disfluency_has_its_confidence() -> None:
    assert load_rules(EventsRules).confidences.of_disfluencies() == {
        "filler": 0.99,
        "hesitation": 0.5,
        "repetition": 0.94,
        "false_start": 0.58,
        "self_correction": 0.75,
    }


def test_versions_are_told_in_the_order_that_is_asked() -> None:
    assert list(rule_versions((EventsRules, ActivityRules)).items()) == [("events", "2.1"), ("activity", "2.2")]
