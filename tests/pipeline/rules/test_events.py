"""The rule set of events: the confidences of disfluencies."""

from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.events import EventsRules


def test_every_kind_of_disfluency_has_its_confidence() -> None:
    assert load_rules(EventsRules).confidences.of_disfluencies() == {
        "filler": 0.99,
        "hesitation": 0.5,
        "repetition": 0.94,
        "false_start": 0.58,
        "self_correction": 0.75,
    }
