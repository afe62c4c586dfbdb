"""Computes the log band powers of a sound, and makes a sound from them again.

A *step* is 16 ms (384 samples at 24 kHz), five to a token frame. For each step the power in 64 bands is taken, spaced
evenly on a mel-like scale from 50 Hz to 12 kHz. No phase is kept. :func:`synthesise` finds a signal whose band powers
are the given ones by alternating projections (Griffin & Lim 1984, with the momentum of Perraudin, Balazs & Sondergaard
2013). Unlike theirs, the projection corrects the power of each band and leaves the fine structure inside a band alone:
the signal may settle into a spectrum that has a phase, which holds the envelopes better.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

__all__ = ["BANDS", "STEPS_PER_FRAME", "STEP_SAMPLES", "band_edges_hz", "log_bands", "synthesise"]

SAMPLE_RATE_HZ: Final = 24_000
STEP_SAMPLES: Final = 384
STEPS_PER_FRAME: Final = 5
BANDS: Final = 64
_FLOOR: Final = 1e-8
"""Power per bin added before the logarithm: -80 dBFS in all, so that silence is a constant and not minus infinity."""

_ANALYSIS_SAMPLES: Final = 2 * STEP_SAMPLES
_ANALYSIS_FFT: Final = 1024  # zero-padded, so that the narrowest band (33 Hz) covers a bin
_SYNTHESIS_SAMPLES: Final = 640
_SYNTHESIS_HOP: Final = 160
_CORRECTION_BANDS: Final = 48  # wide enough to hold a bin each at the shorter synthesis window
_GATE: Final = 8 * _FLOOR  # decoded power below this is taken for silence
_ITERATIONS: Final = 10
_MOMENTUM: Final = 0.99
_CHUNK_FRAMES: Final = 256  # synthesised at a time, so that memory does not grow with the length
_CONTEXT_FRAMES: Final = 1  # synthesised twice at a joint, for the cross-fade

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.floating]


def band_edges_hz(bands: int) -> F64:
    """Computes lower edge, centres and upper edge of triangular bands: float64 [bands + 2] in Hz, rising."""
    low, high, knee = 50.0, 12_000.0, 700.0  # linear below the knee, logarithmic above
    edges: F64 = knee * np.expm1(np.linspace(np.log1p(low / knee), np.log1p(high / knee), bands + 2))
    return edges


@cache
def _band_matrix(bands: int, fft_samples: int) -> F32:
    """Computes means over triangular bands: float32 [fft_samples // 2 + 1, bands], each column of sum 1."""
    edges, bins = band_edges_hz(bands), _bins_hz(fft_samples)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    weights = np.maximum(0, np.minimum(rising, falling))
    return (weights / weights.sum(1, keepdims=True)).T.astype(np.float32)


def _bins_hz(fft_samples: int) -> F64:
    return np.arange(fft_samples // 2 + 1) * (SAMPLE_RATE_HZ / fft_samples)


@cache
def _hann(samples: int) -> F32:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)).astype(np.float32)


@cache
def _analysis_matrix() -> F32:
    return _band_matrix(BANDS, _ANALYSIS_FFT) / np.float32((_hann(_ANALYSIS_SAMPLES) ** 2).sum())


