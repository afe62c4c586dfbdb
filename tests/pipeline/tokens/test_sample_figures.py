"""Who owns what crosses a cut, and what a row of the index counts of a sample."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duologue_pipeline.records import Annotated, Event, TaggedWord
from duologue_pipeline.tokens.sample_figures import FIGURES, owns, sample_figures
from tests.pipeline.tokens.conftest import FIRST, LAST, MIDDLE

Build = Callable[..., Any]
Spans = list[tuple[str, int, int]]

CUTS = (FIRST, MIDDLE, LAST)  # at 1.92 s and 4 s; the conversation ends at 5 s


def figures(spans: Spans = [], events: Any = (), words: Any = (), segment: int = 0) -> dict[str, Any]:  # noqa: B006
    """Of a sample with speech (speaker, start_ms, end_ms), events (kind, start_s) and words (start_s)."""
    return sample_figures(
        {
            "segment": segment,
            "activity": [{"speaker": who, "start_s": start / 1000, "end_s": end / 1000} for who, start, end in spans],
            "events": [{"kind": kind, "start_s": start_s} for kind, start_s in events],
            "words": [{"start_s": start_s} for start_s in words],
        }
    )


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([], None),
        ([("a", 0, 1000)], 0.0),
        ([("a", 0, 1000), ("b", 1000, 2000)], 0.0),
        ([("a", 0, 1000), ("b", 500, 1500)], 1 / 3),
        ([("a", 0, 1000), ("b", 200, 300), ("b", 600, 900)], 0.4),
        ([("a", 0, 1000), ("b", 0, 1000)], 1.0),
        ([("a", 500, 500)], None),
    ],
)
def test_the_share_of_speech_in_which_both_speak(spans: Spans, share: float | None) -> None:
    assert figures(spans)["overlap_share_of_speech"] == share


@given(
    st.lists(st.lists(st.integers(0, 3000), unique=True, max_size=10).map(sorted), min_size=2, max_size=2),
    st.randoms(use_true_random=False),
)
def test_it_is_that_of_a_count_of_milliseconds(edges: list[list[int]], chance: Any) -> None:
    spans = [
        (who, *pair) for who, own in zip("ab", edges, strict=True) for pair in zip(own[::2], own[1::2], strict=False)
    ]
    heard = [{t for speaker, start, end in spans if speaker == who for t in range(start, end)} for who in "ab"]
    anybody, both = len(heard[0] | heard[1]), len(heard[0] & heard[1])
    chance.shuffle(spans)
    assert figures(spans)["overlap_share_of_speech"] == (both / anybody if anybody else None)


@pytest.mark.parametrize(("segment", "start", "owner"), [(0, 0, True), (0, -1, True), (1, 0, True), (1, -1, False)])
def test_the_sample_in_which_something_begins_owns_it_and_the_first_one_what_began_before(
    segment: int, start: int, owner: bool
) -> None:
    assert owns(segment, start) is owner


def test_only_what_the_sample_owns_is_counted() -> None:
    events = [("backchannel", -0.2), ("backchannel", 1.0), ("interruption", 2.0), ("interruption", 3.0), ("turn", 3.0)]
    later = figures(events=events, words=[-0.1], segment=2)
    assert (later["backchannels"], later["interruptions"], later["words"]) == (1, 2, False)
    first = figures(events=events, words=[-0.1])
    assert (first["backchannels"], first["interruptions"], first["words"]) == (2, 2, True)
    assert tuple(first) == FIGURES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_word_and_event_is_owned_by_exactly_one_sample(
    conversation: Annotated, document: Build, data: st.DataObject
) -> None:
    """Also what begins before the conversation does, and what lasts over two cuts."""
    times = st.tuples(st.integers(-300, 4999), st.integers(0, 3500)).filter(lambda each: each[0] + each[1] > 0)
    said = [
        TaggedWord(f"w{number}", start, start + length)
        for number, (start, length) in enumerate(data.draw(st.lists(times, max_size=8)))
    ]
    kinds = ("backchannel", "interruption", "turn")
    events = tuple(
        Event(data.draw(st.sampled_from(kinds)), "a", start, start + length)
        for start, length in data.draw(st.lists(times, max_size=8))
    )
    whole = replace(conversation, words_a=said, events=events)
    documents = [document(whole, cut) for cut in CUTS]
    owned = [word["word"] for made in documents for word in made["words"] if word["owned"]]
    assert sorted(owned) == sorted(word.word for word in said)
    for made in documents:
        for word in made["words"]:
            begins_here = 0 <= word["start_s"] < made["end_s"] - made["start_s"]
            assert word["owned"] is (begins_here or (made["segment"] == 0 and word["start_s"] < 0))
    assert sum(event["owned"] for made in documents for event in made["events"]) == len(events)
    counted = [sample_figures(made) for made in documents]
    for column, kind in (("backchannels", "backchannel"), ("interruptions", "interruption")):
        assert sum(each[column] for each in counted) == sum(event.kind == kind for event in events)
    assert [each["words"] for each in counted] == [any(w["owned"] for w in made["words"]) for made in documents]
