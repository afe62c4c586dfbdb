"""Ingest: what is measured on a track, and every reason for which audio is refused, with its message."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.ingest.meter import TrackMeter
from duologue_pipeline.ingest.usable import shared_span, track_span
from duologue_pipeline.records import Span, TrackReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

Pcm = npt.NDArray[np.float32]
Build = Callable[..., Any]


# --- measures -------------------------------------------------------------------------------------------------------


def measured(pcm: Pcm, rate_hz: int = 16000, block: int = 10**6) -> TrackReport:
    meter = TrackMeter(rate_hz, load_rules(IngestRules))
    for start in range(0, len(pcm), block):
        meter.push(pcm[start : start + block])
    return meter.report()


def sine(hz: float, amplitude: float, seconds: float = 2.0, rate_hz: int = 16000) -> Pcm:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def test_a_sine_of_half_of_full_scale_has_its_peak_and_level() -> None:
    report = measured(sine(1000, 0.5))
    assert (report.sample_rate_hz, report.samples) == (16000, 32000)
    assert report.peak_dbfs == -6.02
    assert report.level_dbfs == -9.03
    assert (report.dc, report.clipped_share, report.digital_silence_share) == (0.0, 0.0, 0.0)


def test_dc_is_the_mean() -> None:
    assert measured(sine(1000, 0.1) + np.float32(0.05)).dc == 0.05


def test_clipped_samples_are_counted_on_both_sides() -> None:
    pcm = sine(100, 0.5)
    pcm[:160], pcm[160:320] = 1.0, -1.0
    assert measured(pcm).clipped_share == 0.01


def test_digital_silence_is_counted_in_frames_of_ten_milliseconds() -> None:
    pcm = sine(1000, 0.1) + np.float32(0.2)
    pcm[8000:16000] = 0.0
    assert measured(pcm).digital_silence_share == 0.25


@pytest.mark.parametrize("top_hz", [500, 3400, 7000])
def test_bandwidth_is_where_the_sound_ends_and_not_half_the_rate(top_hz: int) -> None:
    pcm = sum((sine(hz, 0.02) for hz in range(100, top_hz + 1, 100)), start=np.zeros(32000, np.float32))
    assert measured(pcm).bandwidth_hz == pytest.approx(top_hz, abs=250)


@pytest.mark.parametrize("block", [1, 999, 16000])
def test_a_report_hardly_depends_on_the_blocks(block: int, noise: Build) -> None:
    pcm = noise(0.5, 16000, channels=1)[:, 0]
    whole, pieces = measured(pcm), measured(pcm, block=block)
    same = ("samples", "samples_sha256", "peak_dbfs", "level_dbfs", "dc", "clipped_share")
    assert [getattr(whole, name) for name in same] == [getattr(pieces, name) for name in same]


def test_the_hash_is_over_the_decoded_samples_so_the_container_does_not_matter(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = (noise(1.0) * 32767).astype(np.int16)
    wav = measure_audio(make_recording(write_audio("call.wav", pcm, subtype="PCM_16")))
    flac = measure_audio(make_recording(write_audio("call.flac", pcm, subtype="PCM_16")))
    assert (wav.a.samples_sha256, wav.b.samples_sha256) == (flac.a.samples_sha256, flac.b.samples_sha256)


@pytest.mark.parametrize(
    ("offsets_s", "duration_ms"), [((0.0, 0.0), 2000), ((0.5, 0.0), 2500), ((-0.5, -0.25), 1750), ((0.0, -1.0), 2000)]
)
def test_the_duration_is_that_of_the_conversation_with_offsets_applied(
    offsets_s: tuple[float, float], duration_ms: int, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    path = write_audio("call.wav", noise(2.0))
    assert measure_audio(make_recording(path, offsets_s=offsets_s)).duration_ms == duration_ms


def test_memory_does_not_grow_with_the_length_of_a_recording(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    def peak_bytes(seconds: int) -> int:
        path = write_audio(f"{seconds}.wav", np.tile(noise(10.0), (seconds // 10, 1)))
        tracemalloc.start()
        measure_audio(make_recording(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(400) < 1.05 * peak_bytes(50)


# --- files that are not there or not audio --------------------------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    assert refusal(make_recording(tmp_path / "call.wav")) == (
        "audio_missing",
        "call.wav: no such file; uris in a manifest are relative to its folder",
    )


def test_what_cannot_be_opened_is_refused(tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    (tmp_path / "folder.wav").mkdir()
    reason, detail = refusal(make_recording(tmp_path / "folder.wav"))
    assert reason == "audio_missing"
    assert detail == "folder.wav: is a folder and not a file; name a file"


def test_a_text_file_named_wav_is_refused(tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    (tmp_path / "call.wav").write_text("hello, this is no audio\n" * 100)
    assert refusal(make_recording(tmp_path / "call.wav")) == (
        "audio_unreadable",
        (
            "call.wav: not audio that libsndfile can read (no header of a known format, and no frame of MPEG audio at "
            "its beginning); "
            "expected WAV, FLAC, MP3, Ogg/Opus, m4a, WebM or NIST SPHERE: check the file or convert it"
        ),
    )


@pytest.mark.parametrize("name", ["call.wav", "call.flac", "call.mp3", "call.sph", "call.raw", "call"])
def test_a_file_of_0_bytes_is_refused(name: str, tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    (tmp_path / name).touch()
    assert refusal(make_recording(tmp_path / name)) == (
        "audio_empty",
        f"{name}: the file has 0 bytes; export the track again",
    )


def test_headerless_audio_is_refused(tmp_path: Path, noise: Build, make_recording: Build, refusal: Build) -> None:
    (tmp_path / "call.raw").write_bytes((noise(1.0) * 32767).astype("<i2").tobytes())
    assert refusal(make_recording(tmp_path / "call.raw"))[0] == "audio_unreadable"


def test_a_missing_channel_is_refused(noise: Build, write_audio: Build, make_recording: Build, refusal: Build) -> None:
    assert refusal(make_recording(write_audio("mono.wav", noise(1.0, channels=1)))) == (
        "audio_missing_channel",
        "mono.wav: the manifest asks for channel 1 (counted from 0) and the file has 1; correct `channel` or the file",
    )


# --- tracks that hold nothing usable --------------------------------------------------------------------------------


def test_a_file_with_a_header_and_no_samples_is_refused(
    write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    assert refusal(make_recording(write_audio("empty.wav", np.zeros((0, 2))))) == (
        "audio_empty",
        "empty.wav channel 0: the track has no samples; export it again",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [0, 1])
def test_samples_that_are_not_finite_are_refused(
    value: float, channel: int, noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    pcm = noise(1.0)
    pcm[4321, channel] = value
    assert refusal(make_recording(write_audio("call.wav", pcm, subtype="FLOAT"))) == (
        "audio_not_finite",
        f"call.wav channel {channel}: the samples hold NaN or infinity; export the track again as PCM",
    )


@pytest.mark.parametrize("channel", [0, 1])
def test_a_track_of_zeros_is_refused(
    channel: int, noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    pcm = noise(1.5)
    pcm[:, channel] = 0.0
    assert refusal(make_recording(write_audio("call.wav", pcm))) == (
        "audio_all_zero",
        (
            f"call.wav channel {channel}: every sample of 1.5 s is zero; the channel was not recorded: "
            "find the right channel or leave the recording out"
        ),
    )


def test_the_same_samples_on_both_tracks_are_refused(
    noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    path = write_audio("mono-as-stereo.wav", np.repeat(noise(1.0, channels=1), 2, axis=1))
    assert refusal(make_recording(path)) == (
        "audio_duplicate_samples",
        (
            "mono-as-stereo.wav channel 0 and mono-as-stereo.wav channel 1 hold the same samples (a duplicate signal); "
            "give each speaker's own track"
        ),
    )


def test_the_same_samples_in_two_containers_are_refused(
    noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    pcm = (noise(1.0, channels=1) * 32767).astype(np.int16)
    a, b = write_audio("a.wav", pcm, subtype="PCM_16"), write_audio("b.flac", pcm, subtype="PCM_16")
    assert refusal(make_recording(a, b))[0] == "audio_duplicate_samples"


def test_one_different_sample_is_enough_to_pass_the_exact_comparison(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = np.repeat(noise(1.0, channels=1), 2, axis=1)
    pcm[100, 1] += 0.01
    assert measure_audio(make_recording(write_audio("call.wav", pcm))).duration_ms == 1000


# --- lengths --------------------------------------------------------------------------------------------------------


def test_a_recording_of_one_sample_is_refused(write_audio: Build, make_recording: Build, refusal: Build) -> None:
    path = write_audio("click.wav", np.array([[0.5, 0.25]]))
    assert refusal(make_recording(path)) == (
        "audio_too_short",
        "click.wav and click.wav: 0.0001 s is less than the minimum of 0.5 s; leave it out",
    )


@pytest.mark.parametrize(("samples", "accepted"), [(3999, False), (4000, True)])
def test_half_a_second_is_the_minimum(
    samples: int, accepted: bool, noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    recording = make_recording(write_audio("call.wav", noise(samples / 8000)))
    if accepted:
        assert measure_audio(recording).duration_ms == 500
    else:
        assert refusal(recording)[0] == "audio_too_short"


def limited(max_duration_s: float) -> IngestRules:
    return replace(load_rules(IngestRules), max_duration_s=max_duration_s)


def test_four_hours_are_the_maximum() -> None:
    assert load_rules(IngestRules).max_duration_s == 4 * 3600


def test_a_recording_longer_than_the_maximum_is_refused(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    recording = make_recording(write_audio("call.wav", noise(36.0 + 1 / 8000)))
    with pytest.raises(RejectError) as raised:
        measure_audio(recording, rules=limited(36.0))
    assert raised.value.reason == "audio_too_long"
    assert raised.value.detail.endswith("call.wav: longer than the maximum of 0.01 h; cut it into conversations")


@pytest.mark.parametrize("offset_s", [0.0, -5.0])
def test_a_recording_of_the_maximum_on_its_own_clock_is_accepted(
    offset_s: float, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    recording = make_recording(write_audio("call.wav", noise(36.0 - offset_s)), offsets_s=(offset_s, offset_s))
    assert measure_audio(recording, rules=limited(36.0)).duration_ms == 36000


def test_a_far_too_long_recording_is_not_decoded_to_its_end(
    tmp_path: Path, noise: Build, encoded: Build, make_recording: Build
) -> None:
    cut = encoded(noise(60.0), format="WAV")[:-1000]
    (tmp_path / "call.wav").write_bytes(cut)
    with pytest.raises(RejectError) as raised:
        measure_audio(make_recording(tmp_path / "call.wav"), rules=limited(15.0))
    assert raised.value.reason == "audio_too_long"  # and not audio_truncated, which shows at the end


def test_tracks_of_joiners_and_leavers_are_not_equally_long(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    a = write_audio("a.wav", noise(2.0, channels=1, seed=1))
    b = write_audio("b.wav", noise(9.0, channels=1, seed=2))
    recording = make_recording(a, b, offsets_s=(3.0, 0.0))
    audio = measure_audio(recording)
    assert audio.duration_ms == 9000
    assert track_span(recording.a, audio.a) == Span(3000, 5000)
    assert shared_span(recording, audio) == Span(3000, 5000)


def test_tracks_that_end_within_a_second_are_taken_to_end_together(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    a = write_audio("a.wav", noise(3.0, channels=1, seed=1))
    b = write_audio("b.wav", noise(3.0, channels=1, seed=2))
    recording = make_recording(a, b, offsets_s=(1.0, 0.0))
    assert shared_span(recording, measure_audio(recording)) == Span(0, 4000)
    late = make_recording(a, b, offsets_s=(1.001, 0.0))
    assert shared_span(late, measure_audio(late)) == Span(1001, 3000)


# --- order of reasons -----------------------------------------------------------------------------------------------


def test_the_first_track_is_reported_first(
    noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    pcm = noise(1.0)
    pcm[:, 0], pcm[0, 1] = 0.0, np.nan
    reason, detail = refusal(make_recording(write_audio("call.wav", pcm, subtype="FLOAT")))
    assert (reason, detail.partition(":")[0]) == ("audio_all_zero", "call.wav channel 0")


def test_equal_tracks_are_duplicates_before_they_are_too_short(
    write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    path = write_audio("click.wav", np.full((10, 2), 0.5))
    assert refusal(make_recording(path))[0] == "audio_duplicate_samples"
