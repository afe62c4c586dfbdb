"""Voice activity: the network's fast path, the edges, and two real calls."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import silero_vad
import soundfile
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad, speech_spans
from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Span

Pcm = npt.NDArray[np.float32]

CALLS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "calls"


@cache
def vad_model() -> VadModel:
    return load_vad()


def make_vowels(duration_s: float, level: float = 0.2) -> Pcm:
    """A voice that changes its vowel every 120 ms: thirty harmonics of about 120 Hz under three formants."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch_hz = 120 + 15 * np.cos(2 * np.pi * 1.3 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    vowels_hz = np.array([(700, 1200, 2600), (300, 2200, 3000), (500, 1000, 2500), (400, 1900, 2600)])
    formants_hz = vowels_hz[(time_s / 0.12).astype(int) % 4].T
    pcm = np.zeros_like(time_s)
    for harmonic in range(1, 31):
        loudness = np.sum(1 / (1 + ((harmonic * pitch_hz - formants_hz) / 100) ** 2), axis=0)
        pcm += loudness * np.cos(harmonic * phase)
    return (level * pcm / np.abs(pcm).max()).astype(np.float32)


def make_track(*speech_s: tuple[float, float], duration_s: float, noise_dbfs: float = -75.0) -> Pcm:
    noise = np.random.default_rng(0).standard_normal(round(duration_s * SAMPLE_RATE_HZ)) * 10 ** (noise_dbfs / 20)
    pcm = noise.astype(np.float32)
    for start_s, end_s in speech_s:
        voice = make_vowels(end_s - start_s)
        start = round(start_s * SAMPLE_RATE_HZ)
        pcm[start : start + voice.size] += voice
    return pcm


def detect(pcm: Pcm, *cuts: int) -> list[Span]:
    vad = Vad(vad_model())
    for block in np.split(pcm, sorted(cuts)):
        vad.push(block)
    return vad.finish()


def assert_edges(found: list[Span], *expected_ms: tuple[int, int]) -> None:
    """Levels are 10 ms apart and look 10 ms around: edges may be one of them off."""
    assert len(found) == len(expected_ms)
    for span, edges_ms in zip(found, expected_ms, strict=True):
        assert (span.start_ms, span.end_ms) == pytest.approx(edges_ms, abs=10)


def make_judgement(*speech: tuple[int, int], frames: int) -> npt.NDArray[np.float32]:
    probabilities = np.zeros(frames, np.float32)
    for start, end in speech:
        probabilities[start:end] = 0.9
    return probabilities


