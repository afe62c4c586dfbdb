"""Makes Whisper's log-mel features of a signal with numpy alone: resampling, mel filters, logarithm.

The numbers are those of torchaudio and transformers within rounding (tests/pipeline/views/test_mel.py), so a model that was
trained on theirs reads these.
"""

import math
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["HOP_MS", "SAMPLE_RATE_HZ", "log_mel", "mel_filters", "resample"]

SAMPLE_RATE_HZ: Final = 16000
"""Of the signal that features are made of."""

HOP_MS: Final = 10
"""From one feature frame to the next."""

_HOP: Final = SAMPLE_RATE_HZ * HOP_MS // 1000
_WINDOW: Final = 400
_ZEROS: Final = 6
_ROLLOFF: Final = 0.99

Signal = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def log_mel(signal: Signal, bins: int = 80) -> npt.NDArray[np.float32]:
    """Makes log-mel features as Whisper does.

    A periodic Hann window of 400 samples every 160 (25 ms every 10 ms), centred on the hop, the signal mirrored at both ends;
    power, mel filters (:func:`mel_filters`), log10 not below 1e-10; what lies more than 8 (80 dB) under the loudest is raised
    to that, then (x + 4) / 4. The loudest is that of the whole signal, so the features of a part are not the part of
    the features.

    Source: openai/whisper whisper/audio.py ``log_mel_spectrogram``; transformers' ``WhisperFeatureExtractor`` gives the same.

    Args:
        signal: float [N] in [-1, 1] at 16 kHz, at least 201 samples.
        bins: mel bands: 80, or 128 as Whisper large-v3.

    Returns:
        float32 [N // 160, bins].
    """
    padded = np.pad(np.asarray(signal, np.float64), _WINDOW // 2, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: len(signal) // _HOP]
    power = np.concatenate(
        [np.abs(np.fft.rfft(frames[i : i + 1024] * window, axis=1)) ** 2 for i in range(0, len(frames), 1024)]
    )
    log = np.log10(np.maximum(power @ mel_filters(bins).T, 1e-10))
    return ((np.maximum(log, log.max() - 8) + 4) / 4).astype(np.float32)


@cache
def mel_filters(bins: int) -> npt.NDArray[np.float64]:
    """Makes Slaney's triangular mel filters from 0 to 8 kHz, each of area one: float64 [bins, 201].

    Source: librosa 0.10 ``filters.mel`` (``htk=False, norm="slaney"``), which Whisper's stored filters came from: the mel scale is
    linear up to 1 kHz (3 mel each 200 Hz) and logarithmic above (27 mel for each factor 6.4).
    """
    edges_mel = np.linspace(0.0, 15 + 27 * math.log(8000 / 1000) / math.log(6.4), bins + 2)
    edges_hz = np.where(edges_mel < 15, edges_mel * 200 / 3, 1000 * 6.4 ** ((edges_mel - 15) / 27))
    slopes = edges_hz[:, np.newaxis] - np.linspace(0, SAMPLE_RATE_HZ / 2, _WINDOW // 2 + 1)
    widths = np.diff(edges_hz)[:, np.newaxis]
    triangles = np.maximum(0, np.minimum(-slopes[:-2] / widths[:-1], slopes[2:] / widths[1:]))
    filters: npt.NDArray[np.float64] = triangles * (2 / (edges_hz[2:] - edges_hz[:-2]))[:, np.newaxis]
    filters.setflags(write=False)
    return filters


def resample(signal: Signal, from_hz: int, to_hz: int) -> npt.NDArray[np.float64]:
    """Changes the sample rate by a Hann-windowed sinc of six zero crossings that passes 99 % of the band.

    Source: torchaudio ``functional.resample`` with its default settings, of which this gives the numbers.

    Args:
        signal: float [N].
        from_hz: its sample rate.
        to_hz: the rate wanted.

    Returns:
        float64 [ceil(N * to_hz / from_hz)].
    """
    signal = np.asarray(signal, np.float64)
    if from_hz == to_hz:
        return signal
    step, phases = from_hz // math.gcd(from_hz, to_hz), to_hz // math.gcd(from_hz, to_hz)
    base = min(step, phases) * _ROLLOFF
    reach = math.ceil(_ZEROS * step / base)
    times = np.arange(-reach, reach + step) / step - np.arange(phases)[:, np.newaxis] / phases
    times = np.clip(times * base, -_ZEROS, _ZEROS)
    kernels = np.sinc(times) * np.cos(times * math.pi / _ZEROS / 2) ** 2 * (base / step)
    padded = np.pad(signal, (reach, reach + step))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernels.shape[1])[::step]
    return (windows @ kernels.T).reshape(-1)[: -(-len(signal) * phases // step)]
