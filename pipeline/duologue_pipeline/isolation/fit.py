"""Finds the lag and the filter by which one track is best made from the other.

Both come from the sums of :mod:`duologue_pipeline.isolation.evidence`, which are solved once, at the end.
"""

from dataclasses import dataclass
from functools import cache
from math import log10
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft
from scipy.linalg import cho_factor, cho_solve, toeplitz
from scipy.signal.windows import tukey

from duologue_pipeline.isolation.evidence import Evidence, Layout
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Fit", "db", "find_lag", "find_peak", "fit_filter", "phase_correlation"]

_NO_ENERGY = 1e-30  # stands for 0 where it is divided by, or its logarithm is taken

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
C64 = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Fit:
    """Holds the least-squares filter from source to target, and the energies that it explains.

    ``taps`` is float64 [taps], the first one at ``start_lag`` samples. All energies have one unit.

    ``explained`` is what the filter gives of the ``target``; ``chance`` is what filters give at lags with no copy.
    """

    taps: F64
    start_lag: int
    explained: float
    chance: float
    source: float
    target: float

    @property
    def gain(self) -> float:
        """Gives the power of the copy relative to its source; by chance it is below 0 where there is no copy."""
        return (self.explained - self.chance) / self.source

    @property
    def coherence(self) -> float:
        """Gives the share of the target's power that is copy, in [0, 1]."""
        return min(max((self.explained - self.chance) / self.target, 0.0), 1.0)


def _correlation(spectrum: C64, layout: Layout) -> F32:
    """Sums target(t) * source(t - lag) for lags of -frame..frame samples: float32 [..., 2 * frame + 1]."""
    correlation: F32 = irfft(spectrum, layout.n_fft)[..., 2 * layout.frame :: -1]
    return correlation


def phase_correlation(cross: C64, layout: Layout, rules: IsolationRules) -> F32:
    """Measures at each lag how well the tracks agree (GCC-PHAT, Knapp & Carter 1976).

    The phase transform gives every frequency the same weight: a common hum, which has few, makes no peak.

    Args:
        cross: complex64 [..., n_fft / 2 + 1], the spectrum of their correlation.
        layout: the rules in samples.
        rules: the rules.

    Returns:
        float32 [..., 2 * frame + 1], not below 0 and without unit, for lags of -frame..frame samples.
    """
    # The correlation is exact at the lags that are kept; the spectrum it is made from is not: it also holds the edges
    # of the frames, which would outweigh the signal where that is weak. Hence there and back again.
    kept = _correlation(cross, layout) * _taper(2 * layout.frame + 1, rules.lag_taper_share)
    spectrum = rfft(kept, layout.n_fft)
    magnitude = np.abs(spectrum)
    ignored = 10 ** (rules.lag_ignored_below_db / 10) * magnitude.max(axis=-1, keepdims=True)
    spectrum /= magnitude + ignored + _NO_ENERGY
    spectrum[..., : round(rules.highpass_hz * layout.n_fft / layout.rate_hz)] = 0
    return np.abs(irfft(spectrum, layout.n_fft)[..., : kept.shape[-1]])


@cache
def _taper(size: int, share: float) -> F32:
    window: F32 = tukey(size, share).astype(np.float32)
    return window


def find_lag(cross: C64, layout: Layout, rules: IsolationRules) -> tuple[int, float]:
    """Finds the lag in samples at which the tracks agree best, and by how many sigmas it stands out.

    ``cross`` is complex64 [n_fft / 2 + 1], the spectrum of their correlation.
    """
    lag, sigmas = find_peak(phase_correlation(cross, layout, rules))
    return lag - layout.frame, sigmas


def find_peak(correlation: npt.NDArray[Any]) -> tuple[int, float]:
    """Finds the index of the highest value of float [n], n odd, and by how many sigmas it stands out."""
    peak, middle = int(np.argmax(correlation)), len(correlation) // 2
    sigma = 1.4826 * float(np.partition(correlation, middle)[middle])
    return peak, float(correlation[peak]) / sigma if sigma else 0.0


def fit_filter(evidence: Evidence, lag: int, layout: Layout, rules: IsolationRules, *, long: bool = False) -> Fit:
    """Fits the filter from source to target around ``lag``, and filters at lags with no copy, for chance."""
    position = lag / layout.frame
    taps = layout.long_taps if long else layout.taps
    shares = np.array([max(-position, 0), 1 - abs(position), max(position, 0)])
    own = shares @ evidence.autocorrelation[:, :taps].astype(np.float64)
    source = max(float(own[0]), _NO_ENERGY)
    own[0] = source * (1 + 10 ** (rules.filter_ridge_db / 10))
    correlation = _correlation(evidence.cross, layout).astype(np.float64)
    starts = np.arange(0, len(correlation) - taps + 1, layout.taps)
    start = int(np.clip(lag + layout.frame - layout.taps_before, 0, len(correlation) - taps))
    starts = np.append(start, starts[np.abs(starts - start) >= taps + layout.guard])
    windows = correlation[starts + np.arange(taps)[:, None]]
    filters = cho_solve(cho_factor(toeplitz(own)), windows)
    explained = np.sum(filters * windows, axis=0)
    return Fit(
        taps=filters[:, 0],
        start_lag=start - layout.frame,
        explained=float(explained[0]),
        chance=float(explained[1:].mean()),
        source=source,
        target=max(evidence.energy, _NO_ENERGY),
    )


def db(power: float) -> float:
    """Converts a power ratio to dB."""
    return 10 * log10(max(power, _NO_ENERGY))
