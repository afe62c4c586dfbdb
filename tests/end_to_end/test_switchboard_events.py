"""Gaps, overlaps and offsets of 100 human conversations, to the millisecond, against an independent naive reference."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.records import Span, Word
from tests.naive_turns import naive_turns, raster


def conversations(path: Path) -> Iterator[tuple[list[Word], list[Word]]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            a, b = (
                [
                    Word(word["word"], round(1000 * word["start"]), round(1000 * word["end"]))
                    for word in json.loads(line)["words"][side]
                    if word["start"] < word["end"]
                ]
                for side in "AB"
            )
            yield a, b


def spoken(words: list[Word]) -> list[Span]:
    return [Span(word.start_ms, word.end_ms) for word in words]


def check(found: Annotation, a: list[Span], b: list[Span]) -> int:
    """Holds an annotation against the arrays; gives the number of floor transfers."""
    duration_ms = found.statistics.duration_ms
    naive = naive_turns(a, b, found.events, duration_ms)
    ours = {
        kind: sorted((e.speaker, e.start_ms, e.end_ms) for e in found.events if e.kind == kind)
        for kind in ("gap", "overlap_between", "overlap_within")
    }
    assert ours["gap"] == sorted(naive.gaps)
    assert ours["overlap_between"] == sorted(naive.between)
    assert sorted((start, end) for _, start, end in ours["overlap_within"]) == naive.within
    transfers = [e.fto_ms for e in found.events if e.kind == "floor_transfer"]
    assert sorted(ms for ms in transfers if ms is not None) == sorted(naive.ftos_ms)
    assert found.statistics.overlap_ms == int((raster(a, duration_ms) & raster(b, duration_ms)).sum())
    return len(transfers)


@pytest.mark.slow  # 40 s
def test_gaps_and_overlaps_are_those_of_a_naive_reference(shared_data: Path) -> None:
    transfers = 0
    for a, b in conversations(shared_data / "switchboard_dev" / "conversations.jsonl.gz"):
        by_words = annotate_conversation(activity=None, words_a=a, words_b=b, duration_ms=None, language="en")
        by_timing = annotate_conversation(
            activity=by_words.activity, words_a=None, words_b=None, duration_ms=None, language=None
        )
        transfers += check(by_words, spoken(a), spoken(b)) + check(by_timing, spoken(a), spoken(b))
    assert transfers > 5900
