"""Each fault is in the samples exactly as the truth says."""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.signal import correlate, correlation_lags

from duologue_pipeline.records import Span, Speaker
from duologue_pipeline.simulate import (
    Bleed,
    Clipping,
    ConversationSpec,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    NoiseBank,
    Offset,
    OverSuppression,
    Separated,
    Side,
    Simulated,
    Swap,
    acoustics,
    constant,
    simulate_conversation,
)
from duologue_pipeline.simulate.acoustics import mask_of

RATE_HZ = 16000
DURATION_S = 60.0

F32 = npt.NDArray[np.float32]


@cache
def simulate(*faults: Fault, noise_dbfs: float = -110.0, line: str = "wideband") -> Simulated:
    side_a = Side("noise-00", noise_dbfs=noise_dbfs)
    side_b = Side("noise-01", level_dbfs=-30, noise_dbfs=noise_dbfs)
    spec = ConversationSpec("fault", 5, side_a, side_b, duration_s=DURATION_S, line=line, faults=faults)
    return simulate_conversation(spec, NoiseBank(size=2))


def fault_of(simulated: Simulated) -> dict[str, Any]:
    (fault,) = simulated.truth["faults"]
    return fault


def speech(speaker: Speaker) -> npt.NDArray[np.bool_]:
    spans = [Span(round(1000 * start), round(1000 * end)) for start, end in simulate().truth["activity"][speaker]]
    return mask_of(spans, round(DURATION_S * RATE_HZ), RATE_HZ)


def level_db(pcm: F32) -> float:
    return 10 * float(np.log10(np.mean(np.square(pcm, dtype=np.float64))))


def lag_ms(late: F32, early: F32) -> float:
    """By how much ``late`` comes after ``early``."""
    correlation = correlate(late, early)
    lag = correlation_lags(len(late), len(early))[np.argmax(np.abs(correlation))]
    return 1000 * float(lag) / RATE_HZ


def test_without_faults_each_speaker_is_alone_at_its_level() -> None:
    clean = simulate()
    assert clean.truth["faults"] == []
    assert level_db(clean.a[speech("a")]) == pytest.approx(-26, abs=0.05)
    assert level_db(clean.b[speech("b")]) == pytest.approx(-30, abs=0.05)
    assert level_db(clean.a[~speech("a")]) < -60
    assert clean.truth["tracks"]["b"]["clock"] == {"fast_ppm": 0, "late_s": 0}


@pytest.mark.parametrize(("level", "lag", "t60_s"), [(-10, 0, 0.0), (-30, 60, 0.0), (-60, 200, 0.0), (-20, 25, 0.3)])
def test_bleed_has_its_level_and_lag(level: float, lag: float, t60_s: float) -> None:
    bleeding = simulate(Bleed("a", constant(level), constant(lag), t60_s))
    copy = bleeding.a - simulate().a
    heard = np.roll(speech("b"), round(lag * RATE_HZ / 1000))
    assert level_db(copy[heard]) - level_db(simulate().b[speech("b")]) == pytest.approx(level, abs=0.3)
    assert lag_ms(copy, simulate().b) == pytest.approx(lag, abs=0.2)
    assert np.array_equal(bleeding.b, simulate().b)
    assert fault_of(bleeding)["level_db"] == ((0.0, level),)


def test_a_reverberant_way_says_how_much_comes_early() -> None:
    assert fault_of(simulate(Bleed("a", constant(-30), constant(60))))["early_db"] == 0.0
    assert -3 < fault_of(simulate(Bleed("a", constant(-20), constant(25), 0.3)))["early_db"] < -0.3


def test_bleed_that_changes_over_time() -> None:
    fault = Bleed("b", ((20.0, -40.0), (40.0, -20.0)), ((20.0, 10.0), (40.0, 90.0)))
    copy = simulate(fault).b - simulate().b
    for first, last, level, lag in ((0, 20, -40, 10), (41, 60, -20, 90)):
        part = slice(first * RATE_HZ, last * RATE_HZ)
        source = simulate().a[part]
        assert level_db(copy[part]) - level_db(source) == pytest.approx(level, abs=1)
        assert lag_ms(copy[part], source) == pytest.approx(lag, abs=0.2)


