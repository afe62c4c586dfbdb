"""Sums up how the two tracks correlate, frame by frame, for :mod:`duologue_pipeline.isolation.fit` to solve.

Sums of frames can be weighted and added. A frame is as long as the largest lag, so that a frame and its two neighbours
hold every source of a copy in it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft

from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["LOWEST_LEVEL_DB", "Evidence", "Layout", "Segment"]

LOWEST_LEVEL_DB = -120.0

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
C64 = npt.NDArray[np.complex64]
Frames = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """Holds the rules of isolation in samples at one sample rate."""

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
        """Converts the rules from milliseconds to samples."""

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
        """Gives the length of a frame in seconds."""
        return self.frame / self.rate_hz


@dataclass
class Evidence:
    """Holds sums over weighted frames of a target track and of the source track around them.

    ``cross`` complex64 [n_fft/2+1] is the spectrum of their correlation; ``autocorrelation`` float32 [3, taps] is the
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
        """Gives the evidence of no frames at all."""
        spectrum, own = np.zeros(layout.n_fft // 2 + 1, np.complex64), np.zeros((3, layout.long_taps), np.float32)
        return cls(0, 0, 0, 0.0, spectrum, own, 0.0)

    @property
    def middle(self) -> float:
        """Gives the middle of the frames, in frames from the start of the recording."""
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
    """Holds frames of both tracks after the high-pass, with one more frame before and one after them.

    ``signal`` is float32 [2, (frames + 2) * frame], full scale is 1. ``levels_db`` float64 [2, frames] is the mean
    power of each frame in dBFS, ``levels_around_db`` float64 [2, frames] the highest of it and its two neighbours.
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
        # Everything below is a correlation of two frames, and made from these: each frame is transformed once.
        self._spectra: C64 = rfft(tiles, 2 * layout.frame)
        self._power: F32 = np.square(self._spectra.real) + np.square(self._spectra.imag)

    def evidence(self, target: int, frames: Frames, weights: F64) -> Evidence:
        """Sums up some frames of a segment.

        Args:
            target: the track in which a copy is looked for, 0 or 1; the other one is the source.
            frames: intp [n], indices of the segment's frames.
            weights: float64 [frames of the segment], the weight of each.
        """
        if not len(frames):
            return Evidence.none(self._layout)
        source, energy = 1 - target, 0.0
        crosses = np.zeros((3, self._layout.frame + 1), np.complex64)  # with the frame before, of the same time, after
        powers = np.zeros((3, self._layout.frame + 1), np.float32)  # of the frame after, of the same time, before
        for first in range(0, len(frames), 16):  # few at a time stay in the processor's cache
            some = frames[first : first + 16]
            weight = weights[some].astype(np.float32)
            targets = self._spectra[target, some + 1].conj()
            targets *= weight[:, None]
            for place, cross in enumerate(crosses):
                cross += np.einsum("fk,fk->k", targets, self._spectra[source, some + place])
            for place, power in enumerate(powers):
                power += weight @ self._power[source, some + 2 - place]
            energy += float(weight @ np.sum(np.square(self.frames[target, some]), axis=1))
        return Evidence(
            frames=len(frames),
            first=self.first_frame + int(frames[0]),
            last=self.first_frame + int(frames[-1]) + 1,
            weight=float(weights[frames].astype(np.float32).sum()),
            cross=_joined(crosses, self._layout),
            autocorrelation=irfft(powers, 2 * self._layout.frame)[:, : self._layout.long_taps],
            energy=energy,
        )


def _joined(crosses: C64, layout: Layout) -> C64:
    """Joins the spectra of a frame's correlations with three frames to that with all three as one signal.

    Args:
        crosses: complex64 [3, frame + 1], the target's frame with the source's frame before it, at its time, and after it.
        layout: the rules in samples.

    Returns:
        complex64 [n_fft / 2 + 1]: the source's three frames against the target's one, both begun at sample 0.
    """
    frame, n_fft = layout.frame, layout.n_fft
    lags = np.zeros(4 * frame, np.float32)  # of -frame..3 * frame - 1 samples
    for place, correlation in enumerate(irfft(crosses, 2 * frame)):
        lags[place * frame : (place + 1) * frame] += correlation[frame:]
        lags[(place + 1) * frame : (place + 2) * frame] += correlation[:frame]
    around = np.zeros(n_fft, np.float32)
    around[: 3 * frame] = lags[frame:]
    around[n_fft - frame :] += lags[:frame]  # what lies before 0 comes from behind, as in any circular correlation
    cross: C64 = rfft(around)
    return cross