def log_bands(pcm: F32) -> F32:
    """Computes the log band powers of consecutive steps.

    The window of step s is centred on its first sample, so the caller gives one step of the past in front.

    Args:
        pcm: float32 [(S + 1) * STEP_SAMPLES] in [-1, 1] at 24 kHz.

    Returns:
        float32 [S, BANDS]: natural logarithm of the mean power per bin (white noise of variance v gives log v).
    """
    windows = np.lib.stride_tricks.sliding_window_view(pcm, _ANALYSIS_SAMPLES)[::STEP_SAMPLES]
    spectrum = rfft(windows * _hann(_ANALYSIS_SAMPLES), _ANALYSIS_FFT, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(power @ _analysis_matrix() + np.float32(_FLOOR))


def synthesise(log_power: F32) -> F32:
    """Makes a signal with the given band powers; the same input gives the same samples.

    Args:
        log_power: float32 [S, BANDS] as from :func:`log_bands`, S a multiple of STEPS_PER_FRAME.

    Returns:
        float32 [S * STEP_SAMPLES] in [-1, 1].
    """
    chunk, context = _CHUNK_FRAMES * STEPS_PER_FRAME, _CONTEXT_FRAMES * STEPS_PER_FRAME
    fade = context * STEP_SAMPLES
    # The two versions of a joint have unrelated phases, so their powers add: the squares of the gains sum to one.
    fade_in = np.sqrt((np.arange(fade, dtype=np.float32) + 0.5) / fade)
    out = np.zeros(len(log_power) * STEP_SAMPLES, np.float32)
    for start in range(0, len(log_power), chunk):
        first = max(start - context, 0)
        piece = _synthesise_chunk(log_power[first : start + chunk])
        if first < start:
            piece[:fade] *= fade_in
            out[first * STEP_SAMPLES : start * STEP_SAMPLES] *= fade_in[::-1]
        out[first * STEP_SAMPLES : first * STEP_SAMPLES + len(piece)] += piece
    return np.clip(out, -1.0, 1.0)


def _synthesise_chunk(log_power: F32) -> F32:
    samples = len(log_power) * STEP_SAMPLES
    power = _bin_powers(log_power, hops=samples // _SYNTHESIS_HOP + 1)
    magnitude = np.sqrt(power * (_hann(_SYNTHESIS_SAMPLES) ** 2).sum())
    to_bands = _band_matrix(_CORRECTION_BANDS, _SYNTHESIS_SAMPLES)
    below, share = _between(_bins_hz(_SYNTHESIS_SAMPLES), band_edges_hz(_CORRECTION_BANDS)[1:-1])
    target = (magnitude**2) @ to_bands

    noise = np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
    spectrum = _stft(noise)
    spectrum *= magnitude / np.maximum(np.abs(spectrum), 1e-9)
    previous = spectrum
    for _ in range(_ITERATIONS):
        consistent = _stft(_istft(spectrum, samples))
        spectrum = consistent + np.float32(_MOMENTUM) * (consistent - previous)
        previous = consistent
        found = (spectrum.real**2 + spectrum.imag**2) @ to_bands
        gain = np.sqrt(target / np.maximum(found, 1e-12))
        spectrum *= gain[:, below] * (1 - share) + gain[:, below + 1] * share
    return _istft(spectrum, samples)


def _bin_powers(log_power: F32, hops: int) -> F32:
    """Interpolates band powers at steps to bin powers at synthesis hops, log-linearly: float32 [hops, bins]."""
    times: F64 = np.arange(hops) * (_SYNTHESIS_HOP / STEP_SAMPLES)
    step, ahead = _between(times, np.arange(len(log_power), dtype=np.float64))
    in_time = log_power[step] * (1 - ahead[:, None]) + log_power[step + 1] * ahead[:, None]
    band, above = _between(_bins_hz(_SYNTHESIS_SAMPLES), band_edges_hz(BANDS)[1:-1])
    power: F32 = np.exp(in_time[:, band] * (1 - above) + in_time[:, band + 1] * above)
    power = np.maximum(power - np.float32(_GATE), 0)
    power[:, _bins_hz(_SYNTHESIS_SAMPLES) < band_edges_hz(BANDS)[0]] = 0  # nothing is known down there
    return power


def _between(x: F64, grid: F64) -> tuple[npt.NDArray[np.intp], F32]:
    """Finds for each x the grid point below it and the share of the way to the next, held at the ends."""
    below = np.clip(np.searchsorted(grid, x, side="right") - 1, 0, len(grid) - 2)
    share = np.clip((x - grid[below]) / (grid[below + 1] - grid[below]), 0, 1)
    return below, share.astype(np.float32)


def _stft(pcm: F32) -> npt.NDArray[np.complex64]:
    """Transforms windows centred on 0, hop, 2 hop, ...: complex64 [T // hop + 1, bins]."""
    padded = np.pad(pcm, _SYNTHESIS_SAMPLES // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SYNTHESIS_SAMPLES)[::_SYNTHESIS_HOP]
    return np.asarray(rfft(windows * _hann(_SYNTHESIS_SAMPLES), axis=1))


def _istft(spectrum: npt.NDArray[np.complex64], samples: int) -> F32:
    """Finds the signal whose windows are nearest to the given spectra (least squares): float32 [samples]."""
    windows = irfft(spectrum, _SYNTHESIS_SAMPLES, axis=1) * _hann(_SYNTHESIS_SAMPLES)
    overlap = _SYNTHESIS_SAMPLES // _SYNTHESIS_HOP
    sums = np.zeros((len(windows) + overlap - 1, _SYNTHESIS_HOP), np.float32)
    weights = np.zeros_like(sums)
    pieces = windows.reshape(-1, overlap, _SYNTHESIS_HOP)
    squares = (_hann(_SYNTHESIS_SAMPLES) ** 2).reshape(overlap, _SYNTHESIS_HOP)
    for i in range(overlap):
        sums[i : i + len(windows)] += pieces[:, i]
        weights[i : i + len(windows)] += squares[i]
    half = _SYNTHESIS_SAMPLES // 2
    return np.asarray((sums / np.maximum(weights, 1e-3)).ravel()[half : half + samples])
