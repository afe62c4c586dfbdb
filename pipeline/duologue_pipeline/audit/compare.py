"""Compares sound with what came of it through tokens: intelligibility, distortion, spectrum, and the course of its loudness."""

from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.codec.embedded_bands import STEP_SAMPLES, log_bands

__all__ = ["BANDS_HZ", "log_spectral_distance_db", "loudness_course", "resampled", "si_sdr_db", "stoi_or_none"]

BANDS_HZ: Final = 24_000
"""The rate at which spectra are compared."""

_NEAR_LOUDEST_DB: Final = 40.0
_SILENT: Final = 1e-8  # power below which there is nothing to compare, -80 dBFS

F32 = npt.NDArray[np.float32]


def resampled(pcm: F32, from_hz: int, to_hz: int) -> F32:
    """Brings float32 [T] in [-1, 1] to another rate."""
    return pcm if from_hz == to_hz else soxr.resample(pcm, from_hz, to_hz).astype(np.float32, copy=False)


def si_sdr_db(original: F32, decoded: F32) -> float | None:
    """Measures the scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019, arXiv:1811.02508).

    A codec that makes up phases has a low one, however good it sounds.

    Args:
        original, decoded: float32 [T] in [-1, 1], equally long.

    Returns:
        The ratio, held within -100 to 100; None where either is silent.
    """
    wanted, found = original.astype(np.float64), decoded.astype(np.float64)
    power = float(wanted @ wanted)
    if power < _SILENT * len(wanted) or float(found @ found) < _SILENT * len(found):
        return None
    target = (float(found @ wanted) / power) * wanted
    rest = found - target
    ratio = (float(target @ target) + 1e-20) / (float(rest @ rest) + 1e-20)
    return float(np.clip(10 * np.log10(ratio), -100.0, 100.0))


def log_spectral_distance_db(original: F32, decoded: F32) -> float | None:
    """Measures the distance of two spectra in dB: of log powers in 64 mel-like bands, root mean square over bands.

    Level differences count.

    Args:
        original, decoded: float32 [T] in [-1, 1] at :data:`BANDS_HZ`, equally long.

    Returns:
        The mean over the 16 ms steps that are within 40 dB of the loudest; None where the original is silent.
    """
    if not original.size or float(np.mean(original.astype(np.float64) ** 2)) < _SILENT:
        return None
    wanted, found = _powers_db(original), _powers_db(decoded)
    loud = wanted.max(1) > wanted.max() - _NEAR_LOUDEST_DB
    return float(np.sqrt(((wanted - found) ** 2).mean(1))[loud].mean())


def stoi_or_none(original: F32, decoded: F32, rate_hz: int) -> float | None:
    """Measures STOI, short-time objective intelligibility (Taal et al. 2011), 0 to 1.

    Args:
        original, decoded: float32 [T] in [-1, 1], equally long.
        rate_hz: of both.

    Returns:
        None where pystoi is not installed, or there is too little speech for it.
    """
    try:
        from pystoi import stoi
    except ImportError:
        return None
    if original.size < rate_hz or float(np.mean(original.astype(np.float64) ** 2)) < _SILENT:
        return None
    found = float(stoi(original, decoded, rate_hz))
    return found if found > 1e-4 else None  # with less than 30 frames of speech pystoi gives 1e-5 and a warning


def loudness_course(pcm: F32, rate_hz: int, step_s: float = 0.02) -> npt.NDArray[np.float64]:
    """Measures how loud each step is.

    Args:
        pcm: float32 [T] in [-1, 1].
        rate_hz: of it.
        step_s: length of a step in seconds.

    Returns:
        float64 [steps], dB re full scale, -80 at the lowest.
    """
    size = round(step_s * rate_hz)
    steps = len(pcm) // size
    power = np.mean(pcm[: steps * size].astype(np.float64).reshape(steps, size) ** 2, axis=1)
    return 10 * np.log10(np.maximum(power, _SILENT))


def _powers_db(pcm: F32) -> F32:
    padded = np.pad(pcm, (STEP_SAMPLES, -len(pcm) % STEP_SAMPLES))
    return log_bands(padded) * np.float32(10 / np.log(10))
