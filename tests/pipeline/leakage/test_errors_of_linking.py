"""Error rates of decisions whose outcome can be counted by hand."""

import numpy as np
import pytest

from duologue_pipeline.leakage.errors_of_linking import Curve, equal_error, linking_errors


def rate(same: list[float], different: list[float]) -> float:
    scores = np.array([*same, *different])
    is_same = np.arange(len(scores)) < len(same)
    return equal_error(Curve(scores), is_same.astype(float), (~is_same).astype(float))[0]


@pytest.mark.parametrize(
    ("same", "different", "expected"),
    [
        ([3, 4], [1, 2], 0.0),
        ([1, 2], [3, 4], 1.0),
        ([5, 5], [5, 5], 0.5),  # nothing tells them apart: a coin decides
        ([1, 3, 4, 5], [0, 0, 0, 2], 0.25),  # one of four missed, one of four taken for one
        ([2, 2, 4, 4], [1, 2, 2, 3], 0.375),
    ],
)
def test_the_equal_error_rate(same: list[float], different: list[float], expected: float) -> None:
    assert rate(same, different) == pytest.approx(expected)


def test_a_rate_of_normal_scores_is_what_theory_says() -> None:
    draw = np.random.default_rng(1)
    found = rate(draw.normal(2, 1, 40_000).tolist(), draw.normal(0, 1, 40_000).tolist())
    assert found == pytest.approx(0.1587, abs=0.004)  # the normal distribution beyond one deviation


def _errors(shift: float, *, people: int = 20, seed: int = 3) -> "object":
    """Twenty people in two conversations each; a pair of one person scores higher by ``shift``."""
    draw = np.random.default_rng(seed)
    side_speakers = np.repeat(np.arange(people), 2)
    first, second = np.triu_indices(len(side_speakers), 1)
    pair_speakers = np.stack([side_speakers[first], side_speakers[second]], axis=1)
    same = pair_speakers[:, 0] == pair_speakers[:, 1]
    scores = draw.normal(0, 1, len(first)) + shift * same
    return linking_errors(
        scores,
        np.arange(people),
        pair_speakers,
        np.stack([first, second], axis=1),
        (first + 1 == second) & ~same,
        side_speakers,
        np.zeros(len(side_speakers), np.int64),
        bootstraps=200,
        permutations=100,
        rng=np.random.default_rng(5),
    )


def test_who_is_told_apart_lies_below_chance() -> None:
    found = _errors(3.0)
    assert found.eer == pytest.approx(0.067, abs=0.05)  # type: ignore[attr-defined]
    assert found.interval[0] <= found.eer <= found.interval[1] < found.chance[0]  # type: ignore[attr-defined]
    assert found.chance[1] == pytest.approx(0.5, abs=0.05)  # type: ignore[attr-defined]


def test_who_is_not_told_apart_is_at_chance() -> None:
    found = _errors(0.0)
    assert found.interval[0] < 0.5 < found.interval[1]  # type: ignore[attr-defined]


def test_fewer_people_give_a_wider_interval() -> None:
    few, many = _errors(1.0, people=10), _errors(1.0, people=60)
    assert np.diff(few.interval) > 1.5 * np.diff(many.interval)  # type: ignore[attr-defined]
