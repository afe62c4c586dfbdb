"""The embedded codec keeps Mimi's geometry, gives the same codes however it is fed, and stays intelligible."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from pystoi import stoi

from duologue_pipeline.codec import embedded
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.codec.embedded_bands import BANDS, STEP_SAMPLES, log_bands, synthesise

CALLS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "calls"
WEIGHTS = Path(embedded.__file__).parent / "weights"
FRAME = 1920

F32 = npt.NDArray[np.float32]


def make_voice(seconds: float, seed: int = 0) -> F32:
    """Something like speech: a pulse train through three moving formants, in syllables with pauses between them."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * 24_000)) / 24_000
    pitch_hz = 120 + 25 * np.sin(2 * np.pi * 0.4 * t)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / 24_000
    syllable = np.floor(t * 4).astype(int)  # four a second, every sixth one a pause
    centres_hz = rng.uniform((300, 900, 2200), (800, 2000, 3200), (syllable[-1] + 1, 3))[syllable]
    voice = np.zeros_like(t)
    for harmonic in range(1, 30):
        distances = (harmonic * pitch_hz[:, None] - centres_hz) / 150
        voice += (1 / (1 + distances**2)).sum(1) * np.sin(harmonic * phase)
    envelope = np.sin(np.pi * (t * 4 % 1)) * (syllable % 6 != 5)
    return (0.03 * voice * envelope + 1e-4 * rng.standard_normal(len(t))).astype(np.float32)


@cache
def long_voice() -> F32:
    return make_voice(4.0)


def encode(pcm: F32) -> npt.NDArray[np.uint16]:
    encoder = EmbeddedCodec().encoder()
    return np.concatenate([encoder.push(pcm), encoder.finish()], axis=1)


def steps(pcm: F32) -> F32:
    return log_bands(np.pad(pcm, (STEP_SAMPLES, -len(pcm) % STEP_SAMPLES)))


def envelope_correlation(a: F32, b: F32) -> float:
    """Mean over the bands below 4 kHz of the correlation of two signals' log powers over time."""
    x, y = steps(a)[:, :44], steps(b)[:, :44]
    x, y = x - x.mean(0), y - y.mean(0)
    return float(((x * y).sum(0) / np.sqrt((x * x).sum(0) * (y * y).sum(0))).mean())


# --- geometry -------------------------------------------------------------------------------------------------------


def test_it_has_mimis_token_geometry() -> None:
    codec: Codec = EmbeddedCodec()
    assert codec.name == "embedded"
    assert codec.sample_rate_hz == 24_000
    assert codec.frame_rate_hz == 12.5
    assert codec.samples_per_frame == 1920
    assert codec.codebooks == 8
    assert codec.cardinalities == (2048,) * 8
    assert "Mimi is for training" in codec.quality
    assert "STOI" in codec.quality


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (1919, 1), (1920, 1), (1921, 2), (19_200, 10)])
def test_a_track_gives_a_frame_for_every_begun_1920_samples(samples: int, frames: int) -> None:
    codes = encode(long_voice()[:samples])
    assert codes.shape == (8, frames)
    assert codes.dtype == np.uint16
    pcm = EmbeddedCodec().decode(codes)
    assert pcm.shape == (frames * FRAME,)
    assert pcm.dtype == np.float32


def test_push_gives_a_frame_as_soon_as_it_is_complete() -> None:
    encoder = EmbeddedCodec().encoder()
    assert encoder.push(long_voice()[:1919]).shape == (8, 0)
    assert encoder.push(long_voice()[1919:1920]).shape == (8, 1)
    assert encoder.finish().shape == (8, 0)


def test_the_last_frame_is_filled_up_with_zeros() -> None:
    track = long_voice()[: 5 * FRAME + 700]
    assert np.array_equal(encode(track), encode(np.pad(track, (0, FRAME - 700))))


# --- streaming ------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12_000), max_size=12), st.integers(0, 30_000))
def test_blocks_of_any_length_give_the_codes_of_one_pass(lengths: list[int], start: int) -> None:
    track = long_voice()[start : start + 40_000]
    cuts = np.minimum(np.cumsum(lengths, dtype=int), len(track))
    encoder = EmbeddedCodec().encoder()
    pieces = [encoder.push(block) for block in np.split(track, cuts)]
    assert np.array_equal(np.concatenate([*pieces, encoder.finish()], axis=1), encode(track))


def test_codes_do_not_depend_on_where_in_the_track_a_sound_is() -> None:
    sound = long_voice()[: 20 * FRAME]
    later = np.concatenate([np.zeros(37 * FRAME, np.float32), sound])
    assert np.array_equal(encode(later)[:, 37:], encode(sound))


def test_the_encoder_keeps_no_more_than_a_frame_and_a_step() -> None:
    encoder = EmbeddedCodec().encoder()
    encoder.push(long_voice()[:45_000])
    assert len(encoder._pending) < FRAME + STEP_SAMPLES


# --- sound ----------------------------------------------------------------------------------------------------------


def test_digital_zero_comes_back_below_minus_60_dbfs() -> None:
    pcm = EmbeddedCodec().decode(encode(np.zeros(24_000, np.float32)))
    assert np.abs(pcm).max() < 1e-3


