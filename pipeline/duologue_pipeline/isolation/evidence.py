"""Sums up how the two tracks correlate, frame by frame, for :mod:`duologue_pipeline.isolation.fit` to solve.

Sums of frames can be weighted and added. A frame is as long as the largest lag, so that a frame and its two neighbours
hold every source of a copy in it.
"""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft

from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["LOWEST_LEVEL_DB", "Evidence", "Layout", "Room", "Segment"]

LOWEST_LEVEL_DB = -120.0

_TILES_AT_ONCE = 16  # what is computed of so many stays in the processor's cache

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


class Room:
    """Keeps the memory of the largest arrays of a segment for those of the next: new memory costs more than to fill it."""

    def __init__(self) -> None:
        self._held: dict[str, npt.NDArray[Any]] = {}

    def empty(self, name: str, shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
        """Gives an array of this shape and type, with anything in it; the last one of this name is written over."""
        size = prod(shape)
        if name not in self._held or self._held[name].size < size:
            self._held[name] = np.empty(size, kind)
        return self._held[name][:size].reshape(shape)


class Segment:
    """Holds frames of both tracks after the high-pass, with one more frame before and one after them.

    ``signal`` is float32 [2, (frames + 2) * frame], full scale is 1. ``levels_db`` float64 [2, frames] is the mean
    power of each frame in dBFS, ``levels_around_db`` float64 [2, frames] the highest of it and its two neighbours.

    A segment made in the ``room`` of another one takes its place: the other gives no evidence any more.
    """

    def __init__(self, signal: F32, layout: Layout, first_frame: int = 0, room: Room | None = None) -> None:
        room = Room() if room is None else room
        self._layout = layout
        self.first_frame = first_frame
        self.signal = signal
        tiles = signal.reshape(2, -1, layout.frame)
        self.frames = tiles[:, 1:-1]
        energies = np.einsum("tfs,tfs->tf", tiles, tiles).astype(np.float64)
        self._energies = energies[:, 1:-1]
        tiles_db = 10 * np.log10(energies / layout.frame + 10 ** (LOWEST_LEVEL_DB / 10))
        self.levels_db = tiles_db[:, 1:-1]
        self.levels_around_db = sliding_window_view(tiles_db, 3, axis=1).max(axis=2)
        # Everything below is a sum over frames of these: each frame is transformed, and multiplied with its neighbours, once.
        shape = (tiles.shape[1], layout.frame + 1)
        spectra = room.empty("spectra", (2, *shape), np.complex64)
        _transform(tiles, spectra)
        parts = spectra.view(np.float32)
        self._power: F32 = room.empty("power", (2, *shape), np.float32)
        np.square(parts[:, :, ::2], out=self._power)
        self._power += np.square(parts[:, :, 1::2], out=room.empty("squares", (2, *shape), np.float32))
        # Frame t of track a, conjugated, times frame t - 1, t, t + 1 of track b.
        self._products: C64 = room.empty("products", (3, *shape), np.complex64)
        a, b = spectra
        np.conj(a, out=a)
        np.multiply(a[1:], b[:-1], out=self._products[0, 1:])
        np.multiply(a, b, out=self._products[1])
        np.multiply(a[:-1], b[1:], out=self._products[2, :-1])

    def evidence(self, target: int, frames: Frames, weights: F64) -> Evidence:
        """Sums up some frames of a segment.

        Args:
            target: the track in which a copy is looked for, 0 or 1; the other one is the source.
            frames: intp [n], indices of the segment's frames.
            weights: float64 [frames of the segment], the weight of each.
        """
        if not len(frames):
            return Evidence.none(self._layout)
        first, last = int(frames.min()), int(frames.max()) + 1
        # The sum runs over all frames in between as well, with weight 0: that is cheaper than to pick the frames.
        weight = np.zeros(last - first, np.float32)
        weight[frames - first] = weights[frames]
        crosses = np.empty((3, self._layout.frame + 1), np.complex64)  # with the frame before, of the same time, after
        powers = np.empty((3, self._layout.frame + 1), np.float32)  # of the frame after, of the same time, before
        for place in range(3):
            if target == 0:
                products = self._products[place, first + 1 : last + 1]
            else:  # the product is that of the other direction, conjugated, seen from the source's frame
                products = self._products[2 - place, first + place : last + place]
            np.matmul(weight, products.view(np.float32), out=crosses[place].view(np.float32))
            np.matmul(weight, self._power[1 - target, first + 2 - place : last + 2 - place], out=powers[place])
        if target == 1:
            np.conj(crosses, out=crosses)
        return Evidence(
            frames=len(frames),
            first=self.first_frame + int(frames[0]),
            last=self.first_frame + int(frames[-1]) + 1,
            weight=float(weight.sum()),
            cross=_joined(crosses, self._layout),
            autocorrelation=irfft(powers, 2 * self._layout.frame)[:, : self._layout.long_taps],
            energy=float(weight @ self._energies[target, first:last]),
        )


def _transform(tiles: F32, spectra: C64) -> None:
    """Transforms frames with as many zeros behind them: float32 [2, n, frame] into complex64 [2, n, frame + 1]."""
    _, count, frame = tiles.shape
    padded = np.zeros((_TILES_AT_ONCE, 2 * frame), np.float32)
    for track, first in product(range(2), range(0, count, _TILES_AT_ONCE)):
        some = tiles[track, first : first + _TILES_AT_ONCE]
        padded[: len(some), :frame] = some
        spectra[track, first : first + _TILES_AT_ONCE] = rfft(padded[: len(some)])


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
