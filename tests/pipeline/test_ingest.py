"""Ingest: what is measured on a track, and every reason for which audio is refused, with its message."""

import io
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest import TrackMeter, measure_audio
from duologue_pipeline.records import Recording, TrackReport
from duologue_pipeline.rules import load_rules

Pcm = npt.NDArray[np.float32]
Build = Callable[..., Any]


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[Recording], tuple[str, str]]:
    """Reason and detail of a refusal, without the test's folder."""

    def refuse(recording: Recording) -> tuple[str, str]:
        with pytest.raises(RejectError) as raised:
            measure_audio(recording)
        return raised.value.reason, raised.value.detail.replace(f"{tmp_path}/", "")

    return refuse


def encoded(pcm: Pcm, rate_hz: int = 8000, **kind: Any) -> bytes:
    """An audio file as bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, rate_hz, **kind)
    return buffer.getvalue()


def with_flac_total(flac: bytes, samples: int) -> bytes:
    """The file with another "total samples" in its STREAMINFO block: the lower 36 bits of bytes 18 to 26."""
    field = int.from_bytes(flac[18:26], "big") >> 36 << 36 | samples
    return flac[:18] + field.to_bytes(8, "big") + flac[26:]


def with_flac_md5(flac: bytes, md5: bytes) -> bytes:
    """The file with another MD5 in its STREAMINFO block."""
    return flac[:26] + md5 + flac[42:]


# --- measures -------------------------------------------------------------------------------------------------------


def measured(pcm: Pcm, rate_hz: int = 16000, block: int = 10**6) -> TrackReport:
    meter = TrackMeter(rate_hz, load_rules("ingest"))
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
        "call.wav: no such file; uris are relative to the manifest's folder",
    )


def test_what_cannot_be_opened_is_refused(tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    (tmp_path / "folder.wav").mkdir()
    reason, detail = refusal(make_recording(tmp_path / "folder.wav"))
    assert reason == "audio_missing"
    assert detail.startswith("folder.wav: cannot be opened ([Errno 21] Is a directory")


def test_a_text_file_named_wav_is_refused(tmp_path: Path, make_recording: Build, refusal: Build) -> None:
    (tmp_path / "call.wav").write_text("hello, this is no audio\n" * 100)
    assert refusal(make_recording(tmp_path / "call.wav")) == (
        "audio_unreadable",
        (
            "call.wav: not audio that libsndfile can read (Error opening 'call.wav': Format not recognised.); "
            "expected WAV, FLAC, MP3, Ogg/Opus or NIST SPHERE: check the file or convert it"
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


def limited(max_duration_s: float) -> dict[str, Any]:
    return {**load_rules("ingest"), "max_duration_s": max_duration_s}


def test_four_hours_are_the_maximum() -> None:
    assert load_rules("ingest")["max_duration_s"] == 4 * 3600


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
    tmp_path: Path, noise: Build, make_recording: Build
) -> None:
    cut = encoded(noise(60.0), format="WAV")[:-1000]
    (tmp_path / "call.wav").write_bytes(cut)
    with pytest.raises(RejectError) as raised:
        measure_audio(make_recording(tmp_path / "call.wav"), rules=limited(15.0))
    assert raised.value.reason == "audio_too_long"  # and not audio_truncated, which shows at the end


@pytest.mark.parametrize(("extra_samples", "accepted"), [(8000, True), (8001, False), (-8000, True), (-8001, False)])
def test_tracks_may_differ_in_length_by_a_second(
    extra_samples: int, accepted: bool, noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    a = write_audio("a.wav", noise(2.0, channels=1, seed=1))
    b = write_audio("b.wav", noise(2.0 + extra_samples / 8000, channels=1, seed=2))
    if accepted:
        assert measure_audio(make_recording(a, b)).duration_ms == max(2000, 2000 + extra_samples // 8)
    else:
        assert refusal(make_recording(a, b)) == (
            "audio_length_mismatch",
            (
                f"a.wav and b.wav: the tracks end at 2.00 s and {2 + extra_samples / 8000:.2f} s (offsets applied), which "
                "is more than 1.0 s apart; check that they belong together and set `offset_s`"
            ),
        )


def test_offsets_count_in_the_comparison_of_lengths(
    noise: Build, write_audio: Build, make_recording: Build, refusal: Build
) -> None:
    a = write_audio("a.wav", noise(2.0, channels=1, seed=1))
    b = write_audio("b.wav", noise(5.0, channels=1, seed=2))
    assert measure_audio(make_recording(a, b, offsets_s=(3.0, 0.0))).duration_ms == 5000
    assert refusal(make_recording(a, b))[0] == "audio_length_mismatch"


# --- files that are cut short or lie --------------------------------------------------------------------------------


SHORTENED = r"the header declares 12\.00 s and the file holds 7\.\d\d s"
ENDLESS = r"the Ogg stream has no end after [67]\.\d\d s"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("call.wav", {"subtype": "PCM_16"}, SHORTENED),
        ("call.wav", {"subtype": "PCM_24"}, SHORTENED),
        ("call.wav", {"subtype": "FLOAT"}, SHORTENED),
        ("call.wav", {"subtype": "ULAW"}, SHORTENED),
        ("call.aiff", {"subtype": "PCM_16"}, SHORTENED),
        ("call.au", {"subtype": "PCM_16"}, SHORTENED),
        ("call.rf64", {"subtype": "PCM_16"}, SHORTENED),
        ("call.sph", {"format": "NIST", "subtype": "PCM_16"}, SHORTENED),
        ("call.sph", {"format": "NIST", "subtype": "ULAW"}, SHORTENED),
        ("call.mp3", {}, SHORTENED),
        ("call.ogg", {"subtype": "OPUS"}, ENDLESS),
        ("call.ogg", {"subtype": "VORBIS"}, ENDLESS),
    ],
)
def test_a_truncated_file_is_refused(
    name: str,
    kind: dict[str, Any],
    message: str,
    tmp_path: Path,
    noise: Build,
    make_recording: Build,
    refusal: Build,
) -> None:
    whole = encoded(noise(12.0), **{"format": Path(name).suffix[1:], **kind})
    (tmp_path / name).write_bytes(whole[: len(whole) * 6 // 10])
    reason, detail = refusal(make_recording(tmp_path / name))
    assert reason == "audio_truncated"
    assert re.fullmatch(rf"{name}: {message}; the file is cut short: export it again", detail)


@pytest.mark.parametrize("name", ["call.ogg", "call.flac"])
def test_a_file_that_ends_in_its_header_is_refused(
    name: str, tmp_path: Path, noise: Build, make_recording: Build, refusal: Build
) -> None:
    (tmp_path / name).write_bytes(encoded(noise(1.0), format=Path(name).suffix[1:])[:50])
    assert refusal(make_recording(tmp_path / name))[0] == "audio_unreadable"


@pytest.mark.parametrize(("missing_bytes", "block_s"), [(1, 10), (1000, 10), (100_000, 0)])
def test_a_truncated_flac_is_refused(
    missing_bytes: int, block_s: int, tmp_path: Path, noise: Build, make_recording: Build, refusal: Build
) -> None:
    (tmp_path / "call.flac").write_bytes(encoded(noise(12.0), format="FLAC")[:-missing_bytes])
    assert refusal(make_recording(tmp_path / "call.flac")) == (
        "audio_unreadable",
        (
            f"call.flac: decoding failed after {block_s}.00 s (Error : flac decoder lost sync.); "
            "the file is damaged or cut short: export it again"
        ),
    )


def test_an_mp3_that_lacks_a_hundredth_of_a_long_call_is_refused(
    tmp_path: Path, noise: Build, make_recording: Build, refusal: Build
) -> None:
    whole = encoded(noise(30.0, 16000), 16000, format="MP3")
    (tmp_path / "call.mp3").write_bytes(whole[: len(whole) * 992 // 1000])
    assert refusal(make_recording(tmp_path / "call.mp3"))[0] == "audio_truncated"


def test_an_mp3_without_a_count_of_its_frames_is_accepted(tmp_path: Path, noise: Build, make_recording: Build) -> None:
    whole = encoded(noise(20.0, 44100), 44100, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
    first_frame = whole.index(whole[:2], 4)  # holds the count and no sound
    (tmp_path / "call.mp3").write_bytes(whole[first_frame:])
    assert measure_audio(make_recording(tmp_path / "call.mp3")).duration_ms == pytest.approx(20000, abs=60)


def test_an_mp3_with_a_hole_is_refused(tmp_path: Path, noise: Build, make_recording: Build, refusal: Build) -> None:
    damaged = bytearray(encoded(noise(12.0, 16000), 16000, format="MP3"))
    damaged[40000:44000] = bytes(4000)
    (tmp_path / "call.mp3").write_bytes(damaged)
    assert refusal(make_recording(tmp_path / "call.mp3"))[0] == "audio_unreadable"


def test_a_wav_that_was_streamed_and_declares_no_length_is_accepted(
    tmp_path: Path, noise: Build, make_recording: Build
) -> None:
    wav = encoded(noise(2.0), format="WAV")
    unknown = (0xFFFFFFFF).to_bytes(4, "little")
    (tmp_path / "call.wav").write_bytes(wav[:4] + unknown + wav[8:40] + unknown + wav[44:])
    assert measure_audio(make_recording(tmp_path / "call.wav")).duration_ms == 2000


@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("seconds", [2.0, 12.0])
class TestFlacHeaders:
    """What STREAMINFO says of the length may be wrong both ways, within the first block and beyond it."""

    @pytest.fixture
    def flac(self, subtype: str, seconds: float, noise: Build) -> bytes:
        return encoded(noise(seconds), format="FLAC", subtype=subtype)

    @pytest.fixture
    def recording(self, tmp_path: Path, make_recording: Build) -> Callable[[bytes], Recording]:
        def write(content: bytes) -> Recording:
            (tmp_path / "call.flac").write_bytes(content)
            recording: Recording = make_recording(tmp_path / "call.flac")
            return recording

        return write

    def test_as_it_was_written_it_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(flac)).duration_ms == seconds * 1000

    def test_a_length_overstated_is_refused(
        self, flac: bytes, seconds: float, recording: Build, refusal: Build
    ) -> None:
        assert refusal(recording(with_flac_total(flac, round(seconds * 8000) + 8000))) == (
            "audio_truncated",
            (
                f"call.flac: the header declares {seconds + 1:.2f} s and the file holds {seconds:.2f} s; "
                "the file is cut short: export it again"
            ),
        )

    @pytest.mark.parametrize("less", [1, 8000])
    def test_a_length_understated_is_refused(
        self, less: int, flac: bytes, seconds: float, recording: Build, refusal: Build
    ) -> None:
        assert refusal(recording(with_flac_total(flac, round(seconds * 8000) - less))) == (
            "audio_unreadable",
            (
                "call.flac: the decoded samples do not match the FLAC header's MD5; the header lies about the length or "
                "the data is damaged (`flac --test` tells): encode it again"
            ),
        )

    def test_a_wrong_md5_is_refused(self, flac: bytes, recording: Build, refusal: Build) -> None:
        reason, detail = refusal(recording(with_flac_md5(flac, b"another checksum")))
        assert reason == "audio_unreadable"
        assert "do not match the FLAC header's MD5" in detail

    def test_an_unknown_length_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(with_flac_total(flac, 0))).duration_ms == seconds * 1000

    def test_an_unknown_md5_is_accepted(self, flac: bytes, seconds: float, recording: Build) -> None:
        assert measure_audio(recording(with_flac_md5(flac, bytes(16)))).duration_ms == seconds * 1000


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
