"""Totals of conversations: one corpus written out, in any order and grouping."""

from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.events.totals import Totals, corpus_totals
from duologue_pipeline.records import Activity, Span, Statistics
from tests.pipeline.events.support import CONVERSATION, count

OTHER = Activity(a=[Span(0, 1000)], b=[Span(1200, 2000)], rules="1.0")
CORPUS = [
    (count(CONVERSATION), ("anna", "ben"), "en-US"),
    (count(OTHER), ("ben", "carl"), "en"),
    (count(Activity([], [], "1.0")), ("dora", "ed"), None),
]


def test_totals_of_a_corpus_its_languages_and_speakers() -> None:
    totals = corpus_totals(CORPUS)
    assert [scope for scope in totals if scope[0] != "speaker"] == [
        ("corpus", ""),
        ("language", "en"),
        ("language", "und"),
    ]
    everything = totals["corpus", ""]
    assert (everything.conversations, everything.time_ms, everything.speech_ms) == (3, 90_000, 16_000)
    assert everything.ftos == {-500: 1, 200: 1, 1000: 1}
    ben = totals["speaker", "ben"]
    assert (ben.conversations, ben.own_ms, ben.kinds["turn"], ben.ftos) == (2, 6800, 2, {-500: 1})
    assert totals["language", "en"].quieter_ms == 5800 + 800


@settings(max_examples=20)
@given(st.permutations(CORPUS))
def test_totals_do_not_depend_on_the_order(corpus: list[tuple[Statistics, tuple[str, str], str | None]]) -> None:
    assert corpus_totals(corpus) == corpus_totals(CORPUS)


def test_totals_add_in_any_grouping() -> None:
    one, two, three = (Totals.of(statistics) for statistics, _, _ in CORPUS)
    assert (one + two) + three == one + (two + three)
    assert one + Totals() == one
