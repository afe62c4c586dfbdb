"""Counts of a conversation: one written out, and any against a grid of milliseconds."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.events import find_events
from duologue_pipeline.records import Activity, Event, Span, Statistics
from duologue_pipeline.statistics import (
    conversation_statistics,
    fto_percentile_ms,
    overlap_share_of_speech,
    overlap_share_of_time,
)

DURATION_MS = 30_000


def count(activity: Activity, *, duration_ms: int = DURATION_MS) -> Statistics:
    return conversation_statistics(activity, find_events(activity, duration_ms=duration_ms), duration_ms=duration_ms)


def make_statistics(*ftos_ms: int) -> Statistics:
    return Statistics(1000, 0, 0, 0, ftos_ms, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


CONVERSATION = Activity(
    a=[Span(0, 3000), Span(3100, 5000), Span(5500, 8000), Span(14_000, 15_000)],
    b=[Span(5100, 5400), Span(7500, 13_000)],
    rules="1.0",
)


def test_a_conversation_is_counted() -> None:
    assert count(CONVERSATION) == Statistics(
        duration_ms=30_000,
        speech_a_ms=8400,
        speech_b_ms=5800,
        overlap_ms=500,
        ftos_ms=[-500, 1000],
        turns_a=2,
        turns_b=1,
        backchannels_a=0,
        backchannels_b=1,
        interruptions_a=0,
        interruptions_b=1,
        pauses=1,
        gaps=1,
        overlaps_between=1,
        overlaps_within=0,
    )


def test_overlap_has_two_shares() -> None:
    statistics = count(CONVERSATION)
    assert overlap_share_of_time(statistics) == 500 / 30_000
    assert overlap_share_of_speech(statistics) == 500 / 13_700


def test_shares_of_nothing_are_undefined() -> None:
    silent = count(Activity([], [], "1.0"), duration_ms=0)
    assert overlap_share_of_time(silent) is None
    assert overlap_share_of_speech(silent) is None
    assert fto_percentile_ms(silent, 50) is None


@pytest.mark.parametrize(("p", "expected_ms"), [(0, -300), (25, -75), (50, 100), (90, 550), (100, 700)])
def test_percentiles_of_offsets_are_interpolated(p: float, expected_ms: float) -> None:
    assert fto_percentile_ms(make_statistics(-300, 0, 200, 700), p) == pytest.approx(expected_ms)


def test_a_percentile_of_one_offset_is_that_offset() -> None:
    assert fto_percentile_ms(make_statistics(130), 99) == 130


@pytest.mark.parametrize("p", [-1, 100.5])
def test_a_percentile_beyond_100_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"lies in \[0, 100\]"):
        fto_percentile_ms(make_statistics(130), p)


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
def test_a_grid_of_milliseconds_gives_the_same(a: list[Span], b: list[Span]) -> None:
    activity = Activity(a, b, "1.0")
    events = find_events(activity, duration_ms=DURATION_MS)
    statistics = conversation_statistics(activity, events, duration_ms=DURATION_MS)
    assert statistics.speech_a_ms == grid_of(a).sum()
    assert statistics.speech_b_ms == grid_of(b).sum()
    assert statistics.overlap_ms == (grid_of(a) & grid_of(b)).sum()

    kinds = {kind: [event for event in events if event.kind == kind] for kind in ("turn", "ipu", "pause", "gap")}
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
    assert not (grid_of(kinds["gap"]) & (grid_of(a) | grid_of(b))).any()
    assert statistics.gaps == len(kinds["gap"])
    assert statistics.pauses == len(kinds["pause"])
