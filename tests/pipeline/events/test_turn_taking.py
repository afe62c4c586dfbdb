"""Counts of a conversation: one written out, and any against a grid of milliseconds."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duologue_pipeline.events.find import find_events
from duologue_pipeline.events.turn_taking import (
    Totals,
    conversation_statistics,
    corpus_totals,
    overlap_share_of_speech,
    overlap_share_of_time,
    percentile_ms,
    statistics_document,
)
from duologue_pipeline.records import Activity, Event, Span, Statistics, TaggedWord, TagTotal
from duologue_pipeline.rules import load_rules

DURATION_MS = 30_000


def count(activity: Activity, *, duration_ms: int = DURATION_MS) -> Statistics:
    return conversation_statistics(activity, find_events(activity, duration_ms=duration_ms), duration_ms=duration_ms)


CONVERSATION = Activity(
    a=[Span(0, 3000), Span(3100, 5000), Span(5500, 8000), Span(14_000, 15_000)],
    b=[Span(5100, 5400), Span(7500, 13_000)],
    rules="1.0",
)


def kinds_of(statistics: Statistics) -> dict[tuple[str, str], tuple[int, int]]:
    return {(x.kind, x.speaker): (x.events, x.duration_ms) for x in statistics.kinds}


def test_a_conversation_is_counted() -> None:
    statistics = count(CONVERSATION)
    assert (statistics.speech_a_ms, statistics.speech_b_ms, statistics.overlap_ms) == (8400, 5800, 500)
    assert (statistics.ftos_a_ms, statistics.ftos_b_ms) == ((1000,), (-500,))
    kinds = kinds_of(statistics)
    assert kinds["turn", "a"] == (2, 9000)
    assert kinds["turn", "b"] == (1, 5500)
    assert kinds["backchannel", "b"] == (1, 300)
    assert kinds["pause", "a"] == (1, 500)
    assert kinds["gap", "a"] == (1, 1000)
    assert kinds["overlap_between", "b"] == (1, 500)
    assert ("overlap_within", "b") not in kinds
    assert statistics.events("turn") == 3


def test_words_and_their_tags_are_counted() -> None:
    words = [TaggedWord("uh", 0, 200, tags=("filler", "edit_term")), TaggedWord("yes", 200, 400)]
    statistics = conversation_statistics(CONVERSATION, [], duration_ms=30_000, words_b=words)
    assert (statistics.words_a, statistics.words_b) == (None, 2)
    assert statistics.tags == (TagTotal("edit_term", "b", 1), TagTotal("filler", "b", 1))


def test_overlap_has_two_shares() -> None:
    statistics = count(CONVERSATION)
    assert overlap_share_of_time(statistics) == 500 / 30_000
    assert overlap_share_of_speech(statistics) == 500 / 13_700


def test_shares_of_nothing_are_undefined() -> None:
    silent = count(Activity([], [], "1.0"), duration_ms=0)
    assert overlap_share_of_time(silent) is None
    assert overlap_share_of_speech(silent) is None


@pytest.mark.parametrize(("p", "expected_ms"), [(0, -300), (25, -75), (50, 100), (90, 550), (100, 700)])
def test_percentiles_of_offsets_are_interpolated(p: float, expected_ms: float) -> None:
    assert percentile_ms({-300: 1, 0: 1, 200: 1, 700: 1}, p) == pytest.approx(expected_ms)


def test_a_percentile_of_nothing_is_none() -> None:
    assert percentile_ms({}, 50) is None
    assert percentile_ms({130: 1}, 99) == 130


@pytest.mark.parametrize("p", [-1, 100.5])
def test_a_percentile_beyond_100_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"lies in \[0, 100\]"):
        percentile_ms({130: 1}, p)


@given(st.dictionaries(st.integers(-3000, 3000), st.integers(1, 5), min_size=1), st.integers(0, 100))
def test_percentiles_are_those_of_numpy(ftos: dict[int, int], p: int) -> None:
    every = np.repeat(list(ftos), list(ftos.values()))
    assert percentile_ms(ftos, p) == pytest.approx(np.percentile(every, p))


# --- totals ---------------------------------------------------------------------------------------------------------

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


def test_the_document_has_shares_rates_and_a_histogram() -> None:
    document = statistics_document(Totals.of(count(CONVERSATION)), language="en-GB")
    assert document["overlap_share_of_speech"] == 500 / 13_700
    assert document["overlapped_transfers_share"] == 0.5
    assert document["fto_median_s"] == 0.25
    assert document["fto_percentiles_s"]["p90"] == 0.85
    assert document["backchannels_per_minute"] == 2.0
    assert document["kinds"]["turn"] == {
        "count": 3, "seconds": 14.5, "count_per_minute": 6.0, "seconds_per_minute": 29.0
    }  # fmt: skip
    assert document["fto_histogram"][0] == {"from_s": -0.6, "to_s": -0.4, "count": 1}
    assert document["fto_histogram"][-1] == {"from_s": 1.0, "to_s": 1.2, "count": 1}
    assert len(document["fto_histogram"]) == 9
    assert document["quieter_share"] == 5800 / 14_200


def test_human_figures_stand_beside_for_their_language_only() -> None:
    totals = Totals.of(count(CONVERSATION))
    reference = statistics_document(totals, language="en")["human_reference"]
    assert reference["overlap_share_of_speech"]["value"] == 0.047
    assert reference["fto_median_s"]["source"].startswith("Switchboard")
    assert statistics_document(totals, language="ja")["human_reference"] == {}
    assert statistics_document(totals)["human_reference"] == {}


def test_every_human_figure_is_one_of_the_document_and_has_a_source() -> None:
    figures = load_rules("human_reference")["figures"]
    document = statistics_document(Totals())
    assert {figure["name"] for figure in figures} <= document.keys()
    assert all(figure["source"] for figure in figures)


def test_the_document_of_nothing_has_no_shares() -> None:
    document = statistics_document(Totals())
    assert document["overlap_share_of_time"] is None
    assert document["fto_median_s"] is None
    assert document["fto_histogram"] == []


# --- against a grid -------------------------------------------------------------------------------------------------

Grid = npt.NDArray[np.bool_]


@st.composite
def speech(draw: st.DrawFn) -> list[Span]:
    edges_ms = sorted(draw(st.sets(st.integers(0, DURATION_MS // 10), max_size=24)))
    return [Span(10 * s, 10 * e) for s, e in zip(edges_ms[::2], edges_ms[1::2], strict=False)]


def grid_of(spans: list[Span] | list[Event]) -> Grid:
    grid = np.zeros(DURATION_MS, bool)
    for span in spans:
        grid[span.start_ms : span.end_ms] = True
    return grid


def total_ms(events: list[Event], kind: str) -> int:
    return sum(event.end_ms - event.start_ms for event in events if event.kind == kind)


@settings(deadline=None)
@given(speech(), speech())
@example([Span(0, 10), Span(210, 220)], [Span(10, 230), Span(530, 540)])  # b's backchannel outlasts a's turn
def test_a_grid_of_milliseconds_gives_the_same(a: list[Span], b: list[Span]) -> None:
    activity = Activity(a, b, "1.0")
    events = find_events(activity, duration_ms=DURATION_MS)
    statistics = conversation_statistics(activity, events, duration_ms=DURATION_MS)
    assert statistics.speech_a_ms == grid_of(a).sum()
    assert statistics.speech_b_ms == grid_of(b).sum()
    assert statistics.overlap_ms == (grid_of(a) & grid_of(b)).sum()

    kinds = {
        kind: [event for event in events if event.kind == kind]
        for kind in ("turn", "ipu", "pause", "gap", "backchannel")
    }
    turns = kinds["turn"]
    pause_ms = 0
    for turn in turns:
        ipus = [ipu for ipu in kinds["ipu"] if ipu.speaker == turn.speaker]
        pause_ms += int((~grid_of(ipus))[turn.start_ms : turn.end_ms].sum())
    assert total_ms(events, "pause") == pause_ms

    between = grid_of([])
    if turns:
        between[turns[0].start_ms : turns[-1].end_ms] = True
    assert total_ms(events, "gap") == (between & ~grid_of(turns)).sum()
    assert np.array_equal(grid_of(kinds["gap"]), between & ~grid_of(turns))
    for gap in kinds["gap"]:
        acts = [e for e in kinds["backchannel"] if e.speaker == gap.speaker and e.start_ms < gap.start_ms]
        assert not (grid_of([gap]) & (grid_of(a) | grid_of(b)) & ~grid_of(acts)).any()
    assert statistics.events("gap") == len(kinds["gap"])
    assert statistics.events("pause") == len(kinds["pause"])
