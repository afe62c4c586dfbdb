"""Decoding: every format, rate, offset and layout of files; blocks; resampling."""

import io
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import PairDecoder, conversation_blocks
from duologue_pipeline.ingest.limits import BLOCK_S
from duologue_pipeline.records import Recording, Track

Pcm = npt.NDArray[np.float32]
Build = Callable[..., Any]


def join(blocks: Iterable[tuple[Pcm, Pcm]]) -> tuple[Pcm, Pcm]:
    """All of both tracks."""
    pairs = list(blocks)
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])


def decode(recording: Recording) -> tuple[Pcm, Pcm]:
    """Both tracks at their native rates, before any offset."""
    with PairDecoder(recording) as decoder:
        return join(decoder.blocks())


def sphere(pcm: Pcm, *, coding: str, rate_hz: int = 8000) -> bytes:
    """A NIST SPHERE file as telephone corpora have them: 1024 bytes of header, then interleaved samples."""
    samples = io.BytesIO()
    subtype, width = {"ulaw": ("ULAW", 1), "pcm": ("PCM_16", 2)}[coding]
    soundfile.write(samples, pcm, rate_hz, format="RAW", subtype=subtype, endian="LITTLE" if width == 2 else "FILE")
    header = (
        "NIST_1A\n   1024\n"
        f"channel_count -i {pcm.shape[1]}\nsample_count -i {len(pcm)}\nsample_rate -i {rate_hz}\n"
        f"sample_n_bytes -i {width}\nsample_byte_format -s{width} {'1' if width == 1 else '01'}\n"
        f"sample_sig_bits -i {8 * width}\nsample_coding -s{len(coding)} {coding}\nend_head\n"
    )
    return header.encode().ljust(1024) + samples.getvalue()


