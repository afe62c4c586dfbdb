"""Scores the outputs of a model: a folder of items to the document of a score."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.names import absolute_uri
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.score.document import score_document
from duologue_pipeline.score.hear import Heard, hear_item
from duologue_pipeline.score.items import OUTPUT, Item, find_items, refusal
from duologue_pipeline.score.tasks import task_result

__all__ = ["score_folder"]


def score_folder(
    root: Path,
    *,
    language: str | None = None,
    output: str = OUTPUT,
    with_words: bool = True,
    jobs: int = 1,
    tell: Callable[[int, int, float], None] = lambda done, count, hours: None,
) -> dict[str, Any]:
    """Scores the model of a folder of items (:mod:`duologue_pipeline.score.items`).

    Args:
        root: the folder.
        language: BCP 47, of the items that do not say it; unknown if None: then timing alone tells backchannels.
        output: what the model's file is called in each item.
        with_words: whether transcripts are read.
        jobs: so many processes hear items at once; the figures do not depend on it.
        tell: is told after each item how many are done, of how many, and the hours of audio in them.

    Returns:
        The document of a score.

    Raises:
        UsageError: there are no items, or some cannot be scored: each is named with its fault.
    """
    rules, apart_ms = load_rules(ScoreRules), round(1000 * load_rules(IngestRules).length_tolerance_s)
    items = find_items(root, output=output, language=language, most_apart_ms=apart_ms)
    heard: list[Heard] = []
    faults: list[str] = []
    hours = 0.0
    for done, found in enumerate(_all_heard(items, with_words=with_words, jobs=jobs), start=1):
        if isinstance(found, str):
            faults.append(found)
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
        without_words=sum(not each.words_fit for each in heard),
    )


def _all_heard(items: Sequence[Item], *, with_words: bool, jobs: int) -> Iterator[Heard | str]:
    """Hears all items, in their order; of one that cannot be heard it gives the fault."""
    hear = partial(_heard, with_words=with_words)
    if jobs == 1 or len(items) == 1:
        yield from map(hear, items)
        return
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=get_context("spawn")) as processes:
        yield from processes.map(hear, items)


def _heard(item: Item, *, with_words: bool) -> Heard | str:
    try:
        return hear_item(item, _vad, with_words=with_words)
    except RejectError as error:
        folder = absolute_uri(str(item.input.parent))
        return f"{item.name}: {error.detail.replace(f'{folder}/', '')}"


@cache
def _vad() -> VadModel:
    """Loads the voice activity detector, once a process."""
    return load_vad()
