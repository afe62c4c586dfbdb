"""Filtering in blocks gives what scipy's recursive filter gives."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfilt_zi

from duologue_pipeline.isolation.high_pass import BLOCK, BlockFilter


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("lowest_hz", [50.0, 200.0])
@pytest.mark.parametrize("size", [1, 7, 30 * BLOCK, 31 * BLOCK + 1])
def test_blocks_give_what_the_recursion_gives(order: int, lowest_hz: float, size: int) -> None:
    sos = butter(order, lowest_hz, "highpass", fs=8000, output="sos")
    pcm = np.random.default_rng(7).normal(0.3, 0.1, (2, 100 * BLOCK + 5))
    block_filter = BlockFilter(sos)
    parts = [block_filter.push(pcm[:, start : start + size]) for start in range(0, pcm.shape[1], size)]
    expected, _ = sosfilt(sos, pcm, zi=sosfilt_zi(sos)[:, None, :] * pcm[None, :, :1])
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, rtol=0, atol=1e-12)


def test_a_steady_signal_begins_without_a_click() -> None:
    block_filter = BlockFilter(butter(4, 200.0, "highpass", fs=8000, output="sos"))
    assert np.abs(block_filter.push(np.full((2, 4 * BLOCK), 0.5))).max() < 1e-12


def test_one_sample_is_less_than_a_block() -> None:
    block_filter = BlockFilter(butter(4, 200.0, "highpass", fs=8000, output="sos"))
    assert block_filter.push(np.ones((2, 1))).shape == (2, 1)
