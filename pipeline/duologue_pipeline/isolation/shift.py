"""Finds a copy of one track in the other at lags of seconds: no room makes such lags, so one of the tracks is late.

Bleed is looked for within a quarter of a second. Where a track was cut or started late, its copies lie further off.
Both tracks are brought to one level, so that a weak copy counts where its source is alone, and correlated over whole
segments; the sum of all segments shows one sharp peak where there is a copy, at any lag up to ``offset_max_s``.

The gain that does it must not jump. Steps on the grid of the level frames are clicks on both tracks; where a coder has left
a band empty (an MP3 of 8 kbit/s has nothing over 2 kHz), these clicks are all there is in it, and where every frequency
counts alike they correlate at lags of whole frames like a copy (46 sigma, 2.8 s off, where there was none).
"""

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from duologue_pipeline.isolation.turns import confidence
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["Shift"]

F32 = npt.NDArray[np.float32]


class Shift:
    """Correlates two tracks segment by segment over lags of up to ``offset_max_s`` seconds either way."""

    def __init__(self, segment: int, rate_hz: int, rules: IsolationRules) -> None:
        self._rules, self._rate_hz = rules, rate_hz
        self._most = round(rules.offset_max_s * rate_hz)
        self._n_fft = next_fast_len(segment + self._most, real=True)
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
        curve_db = np.repeat(loudest_db, size, axis=1)
        for _ in range(3):
            curve_db = uniform_filter1d(curve_db, size, axis=1, mode="nearest")
        even = (signal[:, : frames * size] * 10 ** (-curve_db / 20)).astype(np.float32)
        a, b = rfft(even, self._n_fft)
        self._cross += a * b.conj()

    def find(self) -> FaultReport | None:
        """Reports by how much a track is late if a copy lies further off than any bleed; else gives None."""
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
