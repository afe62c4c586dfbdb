"""The published network for voices, by its weights and our own 30 lines."""

import importlib.util

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.leakage import voice
from duologue_pipeline.leakage.voice import VOICE_RATE_HZ, VoiceEncoder

pytestmark = pytest.mark.skipif(importlib.util.find_spec("resemblyzer") is None, reason="resemblyzer is not installed")


@pytest.fixture(scope="module")
def encoder() -> VoiceEncoder:
    found = VoiceEncoder.installed()
    assert found is not None
    return found


def buzz(pitch_hz: float, seconds: float = 3.0, seed: int = 1) -> npt.NDArray[np.float32]:
    """A pulse train through a fixed vowel, a little unsteady: float32 [T] at 16 kHz."""
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    phase = np.cumsum(pitch_hz * (1 + 0.02 * np.sin(2 * np.pi * 4 * time + seed))) / VOICE_RATE_HZ
    tones = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 20))
    return (0.05 * tones + 0.002 * draw.normal(size=len(time))).astype(np.float32)


def test_the_bands_are_those_of_librosa() -> None:
    """Figures of librosa 0.11.0: ``filters.mel(sr=16000, n_fft=400, n_mels=40)``."""
    bands = voice._mel_bands()
    assert bands.shape == (40, 201)
    assert bands.sum() == pytest.approx(0.9994972, rel=1e-5)
    assert bands[0, 1] == pytest.approx(0.00739021, rel=1e-4)
    assert bands[39, 190] == pytest.approx(0.00121515, rel=1e-4)


def test_an_embedding_is_that_of_the_package(encoder: VoiceEncoder) -> None:
    """The largest values that resemblyzer 0.1.4 itself gives for one stretch of 1.6 s of this sound."""
    found = encoder.embed(buzz(140.0, 159 * 160 / VOICE_RATE_HZ)[None])[0]
    assert np.argsort(found)[::-1][:3].tolist() == [189, 131, 122]
    assert np.sort(found)[::-1][:3].tolist() == pytest.approx([0.26647, 0.23765, 0.19975], abs=2e-3)


def test_one_voice_is_more_alike_than_two(encoder: VoiceEncoder) -> None:
    low, again, high = encoder.embed(np.stack([buzz(100.0), buzz(100.0, seed=2), buzz(220.0)]))
    assert low @ again > 0.9 > low @ high


def test_level_does_not_matter_below_the_target(encoder: VoiceEncoder) -> None:
    sound = buzz(140.0)
    loud, soft = encoder.embed(np.stack([sound, 0.1 * sound]) * np.float32(0.1))
    assert loud @ soft > 0.999


def test_silence_is_embedded_without_a_fault(encoder: VoiceEncoder) -> None:
    assert np.isfinite(encoder.embed(np.zeros((1, VOICE_RATE_HZ), np.float32))).all()


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "_SHA256", "0" * 64)
    with pytest.raises(UsageError, match="is not the network of resemblyzer"):
        VoiceEncoder.installed()


def test_where_it_is_not_installed_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert VoiceEncoder.installed() is None
