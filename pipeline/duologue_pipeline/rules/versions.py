"""Gives the versions of the rule sets that outputs name."""

from collections.abc import Sequence
from typing import Final

from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.isolation import IsolationRules
from duologue_pipeline.rules.loader import RuleSet, load_rules
from duologue_pipeline.rules.vocalisations import VocalisationsRules
from duologue_pipeline.rules.words_check import WordsCheckRules

__all__ = ["RELEASED", "rule_versions"]

RELEASED: Final[tuple[type[RuleSet], ...]] = (
    IngestRules,
    IsolationRules,
    ActivityRules,
    EventsRules,
    DisfluencyRules,
    BackchannelWordsRules,
    VocalisationsRules,
    WordsCheckRules,
)
"""The rule sets that mark a release."""


def rule_versions(kinds: Sequence[type[RuleSet]] = RELEASED) -> dict[str, str]:
    """Gives the version of each rule set by its name, in the order of ``kinds``.

    Raises:
        RulesError: a packaged file does not fit its dataclass.
    """
    return {kind.name: load_rules(kind).version for kind in kinds}
