"""The faults of a recording, each in a simulated conversation that has it and in ones that do not, and on real calls."""

import tracemalloc
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy.signal import lfilter

from duologue_pipeline.isolation.bleed import Stretches
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.isolation.offset import Evidence, find_offset, judge, weigh
from duologue_pipeline.isolation.turns import _to_nearest, find_over_suppression, speech_frames
from duologue_pipeline.isolation.verdict import worst_verdict
from duologue_pipeline.records import FAULTS, FaultReport, IsolationReport, Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules
from duologue_pipeline.simulate import (
    Bleed,
    ConversationSpec,
    Drift,
    Duplicate,
    Fault,
    MonoMix,
    NoiseBank,
    Offset,
    OverSuppression,
    Side,
    Swap,
    constant,
    simulate_conversation,
)

Pcm = npt.NDArray[np.float32]

RATE_HZ = 8000
RULES = load_rules(IsolationRules)
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the recordings in shared/data beside the checkout")


@cache
def simulate(*faults: Fault, silence: str = "noise", seed: int = 5, duration_s: float = 180.0) -> IsolationReport:
    """Two voices on the telephone, with noise 40 dB under them, and what is measured of them."""
    a = Side("noise-02", level_dbfs=-24, noise_dbfs=-64, silence=silence)  # type: ignore[arg-type]
    b = replace(a, voice="noise-11", level_dbfs=-27, noise_dbfs=-67)
    spec = ConversationSpec("test", seed, a, b, duration_s=duration_s, faults=faults)
    made = simulate_conversation(spec, NoiseBank())
    return measure_isolation([(made.a, made.b)], sample_rate_hz=made.sample_rate_hz)


def found(report: IsolationReport) -> set[str]:
    return {name for name, fault in report.faults.items() if fault.found}


def bleed(into: str, level_db: float, lag_ms: float = 40.0) -> Bleed:
    return Bleed(into, constant(level_db), constant(lag_ms))  # type: ignore[arg-type]


# --- simulated conversations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("silence", ["noise", "comfort", "digital"])
def test_a_good_recording_has_no_fault(silence: str) -> None:
    """Digital silence and comfort noise that follow one's own voice are no over-suppression."""
    report = simulate(silence=silence)
    assert tuple(report.faults) == FAULTS
    assert (report.verdict, found(report)) == ("pass", set())
    assert report.faults["swap"].found is False
    assert report.faults["offset"].found is False
    assert report.faults["offset"].value == pytest.approx(0, abs=0.2)
    assert report.faults["drift"] == FaultReport(
        None, detail="no copy of one voice in the other track to compare the clocks by"
    )


@pytest.mark.parametrize(("side", "depth_db"), [("a", 15), ("b", 15), ("a", 40)])
def test_a_track_that_is_turned_down_while_the_other_talks(side: str, depth_db: float) -> None:
    report = simulate(OverSuppression(side, depth_db))  # type: ignore[arg-type]
    fault = report.faults["over_suppression"]
    assert (report.verdict, found(report)) == ("warn", {"over_suppression"})
    assert fault.detail.startswith(f"the floor of {side} drops")
    assert fault.value == pytest.approx(min(depth_db, 26), abs=3)  # not under mu-law's smallest step
    assert fault.confidence > 0.5


def test_a_suppressed_track_without_a_floor_is_known_by_its_cut_ends() -> None:
    report = simulate(OverSuppression("a", 35), silence="digital", duration_s=400.0)
    fault = report.faults["over_suppression"]
    assert fault.found
    assert fault.value is None
    assert "lie in the moment in which the other begins" in fault.detail


@pytest.mark.parametrize("at_s", [60.0, 120.0])
def test_speakers_who_change_tracks(at_s: float) -> None:
    report = simulate(Swap(at_s))
    assert (report.verdict, found(report)) == ("fail", {"swap"})
    assert report.faults["swap"].value == pytest.approx(at_s, abs=5)


@pytest.mark.parametrize("late_s", [-1.2, 1.0, 2.5])
def test_a_track_that_is_late(late_s: float) -> None:
    report = simulate(Offset("b", late_s))
    assert (report.verdict, found(report)) == ("warn", {"offset"})
    assert report.faults["offset"].value == pytest.approx(late_s, abs=0.2)


