"""Events of conversations in which one speaker joins later or leaves earlier: nobody answers who is not there."""

from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.events.find import NEED_TWO
from duologue_pipeline.records import Activity, Span

HEARD = Activity(
    a=(Span(0, 2000), Span(3000, 5000), Span(12_000, 15_000), Span(20_000, 22_000), Span(23_000, 25_000)),
    b=(Span(10_000, 11_500), Span(15_300, 18_000)),
    rules="2.0",
)
"""a talks, waits, and goes on; b joins at 9 s and leaves at 19 s."""


def found(shared: Span | None) -> list[tuple[str, str, int, int]]:
    annotation = annotate_conversation(
        activity=HEARD, words_a=None, words_b=None, duration_ms=30_000, language=None, shared=shared
    )
    return [(event.kind, event.speaker, event.start_ms, event.end_ms) for event in annotation.events]


def test_what_needs_two_is_found_only_while_both_are_there() -> None:
    events = found(Span(9000, 19_000))
    both = [event for event in events if event[0] in NEED_TWO]
    assert both == [
        ("floor_transfer", "a", 11_500, 12_000),
        ("gap", "a", 11_500, 12_000),
        ("floor_transfer", "b", 15_000, 15_300),
        ("gap", "b", 15_000, 15_300),
    ]


def test_what_one_says_alone_stays() -> None:
    everything, events = found(None), found(Span(9000, 19_000))
    assert [event for event in everything if event[0] not in NEED_TWO] == [
        event for event in events if event[0] not in NEED_TWO
    ]
    gone = {event[0] for event in everything} - {event[0] for event in events}
    assert gone == {"pause", "hold"}
    assert ("gap", "b", 5000, 10_000) in everything  # b had not joined
    assert ("gap", "a", 18_000, 20_000) in everything  # b had left