def make_levels(*speech_ms: tuple[int, int], frames: int, quiet_dbfs: float = -70) -> npt.NDArray[np.float32]:
    levels = np.full(-(-frames * 32 // 10), quiet_dbfs, np.float32)
    for start_ms, end_ms in speech_ms:
        levels[start_ms // 10 : end_ms // 10] = -20
    return levels


# --- the whole detector ---------------------------------------------------------------------------------------------


def test_the_spans_are_where_the_voice_is() -> None:
    pcm = make_track((1.0, 1.4), (2.5, 5.0), (20.03, 21.07), duration_s=23)
    assert_edges(detect(pcm), (1000, 1400), (2500, 5000), (20030, 21070))


def test_speech_at_both_ends_of_the_track_is_cut_there() -> None:
    spans = detect(make_track((0.0, 1.0), (2.0, 3.0), duration_s=3))
    assert_edges(spans, (0, 1000), (2000, 3000))
    assert (spans[0].start_ms, spans[-1].end_ms) == (0, 3000)


def test_the_conversation_may_end_before_the_track() -> None:
    vad = Vad(vad_model())
    vad.push(make_track((1.0, 2.0), duration_s=2))
    spans = vad.finish(duration_ms=1999)
    assert_edges(spans, (1000, 1999))
    assert spans[0].end_ms == 1999


@pytest.mark.parametrize("samples", [0, 1, 159, 511, 513])
def test_a_track_shorter_than_two_frames_holds_no_speech(samples: int) -> None:
    assert detect(np.zeros(samples, np.float32)) == []


def test_what_is_no_voice_is_no_speech() -> None:
    time_s = np.arange(10 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    noise = np.random.default_rng(0).standard_normal(time_s.size)
    for name, sound in {
        "digital silence": np.zeros_like(time_s),
        "the last bit": np.sign(noise) / 32768,
        "noise at -70 dBFS": noise * 10**-3.5,
        "noise at -50 dBFS": noise * 10**-2.5,
        "noise at -30 dBFS": noise * 10**-1.5,
        "mains hum": 0.05 * np.sin(2 * np.pi * 60 * time_s) + 0.02 * np.sin(2 * np.pi * 180 * time_s),
        "clicks": 0.8 * (np.arange(time_s.size) % 8000 == 0),
    }.items():
        assert detect(sound.astype(np.float32)) == [], name


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 20 * SAMPLE_RATE_HZ), max_size=12))
def test_blocks_of_any_size_give_the_spans_of_one(cuts: list[int]) -> None:
    assert detect(_long_track(), *cuts) == _long_track_spans()


@cache
def _long_track() -> Pcm:
    return make_track((0.5, 1.1), (14.0, 18.0), (18.4, 18.9), duration_s=20)


@cache
def _long_track_spans() -> list[Span]:
    spans = detect(_long_track())
    assert len(spans) == 3
    return spans


def test_the_caller_may_fill_its_buffer_again() -> None:
    vad, buffer = Vad(vad_model()), np.empty(SAMPLE_RATE_HZ, np.float32)
    for second in _long_track().reshape(-1, SAMPLE_RATE_HZ):
        buffer[:] = second
        vad.push(buffer)
    assert vad.finish() == _long_track_spans()


def test_tracks_do_not_share_state() -> None:
    first, second = Vad(vad_model()), Vad(vad_model())
    pcm = _long_track()
    for start in range(0, pcm.size, 50_000):
        first.push(pcm[start : start + 50_000])
        second.push(np.zeros(50_000, np.float32))
    assert first.finish() == _long_track_spans()
    assert second.finish() == []


def test_the_probabilities_are_those_of_silero_frame_by_frame() -> None:
    assert_judged_as_silero(_long_track())


class OtherModel:
    """Has the parts of Silero's model, and puts them together in another way."""

    def __init__(self, off: float) -> None:
        self._packaged = silero_vad.load_silero_vad()
        self._model = self._packaged._model
        self._off = off
        self.reset_states = self._packaged.reset_states

    def __call__(self, frame: torch.Tensor, rate_hz: int) -> torch.Tensor:
        probability: torch.Tensor = self._packaged(frame, rate_hz) + self._off
        return probability


def test_a_model_that_judges_otherwise_than_its_parts_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    same, other = OtherModel(0.0), OtherModel(0.01)
    monkeypatch.setattr(silero_vad, "load_silero_vad", lambda: same)
    load_vad()
    monkeypatch.setattr(silero_vad, "load_silero_vad", lambda: other)
    with pytest.raises(
        UsageError, match=r"this silero-vad judges speech otherwise .*; install a version that was tested"
    ):
        load_vad()


def test_the_frames_compared_show_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of the network, changed by a little, is noticed; and so is what the frames before leave behind."""
    encoded = VadModel._encoded
    changes: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda values: 1.05 * values,
        lambda values: values.clamp(max=1.0),
        lambda values: torch.cat([values[:2], torch.zeros_like(values[2:])]),
    ]
    for change in changes:
        monkeypatch.setattr(VadModel, "_encoded", lambda self, frames, change=change: change(encoded(self, frames)))
        with pytest.raises(UsageError, match="judges speech otherwise"):
            load_vad()


def test_a_model_of_other_layers_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero_vad, "load_silero_vad", lambda: SimpleNamespace(_model=SimpleNamespace()))
    with pytest.raises(UsageError, match="this silero-vad has other layers than those that are known"):
        load_vad()


def assert_judged_as_silero(pcm: Pcm) -> None:
    vad = Vad(vad_model())
    vad.push(pcm)
    vad.finish()
    judged = np.concatenate(vad._track._probabilities, axis=1)[0]
    model = silero_vad.load_silero_vad()
    with torch.inference_mode():
        expected = [model(torch.from_numpy(frame), SAMPLE_RATE_HZ).item() for frame in pcm.reshape(-1, 512)]
    np.testing.assert_allclose(judged, expected, atol=2e-4)
    for probability in (0.25, 0.4, 0.5):
        np.testing.assert_array_equal(judged >= probability, np.array(expected) >= probability)


# --- from judgement to spans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "speech_ms"),
    [
        ([0.1, 0.39, 0.39, 0.39, 0.39, 0.39, 0.1], []),
        ([0.1, 0.40, 0.31, 0.31, 0.31, 0.31, 0.1], [(30, 190)]),
        ([0.1, 0.40, 0.29, 0.29, 0.29, 0.29, 0.1], []),
        ([0.3, 0.30, 0.90, 0.90, 0.90, 0.90, 0.9], [(60, 220)]),
    ],
)
def test_speech_opens_at_one_probability_and_closes_at_a_lower_one(
    values: list[float], speech_ms: list[tuple[int, int]]
) -> None:
    levels = np.full(23, -20, np.float32)  # a level that never changes has no edge to move to
    spans = speech_spans(np.array(values, np.float32), levels, duration_ms=224)
    assert spans == [Span(*span) for span in speech_ms]


@pytest.mark.parametrize(
    ("name", "sound_ms", "expected_ms"),
    [
        ("decided late, as Silero does", (920, 2000), (920, 2000)),
        ("decided early", (1040, 2000), (1040, 2000)),
        ("closed late, as Silero does", (960, 1880), (960, 1880)),
        ("the sound began further back than may be reached", (500, 2000), (760, 2000)),
        ("the sound ends further on than may be reached", (960, 2600), (960, 2000)),
    ],
)
def test_edges_move_to_the_sound(name: str, sound_ms: tuple[int, int], expected_ms: tuple[int, int]) -> None:
    probabilities, levels = make_judgement((30, 62), frames=100), make_levels(sound_ms, frames=100)  # 960 to 1984 ms
    assert speech_spans(probabilities, levels, duration_ms=3200) == [Span(*expected_ms)]


def test_speech_in_a_last_frame_that_hardly_began_is_left_out() -> None:
    assert speech_spans(make_judgement((3, 4), frames=4), np.full(10, -20, np.float32), duration_ms=96) == []


def test_digital_silence_around_speech_does_not_make_its_echo_speech() -> None:
    levels = make_levels((1000, 2000), frames=100, quiet_dbfs=-120)
    levels[200:230] = -60  # a decay, 40 dB under the speech
    assert speech_spans(make_judgement((31, 62), frames=100), levels, duration_ms=3200) == [Span(1000, 2000)]


@pytest.mark.parametrize(("silence_ms", "spans"), [(90, [(960, 2500)]), (100, [(960, 1500), (1600, 2500)])])
def test_short_silences_are_closed(silence_ms: int, spans: list[tuple[int, int]]) -> None:
    probabilities = make_judgement((30, 47), (50, 78), frames=100)
    levels = make_levels((960, 1500), (1500 + silence_ms, 2500), frames=100)
    assert speech_spans(probabilities, levels, duration_ms=3200) == [Span(*span) for span in spans]


@pytest.mark.parametrize(("silence_ms", "spans"), [(190, [(960, 2500)]), (200, [(960, 1500), (1700, 2500)])])
def test_long_silences_that_the_network_bridges_split_a_stretch(silence_ms: int, spans: list[tuple[int, int]]) -> None:
    levels = make_levels((960, 1500), (1500 + silence_ms, 2500), frames=100)
    found = speech_spans(make_judgement((30, 78), frames=100), levels, duration_ms=3200)
    assert found == [Span(*span) for span in spans]


@pytest.mark.parametrize(("speech_ms", "spans"), [(90, []), (100, [(960, 1060)])])
def test_short_sounds_are_left_out(speech_ms: int, spans: list[tuple[int, int]]) -> None:
    levels = make_levels((960, 960 + speech_ms), frames=100)
    found = speech_spans(make_judgement((30, 34), frames=100), levels, duration_ms=3200)
    assert found == [Span(*span) for span in spans]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9]), min_size=1, max_size=120),
    st.lists(st.sampled_from([-120.0, -60.0, -40.0, -20.0]), min_size=384, max_size=384),
)
def test_spans_are_sorted_apart_and_long_enough_whatever_the_judgement(
    probabilities: list[float], levels: list[float]
) -> None:
    duration_ms = len(probabilities) * 32 - 5
    hops = -(-len(probabilities) * 32 // 10)
    spans = speech_spans(
        np.array(probabilities, np.float32), np.array(levels[:hops], np.float32), duration_ms=duration_ms
    )
    edges_ms = [0, *(edge for span in spans for edge in (span.start_ms, span.end_ms)), duration_ms]
    assert edges_ms == sorted(edges_ms)
    assert all(span.duration_ms >= 100 for span in spans)
    assert all(b.start_ms - a.end_ms >= 100 for a, b in pairwise(spans))


# --- real calls -----------------------------------------------------------------------------------------------------


needs_calls = pytest.mark.skipif(not CALLS.is_dir(), reason="the two calls are not beside the checkout")


def read_call(call: int, role: str) -> Pcm:
    pcm, rate_hz = soundfile.read(CALLS / f"auto_repairs_{call}_{role}.flac", dtype="float32")
    assert rate_hz == 8000
    return soxr.resample(pcm, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)


@needs_calls
def test_a_real_call_is_judged_as_by_silero_frame_by_frame() -> None:
    assert_judged_as_silero(read_call(49, "caller")[: 2000 * 512])


@needs_calls
@pytest.mark.parametrize(("call", "least", "most"), [(49, 0.07, 0.11), (40, 0.0, 0.01)])
def test_overlap_of_real_calls(call: int, least: float, most: float) -> None:
    speech = []
    for role in ("agent", "caller"):
        pcm = read_call(call, role)
        grid = np.zeros(pcm.size * 1000 // SAMPLE_RATE_HZ, bool)
        for span in detect(pcm):
            grid[span.start_ms : span.end_ms] = True
        speech.append(grid)
    assert least <= np.mean(speech[0] & speech[1]) <= most
    assert 0.7 < np.mean(speech[0] | speech[1]) < 0.9