def test_a_late_track_with_bleed_is_late_by_what_its_copy_is_off() -> None:
    report = simulate(bleed("a", -25, lag_ms=0), Offset("b", 0.8))
    assert report.faults["offset"].value == pytest.approx(0.8, abs=0.002)
    assert "a copy lies 800 ms off" in report.faults["offset"].detail


def test_a_track_that_is_late_by_less_than_the_largest_lag() -> None:
    report = simulate(bleed("a", -25, lag_ms=0), Offset("b", 0.1))
    assert report.a_from_b.lag_ms == pytest.approx(-100, abs=1)
    assert report.faults["offset"].value == pytest.approx(0.1, abs=0.002)
    assert report.faults["offset"].detail == "b's voice is heard in a's track 100 ms before it is spoken: b lies late"


@pytest.mark.parametrize(("into", "side", "ppm", "expected_ppm"), [("a", "b", 50, 50), ("b", "a", 120, -120)])
def test_clocks_that_drift(into: str, side: str, ppm: float, expected_ppm: float) -> None:
    report = simulate(bleed(into, -30), Drift(side, ppm))  # type: ignore[arg-type]
    measured = report.a_from_b if into == "a" else report.b_from_a
    assert (report.verdict, found(report)) == ("warn", {"drift"})
    assert report.faults["drift"].value == pytest.approx(expected_ppm, abs=3)
    assert measured.bleed_db == pytest.approx(-30, abs=1.5)
    lags_ms = [point.lag_ms for point in measured.over_time if point.lag_ms is not None]
    assert abs(lags_ms[-1] - lags_ms[0]) == pytest.approx(ppm * 0.18, rel=0.3)  # in nearly 180 s


def test_clocks_that_do_not_drift() -> None:
    report = simulate(bleed("a", -30))
    assert report.faults["drift"].found is False
    assert report.faults["drift"].value == pytest.approx(0, abs=2)


@pytest.mark.parametrize(
    ("fault", "mixed"), [(Duplicate("a", 6.0, 60.0, -40), False), (Duplicate("mix", -9.0), True), (MonoMix(-40), True)]
)
def test_one_signal_on_both_tracks(fault: Fault, mixed: bool) -> None:
    report = simulate(fault)
    assert (report.verdict, report.duplicate) == ("fail", True)
    assert found(report) == ({"duplicate", "mono_mix"} if mixed else {"duplicate"})
    assert report.faults["mono_mix"].found is mixed
    assert {report.faults[name].found for name in ("swap", "offset", "drift", "over_suppression")} == {None}


@pytest.mark.parametrize("level_db", [-3, -6])
def test_bleed_nearly_as_loud_as_the_voice(level_db: float) -> None:
    report = simulate(bleed("a", level_db), bleed("b", level_db))
    assert (report.verdict, found(report)) == ("fail", set())
    assert report.a_from_b.bleed_db == pytest.approx(level_db, abs=2.5)
    assert report.b_from_a.bleed_db == pytest.approx(level_db, abs=2.5)


def test_bleed_over_time_follows_a_level_that_changes() -> None:
    level = ((80.0, -20.0), (100.0, -35.0))
    points = simulate(Bleed("a", level, constant(20.0))).a_from_b.over_time
    early = [point.bleed_db for point in points if point.end_ms <= 80_000]
    late = [point.bleed_db for point in points if point.start_ms >= 100_000]
    assert np.allclose([level_db for level_db in early if level_db is not None], -20, atol=2)
    assert np.allclose([level_db for level_db in late if level_db is not None], -35, atol=2)
    assert len(early) >= 3
    assert len(late) >= 3
    assert all(point.lag_ms == pytest.approx(20, abs=0.5) for point in points if point.lag_ms is not None)


def test_spans_are_the_evidence() -> None:
    report = simulate(bleed("a", -30))
    spans = report.a_from_b.spans
    assert sum(span.duration_ms for span in spans) == pytest.approx(1000 * report.a_from_b.solo_s, abs=250)
    assert list(spans) == sorted(spans)
    assert len(spans) <= 200
    assert spans[-1].end_ms <= 180_000


