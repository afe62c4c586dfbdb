"""The dying away of a room is no speech: how fast it is, where it is found, and that dry tracks are left alone."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.activity.bands import HOP, HOP_MS, BandLevels
from duologue_pipeline.activity.reverberation import above_the_tail, room_decay
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, levels_of, speech_spans
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules

RULES: Final = load_rules(ActivityRules)
ENDS_MS: Final = tuple(range(1000, 31_000, 1500))
BURST_MS: Final = 700


def track(*, t60_s: float = 0.0, fade_db_per_s: float = 0.0, noise_db: float = -60.0) -> npt.NDArray[np.float32]:
    """Bursts of noise at -20 dBFS which end at ENDS_MS, in a room or fading by themselves."""
    rng = np.random.default_rng(3)
    pcm = np.zeros(32 * SAMPLE_RATE_HZ)
    for end_ms in ENDS_MS:
        end, length = end_ms * SAMPLE_RATE_HZ // 1000, BURST_MS * SAMPLE_RATE_HZ // 1000
        fade = np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ * fade_db_per_s if fade_db_per_s else np.zeros(0)
        gain = np.concatenate([np.ones(length), 10 ** (-fade / 20)])
        pcm[end - length : end + fade.size] += 0.1 * gain * rng.standard_normal(gain.size)
    if t60_s:
        time_s = np.arange(round(t60_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        tail = rng.standard_normal(time_s.size) * 10 ** (-3 * time_s / t60_s)
        tail *= 10 ** (-5 / 20) / np.sqrt(np.sum(tail**2))
        size = pcm.size + tail.size
        pcm = pcm + np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(tail, size), size)[: pcm.size]
    return (pcm + 10 ** (noise_db / 20) * rng.standard_normal(pcm.size)).astype(np.float32)


def bands_of(pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    bands = BandLevels()
    bands.push(pcm)
    return bands.finish()


def decay(pcm: npt.NDArray[np.float32], late_ms: int = 100) -> float | None:
    runs = [((end - BURST_MS) // HOP_MS, (end + late_ms) // HOP_MS) for end in ENDS_MS]
    return room_decay(levels_of(bands_of(pcm)), runs, RULES)


@pytest.mark.parametrize(("t60_s", "noise_db"), [(0.25, -60.0), (0.4, -60.0), (0.4, -50.0), (0.45, -60.0)])
def test_the_decay_of_a_room_is_found(t60_s: float, noise_db: float) -> None:
    assert decay(track(t60_s=t60_s, noise_db=noise_db)) == pytest.approx(60 / t60_s, rel=0.25)


@pytest.mark.parametrize(
    "pcm",
    [
        pytest.param(track(), id="ends at once"),
        pytest.param(track(fade_db_per_s=90), id="voices that fade slowly"),
        pytest.param(np.zeros(32 * SAMPLE_RATE_HZ, np.float32), id="digital silence"),
        pytest.param(track(t60_s=0.4, noise_db=-22), id="a tail under the noise"),
    ],
)
def test_no_room_is_found_where_there_is_none(pcm: npt.NDArray[np.float32]) -> None:
    assert decay(pcm) is None


def test_a_few_ends_tell_nothing() -> None:
    levels_dbfs = levels_of(bands_of(track(t60_s=0.4)))
    runs = [((end - BURST_MS) // HOP_MS, (end + 100) // HOP_MS) for end in ENDS_MS]
    assert room_decay(levels_dbfs, runs[:3], RULES) is None
    assert room_decay(levels_dbfs, runs[:4], RULES) is not None


def test_nobody_speaks() -> None:
    assert room_decay(np.full(100, -80, np.float32), [], RULES) is None
    assert room_decay(np.zeros(0, np.float32), [], RULES) is None


def test_a_tail_is_below_and_a_soft_word_in_it_above() -> None:
    fall_db = np.concatenate([np.zeros(50), -1.5 * np.arange(1, 41)])
    fall_db[70:80] = -20.0  # a soft word, 10 dB above the tail of the loud one
    power = np.repeat(10 ** (fall_db / 10)[:, np.newaxis], 12, axis=1).astype(np.float32)
    above = above_the_tail(power, np.full(12, 1e-9), 150.0, RULES)
    assert (above[60:68] < 0).all()
    assert (above[71:75] > 0).all()


def test_bands_under_the_noise_say_nothing() -> None:
    above = above_the_tail(np.ones((20, 12), np.float32), np.ones(12), 150.0, RULES)
    assert (above < 0).all()


def offsets_ms(pcm: npt.NDArray[np.float32], **changes: Any) -> npt.NDArray[np.float64]:
    """How late each burst is found to end; the network goes on for .3 s."""
    bands = bands_of(pcm)
    probabilities = np.zeros(len(bands) * HOP // 512 + 1, np.float32)
    for end_ms in ENDS_MS:
        probabilities[(end_ms - BURST_MS) // 32 : (end_ms + 300) // 32] = 0.9
    spans = speech_spans(
        probabilities, levels_of(bands), duration_ms=32_000, rules=replace(RULES, **changes), bands=bands
    )
    assert len(spans) == len(ENDS_MS)
    return np.array([span.end_ms - end_ms for span, end_ms in zip(spans, ENDS_MS, strict=True)], float)


def test_speech_in_a_room_ends_where_the_speaker_does() -> None:
    pcm = track(t60_s=0.4)
    assert np.median(offsets_ms(pcm, room_min_share=2)) > 100
    assert np.abs(offsets_ms(pcm)).max() <= 50


def test_dry_speech_ends_where_it_did() -> None:
    pcm = track()
    assert (offsets_ms(pcm) == offsets_ms(pcm, room_min_share=2)).all()
    assert np.abs(offsets_ms(pcm)).max() <= 20
