"""Isolation: bleed by level, lag and direction, what must not be taken for bleed, duplicates, and real calls."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter, resample_poly

from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.isolation.one_signal import duplicate_detail
from duologue_pipeline.records import BleedReport, FaultReport, IsolationReport, Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules

Pcm = npt.NDArray[np.float32]

RATE_HZ = 8000
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the recordings in shared/data beside the checkout")

A_SPEAKS_S = [(0.5, 3.5), (7.2, 9.8), (13.5, 16.0), (21.1, 24.5), (27.8, 30.0)]
B_SPEAKS_S = [(3.8, 7.0), (9.6, 13.2), (17.9, 20.9), (24.3, 27.5), (32.1, 34.7)]
LENGTH_S = 36.0


def make_noise(level_dbfs: float, seed: int, length_s: float = LENGTH_S) -> Pcm:
    """White noise."""
    noise = np.random.default_rng(seed).standard_normal(round(length_s * RATE_HZ))
    return (noise * 10 ** (level_dbfs / 20)).astype(np.float32)


def make_voice(spans_s: list[tuple[float, float]], seed: int, level_dbfs: float = -20.0) -> Pcm:
    """Noise with the spectrum of a vowel and four syllables a second, in some stretches; digital zero elsewhere."""
    time_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    pcm = lfilter([1.0], [1.0, -1.3, 0.8], make_noise(0, seed)) * (0.02 + np.sin(2 * np.pi * 2 * time_s + seed) ** 2)
    speaking = np.zeros(len(time_s), dtype=bool)
    for start_s, end_s in spans_s:
        speaking |= (time_s >= start_s) & (time_s < end_s)
    pcm *= speaking
    return (pcm * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(pcm[speaking] ** 2))).astype(np.float32)


@cache
def make_conversation() -> tuple[Pcm, Pcm]:
    """Two isolated tracks at -20 dBFS that take turns, sometimes overlapping, with own noise at -75 dBFS."""
    a = make_voice(A_SPEAKS_S, seed=1) + make_noise(-75, seed=11)
    b = make_voice(B_SPEAKS_S, seed=2) + make_noise(-75, seed=12)
    return a, b


def add_bleed(target: Pcm, source: Pcm, bleed_db: float, lag_ms: float = 0.0) -> Pcm:
    """The target with a copy of the source, filtered as by a small room; a negative lag puts the copy first."""
    copy = lfilter([1.0, 0.4, -0.3, 0.0, 0.2, 0.0, 0.0, -0.1], [1.0], source)
    copy *= 10 ** (bleed_db / 20) * np.sqrt(np.mean(source**2) / np.mean(copy**2))
    return target + delay(copy.astype(np.float32), lag_ms)


def delay(pcm: Pcm, delay_ms: float) -> Pcm:
    samples = round(delay_ms * RATE_HZ / 1000)
    moved = np.roll(pcm, samples)
    moved[: max(samples, 0)] = 0
    if samples < 0:
        moved[samples:] = 0
    return moved


def measure(a: Pcm, b: Pcm, rate_hz: int = RATE_HZ) -> IsolationReport:
    return measure_isolation([(a, b)], sample_rate_hz=rate_hz)


def assert_no_bleed(bleed: BleedReport, floor_below_db: float) -> None:
    assert bleed.bleed_db is None
    assert bleed.lag_ms is None
    assert bleed.floor_db is not None
    assert bleed.floor_db < floor_below_db


# --- bleed ----------------------------------------------------------------------------------------------------------


def test_isolated_tracks_pass() -> None:
    report = measure(*make_conversation())
    assert (report.verdict, report.duplicate, report.rules) == ("pass", False, "2.4")
    assert_no_bleed(report.a_from_b, floor_below_db=-60)
    assert_no_bleed(report.b_from_a, floor_below_db=-60)
    assert report.a_from_b.solo_s == pytest.approx(13, abs=3)
    assert report.a_from_b.coherence == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("lag_ms", [0, 10, 60, 200])
@pytest.mark.parametrize("bleed_db", [-6, -20, -40])
def test_bleed_is_measured_in_its_direction_only(bleed_db: float, lag_ms: float) -> None:
    a, b = make_conversation()
    report = measure(add_bleed(a, b, bleed_db, lag_ms), b)
    assert report.a_from_b.bleed_db == pytest.approx(bleed_db, abs=1.5)
    assert report.a_from_b.lag_ms == pytest.approx(lag_ms, abs=1)
    assert_no_bleed(report.b_from_a, floor_below_db=-45)
    assert not report.duplicate


def test_bleed_the_other_way() -> None:
    a, b = make_conversation()
    report = measure(a, add_bleed(b, a, -25, lag_ms=30))
    assert report.b_from_a.bleed_db == pytest.approx(-25, abs=1)
    assert_no_bleed(report.a_from_b, floor_below_db=-60)


def test_a_copy_that_comes_before_its_source() -> None:
    a, b = make_conversation()
    report = measure(add_bleed(a, b, -25, lag_ms=-120), b)
    assert report.a_from_b.bleed_db == pytest.approx(-25, abs=1.5)
    assert report.a_from_b.lag_ms == pytest.approx(-120, abs=1)


def test_bleed_both_ways() -> None:
    a, b = make_conversation()
    report = measure(add_bleed(a, b, -18, lag_ms=40), add_bleed(b, a, -28, lag_ms=5))
    assert report.a_from_b.bleed_db == pytest.approx(-18, abs=1)
    assert report.b_from_a.bleed_db == pytest.approx(-28, abs=1)
    assert report.verdict == "warn"


@pytest.mark.parametrize(("bleed_db", "verdict"), [(-13, "fail"), (-17, "warn"), (-23, "pass"), (-35, "pass")])
def test_verdict_by_level(bleed_db: float, verdict: str) -> None:
    a, b = make_conversation()
    assert measure(add_bleed(a, b, bleed_db, lag_ms=20), b).verdict == verdict


@pytest.mark.parametrize("before_db", [None, -40.0])
def test_a_copy_that_begins_half_way_fails_though_the_median_does_not(before_db: float | None) -> None:
    """Noise of its own in each repeat, so that the whole is no copy of a part."""
    a, b = (
        np.tile(track, 8) + make_noise(-70, seed=20 + i, length_s=8 * LENGTH_S)
        for i, track in enumerate(make_conversation())
    )
    loud = add_bleed(a, b, -10.0, 60.0)
    weak = a if before_db is None else add_bleed(a, b, before_db, 60.0)
    half = 5 * len(a) // 8
    report = measure(np.concatenate([weak[:half], loud[half:]]), b)
    levels_db = [point.bleed_db for point in report.a_from_b.over_time]
    assert report.verdict == "fail"
    assert levels_db[-1] == pytest.approx(-10.0, abs=1.0)
    assert levels_db[0] == (None if before_db is None else pytest.approx(before_db, abs=1.0))
    assert report.faults["offset"].found is not True


@pytest.mark.parametrize("gain_db", [-20, 20])
def test_tracks_recorded_at_different_gains(gain_db: float) -> None:
    a, b = make_conversation()
    gain = np.float32(10 ** (gain_db / 20))
    report = measure(a * gain, add_bleed(b, a, -22, lag_ms=20))
    assert report.b_from_a.bleed_db == pytest.approx(-22 - gain_db, abs=1)
    assert report.a_from_b.bleed_db is None


def test_bleed_under_noise_is_found_by_its_coherence_and_not_below_the_floor() -> None:
    a, b = make_conversation()
    noise = make_noise(-45, seed=5)  # 25 dB under the voices
    heard, lost = measure(add_bleed(a, b, -35) + noise, b).a_from_b, measure(add_bleed(a, b, -60) + noise, b).a_from_b
    assert heard.bleed_db == pytest.approx(-35, abs=1.5)
    assert lost.bleed_db is None
    assert lost.floor_db == pytest.approx(-43, abs=5)


def test_16_khz() -> None:
    a, b = make_conversation()
    fast = [resample_poly(track, 2, 1).astype(np.float32) for track in (add_bleed(a, b, -25, lag_ms=60), b)]
    report = measure(fast[0], fast[1], rate_hz=16000)
    assert report.a_from_b.bleed_db == pytest.approx(-25, abs=1)
    assert report.a_from_b.lag_ms == pytest.approx(60, abs=1)
    assert report.b_from_a.bleed_db is None


# --- what is not bleed ----------------------------------------------------------------------------------------------


def test_digital_silence_is_perfect_isolation() -> None:
    report = measure(make_voice(A_SPEAKS_S, seed=1), make_voice(B_SPEAKS_S, seed=2))
    assert report.verdict == "pass"
    assert (report.a_from_b.bleed_db, report.a_from_b.floor_db, report.a_from_b.coherence) == (None, -120.0, 0.0)


@pytest.mark.parametrize("hum_hz", [50, 60])
def test_hum_on_both_tracks(hum_hz: float) -> None:
    a, b = make_conversation()
    time_s = np.arange(len(a)) / RATE_HZ
    hum = np.sum([np.sin(2 * np.pi * k * hum_hz * time_s + k) / k for k in range(1, 20)], axis=0).astype(np.float32)
    report = measure(a + 0.01 * hum, b + 0.015 * hum)
    assert_no_bleed(report.a_from_b, floor_below_db=-35)
    assert_no_bleed(report.b_from_a, floor_below_db=-35)


@pytest.mark.parametrize("level_dbfs", [-60, -45])
def test_the_same_line_noise_on_both_tracks(level_dbfs: float) -> None:
    a, b = make_conversation()
    noise = make_noise(level_dbfs, seed=9)
    report = measure(a + noise, b + noise)
    assert (report.verdict, report.duplicate) == ("pass", False)
    assert_no_bleed(report.a_from_b, floor_below_db=level_dbfs + 25)
    assert_no_bleed(report.b_from_a, floor_below_db=level_dbfs + 25)


def test_comfort_noise_of_its_own_on_each_track() -> None:
    a, b = make_conversation()
    report = measure(a + make_noise(-55, seed=5), b + make_noise(-55, seed=6))
    assert_no_bleed(report.a_from_b, floor_below_db=-45)
    assert_no_bleed(report.b_from_a, floor_below_db=-45)


def test_listener_noises_are_not_bleed_and_do_not_hide_it() -> None:
    a, b = make_conversation()
    mhm = make_voice([(4.5, 5.0), (10.5, 11.0), (18.5, 18.9), (25.6, 26.1), (33.2, 33.7)], seed=7, level_dbfs=-35)
    assert_no_bleed(measure(a + mhm, b).a_from_b, floor_below_db=-50)
    assert measure(add_bleed(a, b, -40, lag_ms=30) + mhm, b).a_from_b.bleed_db == pytest.approx(-40, abs=1.5)


# --- what cannot be judged ------------------------------------------------------------------------------------------


def test_too_little_speech_is_undetermined() -> None:
    a, b = make_voice([(1, 2)], seed=1), make_voice([(2, 3)], seed=2)
    report = measure(a + make_noise(-75, seed=3), b + make_noise(-75, seed=4))
    assert report.verdict == "undetermined"
    assert report.a_from_b == BleedReport(None, None, None, None, solo_s=0.75, spans=(Span(2250, 3000),))


def test_two_who_always_talk_at_once_are_undetermined() -> None:
    everywhere = [(0.0, LENGTH_S)]
    assert measure(make_voice(everywhere, seed=1), make_voice(everywhere, seed=2)).verdict == "undetermined"


def test_one_silent_listener_leaves_one_direction_to_judge() -> None:
    _, b = make_conversation()
    report = measure(make_noise(-75, seed=3), b)
    assert report.verdict == "pass"
    assert_no_bleed(report.a_from_b, floor_below_db=-60)
    assert report.b_from_a == BleedReport(None, None, None, None, solo_s=0.0)


def test_tracks_without_a_pause_are_judged_by_their_turns() -> None:
    a = make_voice([(2.0 * k, 2.0 * k + 2) for k in range(0, 18, 2)], seed=1)
    b = make_voice([(2.0 * k, 2.0 * k + 2) for k in range(1, 18, 2)], seed=2)
    report = measure(add_bleed(a, b, -8), b)
    assert report.a_from_b.bleed_db == pytest.approx(-8, abs=1)
    assert_no_bleed(report.b_from_a, floor_below_db=-45)


def test_a_listener_who_speaks_for_a_tenth_of_the_time_and_hears_the_other_loudly() -> None:
    a = make_voice([(5.0, 8.5)], seed=1) + make_noise(-75, seed=3)
    b = make_voice([(0.0, 5.0), (8.5, LENGTH_S)], seed=2) + make_noise(-75, seed=4)
    report = measure(add_bleed(a, b, -10, lag_ms=10), b)
    assert (report.verdict, report.duplicate) == ("fail", False)
    assert report.a_from_b.bleed_db == pytest.approx(-10, abs=1)
    assert_no_bleed(report.b_from_a, floor_below_db=-45)


def test_nothing_at_all_is_undetermined() -> None:
    empty = np.zeros(0, np.float32)
    assert measure_isolation([], sample_rate_hz=RATE_HZ).verdict == "undetermined"
    assert measure(empty, empty).verdict == "undetermined"
    two_samples = np.array([0.1, 0.2], np.float32)
    assert measure(two_samples, two_samples).verdict == "undetermined"


# --- duplicates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gain", "delay_ms", "noise_db"),
    [
        (1.0, 0, None),
        (1.0, 0, -40),
        (0.25, 7, None),
        (4.0, 200, -40),
        (0.25, 200, -40),
        (-1.0, 0, None),
        (-1.0, 7, -40),
    ],
)
def test_copies_are_duplicates(gain: float, delay_ms: float, noise_db: float | None) -> None:
    a, b = make_conversation()
    mono = 0.2 * (a + b)
    copy = np.float32(gain) * delay(mono, delay_ms)
    if noise_db is not None:  # relative to each track's own power
        mono = mono + make_noise(noise_db + 10 * np.log10(np.mean(mono**2)), seed=21)
        copy = copy + make_noise(noise_db + 10 * np.log10(np.mean(copy**2)), seed=22)
    report = measure(mono, copy)
    assert (report.verdict, report.duplicate) == ("fail", True)
    assert report.a_from_b == report.b_from_a == BleedReport(None, None, None, None, solo_s=0.0)


def test_one_speaker_on_both_tracks_is_a_duplicate() -> None:
    a, _ = make_conversation()
    assert measure(a, a + np.float32(0.1)).duplicate


@pytest.mark.parametrize(("a_db", "b_db"), [(-10, None), (None, -10), (-6, None), (-6, -6), (-10, -20)])
def test_heavy_bleed_is_not_a_duplicate(a_db: float | None, b_db: float | None) -> None:
    a, b = make_conversation()
    mixed_a = a if a_db is None else add_bleed(a, b, a_db, lag_ms=10)
    mixed_b = b if b_db is None else add_bleed(b, a, b_db, lag_ms=10)
    report = measure(mixed_a, mixed_b)
    assert (report.verdict, report.duplicate) == ("fail", False)


def test_a_constant_is_not_a_copy_of_anything() -> None:
    a, _ = make_conversation()
    for constant in (np.zeros_like(a), np.full_like(a, 0.3)):
        assert not measure(a, constant).duplicate
        assert not measure(constant, constant).duplicate


def test_tracks_without_sound_are_neither_one_signal_nor_two() -> None:
    nothing = np.zeros(5 * RATE_HZ, np.float32)
    report = measure(nothing, nothing)
    assert report.verdict == "undetermined"
    for name in ("duplicate", "mono_mix"):
        assert report.faults[name] == FaultReport(None, detail="too little sound to compare the tracks by")


def test_duplicate_detail_says_what_to_do() -> None:
    a, b = make_conversation()
    assert duplicate_detail(measure(a, a)) == (
        "Both tracks carry the same signal up to gain, sign and delay, where each must hold one speaker (isolation "
        "rules 2.4); give the original two-channel recording, or correct 'uri' and 'channel' in the manifest if they "
        "name the same channel twice."
    )
    with pytest.raises(ValueError, match="this one has duplicate=False"):
        duplicate_detail(measure(a, b))


# --- blocks, memory, arguments --------------------------------------------------------------------------------------


@cache
def many_segments() -> IsolationReport:
    a, b = make_conversation()
    return measure_isolation([(add_bleed(a, b, -25, 60), b)], sample_rate_hz=RATE_HZ, rules=short_segments())


def short_segments() -> IsolationRules:
    return replace(load_rules(IsolationRules), segment_s=3.0)


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, round(LENGTH_S * RATE_HZ)), max_size=40))
def test_the_cut_into_blocks_does_not_matter(cuts: list[int]) -> None:
    a, b = make_conversation()
    a = add_bleed(a, b, -25, 60)
    blocks = zip(np.split(a, sorted(cuts)), np.split(b, sorted(cuts)), strict=True)
    assert measure_isolation(blocks, sample_rate_hz=RATE_HZ, rules=short_segments()) == many_segments()


def test_short_segments_measure_the_same_as_one() -> None:
    assert many_segments().a_from_b.bleed_db == pytest.approx(-25, abs=1)
    assert many_segments().a_from_b.lag_ms == 60


def test_memory_does_not_grow_with_the_recording() -> None:
    def peak_bytes(repetitions: int) -> int:
        a, b = make_conversation()
        blocks: Iterator[tuple[Pcm, Pcm]] = ((a, b) for _ in range(repetitions))
        tracemalloc.start()
        measure_isolation(blocks, sample_rate_hz=RATE_HZ, rules=replace(load_rules(IsolationRules), max_groups=16))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(12) < 1.05 * peak_bytes(4)


def test_arguments_are_checked() -> None:
    second = np.zeros(8000, np.float32)
    with pytest.raises(ValueError, match=r"sample_rate_hz is 44100; isolation is measured at one of \(8000, 16000\)"):
        measure(second, second, rate_hz=44100)
    with pytest.raises(ValueError, match=r"two float32 \[T\] of equal length; found \(8000,\) and \(7999,\)"):
        measure(second, second[:-1])


# --- real recordings ------------------------------------------------------------------------------------------------


def read_call(number: int) -> tuple[Pcm, Pcm]:
    names = (f"auto_repairs_{number}_{role}.flac" for role in ("agent", "caller"))
    a, b = (soundfile.read(DATA / "calls" / name, dtype="float32")[0] for name in names)
    return a, b


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_real_calls_are_isolated(number: int) -> None:
    report = measure(*read_call(number))
    assert (report.verdict, report.duplicate) == ("pass", False)
    assert_no_bleed(report.a_from_b, floor_below_db=-55)
    assert_no_bleed(report.b_from_a, floor_below_db=-55)


@needs_data
@pytest.mark.parametrize("number", [40, 49])
@pytest.mark.parametrize(("bleed_db", "lag_ms"), [(-20, 0), (-30, 60), (-40, 10), (-40, 200)])
def test_bleed_added_to_real_calls(number: int, bleed_db: float, lag_ms: float) -> None:
    a, b = read_call(number)
    report = measure(add_bleed(a, b, bleed_db, lag_ms), b)
    assert report.a_from_b.bleed_db == pytest.approx(bleed_db, abs=1)
    assert report.a_from_b.lag_ms == pytest.approx(lag_ms, abs=1)
    assert report.b_from_a.bleed_db is None


@needs_data
def test_real_stereo_file_with_one_signal() -> None:
    pcm, rate_hz = soundfile.read(DATA / "clips" / "stereo_same_signal.sph", dtype="float32")
    assert measure(pcm[:, 0], pcm[:, 1], rate_hz=rate_hz).duplicate
