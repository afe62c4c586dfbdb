"""Measures both tracks of a recording in one pass, and refuses audio that cannot be used.

The rule set is rules/ingest.json. Everything is computed in one pass over blocks of some seconds, so memory does not
depend on the length of the recording.
"""

import hashlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import PairDecoder, Pcm
from duologue_pipeline.records import AudioReport, Recording, Track, TrackReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["TrackMeter", "measure_audio"]

_SILENT_DBFS = -200.0


class TrackMeter:
    """Measures one track from its blocks.

    Args:
        sample_rate_hz: sampling rate of the track's file, in Hz.
        rules: the ingest rule set.
    """

    def __init__(self, sample_rate_hz: int, rules: IngestRules) -> None:
        self._rate_hz = sample_rate_hz
        self._rules = rules
        self._hash = hashlib.sha256()
        self._samples = 0
        self._sum = 0.0
        self._sum_of_squares = 0.0
        self._peak = 0.0
        self._clipped = 0
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

    def push(self, pcm: Pcm) -> None:
        """Takes the next block of the track, float32 [T] in [-1, 1] at ``sample_rate_hz``; T may be 0."""
        if not len(pcm):
            return
        self._hash.update(np.ascontiguousarray(pcm).astype("<f4", copy=False).data)
        self._samples += len(pcm)
        power = float(np.dot(pcm, pcm))
        if not np.isfinite(power):
            self.finite = False
            return
        magnitude = np.abs(pcm)
        self._peak = max(self._peak, float(magnitude.max()))
        self._sum += float(pcm.sum(dtype=np.float64))
        self._sum_of_squares += float(np.einsum("i,i->", pcm, pcm, dtype=np.float64))
        self._clipped += int(np.count_nonzero(magnitude >= self._rules.clipped_level))
        whole = len(pcm) // self._frame * self._frame
        if whole:
            quiet = magnitude[:whole].reshape(-1, self._frame).max(axis=1) == 0.0
            self._silent_frames += int(np.count_nonzero(quiet))
            self._frames += len(quiet)
        self._add_spectra(pcm)

    def _add_spectra(self, pcm: Pcm) -> None:
        """Adds the spectra of the louder half of evenly spaced frames of this block."""
        step = self._rate_hz // self._rules.bandwidth_frames_per_s
        starts = np.arange(0, len(pcm) - self._spectrum_frame + 1, max(1, step))
        if not len(starts):
            return
        frames = pcm[starts[:, None] + np.arange(self._spectrum_frame)] * self._window
        energy = np.einsum("ij,ij->i", frames, frames)
        loud = frames[energy >= max(float(np.median(energy)), 1e-12)]
        if len(loud):
            self._spectrum += np.einsum("ij->j", np.abs(np.fft.rfft(loud)) ** 2)

    def _bandwidth_hz(self) -> int:
        peak = float(self._spectrum.max())
        if peak <= 0.0:
            return 0
        bins = self._rules.bandwidth_smoothing_bins
        smooth = np.convolve(self._spectrum, np.full(bins, 1 / bins), mode="same")
        above = np.flatnonzero(smooth >= peak * 10 ** (self._rules.bandwidth_floor_db / 10))
        return round(float(above[-1]) * self._rate_hz / self._spectrum_frame)

    def report(self) -> TrackReport:
        """Reports what was measured; call it after the last block."""
        samples = max(1, self._samples)
        return TrackReport(
            sample_rate_hz=self._rate_hz,
            samples=self._samples,
            samples_sha256=self._hash.hexdigest(),
            peak_dbfs=_dbfs(self._peak),
            level_dbfs=_dbfs(float(np.sqrt(self._sum_of_squares / samples))),
            dc=round(self._sum / samples, 6),
            clipped_share=round(self._clipped / samples, 6),
            digital_silence_share=round(self._silent_frames / max(1, self._frames), 6),
            bandwidth_hz=self._bandwidth_hz(),
        )


