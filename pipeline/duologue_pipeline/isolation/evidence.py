"""The arithmetic under the meter: what one filter, around one lag, makes of one track from the other.

Correlations are collected frame by frame as sums, which can be added and weighted, and solved once at the end. A
frame is as long as the largest lag, so that a frame and its two neighbours hold every source of a copy in it.
"""

from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import cho_factor, cho_solve, toeplitz
from scipy.signal.windows import tukey

from duologue_pipeline.rules.isolation import IsolationRules

__all__ = [
    "LOWEST_LEVEL_DB",
    "Evidence",
    "Fit",
    "Layout",
    "Segment",
    "db",
    "find_lag",
    "find_peak",
    "fit_filter",
    "phase_correlation",
]

LOWEST_LEVEL_DB = -120.0
_NO_ENERGY = 1e-30  # stands for 0 where it is divided by, or its logarithm is taken

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
C64 = npt.NDArray[np.complex64]
Frames = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """The rules in samples at one rate."""

    rate_hz: int
    frame: int  # also the largest lag: a frame's neighbours hold every source of a copy in it
    segment: int
    taps: int
    long_taps: int
    taps_before: int
    guard: int
    n_fft: int

    @classmethod
    def of(cls, rules: IsolationRules, rate_hz: int) -> "Layout":
        def samples(ms: float) -> int:
            return round(ms * rate_hz / 1000)

        frame = samples(rules.frame_and_max_lag_ms)
        return cls(
            rate_hz=rate_hz,
            frame=frame,
            segment=samples(rules.segment_s * 1000) // frame * frame,
            taps=samples(rules.filter_ms),
            long_taps=samples(rules.long_filter_ms),
            taps_before=samples(rules.filter_before_lag_ms),
            guard=samples(rules.chance_guard_ms),
            n_fft=next_fast_len(3 * frame, real=True),
        )

    @property
    def frame_s(self) -> float:
        return self.frame / self.rate_hz


