"""Log-mel features in numpy, against torchaudio and transformers, and with states."""

import io
import math
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import chunk_states, continuous
from duologue_pipeline.views.mel import log_mel, mel_filters, resample
from tests.pipeline.views.build import make_sample


def voice(seconds: float, rate_hz: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """A buzz whose pitch and loudness move, over noise."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    buzz = sum(np.sin(2 * np.pi * k * (120 * time + 5 * np.sin(3 * time))) / k for k in range(1, 20))
    noise = np.random.default_rng(seed).normal(0, 0.003, len(time))
    return (0.1 * buzz * np.sin(4 * time) ** 2 + noise).astype(np.float32)


@pytest.mark.parametrize("bins", [80, 128])
def test_features_are_those_of_whisper(bins: int) -> None:
    import_torchaudio()
    from transformers import WhisperFeatureExtractor

    signal = voice(3.21, 16000)
    extractor: Any = WhisperFeatureExtractor(feature_size=bins)  # type: ignore[no-untyped-call]
    theirs = extractor(signal, sampling_rate=16000, padding="do_not_pad", return_tensors="np")["input_features"][0].T
    ours = log_mel(signal, bins)
    assert ours.shape == (321, bins)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs[:321], atol=2e-5)
    np.testing.assert_allclose(mel_filters(bins).T, extractor.mel_filters, atol=1e-9)


def test_features_are_those_of_torchaudio() -> None:
    torchaudio = import_torchaudio()
    import torch

    signal = voice(2.0, 16000)
    power = torchaudio.transforms.MelSpectrogram(
        16000, n_fft=400, hop_length=160, n_mels=80, f_max=8000, norm="slaney", mel_scale="slaney"
    )(torch.from_numpy(signal))
    log = torch.log10(power.clamp(min=1e-10))[:, :-1]
    theirs = ((torch.maximum(log, log.max() - 8) + 4) / 4).numpy().T
    np.testing.assert_allclose(log_mel(signal), theirs, atol=2e-4)  # theirs is in single precision


@pytest.mark.parametrize(("from_hz", "to_hz"), [(24000, 16000), (8000, 16000), (44100, 16000), (16000, 16000)])
def test_resampling_is_that_of_torchaudio(from_hz: int, to_hz: int) -> None:
    torchaudio = import_torchaudio()
    import torch

    for samples in (1, 37, 4801, from_hz):
        signal = voice(samples / from_hz, from_hz)
        theirs = torchaudio.functional.resample(torch.from_numpy(signal.astype(np.float64)), from_hz, to_hz).numpy()
        ours = resample(signal, from_hz, to_hz)
        assert len(ours) == math.ceil(samples * to_hz / from_hz)
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def with_audio(seconds: float, rate_hz: int = 24000, **fields: Any) -> Sample:
    """A sample whose two sides sound different."""
    frames = math.ceil(seconds * 12.5)
    sample = make_sample(frames=frames, end_s=seconds, **fields)
    stereo = np.stack([voice(seconds, rate_hz, seed) * (1 + seed) for seed in (0, 1)], axis=1)
    file = io.BytesIO()
    soundfile.write(file, stereo, rate_hz, format="FLAC", subtype="PCM_16")
    return Sample(sample.key, sample.metadata, sample.codes, file.getvalue())


@pytest.mark.parametrize("seconds", [2.0, 1.9, 1.93])
def test_a_sample_has_eight_feature_frames_a_frame_of_codes(seconds: float) -> None:
    sample = with_audio(seconds, turns=[("a", 0.5, 1.2)])
    features, states = continuous(sample)
    frames = sample.codes.shape[-1]
    assert features.shape == (8 * frames, 80)
    assert features.dtype == np.float32
    assert states.tolist() == chunk_states(sample, chunk_ms=80).tolist()
    assert len(states) == frames
    assert sample.audio is not None
    pcm, rate_hz = sample.audio
    heard = resample(pcm[1], rate_hz, 16000)
    wanted = log_mel(np.concatenate([heard, np.zeros(1280 * frames)])[: 1280 * frames])
    assert features.tolist() == wanted.tolist()


def test_each_side_is_heard_by_itself() -> None:
    sample = with_audio(1.0)
    user, _ = continuous(sample, bins=128)
    model, _ = continuous(sample, bins=128, hears="model")
    assert (user.shape, model.shape) == ((104, 128), (104, 128))
    assert continuous(sample, speaker="b", bins=128)[0].tolist() == model.tolist() != user.tolist()
    assert len(continuous(sample, block_ms=160)[1]) == 7


def test_it_needs_no_torch() -> None:
    code = """
import sys
import numpy as np
from duologue_pipeline.views import continuous
from duologue_pipeline.views.mel import log_mel, resample
log_mel(resample(np.zeros(2400), 24000, 16000))
assert not {"torch", "torchaudio", "scipy", "apache_beam"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_what_cannot_be_heard_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^call-00000: the release has no audio; make it with `duologue run"):
        continuous(make_sample())
    with pytest.raises(UsageError, match=r'^hears \'both\': expected "user" or "model"$'):
        continuous(with_audio(1.0), hears="both")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^bins 0: expected"):
        continuous(with_audio(1.0), bins=0)
