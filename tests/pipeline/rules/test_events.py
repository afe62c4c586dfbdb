"""The rule set of events: the confidences of disfluencies, and what it has to share with that of backchannels."""

from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.events import EventsRules


def test_every_kind_of_disfluency_has_its_confidence() -> None:
    assert load_rules(EventsRules).confidences.of_disfluencies() == {
        "filler": 0.99,
        "hesitation": 0.5,
        "repetition": 0.94,
        "false_start": 0.58,
        "self_correction": 0.75,
    }


def test_words_are_cut_into_units_as_activity_is() -> None:
    """The floor looks backchannels of words up by the unit: with another silence between units it would find none."""
    assert load_rules(EventsRules).ipu_silence_ms == load_rules(BackchannelWordsRules).ipu_silence_ms
