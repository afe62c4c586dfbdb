"""The figures by which decoded sound is held against its audio, on signals of which they are known."""

import numpy as np
import pytest

from duologue_pipeline.audit.compare import (
    log_spectral_distance_db,
    loudness_course,
    resampled,
    si_sdr_db,
    stoi_or_none,
)
from tests.pipeline.codec.tiny import make_noise

NOISE = make_noise(48_000)


def test_a_part_of_noise_gives_the_ratio_of_its_power() -> None:
    rest = np.random.default_rng(5).standard_normal(NOISE.size).astype(np.float32)
    rest -= NOISE * np.float32(NOISE @ rest / (NOISE @ NOISE))  # at right angles
    rest *= np.float32(np.linalg.norm(NOISE) / np.linalg.norm(rest) / 10)
    assert si_sdr_db(NOISE, NOISE + rest) == pytest.approx(20, abs=0.01)
    assert si_sdr_db(NOISE, 0.1 * (NOISE + rest)) == pytest.approx(20, abs=0.01)


def test_of_silence_nothing_is_measured() -> None:
    silence = np.zeros(48_000, np.float32)
    assert si_sdr_db(silence, NOISE) is None
    assert si_sdr_db(NOISE, silence) is None
    assert log_spectral_distance_db(silence, NOISE) is None
    assert stoi_or_none(silence, NOISE, 24_000) is None


def test_the_distance_of_spectra_is_that_of_levels_where_only_these_differ() -> None:
    assert log_spectral_distance_db(NOISE, NOISE) == 0.0
    assert log_spectral_distance_db(NOISE, NOISE * np.float32(0.5)) == pytest.approx(6.02, abs=0.1)


def test_loudness_is_told_in_steps_of_20_ms() -> None:
    course = loudness_course(np.full(4810, 0.1, np.float32), 24_000)
    np.testing.assert_allclose(course, -20.0, atol=1e-4)
    assert len(course) == 10
    assert loudness_course(np.zeros(480, np.float32), 24_000)[0] == -80.0


def test_the_same_speech_is_wholly_intelligible() -> None:
    pytest.importorskip("pystoi")
    assert stoi_or_none(NOISE, NOISE, 24_000) == pytest.approx(1.0, abs=0.01)


def test_another_rate_is_another_length() -> None:
    assert resampled(NOISE, 24_000, 24_000) is NOISE
    assert resampled(NOISE, 24_000, 16_000).shape == (32_000,)
