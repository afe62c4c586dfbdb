"""Makes the document of a score: the figures of all conversations and of each language, and by which rules."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.rules.versions import RELEASED, rule_versions
from duologue_pipeline.score.facts import Conversation, facts_of
from duologue_pipeline.score.figures import figures_document
from duologue_pipeline.score.tasks import TaskResult, tasks_document
from duologue_pipeline.words.lexicon import load_lexicon

__all__ = ["SCHEMA", "score_document"]

SCHEMA = "duplex_score/1.0"


def score_document(
    conversations: Sequence[Conversation],
    *,
    scored: str,
    results: Sequence[TaskResult] = (),
    isolation: Sequence[str] = (),
    without_words: int = 0,
    rules_of_events: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Makes the document of a score, which follows duplex_score.schema.json.

    Args:
        conversations: in which one speaker was scored.
        scored: what was scored, in words.
        results: of the items that have a task.
        isolation: the verdict on each conversation.
        without_words: in how many no word of the scored speaker is known, so that timing alone tells.
        rules_of_events: the versions by which the events were found; those of this program if None.
    """
    rules = load_rules(ScoreRules)
    by_language: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        by_language.setdefault(conversation.primary_language, []).append(conversation)
    return {
        "schema": SCHEMA,
        "made_by": MADE_BY,
        "scored": scored,
        "rules": {**(rules_of_events or rule_versions(RELEASED)), rules.name: rules.version},
        "lexicons": {
            language: load_lexicon(None if language == "und" else language).name for language in sorted(by_language)
        },
        "interval_percent": rules.interval_percent,
        "resamples": rules.resamples,
        "isolation": dict(sorted(Counter(isolation).items())),
        "without_words": without_words,
        "all": _figures(conversations, rules),
        "languages": {language: _figures(own, rules) for language, own in sorted(by_language.items())},
        "tasks": tasks_document(results, rules),
        "language_tasks": {
            language: tasks_document([result for result in results if result.language == language], rules)
            for language in sorted(by_language)
        },
    }


def _figures(conversations: Sequence[Conversation], rules: ScoreRules) -> dict[str, Any]:
    facts = [facts_of(conversation, rules) for conversation in conversations]
    return figures_document(facts, [conversation.group for conversation in conversations], rules)
