"""Which stretches of a sample make items of a pack."""

from dataclasses import replace

import pytest

from duologue_pipeline.export.items import ItemPlan, Limits, plan_items
from duologue_pipeline.records import Span
from tests.pipeline.export.scenes import Spans, scene

LIMITS = Limits(pause_ms=400, talk_ms=6000, gap_ms=3000, room_ms=1000, item_ms=60_000)


def plans(a: Spans, b: Spans, task: str, *, limits: Limits = LIMITS, words: bool = True) -> list[ItemPlan]:
    """The items of a task in which a is the user."""
    return [plan for plan in plan_items(scene(a, b, words=words), "b", limits) if plan.task == task]


def test_a_turn_with_a_pause_that_the_listener_left_alone_is_an_item_until_it_ends() -> None:
    (found,) = plans([(1000, 3000), (3600, 5000)], [(5500, 7000)], "pause_handling")
    assert (found.user, found.span, found.moments) == ("a", Span(1000, 5000), (Span(3000, 3600),))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([(1000, 3000), (3300, 5000)], [(5500, 7000)]),
        ([(1000, 3000), (4000, 5000)], [(3200, 3500), (5500, 7000)]),
        ([(1000, 3000), (3600, 5000)], [(0, 1500), (5500, 7000)]),
    ],
    ids=["too short", "the listener said something", "the other speaks when it begins"],
)
def test_what_is_no_pause_to_be_tested_with(a: Spans, b: Spans) -> None:
    assert plans(a, b, "pause_handling") == []


def test_an_item_of_a_pause_ends_where_the_other_comes_in() -> None:
    (found,) = plans([(1000, 3000), (3600, 5000)], [(4500, 9000)], "pause_handling")
    assert found.span == Span(1000, 4500)


def test_an_answer_that_takes_over_is_an_item_until_the_user_is_heard_again() -> None:
    (found,) = plans([(1000, 3000), (5000, 5300), (9000, 11_000)], [(3250, 8000)], "smooth_turn_taking")
    assert (found.span, found.moments) == (Span(1000, 5000), (Span(3000, 3250),))


@pytest.mark.parametrize(
    "b",
    [[(3200, 3900)], [(2500, 6000)], [(6100, 9000)]],
    ids=["too short to take over", "in overlap", "after too long a gap"],
)
def test_what_is_no_smooth_turn_taking(b: Spans) -> None:
    assert plans([(1000, 3000), (12_000, 15_000)], b, "smooth_turn_taking") == []


def test_a_long_turn_with_backchannels_is_an_item_with_where_they_are() -> None:
    (found,) = plans([(1000, 5000), (5300, 9000)], [(3000, 3400), (5000, 5280), (9500, 12_000)], "backchannel")
    assert found.span == Span(1000, 9000)
    assert found.backchannels[0] == Span(3000, 3400)
    assert plans([(1000, 5000)], [(3000, 3400), (9500, 12_000)], "backchannel") == []


INTERRUPTED: tuple[Spans, Spans] = ([(1000, 3000), (6000, 9000)], [(3300, 6600), (9400, 12_000)])


def test_an_interruption_has_the_turn_before_and_the_answer_after() -> None:
    (found,) = plans(*INTERRUPTED, "user_interruption")
    assert (found.span, found.context, found.event) == (Span(1000, 12_000), Span(1000, 3000), Span(6000, 9000))
    assert plans(*INTERRUPTED, "user_interruption", words=False) == []


def test_a_user_who_gives_a_backchannel_does_not_interrupt() -> None:
    (found,) = plans([(1000, 3000), (5000, 5400)], [(3300, 9000)], "user_backchannel")
    assert (found.span, found.context, found.event) == (Span(1000, 9000), Span(1000, 3000), Span(5000, 5400))
    assert plans([(1000, 3000), (5000, 5400)], [(3300, 9000)], "user_interruption") == []


def test_no_item_is_longer_than_asked_for() -> None:
    assert plans(*INTERRUPTED, "user_interruption", limits=replace(LIMITS, item_ms=10_999)) == []


def test_swapped_sides_give_the_items_of_the_other_as_the_user() -> None:
    a, b = INTERRUPTED
    mine = [replace(plan, user="b") for plan in plan_items(scene(a, b), "b", LIMITS)]
    assert list(plan_items(scene(b, a), "a", LIMITS)) == mine


def test_a_turn_that_a_cut_goes_through_makes_no_item() -> None:
    sample = scene([(1000, 3000), (3600, 5000)], [(5500, 7000)])
    for event in sample.metadata["events"]:
        event["start_s"] -= 2
        event["end_s"] -= 2
    assert [plan.task for plan in plan_items(sample, "b", LIMITS)] == []
