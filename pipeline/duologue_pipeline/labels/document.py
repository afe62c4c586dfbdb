"""Describes an annotation as JSON: what ``duologue annotate`` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.events.fields import event_document
from duologue_pipeline.events.figures import statistics_document
from duologue_pipeline.events.totals import Totals
from duologue_pipeline.records import SPEAKERS, Span, Speaker, TaggedWord, WordsCheck

__all__ = ["annotation_document"]


def annotation_document(
    annotation: Annotation, *, words_check: Mapping[Speaker, WordsCheck] | None = None, isolation: str | None = None
) -> dict[str, Any]:
    """Describes everything that was found in one conversation, times in seconds.

    Args:
        annotation: what was found.
        words_check: speaker -> how the words lie to the activity, where both were there.
        isolation: the verdict on the channels, where there was audio.

    Returns:
        ``activity`` (per speaker ``[[start_s, end_s], ...]``), ``words`` (per speaker those given, in their order, with
        ``tags``; an empty list where there are none), ``events``, ``statistics`` (of both, with ``speakers`` for each),
        ``rules`` (versions), ``language``, ``lexicon``, ``duration_s``; ``words_check`` and ``isolation`` where known.
    """
    statistics = annotation.statistics
    document: dict[str, Any] = {
        "schema": "annotation/1.0",
        "duration_s": statistics.duration_ms / 1000,
        "language": annotation.language,
        "lexicon": annotation.lexicon,
        "activity": {"a": _spans(annotation.activity.a), "b": _spans(annotation.activity.b)},
        "words": {"a": _words(annotation.words_a), "b": _words(annotation.words_b)},
        "events": [event_document(event) for event in annotation.events],
        "statistics": {
            **statistics_document(Totals.of(statistics), language=annotation.language),
            "speakers": {s: statistics_document(Totals.of(statistics, s)) for s in SPEAKERS},
        },
        "rules": dict(annotation.rules),
    }
    if words_check is not None:
        document["words_check"] = {
            speaker: {name: value for name, value in vars(check).items() if name != "detail"}
            for speaker, check in words_check.items()
        }
    if isolation is not None:
        document["isolation"] = isolation
    return document


def _spans(spans: Sequence[Span]) -> list[list[float]]:
    return [[span.start_ms / 1000, span.end_ms / 1000] for span in spans]


def _words(words: Sequence[TaggedWord] | None) -> list[dict[str, Any]]:
    rows = []
    for word in words or ():
        row: dict[str, Any] = {"word": word.word, "start_s": word.start_ms / 1000, "end_s": word.end_ms / 1000}
        if word.confidence is not None:
            row["confidence"] = word.confidence
        rows.append({**row, "tags": list(word.tags)})
    return rows
