"""The sums that isolation is measured from, against what they stand for, written out."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from duologue_pipeline.isolation import shift
from duologue_pipeline.isolation.evidence import Layout, Room, Segment
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules

RULES: IsolationRules = load_rules(IsolationRules)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("frames", [[3], [0, 1, 2, 19, 5], list(range(20))])
def test_evidence_is_the_correlation_of_frames_with_what_is_around_them(
    rate_hz: int, target: int, frames: list[int]
) -> None:
    layout = Layout.of(RULES, rate_hz)
    random = np.random.default_rng(1)
    signal = random.standard_normal((2, 22 * layout.frame), dtype=np.float32)
    weights = random.uniform(0.5, 2, 20)
    found = Segment(signal, layout, first_frame=7).evidence(target, np.array(frames), weights)
    cross: Any = 0
    own = np.zeros((3, layout.long_taps))
    for frame in frames:
        middle = signal[target, (frame + 1) * layout.frame : (frame + 2) * layout.frame].astype(np.float64)
        around = signal[1 - target, frame * layout.frame : (frame + 3) * layout.frame].astype(np.float64)
        cross += weights[frame] * np.fft.rfft(middle, layout.n_fft).conj() * np.fft.rfft(around, layout.n_fft)
        for place, tile in enumerate(around.reshape(3, -1)[::-1]):
            lags = [tile @ tile, *(tile[lag:] @ tile[:-lag] for lag in range(1, layout.long_taps))]
            own[place] += weights[frame] * np.array(lags)
    np.testing.assert_allclose(found.cross, cross, rtol=0, atol=3e-6 * np.abs(cross).max())
    np.testing.assert_allclose(found.autocorrelation, own, rtol=0, atol=3e-6 * own.max())
    assert (found.frames, found.first, found.last) == (len(frames), 7 + frames[0], 8 + frames[-1])
    assert found.weight == pytest.approx(weights[frames].sum())
    tiles = signal[target].reshape(22, -1)[1:-1][frames].astype(np.float64)
    assert found.energy == pytest.approx(weights[frames] @ np.square(tiles).sum(axis=1), rel=1e-5)


def test_a_segment_in_the_room_of_a_longer_one_gives_the_evidence_of_one_alone() -> None:
    layout, random, room = Layout.of(RULES, 8000), np.random.default_rng(2), Room()
    Segment(random.standard_normal((2, 30 * layout.frame), dtype=np.float32), layout, room=room)
    signal = random.standard_normal((2, 22 * layout.frame), dtype=np.float32)
    frames, weights = np.array([0, 3, 19]), np.ones(20)
    for target in (0, 1):
        alone = Segment(signal, layout).evidence(target, frames, weights)
        beside = Segment(signal, layout, room=room).evidence(target, frames, weights)
        np.testing.assert_array_equal(beside.cross, alone.cross)
        np.testing.assert_array_equal(beside.autocorrelation, alone.autocorrelation)


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 40])
@pytest.mark.parametrize("size", [7, 400])
def test_the_gain_of_an_even_level_is_three_moving_averages(frames: int, size: int) -> None:
    steps_db = np.random.default_rng(frames).uniform(-80, 0, (2, frames))
    curve_db = np.repeat(steps_db, size, axis=1)
    for _ in range(3):
        curve_db = uniform_filter1d(curve_db, size, axis=1, mode="nearest")
    np.testing.assert_allclose(shift._smooth(steps_db, size), curve_db, rtol=0, atol=2e-5)