# --- formats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "tolerance"),
    [
        ("pcm16.wav", {"subtype": "PCM_16"}, 2**-15),
        ("pcm24.wav", {"subtype": "PCM_24"}, 2**-23),
        ("float.wav", {"subtype": "FLOAT"}, 0.0),
        ("mulaw.wav", {"subtype": "ULAW"}, 0.02),
        ("alaw.wav", {"subtype": "ALAW"}, 0.02),
        ("long.rf64", {"format": "RF64", "subtype": "PCM_16"}, 2**-15),
        ("pcm8.flac", {"subtype": "PCM_S8"}, 2**-7),
        ("pcm16.flac", {"subtype": "PCM_16"}, 2**-15),
        ("pcm24.flac", {"subtype": "PCM_24"}, 2**-23),
        ("apple.aiff", {"subtype": "PCM_16"}, 2**-15),
    ],
)
def test_lossless_and_companded_formats_give_the_samples_written(
    name: str, kind: dict[str, str], tolerance: float, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(1.5)
    a, b = decode(make_recording(write_audio(name, pcm, **kind)))
    assert a.dtype == b.dtype == np.float32
    np.testing.assert_allclose(a, pcm[:, 0], atol=tolerance, rtol=0)
    np.testing.assert_allclose(b, pcm[:, 1], atol=tolerance, rtol=0)


@pytest.mark.parametrize(("coding", "tolerance"), [("pcm", 2**-15), ("ulaw", 0.02)])
def test_a_sphere_file_gives_the_samples_written(
    coding: str, tolerance: float, tmp_path: Path, noise: Build, make_recording: Build
) -> None:
    pcm = noise(1.5)
    (tmp_path / "sw02001.sph").write_bytes(sphere(pcm, coding=coding))
    a, b = decode(make_recording(tmp_path / "sw02001.sph"))
    np.testing.assert_allclose(np.stack([a, b], axis=1), pcm, atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("name", "rate_hz", "kind"),
    [
        ("call.mp3", 44100, {}),
        ("phone.mp3", 16000, {}),
        ("opus.ogg", 48000, {"subtype": "OPUS"}),
        ("phone.ogg", 8000, {"subtype": "OPUS"}),
        ("vorbis.ogg", 44100, {"subtype": "VORBIS"}),
    ],
)
def test_lossy_formats_give_both_tracks_in_their_whole_length(
    name: str, rate_hz: int, kind: dict[str, str], write_audio: Build, make_recording: Build
) -> None:
    time = np.arange(2 * rate_hz) / rate_hz
    tones = np.stack([0.3 * np.sin(2 * np.pi * hz * time) for hz in (440, 1000)], axis=1)
    decoded = decode(make_recording(write_audio(name, tones, rate_hz, **kind)))
    for track, tone in zip(decoded, tones.T, strict=True):
        assert len(track) == 2 * rate_hz
        middle = slice(rate_hz // 2, 3 * rate_hz // 2)
        assert np.corrcoef(track[middle], tone[middle])[0, 1] > 0.99


# --- files and channels ---------------------------------------------------------------------------------------------


def test_two_mono_files_give_what_one_stereo_file_gives(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(12.0)
    stereo = decode(make_recording(write_audio("both.wav", pcm)))
    mono = decode(make_recording(write_audio("a.wav", pcm[:, 0]), write_audio("b.wav", pcm[:, 1])))
    np.testing.assert_array_equal(stereo, mono)


def test_tracks_are_taken_from_the_channels_that_the_manifest_names(noise: Build, write_audio: Build) -> None:
    pcm = noise(1.0, channels=4)
    path = str(write_audio("four.wav", pcm, subtype="FLOAT"))
    a, b = decode(Recording("call-1", a=Track("s-anna", path, 3), b=Track("s-ben", path, 1)))
    np.testing.assert_array_equal(a, pcm[:, 3])
    np.testing.assert_array_equal(b, pcm[:, 1])


def test_tracks_may_have_their_own_rates_and_lengths(noise: Build, write_audio: Build, make_recording: Build) -> None:
    a = write_audio("a.wav", noise(12.0, 16000, channels=1), 16000)
    b = write_audio("b.wav", noise(25.0, 8000, channels=1), 8000)
    with PairDecoder(make_recording(a, b)) as decoder:
        assert decoder.sample_rates_hz == (16000, 8000)
        sizes = [(len(x), len(y)) for x, y in decoder.blocks()]
    assert sizes == [(160000, 80000), (32000, 80000), (0, 40000)]


def open_times(path: Path) -> int:
    """How many descriptors of this process name the file; others come and go as garbage is collected."""
    return sum(link.readlink() == path for link in Path("/proc/self/fd").iterdir() if link.is_symlink())


def test_files_are_closed_when_the_second_one_cannot_be_opened(
    tmp_path: Path, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    a = write_audio("a.wav", noise(1.0, channels=1))
    with PairDecoder(make_recording(a, a)):
        assert open_times(a) == 1
    with pytest.raises(RejectError) as raised, PairDecoder(make_recording(a, tmp_path / "none.wav")):
        pass
    assert raised.value.reason == "audio_missing"  # and the traceback still holds the decoder
    assert open_times(a) == 0


# --- the conversation's clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("native_hz", [8000, 11025, 16000, 44100, 48000])
def test_streamed_resampling_equals_resampling_the_whole(
    native_hz: int, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(2.2 * BLOCK_S, native_hz)
    path = write_audio("call.wav", pcm, native_hz, subtype="FLOAT")
    streamed = np.stack(join(conversation_blocks(make_recording(path), rate_hz=16000)), axis=1)
    whole = soxr.resample(pcm, native_hz, 16000)
    assert len(streamed) == len(whole) == 2.2 * BLOCK_S * 16000
    np.testing.assert_allclose(streamed, whole, atol=1e-5, rtol=0)


def test_a_positive_offset_puts_silence_before_a_track(noise: Build, write_audio: Build, make_recording: Build) -> None:
    pcm = noise(2.0)
    path = write_audio("call.wav", pcm, subtype="FLOAT")
    a, b = join(conversation_blocks(make_recording(path, offsets_s=(0.0, 0.25)), rate_hz=8000))
    np.testing.assert_array_equal(b, np.concatenate([np.zeros(2000, np.float32), pcm[:, 1]]))
    np.testing.assert_array_equal(a, np.concatenate([pcm[:, 0], np.zeros(2000, np.float32)]))


def test_a_negative_offset_leaves_out_the_beginning_of_a_track(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(2.0)
    path = write_audio("call.wav", pcm, subtype="FLOAT")
    a, b = join(conversation_blocks(make_recording(path, offsets_s=(-0.25, 0.0)), rate_hz=8000))
    np.testing.assert_array_equal(a, np.concatenate([pcm[2000:, 0], np.zeros(2000, np.float32)]))
    np.testing.assert_array_equal(b, pcm[:, 1])


@pytest.mark.parametrize("offset_s", [12.5, -12.5])
def test_offsets_may_be_longer_than_a_block(
    offset_s: float, noise: Build, write_audio: Build, make_recording: Build
) -> None:
    pcm = noise(21.0)
    path = write_audio("call.wav", pcm, subtype="FLOAT")
    a, _ = join(conversation_blocks(make_recording(path, offsets_s=(offset_s, 0.0)), rate_hz=8000))
    placed = np.concatenate([np.zeros(100000, np.float32), pcm[:, 0]]) if offset_s > 0 else pcm[100000:, 0]
    np.testing.assert_array_equal(a[: len(placed)], placed)
    assert not a[len(placed) :].any()


def test_an_offset_counts_at_the_native_rate(noise: Build, write_audio: Build, make_recording: Build) -> None:
    pcm = noise(1.0, 44100)
    path = write_audio("call.wav", pcm, 44100, subtype="FLOAT")
    a, _ = join(conversation_blocks(make_recording(path, offsets_s=(0.1, 0.1)), rate_hz=16000))
    placed = np.concatenate([np.zeros(4410, np.float32), pcm[:, 0]])
    np.testing.assert_allclose(a, soxr.resample(placed, 44100, 16000), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("lengths_s", "offsets_s"),
    [((35.0, 35.0), (0.0, 0.0)), ((35.0, 11.0), (0.0, 0.0)), ((35.0, 35.0), (0.0, 12.0)), ((30.0, 30.0), (-15.0, 1.0))],
)
def test_both_tracks_of_a_block_are_equally_long_and_no_block_is_longer_than_allowed(
    lengths_s: tuple[float, float],
    offsets_s: tuple[float, float],
    noise: Build,
    write_audio: Build,
    make_recording: Build,
) -> None:
    a = write_audio("a.wav", noise(lengths_s[0], 11025, channels=1), 11025)
    b = write_audio("b.wav", noise(lengths_s[1], 8000, channels=1), 8000)
    sizes = [(len(x), len(y)) for x, y in conversation_blocks(make_recording(a, b, offsets_s=offsets_s), rate_hz=8000)]
    longest_s = max(length + offset for length, offset in zip(lengths_s, offsets_s, strict=True))
    assert all(x == y for x, y in sizes)
    assert abs(sum(x for x, _ in sizes) - longest_s * 8000) <= 1
    assert max(x for x, _ in sizes) <= 1.01 * BLOCK_S * 8000


def test_memory_does_not_grow_with_the_length_of_a_recording(
    noise: Build, write_audio: Build, make_recording: Build
) -> None:
    def peak_bytes(seconds: int) -> int:
        path = write_audio(f"{seconds}.wav", np.tile(noise(10.0), (seconds // 10, 1)))
        tracemalloc.start()
        for _ in conversation_blocks(make_recording(path), rate_hz=16000):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(400) < 1.05 * peak_bytes(50)
