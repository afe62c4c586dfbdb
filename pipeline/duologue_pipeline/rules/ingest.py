"""Holds the rule set ``ingest``: which audio is usable, how a track is measured, and how its speech is cut."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["IngestRules"]


@dataclass(frozen=True, kw_only=True)
class IngestRules(RuleSet):
    """Limits what a recording may be, and says how its tracks are measured.

    The parameters are those of :class:`duologue_pipeline.ingest.measure.TrackMeter` and of
    :func:`duologue_pipeline.ingest.pieces.speech_pieces`.

    Attributes:
        min_duration_s: a shorter conversation is refused.
        max_duration_s: a longer one, too.
        length_tolerance_s: how far apart the ends of the two tracks may lie.
        same_audio_min_s: how much there must be between the first and the last sample that is not zero for a track to be known
            again whatever the silence around it.
        clipped_level: a sample of at least this magnitude counts as clipped; full scale is 1.
        silence_frame_s: length of the frames that are digital silence or not.
        bandwidth_frame_s: length of the frames of the spectrum.
        bandwidth_frames_per_s: how many of them are taken a second.
        bandwidth_floor_db: how far under the strongest frequency the band still counts as filled.
        bandwidth_smoothing_bins: how many frequencies are averaged, so that a single spurious line is no bandwidth.
        piece_max_ms: the longest piece of speech that is listened to at once.
        piece_join_ms: stretches this close are heard together: context helps.
        piece_margin_ms: how much is heard before and after them.
    """

    name: ClassVar[str] = "ingest"
    min_duration_s: float
    max_duration_s: float
    length_tolerance_s: float
    same_audio_min_s: float
    clipped_level: float
    silence_frame_s: float
    bandwidth_frame_s: float
    bandwidth_frames_per_s: int
    bandwidth_floor_db: float
    bandwidth_smoothing_bins: int
    piece_max_ms: int
    piece_join_ms: int
    piece_margin_ms: int