# --- parts ----------------------------------------------------------------------------------------------------------


def test_stretches_join_what_is_nearest_when_there_are_too_many() -> None:
    stretches = Stretches(3)
    stretches.add(np.array([0, 1, 10, 12, 30]))
    assert stretches.spans(250, 100_000) == (Span(0, 500), Span(2500, 3250), Span(7500, 7750))
    stretches.add(np.array([31, 60]))
    assert stretches.spans(250, 15_100) == (Span(0, 3250), Span(7500, 8000), Span(15_000, 15_100))


def make_turns(answers_a_s: float, answers_b_s: float, turns: int = 60) -> npt.NDArray[np.bool_]:
    """Turns of 1 to 3 s that follow each other after so many seconds, each give or take a fifth: bool [2, frames]."""
    rng = np.random.default_rng(4)
    speaks, at = np.zeros((2, 20 * 6 * turns), np.bool_), 100
    for turn in range(turns):
        at += round(20 * (answers_a_s, answers_b_s)[turn % 2] + rng.normal(0, 4))
        length = round(20 * rng.uniform(1, 3))
        speaks[turn % 2, at : at + length] = True
        at += length
    return speaks[:, : at + 100]


@pytest.mark.parametrize(("answers_a_s", "answers_b_s"), [(0.2, 0.2), (0.1, 0.4), (0.2, 1.5), (1.0, 0.2)])
def test_slow_answers_are_no_offset(answers_a_s: float, answers_b_s: float) -> None:
    assert not find_offset(make_turns(answers_a_s, answers_b_s), RULES).found


@pytest.mark.parametrize("late_s", [1.5, -1.0])
def test_answers_that_come_before_the_end_and_late_by_as_much_are_an_offset(late_s: float) -> None:
    report = find_offset(make_turns(0.2 - late_s, 0.2 + late_s, turns=200), RULES)
    assert report.found
    assert report.value == pytest.approx(late_s, abs=0.1)
    assert report.confidence > 0.9
    assert (
        report.detail
        == f"by the turns, {'b' if late_s > 0 else 'a'} lies late against {'a' if late_s > 0 else 'b'} by about {abs(late_s):.1f} s"
    )


@pytest.mark.parametrize(("answers_a_s", "answers_b_s"), [(-0.3, 0.7), (0.7, -0.3)])
def test_half_a_second_moves_the_answers_of_both(answers_a_s: float, answers_b_s: float) -> None:
    report = find_offset(make_turns(answers_a_s, answers_b_s, turns=200), RULES)
    assert report.found
    assert report.value == pytest.approx((answers_b_s - answers_a_s) / 2, abs=0.051)
    assert report.confidence == pytest.approx(0.99, abs=0.01)


@pytest.mark.parametrize(("answers_a_s", "answers_b_s"), [(0.2, 1.2), (0.0, 0.8), (-0.1, 0.6), (1.0, 0.2)])
def test_one_slow_speaker_leaves_an_offset_unknown(answers_a_s: float, answers_b_s: float) -> None:
    assert find_offset(make_turns(answers_a_s, answers_b_s, turns=200), RULES) == FaultReport(
        None, detail="the turns fit an offset about as well as slow answers without one"
    )


@pytest.mark.parametrize("answers_s", [-0.1, 0.2, 0.6])
def test_both_quick_or_both_slow_is_no_offset(answers_s: float) -> None:
    report = find_offset(make_turns(answers_s, answers_s, turns=200), RULES)
    assert report.found is False
    assert report.confidence == pytest.approx(1.0, abs=0.01)


def test_the_value_of_none_is_never_that_of_an_offset() -> None:
    evidence = weigh(make_turns(-1.8, 2.2), RULES)
    assert evidence.offset_s == pytest.approx(2.0, abs=0.1)
    assert abs(evidence.shift_s) < RULES.offset_min_s


def test_too_few_turns_say_nothing_of_an_offset() -> None:
    speaks = np.pad(make_turns(0.2, 0.2, turns=18), [(0, 0), (0, 200)])
    assert find_offset(speaks, RULES) == FaultReport(None, detail="too few turns to judge by: 9 of one speaker")


