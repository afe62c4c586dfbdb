"""Counts of a conversation: one written out, and any against a grid of milliseconds."""

import numpy as np
import numpy.typing as npt
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.find import find_events
from duologue_pipeline.records import Activity, Event, Span, Statistics, TaggedWord, TagTotal
from tests.pipeline.events.support import CONVERSATION, DURATION_MS, count


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
