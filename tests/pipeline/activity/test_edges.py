"""Edges on the waveform: band levels, and sounds that are near speech and are none."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from duologue_pipeline.activity import edges as edges_module
from duologue_pipeline.activity.bands import BANDS, BandLevels, power_of
from duologue_pipeline.activity.edges import edges_on_the_waveform, sound_scores
from duologue_pipeline.activity.vad import levels_of
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from tests.pipeline.activity.test_vad import assert_edges, detect, make_track

Pcm = npt.NDArray[np.float32]

RULES = load_rules(ActivityRules)
RATE_HZ = 16_000


def make_noise(duration_s: float, level_dbfs: float, seed: int = 1) -> Pcm:
    noise = np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))
    return (noise * 10 ** (level_dbfs / 20)).astype(np.float32)


def make_breath(duration_s: float, level_dbfs: float) -> Pcm:
    """Noise through three broad formants, swelling and fading: no voice in it."""
    noise = make_noise(duration_s, 0)
    bands_hz = ((400, 700), (1200, 1700), (2200, 2900))
    breath = sum(sosfilt(butter(1, band, "bandpass", fs=RATE_HZ, output="sos"), noise) for band in bands_hz)
    breath = breath * np.hanning(noise.size)
    return (breath * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(breath**2))).astype(np.float32)


def band_levels(pcm: Pcm, *cuts: int) -> npt.NDArray[np.uint8]:
    bands = BandLevels()
    for block in np.split(pcm, sorted(cuts)):
        bands.push(block)
    return bands.finish()


# --- band levels ----------------------------------------------------------------------------------------------------


def test_a_tone_sounds_in_its_band_at_its_power() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)
    power = power_of(band_levels(tone))[5:95]
    assert power.shape == (90, BANDS)
    assert 10 * np.log10(power[:, 3]) == pytest.approx(-23.0, abs=0.5)  # 850 to 1200 Hz; a sine of .1 has 1/200
    assert np.all(power[:, [0, 1, 5, 11]] < 1e-7)


def test_digital_silence_is_the_lowest_level() -> None:
    assert not band_levels(np.zeros(1600, np.float32)).any()


@pytest.mark.parametrize(("samples", "hops"), [(0, 0), (1, 1), (160, 1), (161, 2), (1600, 10)])
def test_every_hop_that_has_begun_has_a_level(samples: int, hops: int) -> None:
    assert len(band_levels(np.ones(samples, np.float32))) == hops


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 8000), max_size=8))
def test_blocks_of_any_size_give_the_levels_of_one(cuts: list[int]) -> None:
    pcm = make_noise(0.5, -20)
    np.testing.assert_array_equal(band_levels(pcm, *cuts), band_levels(pcm))


def test_scores_do_not_depend_on_how_many_blocks_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bands = np.random.default_rng(3).integers(40, 160, (3_050, BANDS)).astype(np.uint8)
    speech = np.arange(len(bands)) % 700 > 400
    scores, noises = sound_scores(bands, speech, speech & (np.arange(len(bands)) % 700 > 600), RULES)
    assert len(noises) == 11
    for at_once in (1, 4):
        monkeypatch.setattr(edges_module, "_BLOCKS_AT_ONCE", at_once)
        other, other_noises = sound_scores(bands, speech, speech & (np.arange(len(bands)) % 700 > 600), RULES)
        np.testing.assert_array_equal(other, scores)
        np.testing.assert_array_equal(other_noises, noises)


# --- change points --------------------------------------------------------------------------------------------------


def edges(scores: list[int], run: tuple[int, int]) -> list[tuple[int, int]]:
    levels = np.full(len(scores), -20, np.float32)
    return list(edges_on_the_waveform([run], np.array(scores, np.float32), levels, RULES))


def test_a_click_before_the_speech_does_not_move_its_onset() -> None:
    assert edges([-1] * 20 + [3] * 2 + [-1] * 8 + [3] * 40 + [-1] * 20, (30, 70)) == [(30, 70)]


def test_a_closure_within_the_first_sound_does_not_move_the_onset() -> None:
    assert edges([-1] * 180 + [3] * 6 + [-1] * 5 + [3] * 40 + [-1] * 20, (191, 231)) == [(180, 231)]


@pytest.mark.parametrize(("sound", "onset"), [(15, 11), (6, 31)])
def test_in_a_short_pause_only_a_long_sound_begins_the_speech_after_it(sound: int, onset: int) -> None:
    scores = [-1] * (26 - sound) + [3] * sound + [-1] * 5 + [3] * 40 + [-1] * 20
    assert edges(scores, (31, 71)) == [(onset, 71)]


def test_an_end_reaches_20_ms_beyond_the_decision() -> None:
    assert edges([-1] * 30 + [3] * 90, (30, 70)) == [(30, 72)]


def nowhere(bands: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """No hop is speech, and of none is the network sure."""
    none = np.zeros(len(bands), np.bool_)
    return none, none


def test_noise_alone_seldom_scores_above_zero_in_any_colour() -> None:
    white = make_noise(10, -40)
    brown = sosfilt(butter(1, 200, fs=RATE_HZ, output="sos"), make_noise(10, -20)).astype(np.float32)
    for noise in (white, brown):
        bands = band_levels(noise)
        scores, _ = sound_scores(bands, *nowhere(bands), RULES)
        assert np.mean(scores > 0) < 0.05


def test_a_hiss_that_the_level_does_not_show_scores_above_zero() -> None:
    noise = sosfilt(butter(2, 1000, fs=RATE_HZ, output="sos"), make_noise(10, -20)).astype(np.float32)
    hiss = sosfilt(butter(4, 5000, "highpass", fs=RATE_HZ, output="sos"), make_noise(0.2, -35, seed=2))
    pcm = noise.copy()
    pcm[5 * RATE_HZ : 5 * RATE_HZ + hiss.size] += hiss.astype(np.float32)
    bands = band_levels(pcm)
    speech = np.zeros(len(bands), np.bool_)
    speech[500:520] = True
    scores, _ = sound_scores(bands, speech, np.zeros_like(speech), RULES)
    assert np.all(scores[501:519] > 0)
    levels = levels_of(bands)
    assert np.median(levels[501:519]) - np.median(levels) < 1.5


def test_speech_of_which_the_network_is_sure_scores_as_sound_in_loud_noise() -> None:
    """Under the noise, speech scores little more than it: by its scores alone most of it would be left out."""
    pcm = make_noise(6, -30)
    pcm[2 * RATE_HZ : 4 * RATE_HZ] += make_noise(2, -39, seed=2)
    bands = band_levels(pcm)
    speech = np.zeros(len(bands), np.bool_)
    speech[200:400] = True
    unsure, _ = sound_scores(bands, speech, np.zeros_like(speech), RULES)
    sure, _ = sound_scores(bands, speech, speech, RULES)
    assert np.mean(unsure[200:400] > 0) < 0.5
    assert np.mean(sure[200:400] > 0) == pytest.approx(0.8, abs=0.02)


def test_digital_silence_between_noisy_turns_is_no_noise() -> None:
    """A gate closes 300 ms after the speech: its noise is that of the open gate, not of the zeros."""
    pcm = make_noise(6, -45)
    pcm[: 2 * RATE_HZ] = pcm[4 * RATE_HZ :] = 0
    bands = band_levels(pcm)
    speech = np.zeros(len(bands), np.bool_)
    speech[230:370] = True
    scores, noises = sound_scores(bands, speech, np.zeros_like(speech), RULES)
    assert np.mean(scores[205:225] > 0) < 0.1
    assert np.mean(scores[375:395] > 0) < 0.1
    assert 10 * np.log10(noises[0].sum()) == pytest.approx(-45, abs=2)


# --- near speech ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level_dbfs", [-50, -35, -25])
def test_breaths_are_no_speech(level_dbfs: float) -> None:
    pcm = make_noise(6, -75)
    for start_s in (1.0, 2.5, 4.0):
        breath = make_breath(0.5, level_dbfs)
        pcm[round(start_s * RATE_HZ) :][: breath.size] += breath
    assert detect(pcm) == []


def test_a_breath_before_speech_is_not_taken_for_its_beginning() -> None:
    pcm = make_track((2.0, 3.0), duration_s=4)
    breath = make_breath(0.5, -45)
    pcm[round(1.4 * RATE_HZ) :][: breath.size] += breath  # ends 100 ms before the speech
    assert_edges(detect(pcm), (2000, 3000))


@pytest.mark.parametrize("name", ["hum", "line noise", "white noise"])
def test_what_goes_on_all_the_time_does_not_move_edges(name: str) -> None:
    pcm = make_track((1.0, 1.5), (2.5, 4.0), duration_s=5)
    time_s = np.arange(pcm.size) / RATE_HZ
    hum = np.sum([np.sin(2 * np.pi * 50 * k * time_s) / k for k in (1, 2, 3, 5, 7)], axis=0)
    tones = np.sin(2 * np.pi * 1000 * time_s) + np.sin(2 * np.pi * 2600 * time_s)
    noise = {"hum": 0.01 * hum, "line noise": 0.003 * tones, "white noise": make_noise(5, -38)}[name]
    found = detect((pcm + noise).astype(np.float32))
    assert [(span.start_ms, span.end_ms) for span in found] == [
        pytest.approx((1000, 1500), abs=30),
        pytest.approx((2500, 4000), abs=30),
    ]