def test_a_short_recording_says_nothing_of_an_offset() -> None:
    speaks = make_turns(-0.3, 0.7)[:, : 44 * 20]
    assert find_offset(speaks, RULES) == FaultReport(None, detail="too short to judge by turns: 44 s")


@pytest.mark.parametrize(
    ("log_ratio", "found_", "confidence"),
    [
        (4.0, True, 0.98),
        (0.88, True, 0.503),
        (0.87, None, 0.0),
        (-2.26, None, 0.0),
        (-2.27, False, 0.98),
        (-4.0, False, 0.998),
    ],
)
def test_the_confidence_of_an_offset_follows_the_evidence(
    log_ratio: float, found_: bool | None, confidence: float
) -> None:
    report = judge(Evidence(log_ratio, 1.5, 1.5 if found_ else 0.05), RULES)
    assert report.found is found_
    assert report.confidence == pytest.approx(confidence, abs=0.001)


def test_what_is_not_above_the_partners_copy_is_not_ones_own_speech() -> None:
    levels_db = np.full((2, 200), -70, np.float32)
    levels_db[1, 50:100] = -20
    levels_db[0, 50:100] = -45
    levels_db[0, 120:150] = -25
    assert np.flatnonzero(speech_frames(levels_db, (-25.0, None), RULES)[0]).tolist() == list(range(120, 150))


def test_without_silence_a_floor_is_not_judged() -> None:
    speaks = np.zeros((2, 100), np.bool_)
    assert find_over_suppression(np.full((2, 100), -60, np.float32), speaks, RULES).found is None


@pytest.mark.parametrize(
    ("bleed_verdict", "fault", "expected"),
    [
        ("pass", None, "pass"),
        ("undetermined", None, "undetermined"),
        ("undetermined", "over_suppression", "warn"),
        ("warn", "drift", "warn"),
        ("pass", "swap", "fail"),
        ("fail", "drift", "fail"),
    ],
)
def test_the_worst_finding_is_the_verdict(bleed_verdict: str, fault: str | None, expected: str) -> None:
    faults = {name: FaultReport(found=name == fault) for name in FAULTS}
    assert worst_verdict(bleed_verdict, faults, RULES) == expected


# --- real calls -----------------------------------------------------------------------------------------------------


@cache
def read_call(number: int) -> tuple[Pcm, Pcm]:
    names = (f"auto_repairs_{number}_{role}.flac" for role in ("agent", "caller"))
    a, b = (soundfile.read(DATA / "calls" / name, dtype="float32")[0] for name in names)
    return a, b


def measure(a: Pcm, b: Pcm) -> IsolationReport:
    return measure_isolation([(a, b)], sample_rate_hz=RATE_HZ)


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_real_calls_have_no_fault(number: int) -> None:
    report = measure(*read_call(number))
    assert (report.verdict, found(report)) == ("pass", set())


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_real_calls_begun_in_their_middle_have_no_offset(number: int) -> None:
    """Their callers answer slowly: the turns fit best where one track is moved by .65 and .85 s."""
    a, b = read_call(number)
    half = len(a) // 2
    assert not measure(np.roll(a, half), np.roll(b, half)).faults["offset"].found


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_real_calls_whose_tracks_are_swapped_half_way(number: int) -> None:
    a, b = read_call(number)
    half = len(a) // 2
    report = measure(np.concatenate([a[:half], b[half:]]), np.concatenate([b[:half], a[half:]]))
    assert found(report) == {"swap"}
    assert report.faults["swap"].value == pytest.approx(half / RATE_HZ, abs=10)


@needs_data
def test_a_voice_that_changes_at_a_joint_is_no_swap() -> None:
    """Begun in its middle, with its beginning at its end, rules 2.2 refused this call for a swap at 170 s."""
    a, b = read_call(40)
    half = len(a) // 2
    fault = measure(np.roll(a, half), np.roll(b, half)).faults["swap"]
    assert (fault.found, fault.value) == (False, None)
    assert fault.confidence == pytest.approx(0.97, abs=0.02)


