"""Measures both tracks of a recording in one pass, and refuses audio that cannot be used.

The rule set is rules/ingest.json. Everything is computed in one pass over blocks of some seconds, so memory does not
depend on the length of the recording.
"""

import math
from dataclasses import replace

import numpy as np

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import PairDecoder, Pcm, Placer
from duologue_pipeline.ingest.meter import TrackMeter
from duologue_pipeline.ingest.usable import check_lengths, check_track
from duologue_pipeline.records import SPEAKERS, AudioReport, Ingested, Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["ingest_recording", "measure_audio"]


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
        placed = _PlacedPeaks(recording, rates)
        # One moment after the limit is enough to know that a recording is too long; the rest is not decoded.
        limit_s = rules.max_duration_s + max(0.0, *(-track.offset_s for track in recording.tracks))
        for blocks in decoder.blocks():
            for meter, block in zip(meters, blocks, strict=True):
                meter.push(block)
            placed.push(blocks)
            if max(m.samples / rate for m, rate in zip(meters, rates, strict=True)) > limit_s:
                break
        known = decoder.delays_known
    a, b = (replace(meter.report(), delay_known=own) for meter, own in zip(meters, known, strict=True))
    reports = a, b
    for speaker, track, meter, report in zip(SPEAKERS, recording.tracks, meters, reports, strict=True):
        check_track(track, meter, report, speaker=speaker, rules=rules)
    if reports[0].samples_sha256 == reports[1].samples_sha256:
        raise RejectError(
            "audio_duplicate_samples",
            f"{recording.a.uri} channel {recording.a.channel} and {recording.b.uri} channel {recording.b.channel} hold "
            "the same samples (a duplicate signal); give each speaker's own track",
        )
    duration_s = check_lengths(recording, reports, rules)
    gain_db = _gain_db(max(meters[0].peak, meters[1].peak, placed.finish()))
    return AudioReport(duration_ms=round(duration_s * 1000), a=reports[0], b=reports[1], gain_db=gain_db)


def ingest_recording(recording: Recording) -> Ingested:
    """Measures both tracks of a recording, and has them turned down from then on where they go over full scale.

    Raises:
        RejectError: as :func:`measure_audio`.
    """
    audio = measure_audio(recording)
    return Ingested(replace(recording, gain_db=audio.gain_db), audio)


class _PlacedPeaks:
    """Follows the peak that a track has after it was resampled to the rate of the other one: it may pass its own."""

    def __init__(self, recording: Recording, rates_hz: tuple[int, int]) -> None:
        rate_hz = max(rates_hz)
        self._placers = [
            None if own_hz == rate_hz else Placer(track.offset_s, own_hz, rate_hz)
            for track, own_hz in zip(recording.tracks, rates_hz, strict=True)
        ]
        self._peak = 0.0

    def push(self, blocks: tuple[Pcm, Pcm]) -> None:
        """Takes the next block of each track, float32 [T] each at its own rate."""
        for placer, block in zip(self._placers, blocks, strict=True):
            for placed in () if placer is None else placer.push(block):
                self._add(placed)

    def finish(self) -> float:
        """Gives the peak, 0 where no track is resampled."""
        for placer in self._placers:
            if placer is not None:
                self._add(placer.finish())
        return self._peak

    def _add(self, placed: Pcm) -> None:
        self._peak = max(self._peak, float(np.abs(placed).max(initial=0.0)))


def _gain_db(peak: float) -> float:
    """Gives by how much, in tenths of a dB and at most 0, sound of this peak is turned so that it fits full scale."""
    return -math.ceil(round(200 * math.log10(peak), 9)) / 10 if peak > 1 else 0.0