def test_faint_noise_comes_back_faint() -> None:
    noise = np.random.default_rng(0).standard_normal(48_000).astype(np.float32) * np.float32(1e-4)  # -80 dBFS
    assert EmbeddedCodec().decode(encode(noise)).std() < 1e-3


def test_full_scale_square_waves_come_back_within_full_scale() -> None:
    square = np.sign(np.sin(2 * np.pi * 200 * np.arange(48_000) / 24_000)).astype(np.float32)
    pcm = EmbeddedCodec().decode(encode(square))
    assert np.isfinite(pcm).all()
    assert 0.1 < np.abs(pcm).max() <= 1.0


def test_a_made_voice_keeps_its_envelopes_and_its_level() -> None:
    voice = long_voice()
    decoded = EmbeddedCodec().decode(encode(voice))[: len(voice)]
    assert envelope_correlation(voice, decoded) > 0.9
    assert abs(20 * np.log10(decoded.std() / voice.std())) < 3
    assert envelope_correlation(voice, np.roll(decoded, 24_000)) < 0.5  # so the first figure is not for free


@pytest.mark.skipif(not CALLS.is_dir(), reason="the recorded calls are not beside the checkout")
@pytest.mark.parametrize("name", ["auto_repairs_40_agent", "auto_repairs_49_caller"])
def test_thirty_seconds_of_a_telephone_call_stay_intelligible(name: str) -> None:
    pcm, rate_hz = soundfile.read(CALLS / f"{name}.flac", dtype="float32", start=60 * 8000, frames=30 * 8000)
    call = soxr.resample(pcm, rate_hz, 24_000)
    decoded = EmbeddedCodec().decode(encode(call))[: len(call)]
    assert stoi(call, decoded, 24_000) >= 0.75


def test_bands_survive_synthesis() -> None:
    wanted = steps(make_voice(2.0, seed=1))
    wanted = wanted[: len(wanted) // 5 * 5]
    found = steps(synthesise(wanted))
    audible = wanted > wanted.max() - 7  # 30 dB
    assert wanted.shape[1] == BANDS
    assert np.abs(found - wanted)[audible].mean() < 0.7  # 3 dB


def test_decoding_is_deterministic_and_joins_its_chunks() -> None:
    codes = np.tile(encode(make_voice(1.6)), (1, 15))  # 300 frames: more than the 256 synthesised at a time
    first, second = EmbeddedCodec().decode(codes), EmbeddedCodec().decode(codes)
    assert first.tobytes() == second.tobytes()
    around_joint, same_sound_before = first[246 * FRAME : 266 * FRAME], first[26 * FRAME : 46 * FRAME]
    assert 0.9 < around_joint.std() / same_sound_before.std() < 1.1  # no hole, no bump
    assert envelope_correlation(around_joint, same_sound_before) > 0.95


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((7, 3), np.uint16), r"codes must have shape \[8, F\]; found \[7, 3\]"),
        (np.zeros((2, 8, 3), np.uint16), r"codes must have shape \[8, F\]; found \[2, 8, 3\]"),
        (np.full((8, 3), 2048, np.uint16), "codes must be 0 to 2047; found 2048 to 2048"),
        (np.full((8, 3), -1, np.int64), "codes must be 0 to 2047; found -1 to -1"),
        (np.zeros((8, 3), np.float32), "codes must be integers; found float32"),
    ],
)
def test_decode_refuses_codes_that_do_not_fit(codes: npt.NDArray[np.uint16], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddedCodec().decode(codes)


def test_push_refuses_two_tracks_and_nan() -> None:
    with pytest.raises(ValueError, match=r"one track, float32 \[T\]; found shape \[2, 1920\]"):
        EmbeddedCodec().encoder().push(np.zeros((2, 1920), np.float32))
    with pytest.raises(ValueError, match="NaN or infinite"):
        EmbeddedCodec().encoder().push(np.full(5, np.nan, np.float32))


# --- weights --------------------------------------------------------------------------------------------------------


def test_the_weights_take_at_most_4_mb() -> None:
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) <= 4_000_000


def test_sums_of_the_search_are_exact() -> None:
    weights = embedded._weights()
    assert np.array_equal(weights.codebooks, np.rint(weights.codebooks))
    longest = np.sqrt((weights.codebooks.astype(np.float64) ** 2).sum(2).max())
    assert embedded._LATENT_LIMIT * longest + longest**2 / 2 < 2**23


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / embedded.WEIGHTS_FILE).write_bytes(b"not what it was")
    monkeypatch.setattr(embedded, "files", lambda package: tmp_path)
    embedded._weights.cache_clear()
    try:
        with pytest.raises(RuntimeError, match=r"embedded-1\.npz of the embedded codec is damaged: expected sha256"):
            EmbeddedCodec().decode(np.zeros((8, 1), np.uint16))
    finally:
        embedded._weights.cache_clear()


def test_importing_and_using_it_loads_neither_torch_nor_beam() -> None:
    program = (
        "import sys, numpy as np; from duologue_pipeline.codec.embedded import EmbeddedCodec; "
        "EmbeddedCodec().encoder().push(np.zeros(1920, np.float32)); "
        "print(sorted({'torch', 'apache_beam'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
