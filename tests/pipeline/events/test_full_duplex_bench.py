"""The formulas of Full-Duplex-Bench: worked by hand after its code, and held against scipy."""

from typing import Any

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.spatial.distance import jensenshannon

from duologue_pipeline.events.full_duplex_bench import backchannel_takes_turn, divergence, ground_truth, takes_turn
from duologue_pipeline.records import Span, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.score import ScoreRules

RULES = load_rules(ScoreRules)


def words(*times_ms: tuple[int, int]) -> list[Word]:
    return [Word("x", start_ms, end_ms) for start_ms, end_ms in times_ms]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ([], False),
        ([(0, 400)], False),
        ([(0, 100), (800, 999)], False),
        ([(0, 100), (800, 1000)], True),  # a second from the first word to the last, whatever lies between
        ([(0, 10), (20, 30), (40, 50)], False),
        ([(0, 10), (20, 30), (40, 50), (60, 70)], True),
    ],
)
def test_a_second_or_four_words_take_the_turn(said: list[tuple[int, int]], taken: bool) -> None:
    assert takes_turn(words(*said), RULES) is taken


@pytest.mark.parametrize(
    ("speech", "said", "taken"),
    [
        ([], [], False),
        ([(0, 400)], [(0, 400)], False),
        ([(0, 3001)], [], True),
        ([(0, 3000), (5000, 5400)], [], False),  # the last stretch overwrites what was found before
        ([(0, 400), (5000, 6000)], [], True),
        ([(0, 400)], [(0, 100), (100, 200), (200, 300)], True),
    ],
)
def test_in_the_backchannel_task_the_last_stretch_decides(
    speech: list[tuple[int, int]], said: list[tuple[int, int]], taken: bool
) -> None:
    assert backchannel_takes_turn([Span(*each) for each in speech], words(*said), RULES) is taken


def test_the_ground_truth_has_bins_of_a_fifth_of_a_second_and_sums_to_one() -> None:
    truth = ground_truth([Span(1000, 1399)], 3000, RULES)
    assert len(truth) == 16
    assert sum(truth) == pytest.approx(1)
    assert [round(share, 6) for share in truth[4:8]] == [0, 0.5, 0.5, 0]


def test_the_divergence_is_that_of_scipy_over_the_stretched_truth() -> None:
    truth = ground_truth([Span(1000, 1500), Span(7000, 7300)], 12_000, RULES)
    mine = [Span(1200, 1500), Span(9000, 9300)]
    predicted = np.array(ground_truth(mine, 20_000, RULES))
    stretched: Any = interp1d(np.linspace(0, 1, len(truth)), truth)(np.linspace(0, 1, len(predicted)))
    assert divergence(mine, 20_000, truth, RULES) == pytest.approx(float(jensenshannon(predicted, stretched)), abs=1e-9)


def test_the_truth_itself_is_at_no_distance_and_silence_at_one() -> None:
    mine = [Span(1200, 1500)]
    assert divergence(mine, 5000, ground_truth(mine, 5000, RULES), RULES) == pytest.approx(0, abs=1e-7)
    assert divergence([], 5000, ground_truth(mine, 5000, RULES), RULES) == 1.0