@dataclass
class Evidence:
    """Sums over weighted frames of a target track and of the source track around them.

    ``cross`` complex [n_fft/2+1] is the spectrum of their correlation; ``autocorrelation`` float [3, taps] is the
    source's own, one frame later than the target, at the same time, and one frame earlier; ``energy`` is the target's.
    The frames lie in ``[first, last)`` of the recording.
    """

    frames: int
    first: int
    last: int
    weight: float
    cross: C64
    autocorrelation: F32
    energy: float

    @classmethod
    def none(cls, layout: Layout) -> "Evidence":
        spectrum, own = np.zeros(layout.n_fft // 2 + 1, np.complex64), np.zeros((3, layout.long_taps), np.float32)
        return cls(0, 0, 0, 0.0, spectrum, own, 0.0)

    @property
    def middle(self) -> float:
        return (self.first + self.last) / 2

    def __add__(self, other: "Evidence") -> "Evidence":
        if not self.frames:
            return other
        return Evidence(
            self.frames + other.frames,
            min(self.first, other.first),
            max(self.last, other.last),
            self.weight + other.weight,
            self.cross + other.cross,
            self.autocorrelation + other.autocorrelation,
            self.energy + other.energy,
        )


class Segment:
    """Frames of both tracks, high-passed, with one more frame before and after.

    ``levels_db`` float [2, frames] is the mean power of each, ``levels_around_db`` the highest of it and its two
    neighbours.
    """

    def __init__(self, signal: F32, layout: Layout, first_frame: int = 0) -> None:
        self._layout = layout
        self.first_frame = first_frame
        self.signal = signal
        tiles = signal.reshape(2, -1, layout.frame)
        self.frames = tiles[:, 1:-1]
        tiles_db = 10 * np.log10(np.mean(np.square(tiles, dtype=np.float64), axis=2) + 10 ** (LOWEST_LEVEL_DB / 10))
        self.levels_db = tiles_db[:, 1:-1]
        self.levels_around_db = sliding_window_view(tiles_db, 3, axis=1).max(axis=2)
        self._spans = sliding_window_view(signal, 3 * layout.frame, axis=1)[:, :: layout.frame]
        n_fft = next_fast_len(layout.frame + layout.long_taps, real=True)
        self._autocorrelations = irfft(np.square(np.abs(rfft(tiles, n_fft))), n_fft)[:, :, : layout.long_taps]

    def evidence(self, target: int, frames: Frames, weights: F64) -> Evidence:
        """Sums up some frames; ``weights`` has one for each frame of the segment."""
        source, total = 1 - target, Evidence.none(self._layout)
        for first in range(0, len(frames), 16):  # few at a time stay in the processor's cache
            some = frames[first : first + 16]
            weight = weights[some].astype(np.float32)
            targets = rfft(self.frames[target, some] * weight[:, None], self._layout.n_fft)
            sources = rfft(self._spans[source, some], self._layout.n_fft)
            neighbours = self._autocorrelations[source, some + np.array([[2], [1], [0]])]
            total += Evidence(
                frames=len(some),
                first=self.first_frame + int(some[0]),
                last=self.first_frame + int(some[-1]) + 1,
                weight=float(weight.sum()),
                cross=np.einsum("fk,fk->k", targets.conj(), sources),
                autocorrelation=np.einsum("f,sfk->sk", weight, neighbours),
                energy=float(weight @ np.sum(np.square(self.frames[target, some]), axis=1)),
            )
        return total


@dataclass(frozen=True)
class Fit:
    """A least-squares filter from source to target, ``taps[0]`` at ``start_lag`` samples, and energies in one unit.

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
        """Power of the copy relative to its source; by chance it may be below 0 where there is none."""
        return (self.explained - self.chance) / self.source

    @property
    def coherence(self) -> float:
        """Share of the target that is copy, in [0, 1]."""
        return min(max((self.explained - self.chance) / self.target, 0.0), 1.0)


def _correlation(spectrum: C64, layout: Layout) -> F64:
    """Gives float [2 * frame + 1]: target(t) * source(t - lag) for lags of -frame..frame samples."""
    return irfft(spectrum, layout.n_fft)[2 * layout.frame :: -1].astype(np.float64)


def phase_correlation(cross: C64, layout: Layout, rules: IsolationRules) -> F32:
    """How well the tracks agree at lags of -frame..frame samples (GCC-PHAT, Knapp & Carter 1976): float32 [2 frame + 1].

    The phase transform gives every frequency the same weight: a common hum, which has few, makes no peak.
    """
    # The correlation is exact at the lags that are kept; the spectrum it is made from is not: it also holds the edges
    # of the frames, which would outweigh the signal where that is weak. Hence there and back again.
    kept = _correlation(cross, layout) * tukey(2 * layout.frame + 1, rules.lag_taper_share)
    spectrum = rfft(kept, layout.n_fft)
    magnitude = np.abs(spectrum)
    spectrum /= magnitude + 10 ** (rules.lag_ignored_below_db / 10) * magnitude.max() + _NO_ENERGY
    spectrum[: round(rules.highpass_hz * layout.n_fft / layout.rate_hz)] = 0
    return np.abs(irfft(spectrum, layout.n_fft)[: len(kept)])


def find_lag(cross: C64, layout: Layout, rules: IsolationRules) -> tuple[int, float]:
    """Finds the lag in samples at which the tracks agree best, and how many sigmas it stands out."""
    lag, sigmas = find_peak(phase_correlation(cross, layout, rules))
    return lag - layout.frame, sigmas


def find_peak(correlation: npt.NDArray[Any]) -> tuple[int, float]:
    """The place of the highest value, and how many sigmas it stands out."""
    peak = int(np.argmax(correlation))
    sigma = 1.4826 * float(np.median(correlation))
    return peak, float(correlation[peak]) / sigma if sigma else 0.0


def fit_filter(evidence: Evidence, lag: int, layout: Layout, rules: IsolationRules, *, long: bool = False) -> Fit:
    """Solves the normal equations for the filter around ``lag``, and for as long ones well away from it."""
    position = lag / layout.frame
    taps = layout.long_taps if long else layout.taps
    shares = np.array([max(-position, 0), 1 - abs(position), max(position, 0)])
    own = shares @ evidence.autocorrelation[:, :taps].astype(np.float64)
    source = max(float(own[0]), _NO_ENERGY)
    own[0] = source * (1 + 10 ** (rules.filter_ridge_db / 10))
    correlation = _correlation(evidence.cross, layout)
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
    """A power ratio in dB."""
    return 10 * log10(max(power, _NO_ENERGY))