@needs_data
@pytest.mark.parametrize("number", [40, 49])
@pytest.mark.parametrize("first_s", [60, 90])
def test_a_swap_in_two_minutes_is_found_and_in_one_is_never_denied(number: int, first_s: int) -> None:
    a, b = (track[first_s * RATE_HZ : (first_s + 120) * RATE_HZ] for track in read_call(number))
    half = 60 * RATE_HZ
    swapped = np.concatenate([a[:half], b[half:]]), np.concatenate([b[:half], a[half:]])
    assert found(measure(*swapped)) == {"swap"}
    short = measure(*(track[30 * RATE_HZ : 90 * RATE_HZ] for track in swapped))
    assert short.faults["swap"].found is not False


def colour(pcm: Pcm) -> Pcm:
    """As another microphone would sound."""
    coloured: Pcm = lfilter([1, -0.8], [1, 0.3], pcm).astype(np.float32)
    return coloured


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_a_line_that_stays_with_its_track_does_not_hide_a_swap(number: int) -> None:
    a, b = read_call(number)
    half = len(a) // 2
    report = measure(colour(np.concatenate([a[:half], b[half:]])), np.concatenate([b[:half], a[half:]]))
    assert found(report) == {"swap"}


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_another_microphone_half_way_is_no_swap(number: int) -> None:
    a, b = read_call(number)
    half = len(a) // 2
    other_a, other_b = (np.concatenate([track[:half], colour(track[half:])]) for track in (a, b))
    for report in (measure(other_a, b), measure(a, other_b), measure(other_a, other_b)):
        assert found(report) == set()


@needs_data
@pytest.mark.parametrize("number", [40, 49])
def test_real_calls_with_weak_bleed_and_a_clock_that_is_off_by_50_ppm(number: int) -> None:
    a, b = read_call(number)
    with_copy = a + np.float32(10 ** (-35 / 20)) * np.concatenate([np.zeros(400, np.float32), b[:-400]])
    at = np.arange(len(b)) / (1 + 50e-6)
    report = measure(with_copy.astype(np.float32), np.interp(at, np.arange(len(b)), b).astype(np.float32))
    assert found(report) == {"drift"}
    assert report.faults["drift"].value == pytest.approx(50, abs=2)
    assert report.a_from_b.bleed_db == pytest.approx(-35, abs=1)


@needs_data
@pytest.mark.parametrize("number", [40, 49])
@pytest.mark.parametrize("both", [False, True])
def test_a_copy_whose_way_wanders_is_no_clock(number: int, both: bool) -> None:
    """By 2 ms to and fro, 1.3 times in two minutes."""
    a, b = (track[60 * RATE_HZ : 180 * RATE_HZ] for track in read_call(number))
    at = np.arange(len(a))
    came = at - 320 - 16 * np.sin(2 * np.pi * 1.3 * at / len(at))
    with_b = a + 10 ** (-30 / 20) * np.interp(came, at, b, left=0)
    with_a = b + 10 ** (-30 / 20) * np.interp(came, at, a, left=0) if both else b
    fault = measure(with_b.astype(np.float32), with_a.astype(np.float32)).faults["drift"]
    assert fault.found is None
    assert fault.detail in ("a copy moves, but not as steadily as by a clock", "the two directions disagree")


def test_ends_find_the_beginning_that_is_nearest_and_hours_take_little_memory() -> None:
    starts, ends = np.array([3, 10, 21, 40]), np.array([0, 3, 6, 7, 15, 16, 50])
    every = starts[None, :] - ends[:, None]
    by_table = every[np.arange(len(ends)), np.argmin(np.abs(every + 0.5), axis=1)]
    assert _to_nearest(starts, ends).tolist() == by_table.tolist() == [3, 0, -3, -4, -5, -6, -10]
    assert _to_nearest(starts[:1], ends).tolist() == (3 - ends).tolist()
    generator = np.random.default_rng(1)
    starts, ends = (np.sort(generator.choice(1_000_000, 5000, replace=False)) for _ in range(2))
    tracemalloc.start()
    _to_nearest(starts, ends)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000  # each with each: 200 MB
