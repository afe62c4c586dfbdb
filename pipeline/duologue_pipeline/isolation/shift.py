"""Finds a copy of one track in the other at lags of seconds: no room makes such lags, so one of the tracks is late.

Bleed is looked for within a quarter of a second. Where a track was cut or started late, its copies lie further off.
Both tracks are brought to one level, so that a weak copy counts where its source is alone, and correlated over whole
segments; the sum of all segments shows one sharp peak where there is a copy, at any lag up to ``offset_max_s``.

The gain that does it must not jump. Steps on the grid of the level frames are clicks on both tracks; where a coder has left
a band empty (an MP3 of 8 kbit/s has nothing over 2 kHz), these clicks are all there is in it, and where every frequency
counts alike they correlate at lags of whole frames like a copy (46 sigma, 2.8 s off, where there was none).
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from duologue_pipeline.isolation.turns import confidence
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Shift"]

_SEGMENTS_AT_ONCE = 2  # four tracks are transformed side by side, in half the time

_REACH = 2
"""Frames on either side that three moving averages reach over."""

F32 = npt.NDArray[np.float32]


class Shift:
    """Correlates two tracks segment by segment over lags of up to ``offset_max_s`` seconds either way."""

    def __init__(self, segment: int, rate_hz: int, rules: IsolationRules) -> None:
        self._rules, self._rate_hz = rules, rate_hz
        self._most = round(rules.offset_max_s * rate_hz)
        self._n_fft = next_fast_len(segment + self._most, real=True)
        self._padded = np.zeros((_SEGMENTS_AT_ONCE, 2, self._n_fft), np.float32)
        self._waiting = 0
        self._cross = np.zeros(self._n_fft // 2 + 1, np.complex64)

    def add(self, signal: F32, levels_db: npt.NDArray[np.float64], peak_db: npt.NDArray[np.float64]) -> None:
        """Adds a segment of both tracks.

        Args:
            signal: float32 [2, T] after the high-pass, full scale is 1.
            levels_db: float64 [2, frames] in dBFS, the levels of its frames.
            peak_db: float64 [2] in dBFS, the level of loud speech on each track; what lies far below it stays so.
        """
        frames = levels_db.shape[1]
        if not frames:
            return
        size = signal.shape[1] // frames
        floor_db = np.maximum(peak_db - self._rules.shift_range_db, self._rules.digital_silence_dbfs)
        # That of the loudest neighbour, so that a beginning is not turned up, as a curve without steps or kinks.
        loudest_db = maximum_filter1d(np.maximum(levels_db, floor_db[:, None]), 3, axis=1)
        even, rest = np.split(self._padded[self._waiting], [frames * size], axis=1)
        np.multiply(_smooth(loudest_db, size), np.float32(-np.log(10) / 20), out=even)
        np.exp(even, out=even)
        even *= signal[:, : frames * size]
        rest[:] = 0
        self._waiting += 1
        if self._waiting == _SEGMENTS_AT_ONCE:
            self._correlate()

    def _correlate(self) -> None:
        """Adds the spectra of the segments that wait."""
        for a, b in rfft(self._padded[: self._waiting]):
            self._cross += np.multiply(a, np.conj(b, out=b), out=a)
        self._waiting = 0

    def find(self) -> FaultReport | None:
        """Reports by how much a track is late if a copy lies further off than any bleed; else gives None."""
        self._correlate()
        rules, bins_hz = self._rules, self._rate_hz / self._n_fft
        magnitude = np.abs(self._cross)
        smooth = uniform_filter1d(magnitude, round(rules.shift_smoothing_hz / bins_hz))
        # Not more than the neighbourhood's mean, so that a hum on both tracks does not outweigh everything else.
        # And a band that a coder has left empty does not count as one with speech in it.
        empty = 10 ** (rules.shift_empty_band_db / 10) * float(smooth.max())
        flat = self._cross / (np.maximum(magnitude, smooth) + empty + 1e-20)
        flat[: round(rules.highpass_hz / bins_hz)] = 0
        correlation = np.abs(irfft(flat, self._n_fft))
        correlation = np.concatenate([correlation[-self._most :], correlation[: self._most + 1]])
        # Its spread depends on how much sounds at once at a lag, so each is held against its neighbours.
        spread = np.sqrt(np.pi / 2) * uniform_filter1d(correlation, round(rules.shift_neighbours_s * self._rate_hz))
        height = correlation / (spread + 1e-20)
        peak = int(np.argmax(height))
        sigmas, lag_ms = float(height[peak]), (peak - self._most) * 1000 / self._rate_hz
        if abs(lag_ms) <= rules.frame_and_max_lag_ms or sigmas < rules.shift_min_sigma:
            return None
        late = "b lies late against a" if lag_ms < 0 else "a lies late against b"
        detail = f"a copy lies {abs(lag_ms):.0f} ms off: {late}"
        return FaultReport(True, round(-lag_ms / 1000, 3), confidence(sigmas, rules.shift_min_sigma), detail)


def _smooth(steps_db: npt.NDArray[np.float64], size: int) -> F32:
    """Draws a curve without steps or kinks through the levels of frames: three moving averages, each a frame long.

    Such a curve is a spline: within a frame it depends on the levels of the two frames before, its own, and the two after,
    with weights that are the same in every frame. Only at the two ends, which have no neighbours, it is drawn as it is said.

    Args:
        steps_db: float64 [2, frames].
        size: samples of a frame.

    Returns:
        float32 [2, frames * size].
    """
    frames = steps_db.shape[1]
    if frames < 4 * _REACH:
        return _averaged(steps_db, size)
    curve = np.empty((2, frames, size), np.float32)
    around = sliding_window_view(steps_db.astype(np.float32), 2 * _REACH + 1, axis=1)
    np.matmul(around, _spline(size), out=curve[:, _REACH:-_REACH])
    for ends, kept in (slice(0, 2 * _REACH), slice(0, _REACH)), (slice(-2 * _REACH, None), slice(-_REACH, None)):
        curve[:, kept] = _averaged(steps_db[:, ends], size).reshape(2, -1, size)[:, kept]
    return curve.reshape(2, -1)


def _averaged(steps_db: npt.NDArray[np.float64], size: int) -> F32:
    curve_db = np.repeat(steps_db, size, axis=1)
    for _ in range(3):
        curve_db = uniform_filter1d(curve_db, size, axis=1, mode="nearest")
    return curve_db.astype(np.float32)


@cache
def _spline(size: int) -> F32:
    """Gives the weights of a frame and its neighbours at each sample of it: float32 [2 * _REACH + 1, size]."""
    one = np.eye(4 * _REACH + 1)  # each frame alone, far from the ends
    return _averaged(one, size).reshape(len(one), -1, size)[_REACH:-_REACH, 2 * _REACH]