def test_bleed_both_ways_is_two_faults() -> None:
    both = simulate(Bleed("a", constant(-30), constant(5)), Bleed("b", constant(-40), constant(7)))
    assert [(fault["kind"], fault["into"]) for fault in both.truth["faults"]] == [("bleed", "a"), ("bleed", "b")]


@pytest.mark.parametrize(("source", "delay_ms", "gain_db"), [("a", 0, 0), ("b", 60, -6), ("mix", 5, 3)])
def test_duplicate(source: Any, delay_ms: float, gain_db: float) -> None:
    twice = simulate(Duplicate(source, gain_db, delay_ms, noise_db=-60))
    assert lag_ms(twice.b, twice.a) == delay_ms
    assert level_db(twice.b) - level_db(twice.a) == pytest.approx(gain_db, abs=0.1)
    expected = simulate().a + simulate().b if source == "mix" else getattr(simulate(), source)
    assert level_db(twice.a - expected) - level_db(expected) == pytest.approx(-60, abs=0.5)


def test_mono_mix() -> None:
    mono = simulate(MonoMix(noise_db=-50))
    mix = simulate().a + simulate().b
    for track in (mono.a, mono.b):
        assert level_db(track - mix) - level_db(mix) == pytest.approx(-50, abs=0.5)


def test_over_suppression_follows_the_other_side() -> None:
    down = simulate(OverSuppression("a", 20, attack_ms=5, release_ms=50), noise_dbfs=-60)
    plain = simulate(noise_dbfs=-60)
    for start_s, end_s in plain.truth["activity"]["b"]:
        inside = slice(round((start_s + 0.05) * RATE_HZ), round(end_s * RATE_HZ))
        assert level_db(down.a[inside]) - level_db(plain.a[inside]) == pytest.approx(-20, abs=0.3)
    assert np.array_equal(down.b, plain.b)
    far = np.ones(len(plain.a), np.bool_)
    for start_s, end_s in plain.truth["activity"]["b"]:
        far[round(start_s * RATE_HZ) : round((end_s + 0.5) * RATE_HZ)] = False
    assert np.allclose(down.a[far], plain.a[far], rtol=2e-3, atol=1e-6)


def test_swap() -> None:
    swapped, at = simulate(Swap(21.5)), round(21.5 * RATE_HZ)
    assert np.array_equal(swapped.a[:at], simulate().a[:at])
    assert np.array_equal(swapped.a[at:], simulate().b[at:])
    assert np.array_equal(swapped.b[at:], simulate().a[at:])


@pytest.mark.parametrize("late_s", [0.8, -1.25])
def test_offset_is_how_late_the_track_is(late_s: float) -> None:
    late = simulate(Offset("b", late_s))
    assert lag_ms(late.b, simulate().b) == pytest.approx(1000 * late_s, abs=0.1)
    assert np.array_equal(late.a, simulate().a)
    assert len(late.b) == len(late.a)
    assert late.truth["tracks"]["b"]["clock"] == {"fast_ppm": 0, "late_s": late_s}


@pytest.mark.parametrize("ppm", [200.0, -800.0])
def test_drift_is_how_much_later_everything_gets(ppm: float) -> None:
    drifting, clean = simulate(Drift("a", ppm)), simulate().a
    at = np.arange(len(clean)) * (1 + ppm * 1e-6)  # where the truth says that every sample has gone
    back = np.interp(at, np.arange(len(clean)), drifting.a)
    assert np.corrcoef(back, clean)[0, 1] > 0.98
    assert np.corrcoef(drifting.a, clean)[0, 1] < 0.5
    assert drifting.truth["tracks"]["a"]["clock"] == {"fast_ppm": ppm, "late_s": 0}


