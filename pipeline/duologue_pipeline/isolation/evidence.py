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
        self._spans = sliding_window_view(signal, 3 * layout.frame, axis=1)[:, :: layout.frame]
        n_fft = next_fast_len(layout.frame + layout.long_taps, real=True)
        self._autocorrelations = irfft(np.square(np.abs(rfft(tiles, n_fft))), n_fft)[:, :, : layout.long_taps]

    def evidence(self, target: int, frames: Frames, weights: F64) -> Evidence:
        """Sums up some frames of a segment.

        Args:
            target: the track in which a copy is looked for, 0 or 1; the other one is the source.
            frames: intp [n], indices of the segment's frames.
            weights: float64 [frames of the segment], the weight of each.
        """
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
