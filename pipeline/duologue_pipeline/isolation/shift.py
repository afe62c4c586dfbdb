"""Finds a copy of one track in the other at lags of seconds: no room makes such lags, so one of the tracks is late.

Bleed is looked for within a quarter of a second. Where a track was cut or started late, its copies lie further off.
Both tracks are brought to one level frame by frame, so that a weak copy counts where its source is alone, and
correlated over whole segments; the sum of all segments shows one sharp peak where there is a copy, at any lag up to
``offset_max_s``.
"""

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

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

    def add(self, signal: F32, levels_db: npt.NDArray[np.float64]) -> None:
        """Adds a segment of both tracks.

        Args:
            signal: float32 [2, T] after the high-pass, full scale is 1.
            levels_db: float64 [2, frames] in dBFS, the levels of its frames.
        """
        frames = levels_db.shape[1]
        if not frames:
            return
        floor_db = self._rules.digital_silence_dbfs
        gain = (10 ** (-np.maximum(levels_db, floor_db) / 20)).astype(np.float32)
        size = signal.shape[1] // frames
        even = (signal[:, : frames * size].reshape(2, frames, size) * gain[:, :, None]).reshape(2, -1)
        a, b = rfft(even, self._n_fft)
        self._cross += a * b.conj()

    def find(self) -> FaultReport | None:
        """Reports by how much a track is late if a copy lies further off than any bleed; else gives None."""
        rules, bins_hz = self._rules, self._rate_hz / self._n_fft
        magnitude = np.abs(self._cross)
        smooth = uniform_filter1d(magnitude, round(rules.shift_smoothing_hz / bins_hz))
        # Not more than the neighbourhood's mean, so that a hum on both tracks does not outweigh everything else.
        flat = self._cross / (np.maximum(magnitude, smooth) + 1e-20)
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
