"""Intervals: the same whatever the order and the parts, and about as wide as they ought to be."""

import math
from collections import Counter
from random import Random

import pytest

from duologue_cards.draws import DRAWS, Estimate, estimated_median, estimated_ratio, tally_draws
from duologue_cards.tally import add_tallies

RANDOM = Random(1)
IDS = [f"call-{n}" for n in range(400)]
FTOS_MS = [[round(RANDOM.gauss(200, 300)) for _ in range(30)] for _ in IDS]
OVERLAP_MS = [RANDOM.randrange(0, 10_000) for _ in IDS]
ANYBODY_MS = [100_000] * len(IDS)
WHOLE = tally_draws(IDS, OVERLAP_MS, ANYBODY_MS, FTOS_MS)


def test_parts_in_any_order_add_up_to_the_whole() -> None:
    half = slice(0, 150), slice(150, 400)
    parts = [Counter(tally_draws(IDS[s], OVERLAP_MS[s], ANYBODY_MS[s], FTOS_MS[s])) for s in reversed(half)]
    assert add_tallies(parts) == WHOLE
    assert tally_draws([], [], [], []) == {}


def test_a_conversation_is_taken_once_on_average() -> None:
    taken = sum(WHOLE["draw", "anybody_ms", number] for number in range(DRAWS)) / 100_000
    assert taken / (DRAWS * len(IDS)) == pytest.approx(1, abs=0.02)


def test_the_interval_of_a_share_is_that_of_theory() -> None:
    value = sum(OVERLAP_MS) / sum(ANYBODY_MS)
    estimate = estimated_ratio(WHOLE, value, len(IDS), part="overlap_ms", whole="anybody_ms")
    assert estimate.interval is not None
    low, high = estimate.interval
    deviation = math.sqrt(sum((each / 100_000 - value) ** 2 for each in OVERLAP_MS) / len(IDS))
    assert (low + high) / 2 == pytest.approx(value)
    assert (high - low) / 2 == pytest.approx(1.96 * deviation / math.sqrt(len(IDS)), rel=0.25)


def test_the_interval_of_the_median_is_that_of_theory() -> None:
    estimate = estimated_median(WHOLE, 0.2, len(IDS))
    assert estimate.interval is not None
    margin_s = 1.96 * 1.2533 * 0.3 / math.sqrt(len(IDS) * 30)
    assert (estimate.interval[1] - estimate.interval[0]) / 2 == pytest.approx(margin_s, rel=0.3)


def test_of_one_conversation_and_of_nothing_there_is_no_interval() -> None:
    one = tally_draws(IDS[:1], OVERLAP_MS[:1], ANYBODY_MS[:1], FTOS_MS[:1])
    assert estimated_ratio(one, 0.1, 1, part="overlap_ms", whole="anybody_ms") == Estimate(0.1, 1)
    assert estimated_median({}, None, 0) == Estimate(None, 0)


def test_the_interval_of_a_share_stays_a_share() -> None:
    ids = ["one", "two", "three"]
    tally = tally_draws(ids, [0, 0, 30], [1000, 1000, 100], [[], [], []])
    estimate = estimated_ratio(tally, 30 / 2100, 3, part="overlap_ms", whole="anybody_ms")
    assert estimate.interval is not None
    assert estimate.interval[0] == 0.0