def _dbfs(amplitude: float) -> float:
    return round(20 * float(np.log10(amplitude)), 2) if amplitude > 0 else _SILENT_DBFS


def measure_audio(recording: Recording, *, rules: IngestRules | None = None) -> AudioReport:
    """Decodes both tracks of a recording and measures them.

    Args:
        recording: its tracks are opened.
        rules: an ingest rule set; the packaged one by default.

    Returns:
        The report of both tracks; ``duration_ms`` is that of the longer one on the conversation's clock.

    Raises:
        RejectError: any of the ``audio_*`` reasons of :data:`duologue_pipeline.errors.REASONS`. When several
            hold, the one that stands first there.
    """
    rules = rules or load_rules(IngestRules)
    with PairDecoder(recording) as decoder:
        rates = decoder.sample_rates_hz
        meters = TrackMeter(rates[0], rules), TrackMeter(rates[1], rules)
        # One moment after the limit is enough to know that a recording is too long; the rest is not decoded.
        limit_s = rules.max_duration_s + max(0.0, *(-track.offset_s for track in recording.tracks))
        for blocks in decoder.blocks():
            for meter, block in zip(meters, blocks, strict=True):
                meter.push(block)
            if max(m.samples / rate for m, rate in zip(meters, rates, strict=True)) > limit_s:
                break
        known = decoder.delays_known
    a, b = (replace(meter.report(), delay_known=own) for meter, own in zip(meters, known, strict=True))
    reports = a, b
    for track, meter, report in zip(recording.tracks, meters, reports, strict=True):
        _check_track(track, meter, report)
    if reports[0].samples_sha256 == reports[1].samples_sha256:
        raise RejectError(
            "audio_duplicate_samples",
            f"{recording.a.uri} channel {recording.a.channel} and {recording.b.uri} channel {recording.b.channel} hold "
            "the same samples (a duplicate signal); give each speaker's own track",
        )
    return _check_lengths(recording, reports, rules)


def _check_track(track: Track, meter: TrackMeter, report: TrackReport) -> None:
    place = f"{track.uri} channel {track.channel}"
    if report.samples == 0:
        raise RejectError("audio_empty", f"{place}: the track has no samples; export it again")
    if not meter.finite:
        raise RejectError(
            "audio_not_finite", f"{place}: the samples hold NaN or infinity; export the track again as PCM"
        )
    if report.peak_dbfs == _SILENT_DBFS:
        raise RejectError(
            "audio_all_zero",
            f"{place}: every sample of {report.samples / report.sample_rate_hz:.1f} s is zero; "
            "the channel was not recorded: find the right channel or leave the recording out",
        )


def _check_lengths(recording: Recording, reports: tuple[TrackReport, TrackReport], rules: IngestRules) -> AudioReport:
    ends_s = [t.offset_s + r.samples / r.sample_rate_hz for t, r in zip(recording.tracks, reports, strict=True)]
    duration_s = max(ends_s)
    names = f"{recording.a.uri} and {recording.b.uri}"
    if duration_s < rules.min_duration_s:
        raise RejectError(
            "audio_too_short",
            f"{names}: {duration_s:.4f} s is less than the minimum of {rules.min_duration_s} s; leave it out",
        )
    if duration_s > rules.max_duration_s:
        raise RejectError(
            "audio_too_long",
            f"{names}: longer than the maximum of {rules.max_duration_s / 3600:g} h; cut it into conversations",
        )
    if abs(ends_s[0] - ends_s[1]) > rules.length_tolerance_s:
        raise RejectError(
            "audio_length_mismatch",
            f"{names}: the tracks end at {ends_s[0]:.2f} s and {ends_s[1]:.2f} s (offsets applied), which is more "
            f"than {rules.length_tolerance_s} s apart; check that they belong together and set `offset_s`",
        )
    return AudioReport(duration_ms=round(duration_s * 1000), a=reports[0], b=reports[1])
