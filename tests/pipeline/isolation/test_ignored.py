"""What isolation must not hear: empty bands of coders, direct current, hum that both lines have, the scale of samples."""

import dataclasses
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import butter, sosfiltfilt

from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.records import IsolationReport
from duologue_pipeline.simulate import Bleed, ConversationSpec, Fault, NoiseBank, Side, constant, simulate_conversation

Pcm = npt.NDArray[np.float32]
RATE_HZ = 8000


@cache
def conversation(*faults: Fault, seed: int = 5, silence: str = "noise") -> Pcm:
    """Two voices on the telephone for a minute, without any fault unless one is given: float32 [2, T]."""
    a = Side("noise-02", level_dbfs=-24, noise_dbfs=-64, silence=silence)  # type: ignore[arg-type]
    b = dataclasses.replace(a, voice="noise-11", level_dbfs=-27, noise_dbfs=-67)
    made = simulate_conversation(ConversationSpec("test", seed, a, b, duration_s=60.0, faults=faults), NoiseBank())
    return np.stack([made.a, made.b])


def measured(pcm: npt.NDArray[np.floating]) -> IsolationReport:
    a, b = pcm.astype(np.float32)
    return measure_isolation([(a, b)], sample_rate_hz=RATE_HZ)


def found(report: IsolationReport) -> set[str]:
    return {name for name, fault in report.faults.items() if fault.found}


def band_limited(pcm: Pcm, top_hz: float) -> Pcm:
    """As a coder of few bits leaves it: nothing above ``top_hz`` but the rounding to 16 bits."""
    low = sosfiltfilt(butter(14, top_hz, fs=RATE_HZ, output="sos"), pcm)
    return (np.round(low * 32767) / 32768).astype(np.float32)


@pytest.mark.parametrize("seed", [5, 6, 7])
@pytest.mark.parametrize("top_hz", [1500, 2500])
@pytest.mark.parametrize("silence", ["digital", "noise"])
def test_an_empty_band_is_no_copy_seconds_off(seed: int, top_hz: float, silence: str) -> None:
    """Before rules 2.2 all of these were told an offset of -3.5 to 4.7 s."""
    report = measured(band_limited(conversation(seed=seed, silence=silence), top_hz))
    assert (report.verdict, found(report)) == ("pass", set())


@pytest.mark.parametrize("level_db", [-25, -40])
@pytest.mark.parametrize("late_s", [0.8, -2.5])
def test_a_copy_seconds_off_is_found_in_a_narrow_band(level_db: float, late_s: float) -> None:
    pcm = conversation().copy()
    late = round(abs(late_s) * RATE_HZ)
    target, source = (0, 1) if late_s < 0 else (1, 0)
    pcm[target, late:] += conversation()[source, :-late] * np.float32(10 ** (level_db / 20))
    report = measured(band_limited(pcm, 2500))
    assert report.faults["offset"].found is True
    assert report.faults["offset"].value == pytest.approx(late_s, abs=0.002)
    assert report.faults["offset"].confidence > 0.75


@pytest.mark.parametrize("dc", [(0.3, 0.0), (0.2, -0.25)])
def test_direct_current_changes_nothing(dc: tuple[float, float]) -> None:
    clean, moved = measured(conversation()), measured(conversation() + np.array(dc)[:, None])
    assert (moved.verdict, found(moved)) == (clean.verdict, found(clean)) == ("pass", set())
    for with_dc, without in ((moved.a_from_b, clean.a_from_b), (moved.b_from_a, clean.b_from_a)):
        assert with_dc.bleed_db is None
        assert with_dc.solo_s == pytest.approx(without.solo_s, abs=0.5)
        assert with_dc.floor_db == pytest.approx(without.floor_db, abs=1)


@pytest.mark.parametrize("hum_dbfs", [-20.0, -40.0, -55.0])
def test_hum_that_both_lines_have_is_no_bleed(hum_dbfs: float) -> None:
    """50 Hz and ten harmonics, which fall by 6 dB an octave."""
    t = np.arange(conversation().shape[1]) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 12)) * 10 ** (hum_dbfs / 20)
    report = measured(conversation() + hum)
    assert (report.a_from_b.bleed_db, report.b_from_a.bleed_db) == (None, None)
    assert found(report) == set()


@pytest.mark.parametrize("hum_dbfs", [-40.0, -55.0])
def test_bleed_is_measured_beside_hum(hum_dbfs: float) -> None:
    pcm = conversation(Bleed("a", constant(-25), constant(40)))
    t = np.arange(pcm.shape[1]) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 12)) * 10 ** (hum_dbfs / 20)
    report = measured(pcm + hum)
    assert report.a_from_b.bleed_db == pytest.approx(-25, abs=1.5)
    assert report.a_from_b.lag_ms == pytest.approx(40, abs=2)
    assert report.b_from_a.bleed_db is None
