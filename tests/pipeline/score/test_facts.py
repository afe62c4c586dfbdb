"""What is counted of the scored speaker, and the figures formed of it."""

from typing import Any

import pytest

from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.records import Activity, Event, Span, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.score.facts import Conversation, Facts, facts_of
from duologue_pipeline.score.figures import FIGURES, Distribution, Ratio, figures_document

RULES = load_rules(ScoreRules)


def conversation(
    a: list[tuple[int, int]],
    b: list[tuple[int, int]],
    *,
    duration_ms: int = 60_000,
    model: Speaker = "b",
    name: str = "x",
) -> Conversation:
    """A conversation labelled by the times, in ms, at which each is heard."""
    activity = Activity(a=tuple(Span(*s) for s in a), b=tuple(Span(*s) for s in b), rules="t")
    found = annotate_conversation(activity=activity, words_a=None, words_b=None, duration_ms=duration_ms, language=None)
    totals = found.statistics
    return Conversation(
        name,
        name,
        None,
        model,
        duration_ms,
        {"a": totals.speech_a_ms, "b": totals.speech_b_ms},
        totals.overlap_ms,
        found.events,
    )


def counts(*args: Any, **more: Any) -> dict[str, int]:
    return dict(facts_of(conversation(*args, **more), RULES).counts)


# --- take-over ------------------------------------------------------------------------------------------------------


def test_a_turn_of_more_than_a_second_takes_over_and_a_shorter_one_answers() -> None:
    found = counts([(0, 3000), (6000, 9000)], [(3200, 5500), (9300, 10_000)], duration_ms=20_000)
    assert (found["user_turns"], found["user_turns_answered"], found["user_turns_taken"]) == (2, 2, 1)


@pytest.mark.parametrize(("duration_ms", "turns"), [(6000, 1), (5999, 0)], ids=["room to answer", "no room"])
def test_a_last_turn_that_nobody_follows_counts_only_with_room_to_answer(duration_ms: int, turns: int) -> None:
    found = counts([(0, 3000)], [], duration_ms=duration_ms)
    assert (found["user_turns"], found.get("user_turns_answered", 0)) == (turns, 0)


def test_gaps_and_overlaps_are_those_of_the_transfers_to_the_scored_one() -> None:
    one = conversation([(0, 3000), (6000, 9000)], [(3200, 5500), (8500, 12_000)])
    found = facts_of(one, RULES)
    assert (list(found.times_ms["gap"]), list(found.times_ms["overlap_onset"])) == ([200], [500])
    swapped = facts_of(conversation([(3200, 5500), (8500, 12_000)], [(0, 3000), (6000, 9000)], model="a"), RULES)
    assert swapped == found


def test_the_four_latencies_are_those_of_the_users_interruptions() -> None:
    # the user begins at 4 s while the model speaks from 1 to 5.2 s, ends at 8 s; the model answers at 8.4 s
    events = conversation([(4000, 8000)], [(1000, 5200), (8400, 12_000)])
    found = facts_of(events, RULES)
    assert {name: list(found.times_ms[name]) for name in ("response", "stop", "success", "penalty")} == {
        "response": [400],
        "stop": [1200],
        "success": [1200],
        "penalty": [1200],
    }
    assert (found.counts["user_interruptions"], found.counts["user_interruptions_in_time"]) == (1, 1)
    late = facts_of(conversation([(4000, 9000)], [(1000, 5600)]), RULES)
    assert (list(late.times_ms["success"]), list(late.times_ms["stop"])) == ([], [1600])


def test_a_backchannel_in_silence_has_a_latency_and_one_in_speech_has_none() -> None:
    def event(kind: str, speaker: str, start_ms: int, end_ms: int, addressee: str) -> Event:
        return Event(kind, speaker, start_ms, end_ms, addressee=addressee)

    events = [
        event("ipu", "a", 0, 2000, "silent"),
        event("ipu", "a", 3000, 6000, "silent"),
        event("backchannel", "b", 2300, 2600, "pausing"),
        event("backchannel", "b", 4000, 4300, "speaking"),
        event("backchannel", "a", 9000, 9300, "speaking"),
    ]
    found = facts_of(Conversation("x", "x", "en", "b", 10_000, {"a": 5000, "b": 600}, 300, events), RULES)
    assert (found.counts["backchannels"], found.counts["backchannels_in_speech"]) == (2, 1)
    assert list(found.times_ms["backchannel_latency"]) == [300]


# --- figures --------------------------------------------------------------------------------------------------------


def test_every_figure_is_formed_of_what_is_counted() -> None:
    known = facts_of(conversation([(0, 3000)], [(3200, 5500)]), RULES)
    for group in FIGURES.values():
        for figure in group.values():
            if isinstance(figure, Distribution):
                assert figure.times in known.times_ms
            else:
                assert {figure.part, figure.whole} <= known.counts.keys()


def of_counts(*pairs: tuple[int, int]) -> list[Facts]:
    return [Facts({"user_turns_taken": part, "user_turns": whole, "time": 60_000}) for part, whole in pairs]


def test_a_share_is_a_sum_over_a_sum_and_its_interval_is_that_of_conversations() -> None:
    facts = of_counts((1, 1), (0, 9), (5, 10), (2, 4))
    (found,) = [figures_document(facts, ["a", "b", "c", "d"], RULES)["take_over"]["after_user_turns"]]
    assert (found["part"], found["whole"], found["value"]) == (8, 24, 8 / 24)
    assert 0 <= found["low"] < found["value"] < found["high"] <= 1
    assert figures_document(facts, ["a", "b", "c", "d"], RULES)["take_over"]["after_user_turns"] == found


def test_items_of_one_recording_tell_nothing_of_others() -> None:
    found = figures_document(of_counts((1, 2), (3, 4)), ["one", "one"], RULES)
    share = found["take_over"]["after_user_turns"]
    assert (share["value"], share["low"], share["high"], found["groups"]) == (4 / 6, None, None, 1)


def test_what_cannot_be_formed_is_none() -> None:
    found = figures_document(of_counts((0, 0), (0, 0)), ["a", "b"], RULES)
    assert found["take_over"]["after_user_turns"] == {"value": None, "low": None, "high": None, "part": 0, "whole": 0}
    assert found["floor"]["response_gap_s"]["median"] is None


def test_the_interval_of_a_median_comes_from_its_conversations() -> None:
    facts = [Facts({"time": 1}, {"gap": [100 * i] * 5}) for i in range(1, 10)]
    found = figures_document(facts, [str(i) for i in range(9)], RULES)["floor"]["response_gap_s"]
    assert (found["count"], found["median"]) == (45, 0.5)
    assert 0.1 <= found["low"] < 0.5 < found["high"] <= 0.9


def test_a_rate_is_a_minute() -> None:
    found = figures_document([Facts({"backchannels": 3, "time": 120_000})], ["a"], RULES)
    assert found["backchannels"]["per_minute"]["value"] == 1.5
    assert isinstance(FIGURES["backchannels"]["per_minute"], Ratio)
