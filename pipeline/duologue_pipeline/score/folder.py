"""Scores the outputs of a model: a folder of items to the document of a score."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from duologue_pipeline.activity.network import load_vad
from duologue_pipeline.errors import RejectError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.score.document import score_document
from duologue_pipeline.score.hear import Heard, hear_item
from duologue_pipeline.score.items import OUTPUT, find_items, refusal
from duologue_pipeline.score.tasks import task_result

__all__ = ["score_folder"]


def score_folder(
    root: Path,
    *,
    language: str | None = None,
    output: str = OUTPUT,
    with_words: bool = True,
    tell: Callable[[int, int, float], None] = lambda done, count, hours: None,
) -> dict[str, Any]:
    """Scores the model of a folder of items (:mod:`duologue_pipeline.score.items`).

    Args:
        root: the folder.
        language: BCP 47, of the items that do not say it; unknown if None: then timing alone tells backchannels.
        output: what the model's file is called in each item.
        with_words: whether transcripts are read.
        tell: is told after each item how many are done, of how many, and the hours of audio in them.

    Returns:
        The document of a score.

    Raises:
        UsageError: there are no items, or some cannot be scored: each is named with its fault.
    """
    rules, apart_ms = load_rules(ScoreRules), round(1000 * load_rules(IngestRules).length_tolerance_s)
    items = find_items(root, output=output, language=language, most_apart_ms=apart_ms)
    vad = load_vad()
    heard: list[Heard] = []
    faults: list[str] = []
    hours = 0.0
    for done, item in enumerate(items, start=1):
        try:
            found = hear_item(item, lambda: vad, with_words=with_words)
        except RejectError as error:
            faults.append(f"{item.name}: {error.detail.replace(str(item.input.parent) + '/', '')}")
        else:
            heard.append(found)
            hours += found.conversation.duration_ms / 3_600_000
        tell(done, len(items), hours)
    if faults:
        raise refusal(root, faults)
    results = [result for each in heard if (result := task_result(each, rules)) is not None]
    return score_document(
        [each.conversation for each in heard],
        scored=output,
        results=results,
        isolation=[each.isolation for each in heard],
        without_words=sum(each.words is None for each in heard),
    )
