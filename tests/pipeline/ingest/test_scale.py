"""The scale of samples: integers in floating-point files, peaks over full scale, tracks without sound, cut-off sound."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from scipy.signal import butter, sosfiltfilt

from duologue_pipeline.conversation import ingest_stage
from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.ingest.meter import TrackMeter
from duologue_pipeline.records import Recording, TrackReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

Pcm = npt.NDArray[np.float32]
Build = Callable[..., Any]


def measured(pcm: npt.NDArray[Any], rate_hz: int = 8000) -> TrackReport:
    meter = TrackMeter(rate_hz, load_rules(IngestRules))
    meter.push(pcm.astype(np.float32))
    return meter.report()


def refused(recording: Recording) -> RejectError:
    with pytest.raises(RejectError) as raised:
        measure_audio(recording)
    return raised.value


def speech(seconds: float = 8.0, rate_hz: int = 8000, *, top_hz: float = 3000.0, seed: int = 1) -> Pcm:
    """Noise up to ``top_hz`` that comes and goes twice a second, peaks near 0.2, with a little noise in all bands."""
    random = np.random.default_rng(seed)
    size = round(seconds * rate_hz)
    band = sosfiltfilt(butter(12, top_hz, fs=rate_hz, output="sos"), random.normal(0, 0.05, size))
    swell = 0.5 + 0.5 * np.sin(4 * np.pi * np.arange(size) / rate_hz)
    return (band * swell + random.normal(0, 1e-7, size)).astype(np.float32)


# --- integers in floating-point files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "told"),
    [
        (2**15, "16-bit integers: divide them by 32768"),
        (2**23, "24-bit integers: divide them by 8388608"),
        (2**31, "32-bit integers: divide them by 2147483648"),
        (1e30, "divide the samples by "),
    ],
)
def test_floats_that_hold_integers_are_refused_with_the_factor(
    scale: float, told: str, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = np.clip(noise(2.0), -0.99, 0.99)
    error = refused(make_recording(write_audio("call.wav", pcm * scale, subtype="FLOAT")))
    assert error.reason == "audio_over_scale"
    assert told in error.detail
    assert error.detail.endswith(", and write the track again")
    assert error.values["track"] == "a"
    assert error.values["found_dbfs"] == pytest.approx(20 * np.log10(np.abs(pcm[:, 0]).max() * scale), abs=0.01)
    assert error.values["limit_dbfs"] == 20.0


def test_one_side_with_the_scale_of_integers_is_enough(noise: Build, write_audio: Build, make_recording: Build) -> None:
    pcm = noise(2.0)
    pcm[:, 1] = np.round(pcm[:, 1] * 32767)
    error = refused(make_recording(write_audio("call.wav", pcm, subtype="FLOAT")))
    assert (error.reason, error.values["track"]) == ("audio_over_scale", "b")


@pytest.mark.parametrize("peak", [2, 5, 9])
def test_whole_numbers_are_integers_however_quiet(peak: int, write_audio: Build, make_recording: Build) -> None:
    pcm = np.random.default_rng(3).integers(-peak, peak + 1, (16000, 2)).astype(np.float32)
    assert refused(make_recording(write_audio("call.wav", pcm, subtype="FLOAT"))).reason == "audio_over_scale"


def test_samples_too_large_for_their_squares_are_over_scale_and_not_infinite(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    path = write_audio("call.wav", noise(1.0) * np.float32(1e25), subtype="FLOAT")
    assert refused(make_recording(path)).reason == "audio_over_scale"


# --- peaks over full scale ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("peak", "gain_db"), [(0.5, 0.0), (1.0, 0.0), (1.0001, -0.1), (1.5, -3.6), (8.0, -18.1)])
def test_both_tracks_are_turned_down_alike_where_one_goes_over_full_scale(
    peak: float, gain_db: float, write_audio: Build, make_recording: Build
) -> None:
    pcm = np.stack([speech(seed=1), speech(seed=2)], axis=1)
    pcm[:, 1] *= np.float32(peak) / np.abs(pcm[:, 1]).max()
    ingested = ingest_stage(make_recording(write_audio("call.wav", pcm, subtype="FLOAT")))
    assert (ingested.audio.gain_db, ingested.recording.gain_db) == (gain_db, gain_db)
    assert ingested.audio.b.peak_dbfs == pytest.approx(20 * np.log10(peak), abs=0.01)  # that of the file
    a, b = (np.concatenate(track) for track in zip(*conversation_blocks(ingested.recording, rate_hz=8000), strict=True))
    assert np.abs(b).max() <= 1.0
    np.testing.assert_allclose(np.stack([a, b], axis=1), pcm * 10 ** (gain_db / 20), rtol=1e-6)
    if gain_db == 0.0:
        np.testing.assert_array_equal(np.stack([a, b], axis=1), pcm)


def test_what_resampling_adds_to_a_peak_counts(write_audio: Build, make_recording: Build) -> None:
    """A full-scale square wave rings by some dB when it is brought to the rate of the other track."""
    square = np.sign(np.sin(2 * np.pi * 440 * (np.arange(16000) + 0.5) / 8000)).astype(np.float32)
    a = write_audio("a.wav", square[:, None], 8000)
    b = write_audio("b.wav", speech(2.0, 44100, seed=2)[:, None], 44100)
    ingested = ingest_stage(make_recording(a, b))
    raw = np.concatenate([x for x, _ in conversation_blocks(make_recording(a, b), rate_hz=44100)])
    assert np.abs(raw).max() > 1.05
    assert ingested.audio.gain_db == -np.ceil(200 * np.log10(np.abs(raw).max())) / 10
    turned = np.concatenate([x for x, _ in conversation_blocks(ingested.recording, rate_hz=44100)])
    assert 0.98 < np.abs(turned).max() <= 1.0


# --- tracks without sound -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "told"), [(0.0, "is zero;"), (0.25, "is 0.25 (direct current);"), (-1.0, "is -1 (")])
def test_a_track_of_one_value_was_not_recorded(
    level: float, told: str, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(2.0)
    pcm[:, 1] = level
    error = refused(make_recording(write_audio("call.wav", pcm, subtype="FLOAT")))
    assert (error.reason, error.values) == ("audio_all_zero", {"track": "b", "found_s": 2.0})
    assert told in error.detail


def test_the_idle_line_of_an_a_law_file_is_silence(tmp_path: Any, noise: Build, make_recording: Build) -> None:
    """A-law has no zero: a dead channel is 8/32768 all along."""
    pcm = (noise(2.0) * 32767).astype(np.int16)
    pcm[:, 0] = 8
    pcm[8000:, 1] = 8
    soundfile.write(tmp_path / "call.wav", pcm, 8000, subtype="ALAW")
    assert refused(make_recording(tmp_path / "call.wav")).reason == "audio_all_zero"
    report = measured(soundfile.read(tmp_path / "call.wav", dtype="float32")[0][:, 1])
    assert report.digital_silence_share == 0.5


@pytest.mark.parametrize("dc", [0.0, 0.5])
def test_samples_divided_twice_are_refused(dc: float, noise: Build, write_audio: Build, make_recording: Build) -> None:
    error = refused(make_recording(write_audio("call.wav", noise(2.0) / 32768 + dc, subtype="DOUBLE")))
    assert error.reason == "audio_too_quiet"
    assert "multiply them by 32768" in error.detail
    assert float(error.values["found_dbfs"]) < -95


def test_a_quiet_recording_is_kept(noise: Build, write_audio: Build, make_recording: Build) -> None:
    report = measure_audio(make_recording(write_audio("call.wav", noise(2.0) / 500, subtype="FLOAT")))
    assert report.a.peak_dbfs == pytest.approx(-62, abs=2)


# --- measures do not depend on direct current -----------------------------------------------------------------------


@pytest.mark.parametrize("dc", [0.3, -0.25, 0.01])
@pytest.mark.parametrize(("rate_hz", "top_hz"), [(8000, 3400.0), (16000, 3400.0), (16000, 7000.0), (48000, 7000.0)])
def test_direct_current_changes_neither_bandwidth_nor_level(dc: float, rate_hz: int, top_hz: float) -> None:
    plain = speech(8.0, rate_hz, top_hz=top_hz)
    without, with_dc = measured(plain, rate_hz), measured(plain + np.float32(dc), rate_hz)
    assert with_dc.dc - without.dc == pytest.approx(dc, abs=1e-5)
    assert with_dc.bandwidth_hz == pytest.approx(without.bandwidth_hz, abs=32)
    assert without.bandwidth_hz == pytest.approx(top_hz, rel=0.3)
    assert with_dc.level_dbfs == pytest.approx(without.level_dbfs, abs=0.01)
    assert with_dc.digital_silence_share == without.digital_silence_share == 0.0


def test_hum_hardly_changes_the_bandwidth() -> None:
    plain = speech(8.0, 16000, top_hz=3400)
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(len(plain)) / 16000)
    assert measured(plain + hum, 16000).bandwidth_hz == pytest.approx(measured(plain, 16000).bandwidth_hz, abs=63)


def test_clicks_are_no_bandwidth() -> None:
    plain = speech(20.0, 16000, top_hz=3400)
    clicks = plain.copy()
    clicks[4000 + 200 :: 80000] += 0.5  # each in a frame of the spectrum
    assert measured(clicks, 16000).bandwidth_hz == pytest.approx(measured(plain, 16000).bandwidth_hz, abs=63)


# --- sound that is cut off below full scale -------------------------------------------------------------------------


def share_over(pcm: Pcm, level: float) -> float:
    return round(float(np.mean(np.abs(pcm) >= level)), 6)


@pytest.mark.parametrize("level", [0.9, 0.25])
def test_sound_that_was_cut_off_and_turned_down_is_clipped(level: float) -> None:
    pcm = np.clip(speech() * 20, -1, 1)
    assert share_over(pcm, 1.0) > 0.05
    assert measured(pcm * np.float32(level)).clipped_share == pytest.approx(share_over(pcm, 1.0), abs=1e-4)


@pytest.mark.parametrize(("subtype", "top"), [("PCM_U8", 127 / 128), ("ULAW", 0.98), ("ALAW", 0.98)])
def test_the_full_scale_of_eight_bits_lies_lower(tmp_path: Any, subtype: str, top: float) -> None:
    soundfile.write(tmp_path / "x.wav", np.clip(speech() * 20, -1, 1), 8000, subtype=subtype)
    pcm = soundfile.read(tmp_path / "x.wav", dtype="float32")[0]
    assert share_over(pcm, top) > 0.05
    assert measured(pcm).clipped_share == pytest.approx(share_over(pcm, top), abs=0.002)


def test_only_one_side_may_be_cut_off_as_with_direct_current() -> None:
    pcm = np.minimum(speech() + np.float32(0.1), np.float32(0.15))
    assert measured(pcm).clipped_share == pytest.approx(float(np.mean(pcm == np.float32(0.15))), abs=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_quiet_sound_of_few_steps_is_not_clipped(bits: int) -> None:
    steps = 2.0 ** (bits - 1)
    assert measured(np.round(speech() / 20 * steps) / steps).clipped_share == 0.0
    assert measured(np.round(speech() * steps) / steps).clipped_share == 0.0


# --- where tracks lie -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offsets_s", [(0.0, 2.0), (2.5, 0.0), (0.0, -2.0), (-30.0, -30.0), (900.0, 0.0)])
def test_tracks_without_common_time_are_refused(
    offsets_s: tuple[float, float], noise: Build, write_audio: Build, make_recording: Build
) -> None:
    error = refused(make_recording(write_audio("call.wav", noise(2.0)), offsets_s=offsets_s))
    assert error.reason == "audio_no_common_time"
    assert "correct `offset_s`" in error.detail
    assert (error.values["offset_a_s"], error.values["offset_b_s"]) == offsets_s
    assert error.values["length_a_s"] == error.values["length_b_s"] == 2.0
