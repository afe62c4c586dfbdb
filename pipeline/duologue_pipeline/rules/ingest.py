"""Holds the rule set ``ingest``: which audio is usable, how a track is measured, and how its speech is cut."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["IngestRules"]


@dataclass(frozen=True, kw_only=True)
class IngestRules(RuleSet):
    """Limits what a recording may be, and says how its tracks are measured.

    The parameters are those of :class:`duologue_pipeline.ingest.meter.TrackMeter` and of
    :func:`duologue_pipeline.ingest.pieces.speech_pieces`.

    Attributes:
        min_duration_s: a shorter conversation is refused.
        max_duration_s: a longer one, too.
        min_rate_hz: an audio file of a lower sampling rate is refused.
        max_rate_hz: one of a higher rate, too.
        max_channels: and one of more channels.
        max_block_bytes: of the samples of one file, all channels as float32, this much is decoded at a time.
        length_tolerance_s: tracks that begin, or end, this close together are taken to do so at once; between others that lie
            further apart, one speaker is not there and cannot answer.
        max_peak_dbfs: a track with a higher peak is refused: its samples are no floats of full scale 1.
        min_peak_dbfs: so is one whose samples lie closer together: 16 bits hold next to nothing of it.
        same_audio_min_s: how much there must be between the first and the last sample that is not zero for a track to be known
            again whatever the silence around it.
        clipped_level: a sample of at least this magnitude counts as clipped; full scale is 1.
        cut_off_level: samples at a lower extreme value count, too, where that is at least this magnitude
        cut_off_min_runs: and it holds for three samples or more so often (each sample within such a run counts).
        silence_frame_s: length of the frames that are digital silence (one value all along) or not.
        bandwidth_frame_s: length of the frames of the spectrum.
        bandwidth_frames_per_s: how many of them are taken a second.
        bandwidth_from_hz: under it lies no frequency to compare with: hum is not how strong a voice is.
        bandwidth_floor_db: how far under the strongest frequency the band still counts as filled.
        bandwidth_smoothing_bins: how many frequencies are averaged, so that a single spurious line is no bandwidth.
        bandwidth_click_share: a frame is a click where so much of its fourth difference lies in one sample.
        bandwidth_max_clicks_share: clicks are left out unless they are a larger share of the louder frames.
        piece_max_ms: the longest piece of speech that is listened to at once.
        piece_join_ms: stretches this close are heard together: context helps.
        piece_margin_ms: how much is heard before and after them.
        sections_most: into how many parts a file may fall: joined files, holes.
        padding_bytes_most: so many zeros at the end of a file fill the last block of a disk; more could be a recording.
        mp3_stray_bytes_most: bytes that may lie before the first frame of an MP3 (a recorder of a broadcast starts in
            the middle of one), and zeros that may follow the last one where nothing counts the frames.
        mp3_delay_samples_most: a longer delay of an encoder is not believed; LAME's is 576, the longest known 2257.
        ogg_jitter_ms: by how much the times of an Ogg/Opus file may stray from its packets before that is a hole.
        gap_ms_least: the times of packets in other containers leap by more than this where something was never sent.
        clock_drift_ppm_most: by how much those times may run slower than the samples: a browser's clock is not the sound card's.
        index_bytes_most: a longer index of an MPEG-4 file is not read; one of four hours has some megabytes.
        unnamed_bytes_most: bytes among the sound of an MPEG-4 file that its index may leave out, beside zeros.
        decoder_memory_bytes: how much address space a process may take that decodes a file by itself.
        decoder_cpu_s_most: and how many seconds of a processor; AAC of four hours takes less than one minute.
    """

    name: ClassVar[str] = "ingest"
    min_duration_s: float
    max_duration_s: float
    min_rate_hz: int
    max_rate_hz: int
    max_channels: int
    max_block_bytes: int
    length_tolerance_s: float
    max_peak_dbfs: float
    min_peak_dbfs: float
    same_audio_min_s: float
    clipped_level: float
    cut_off_level: float
    cut_off_min_runs: int
    silence_frame_s: float
    bandwidth_frame_s: float
    bandwidth_frames_per_s: int
    bandwidth_from_hz: float
    bandwidth_floor_db: float
    bandwidth_smoothing_bins: int
    bandwidth_click_share: float
    bandwidth_max_clicks_share: float
    piece_max_ms: int
    piece_join_ms: int
    piece_margin_ms: int
    sections_most: int
    padding_bytes_most: int
    mp3_stray_bytes_most: int
    mp3_delay_samples_most: int
    ogg_jitter_ms: int
    gap_ms_least: int
    clock_drift_ppm_most: int
    index_bytes_most: int
    unnamed_bytes_most: int
    decoder_memory_bytes: int
    decoder_cpu_s_most: int
