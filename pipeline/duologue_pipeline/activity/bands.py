"""Measures how loud a track is in twelve bands of frequency, every 10 ms; the edges of speech are set by that.

A track is read block by block, in one pass. A level is one byte, so an hour of track is 4.3 MB. Windows are 20 ms
(Hann), centred on their hop.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

__all__ = ["BANDS", "HOP", "HOP_MS", "LOWEST_DBFS", "BandLevels", "power_of"]

HOP: Final = 160
"""Samples from one level to the next, at 16 kHz."""
HOP_MS: Final = 10
_WINDOW: Final = 320
_BEFORE: Final = (_WINDOW - HOP) // 2
_BIN_HZ: Final = 50
_EDGES_HZ: Final = (
    100,
    300,
    550,
    850,
    1200,
    1600,
    2100,
    2700,
    3400,
    4300,
    5400,
    6700,
    8000,
)  # about equal on a mel scale
BANDS: Final = len(_EDGES_HZ) - 1
_BLOCK_HOPS: Final = 400  # what is computed of so many stays in the processor's cache
LOWEST_DBFS: Final = -120.0
"""The level of digital silence: no level is lower."""
_STEP_DB: Final = 0.5

_Floats = npt.NDArray[np.float32]
_Levels = npt.NDArray[np.uint8]

_HANN: Final = np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)
_SCALE: Final = np.float32(2 / (_WINDOW * np.sum(np.square(_HANN, dtype=np.float64))))
_SUMS: Final = (
    np.repeat(
        (np.searchsorted(_EDGES_HZ, _BIN_HZ * np.arange(_WINDOW // 2), side="right") - 1)[:, np.newaxis]
        == range(BANDS),
        2,
        axis=0,
    )
    * _SCALE
)
"""What a part of a bin counts in each band: float32 [2 * bins, bands]; the real and the imaginary part take turns."""
_POWERS: Final = (10 ** ((LOWEST_DBFS + _STEP_DB * np.arange(256)) / 10)).astype(np.float32)


def power_of(levels: _Levels) -> _Floats:
    """Turns band levels into power.

    Args:
        levels: uint8 [H, B], in half dB above -120 dBFS.

    Returns:
        float32 [H, B], at least 1e-12; the power of a full-scale sine is .5.
    """
    powers: _Floats = _POWERS[levels]
    return powers


class BandLevels:
    """Measures the band levels of one track in progress; blocks of any length give those of one pass over all of it."""

    def __init__(self) -> None:
        self._waiting = np.zeros(_BEFORE, np.float32)
        self._samples = 0
        self._done: list[_Levels] = []

    def push(self, pcm: _Floats) -> None:
        """Takes the next samples of the track.

        Args:
            pcm: float32 [T] in [-1, 1] at 16,000 Hz; T may be anything, also 0.
        """
        self._samples += pcm.size
        self._waiting = np.concatenate([self._waiting, pcm])
        hops = max((self._waiting.size - _WINDOW) // HOP + 1, 0)
        self._judge(hops)

    def finish(self) -> _Levels:
        """Ends the track and gives its levels.

        Returns:
            uint8 [H, 12] in half dB above -120 dBFS, a row for every hop of 10 ms that has begun.
        """
        hops = -(-self._samples // HOP) - sum(len(part) for part in self._done)
        self._waiting = np.pad(self._waiting, (0, _WINDOW))
        self._judge(hops)
        return np.concatenate(self._done) if self._done else np.zeros((0, BANDS), np.uint8)

    def _judge(self, hops: int) -> None:
        windows = np.empty((min(hops, _BLOCK_HOPS), _WINDOW), np.float32)
        for start in range(0, hops, _BLOCK_HOPS):
            count = min(_BLOCK_HOPS, hops - start)
            pcm = self._waiting[start * HOP : (start + count - 1) * HOP + _WINDOW]
            some = windows[:count]
            np.multiply(np.lib.stride_tricks.sliding_window_view(pcm, _WINDOW)[::HOP], _HANN, out=some)
            squares = rfft(some, axis=1).view(np.float32)[:, :-2]
            np.square(squares, out=squares)
            levels_db = 10 * np.log10(np.maximum(squares @ _SUMS, 1e-12))
            steps = np.round((levels_db - LOWEST_DBFS) / _STEP_DB)
            self._done.append(np.clip(steps, 0, 255).astype(np.uint8))
        self._waiting = self._waiting[hops * HOP :].copy()