def test_clipping() -> None:
    clipped = simulate(Clipping("a", share=0.05))
    limit = 10 ** (fault_of(clipped)["at_dbfs"] / 20)
    assert np.abs(clipped.a).max() == pytest.approx(limit, rel=2e-3)
    assert np.mean(np.abs(clipped.a[speech("a")]) >= 0.999 * limit) == pytest.approx(0.05, abs=0.005)


def test_dropouts_are_where_the_truth_says() -> None:
    lossy = simulate(Dropouts("b", per_minute=20), noise_dbfs=-60)
    spans_s = fault_of(lossy)["spans_s"]
    assert 10 <= len(spans_s) <= 32
    zeros = np.zeros(len(lossy.b), np.bool_)
    for start_s, end_s in spans_s:
        assert 0.0199 <= end_s - start_s <= 0.2001
        zeros[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = True
    assert np.array_equal(lossy.b == 0, zeros)


def test_separated_tracks_add_up_to_the_mix_and_leak() -> None:
    apart = simulate(Separated(leak_db=-20))
    only_b = speech("b") & ~speech("a")
    assert level_db(apart.a[only_b]) - level_db(simulate().b[only_b]) == pytest.approx(-20, abs=3)
    assert level_db(simulate().a[only_b]) - level_db(simulate().b[only_b]) < -30
    assert level_db(apart.a[speech("a")]) == pytest.approx(-26, abs=0.5)


@pytest.mark.parametrize("silence", ["digital", "comfort"])
def test_silence_that_is_not_sent(silence: Any) -> None:
    side = Side("noise-00", silence=silence, noise_dbfs=-60)
    spec = ConversationSpec("quiet", 5, side, Side("noise-01"), duration_s=DURATION_S, line="wideband")
    quiet = simulate_conversation(spec, NoiseBank(size=2))
    spans = [Span(round(1000 * start), round(1000 * end) + 210) for start, end in quiet.truth["activity"]["a"]]
    between = quiet.a[~mask_of(spans, len(quiet.a), RATE_HZ)]
    if silence == "digital":
        assert not between.any()
    else:
        assert level_db(between) == pytest.approx(-60, abs=0.5)


def test_telephone_is_narrow_and_coarse() -> None:
    telephone = simulate(line="telephone", noise_dbfs=-60)
    assert telephone.sample_rate_hz == 8000
    power = np.abs(np.fft.rfft(telephone.a)) ** 2
    hz = np.fft.rfftfreq(len(telephone.a), 1 / 8000)
    assert power[hz < 150].sum() / power.sum() < 0.001
    assert len(np.unique(telephone.a)) <= 255


@pytest.mark.parametrize(("line", "least_db"), [("mobile", 10), ("voip", 15)])
def test_codecs_lose_something_and_shift_nothing(line: str, least_db: float, monkeypatch: pytest.MonkeyPatch) -> None:
    coded = simulate(line=line).a
    with monkeypatch.context() as patched:
        patched.setattr(acoustics, "code", lambda pcm, line: pcm)
        plain = simulate.__wrapped__(line=line).a
    assert least_db < level_db(plain) - level_db(coded - plain) < 40


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ((MonoMix(), Separated()), "exclude each other"),
        ((Swap(10), Swap(20)), "more than once"),
        ((Swap(60),), "not within the 60 s"),
    ],
)
def test_faults_that_do_not_go_together(faults: tuple[Fault, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConversationSpec("x", 1, Side("v"), Side("w"), duration_s=60, faults=faults)


def test_bleed_needs_a_track_that_is_sent() -> None:
    with pytest.raises(ValueError, match="bleed into a: its silence is not sent"):
        ConversationSpec(
            "x", 1, Side("v", silence="digital"), Side("w"), faults=(Bleed("a", constant(-20), constant(0)),)
        )
