"""Measures one track from its blocks: peak, level, clipping, silence, bandwidth.

The rule set is rules/ingest.json. Everything is computed in one pass over blocks of some seconds, so memory does not
depend on the length of the recording.
"""

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from duologue_pipeline.ingest.audio import Pcm
from duologue_pipeline.ingest.content_hash import ContentHash
from duologue_pipeline.records import TrackReport
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["SILENT_DBFS", "TrackMeter"]

SILENT_DBFS = -200.0
"""Stands for the level of digital silence."""


class TrackMeter:
    """Measures one track from its blocks.

    Args:
        sample_rate_hz: sampling rate of the track's file, in Hz.
        rules: the ingest rule set.
    """

    def __init__(self, sample_rate_hz: int, rules: IngestRules) -> None:
        self._rate_hz = sample_rate_hz
        self._rules = rules
        self._hash = ContentHash(round(rules.same_audio_min_s * sample_rate_hz))
        self._samples = 0
        self._sum = 0.0
        self._sum_of_squares = 0.0
        self._clipped = 0
        self._whole = True
        self._top, self._bottom = _Extreme(1), _Extreme(-1)
        self._last: Pcm = np.zeros(0, dtype=np.float32)
        self._frame = max(1, round(rules.silence_frame_s * sample_rate_hz))
        self._silent_frames = 0
        self._frames = 0
        self._spectrum_frame = max(16, round(rules.bandwidth_frame_s * sample_rate_hz))
        self._window = np.hanning(self._spectrum_frame)
        self._spectrum: npt.NDArray[np.float64] = np.zeros(self._spectrum_frame // 2 + 1)
        self.finite = True

    @property
    def samples(self) -> int:
        """Counts the samples taken so far."""
        return self._samples

    @property
    def peak(self) -> float:
        """Gives the largest magnitude of a sample so far; full scale is 1."""
        return max(self._top.value, self._bottom.value) if self._samples else 0.0

    @property
    def swing(self) -> float:
        """Gives half the distance from the lowest to the highest sample: the peak without direct current."""
        return (self._top.value + self._bottom.value) / 2 if self._samples else 0.0

    @property
    def whole_numbers(self) -> bool:
        """Tells whether every sample so far is a whole number."""
        return self._whole

    def push(self, pcm: Pcm) -> None:
        """Takes the next block of the track, float32 [T] in [-1, 1] at ``sample_rate_hz``; T may be 0."""
        if not len(pcm):
            return
        self._hash.push(pcm)
        self._samples += len(pcm)
        wide = pcm.astype(np.float64)
        power = float(np.einsum("i,i->", wide, wide))
        if not np.isfinite(power):
            self.finite = False
            return
        self._sum += float(wide.sum())
        self._sum_of_squares += power
        highest, lowest = pcm.max(), pcm.min()
        if max(highest, -lowest) >= self._rules.clipped_level:
            self._clipped += int(np.count_nonzero(np.abs(pcm) >= self._rules.clipped_level))
        self._whole = self._whole and bool((pcm == np.rint(pcm)).all())
        for extreme, value in (self._top, highest), (self._bottom, -lowest):
            extreme.push(self._last, pcm, float(value))
        self._last = np.concatenate([self._last, pcm])[-2:]
        whole = len(pcm) // self._frame * self._frame
        if whole:
            frames = pcm[:whole].reshape(-1, self._frame)
            # One value all along, though not that at which a loud sound is cut off. Most frames show it at their ends.
            first = frames[:, 0]
            alike = np.flatnonzero((first == frames[:, -1]) & (np.abs(first) < self._rules.clipped_level))
            self._silent_frames += int(np.count_nonzero((frames[alike] == first[alike, np.newaxis]).all(axis=1)))
            self._frames += len(frames)
        self._add_spectra(wide)

    def _add_spectra(self, pcm: npt.NDArray[np.float64]) -> None:
        """Adds the spectra of the louder half of evenly spaced frames of this block."""
        step = self._rate_hz // self._rules.bandwidth_frames_per_s
        if len(pcm) < self._spectrum_frame:
            return
        cut = sliding_window_view(pcm, self._spectrum_frame)[:: max(1, step)]
        # Direct current would leak into the lowest frequencies, and make every frame equally loud.
        frames = (cut - cut.mean(axis=1, keepdims=True)) * self._window
        energy = np.einsum("ij,ij->i", frames, frames)
        loud = energy >= max(float(np.median(energy)), 1e-12)
        clicks = loud & (_concentration(cut) >= self._rules.bandwidth_click_share)
        if clicks.sum() <= self._rules.bandwidth_max_clicks_share * loud.sum():
            loud &= ~clicks
        if loud.any():
            spectra = np.fft.rfft(frames[loud])
            self._spectrum += (np.square(spectra.real) + np.square(spectra.imag)).sum(axis=0)

    def _bandwidth_hz(self) -> int:
        lowest = round(self._rules.bandwidth_from_hz * self._spectrum_frame / self._rate_hz)
        peak = float(self._spectrum[lowest:].max(initial=0.0))
        if peak <= 0.0:
            return 0
        bins = self._rules.bandwidth_smoothing_bins
        smooth = np.convolve(self._spectrum, np.full(bins, 1 / bins), mode="same")
        above = np.flatnonzero(smooth >= peak * 10 ** (self._rules.bandwidth_floor_db / 10))
        return round(float(above[-1]) * self._rate_hz / self._spectrum_frame)

    def report(self) -> TrackReport:
        """Reports what was measured; call it after the last block."""
        samples = max(1, self._samples)
        mean = self._sum / samples
        # Where a converter or a coder cuts off below full scale, the extreme values come in runs.
        cut_off = sum(x.samples for x in (self._top, self._bottom) if x.is_cut_off(self._rules))
        return TrackReport(
            sample_rate_hz=self._rate_hz,
            samples=self._samples,
            samples_sha256=self._hash.hexdigest(),
            peak_dbfs=_dbfs(self.peak),
            level_dbfs=_dbfs(float(np.sqrt(max(0.0, self._sum_of_squares / samples - mean**2)))),
            dc=round(mean, 6),
            clipped_share=round(max(self._clipped, cut_off) / samples, 6),
            digital_silence_share=round(self._silent_frames / max(1, self._frames), 6),
            bandwidth_hz=self._bandwidth_hz(),
        )


class _Extreme:
    """Follows the highest value of a track (``sign`` 1) or its lowest one (-1), and how often it is reached."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self.value = -np.inf
        """The extreme times the sign."""
        self.samples = 0
        self._in_runs = 0

    def push(self, before: Pcm, pcm: Pcm, value: float) -> None:
        """Takes the next block, float32 [T], T at least 1.

        Args:
            before: the (up to) two samples before it.
            pcm: the block.
            value: its extreme times the sign.
        """
        if value > self.value:
            self.value, self.samples, self._in_runs = value, 0, 0
        if value == self.value:
            reached = np.concatenate([before, pcm]) == np.float32(self._sign * value)
            self.samples += int(np.count_nonzero(reached[len(before) :]))
            self._in_runs += int(np.count_nonzero(reached[:-2] & reached[1:-1] & reached[2:]))

    def is_cut_off(self, rules: IngestRules) -> bool:
        """Tells whether the extreme is a level at which the sound is cut off: loud, and often held for three samples."""
        return self.value >= rules.cut_off_level and self._in_runs >= rules.cut_off_min_runs


def _concentration(frames: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Gives the share of a frame's fourth difference that lies in one sample: near 1 for a click, 0.1 for a voice.

    Args:
        frames: float64 [frames, T].

    Returns:
        float64 [frames] in [0, 1].
    """
    edges = np.square(np.diff(frames, n=4, axis=1))
    return edges.max(axis=1) / np.maximum(edges.sum(axis=1), 1e-300)


def _dbfs(amplitude: float) -> float:
    return round(20 * float(np.log10(amplitude)), 2) if amplitude > 0 else SILENT_DBFS
