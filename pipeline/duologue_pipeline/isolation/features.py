"""Keeps of a recording what faults show in only over minutes: levels, and how each track's voice sounds.

Two small things travel to the end of the recording, both of bounded size: the level of each track every 50 ms (one byte
each, for at most ``levels_max_h`` hours), and the mean spectrum and pitch of each track's own speech in pieces of some
seconds (neighbours are joined when there are too many). The pieces are a voice's likeness as far as it takes to see two
of them change places; they stay in memory and no report holds them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import dct, irfft, rfft

from duologue_pipeline.isolation.evidence import LOWEST_LEVEL_DB
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["LEVEL_STEP_DB", "LevelHistogram", "LevelTrack", "Pieces", "Voices", "quiet_and_peak_db"]

LEVEL_STEP_DB = 0.5
"""Levels are kept to this."""

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]


class LevelHistogram:
    """Counts how loud the frames of one track have been so far."""

    def __init__(self) -> None:
        self._edges = np.arange(LOWEST_LEVEL_DB, 20, LEVEL_STEP_DB)
        self._counts = np.zeros(len(self._edges), np.int64)

    def add(self, levels_db: F64) -> None:
        """Adds float [frames] in dBFS."""
        bins = np.clip((levels_db - LOWEST_LEVEL_DB) / LEVEL_STEP_DB, 0, len(self._counts) - 1).astype(np.intp)
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def percentile_db(self, percent: float) -> float:
        """Gives the level in dBFS, to :data:`LEVEL_STEP_DB`, below which ``percent`` of the frames lie."""
        cumulated = np.cumsum(self._counts)
        return float(self._edges[np.searchsorted(cumulated, percent / 100 * cumulated[-1])])


class LevelTrack:
    """Keeps the level of both tracks, frame by frame, in steps of half a dB: uint8 [2, frames]."""

    def __init__(self, max_frames: int) -> None:
        self._left = max_frames
        self._parts: list[U8] = []

    def add(self, levels_db: F64) -> None:
        """Adds float64 [2, frames] in dBFS; it drops what lies beyond the bound."""
        kept = levels_db[:, : self._left]
        self._left -= kept.shape[1]
        if kept.size:
            self._parts.append(np.clip(np.round((kept - LOWEST_LEVEL_DB) / LEVEL_STEP_DB), 0, 255).astype(np.uint8))

    def db(self) -> F32:
        """Gives all levels so far: float32 [2, frames] in dBFS, in [-120, 7.5]; -120 is digital silence."""
        joined = np.concatenate(self._parts, axis=1) if self._parts else np.zeros((2, 0), np.uint8)
        return joined * np.float32(LEVEL_STEP_DB) + np.float32(LOWEST_LEVEL_DB)


def quiet_and_peak_db(levels_db: npt.NDArray[Any], rules: IsolationRules) -> tuple[F64, F64]:
    """Gives noise level and peak level of each track, float64 [2] each, from float [2, frames]; all in dBFS."""
    if not levels_db.shape[1]:
        return np.full(2, LOWEST_LEVEL_DB), np.full(2, LOWEST_LEVEL_DB)
    quiet, peak = np.percentile(levels_db, [rules.noise_percentile, rules.speech_percentile], axis=1)
    return np.maximum(quiet, rules.digital_silence_dbfs), peak


@dataclass(frozen=True)
class Pieces:
    """Describes a track's own speech in pieces of ``piece_s`` seconds.

    ``cepstrum`` is float64 [pieces, n], the mean of the frames without unit, ``pitch`` float64 [pieces] the mean log2
    of the pitch in Hz. ``frames`` float64 [pieces] counts the frames behind the cepstrum, ``voiced`` float64 [pieces]
    those behind the pitch; either may be 0.
    """

    piece_s: float
    frames: F64
    voiced: F64
    cepstrum: F64
    pitch: F64


class Voices:
    """Sums up how each track's own speech sounds, piece by piece."""

    def __init__(self, rules: IsolationRules, rate_hz: int) -> None:
        self._rules = rules
        self._rate_hz = rate_hz
        self._frame = round(rules.level_frame_ms * rate_hz / 1000)
        self._piece = round(rules.swap_piece_s * 1000 / rules.level_frame_ms)
        self._n_fft = 1 << (self._frame - 1).bit_length()
        self._bands = _mel_bands(self._n_fft, rate_hz, rules)
        self._window = np.hanning(self._frame).astype(np.float32)
        lowest_hz, highest_hz = rules.swap_pitch_hz
        self._pitch_lags = slice(round(rate_hz / highest_hz), round(rate_hz / lowest_hz))
        self._width = 3 + rules.swap_cepstra
        self._sums = np.zeros((2, 0, self._width))  # frames, voiced frames, sum of log2 pitch, sums of cepstra
        self._frames_seen = 0

    def add(self, signal: F32, levels_db: F64, quiet_db: F64, peak_db: F64) -> None:
        """Adds the frames of a segment.

        A frame counts for a track where it is near its peak level and the other track is well below its own.

        Args:
            signal: float32 [2, T] after the high-pass, full scale is 1.
            levels_db: float64 [2, T // frame] in dBFS, the levels of its frames.
            quiet_db: float64 [2] in dBFS, the noise level of each track.
            peak_db: float64 [2] in dBFS, the peak level of each track.
        """
        rules = self._rules
        frames = levels_db.shape[1]
        tiles = signal[:, : frames * self._frame].reshape(2, frames, self._frame)
        below_peak_db = peak_db[:, None] - levels_db
        loud = (below_peak_db < rules.swap_below_peak_db) & (levels_db > quiet_db[:, None] + rules.swap_above_noise_db)
        alone = below_peak_db[::-1] - below_peak_db >= rules.swap_margin_db
        pieces = (self._frames_seen + np.arange(frames)) // self._piece
        self._frames_seen += frames
        missing = int(pieces[-1]) + 1 - self._sums.shape[1] if frames else 0
        self._sums = np.concatenate([self._sums, np.zeros((2, max(missing, 0), self._width))], axis=1)
        for track in (0, 1):
            own = np.flatnonzero(loud[track] & alone[track])
            np.add.at(self._sums[track], pieces[own], self._describe(tiles[track, own]))
        while self._sums.shape[1] > rules.swap_max_pieces:
            even = self._sums.shape[1] // 2 * 2
            joined = self._sums[:, :even].reshape(2, -1, 2, self._width).sum(axis=2)
            self._sums = np.concatenate([joined, self._sums[:, even:]], axis=1)
            self._piece *= 2

    def _describe(self, frames: F32) -> F64:
        """Describes each frame: float64 [frames, width], which can be summed, from float32 [frames, frame]."""
        power = np.square(np.abs(rfft(frames * self._window, self._n_fft)))
        bands = np.log(power @ self._bands + 1e-12)
        # Without the first coefficient, which is the level.
        cepstrum = dct(bands, norm="ortho")[:, 1 : 1 + self._rules.swap_cepstra]
        # The root flattens the formants, so that the highest peak of the correlation is the pitch more often.
        correlation = irfft(np.sqrt(power))[:, : self._pitch_lags.stop]
        peaks = correlation[:, self._pitch_lags]
        lag = self._pitch_lags.start + np.argmax(peaks, axis=1)
        voiced = peaks.max(axis=1, initial=0) > self._rules.swap_voiced_above * correlation[:, 0]
        pitch = np.where(voiced, np.log2(self._rate_hz / lag), 0.0)
        return np.column_stack([np.ones(len(frames)), voiced, pitch, cepstrum]).astype(np.float64)

    def pieces(self) -> tuple[Pieces, Pieces]:
        """Gives the pieces of both tracks, as many of each."""
        piece_s = self._piece * self._frame / self._rate_hz
        return tuple(  # type: ignore[return-value]
            Pieces(
                piece_s=piece_s,
                frames=sums[:, 0],
                voiced=sums[:, 1],
                cepstrum=sums[:, 3:] / np.maximum(sums[:, :1], 1),
                pitch=sums[:, 2] / np.maximum(sums[:, 1], 1),
            )
            for sums in self._sums
        )


def _mel_bands(n_fft: int, rate_hz: int, rules: IsolationRules) -> F32:
    """Makes triangular filters over ``swap_bands_hz``, equally wide in mel: float32 [n_fft / 2 + 1, bands]."""
    low, high = (2595 * np.log10(1 + np.array(rules.swap_bands_hz) / 700)).tolist()
    mel = np.linspace(low, high, rules.swap_bands + 2)
    edges_hz = 700 * (10 ** (mel / 2595) - 1)
    hz = np.arange(n_fft // 2 + 1)[:, None] * rate_hz / n_fft
    rising = (hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    falling = (edges_hz[2:] - hz) / (edges_hz[2:] - edges_hz[1:-1])
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)
