"""Holds the rule set ``activity``: when a track holds speech, and where each stretch of it begins and ends."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["ActivityRules"]


@dataclass(frozen=True, kw_only=True)
class ActivityRules(RuleSet):
    """Sets when a network's probability is speech, where its edges lie, and what rooms and bleed take from it.

    Attributes:
        on_probability: a stretch of speech opens at this probability.
        off_probability: and closes below this one.
        min_speech_ms: shorter sounds are left out.
        min_silence_ms: shorter silences are closed.
        edge_search_ms: how far an edge may move into the stretch.
        edge_reach_ms: how far a beginning may move out of it; a breath before speech is longer.
        edge_reach_after_ms: how far an end may move out of it.
        edge_reach_share: a beginning may move freely through this share of the pause before it.
        edge_far_weight: what each hop beyond that costs a beginning; a hop of sound counts 1.
        edge_inside_ms: how far inside an edge the loudest hop is looked for.
        edge_context_ms: how far around a block noise is measured.
        edge_block_ms: length of the blocks for which noise is measured at once.
        edge_guard_ms: how far from speech noise is measured.
        edge_min_quiet_ms: with less silence around a block its noise is guessed from its quietest moments.
        edge_guess_percentile: of the power of a band: its quietest moments.
        edge_guess_factor: the noise, as a power, over that percentile.
        edge_guess_usual: the usual score of guessed noise.
        edge_guess_high: that score a standard deviation up.
        edge_empty_below_db: a band so far under the loudest is one that the line does not carry.
        edge_speech_snr_db: speech over noise in a band that speaks, as the likelihood ratio takes it.
        edge_ratio_max: the most that the likelihood ratio of a band counts; noise alone counts -1.
        edge_best_bands: bands that count in a hop.
        edge_noise_sigmas: how far over the usual score of noise sound begins, in standard deviations of that score.
        edge_zero_max: sound begins no higher than at this score, where the silences are restless.
        edge_sure_probability: of speech at which the network is sure.
        edge_min_sure_ms: with so much sure speech around a block its scores bound where sound begins.
        edge_sure_percentile: of the scores of sure speech: sound begins no higher.
        edge_digital_dbfs: a hop with no band over this is digital silence, and no noise where there are others.
        edge_silence_weight: how much a hop without sound counts against an edge beyond it; one with sound counts 1.
        edge_below_speech_db: what lies further under the peak of its stretch is no sound.
        edge_split_ms: silences of this length split a stretch.
        room_first_look_ms: length of the straight falls that are looked for first.
        room_fall_db: how deep a fall is followed once its slope is known.
        room_fall_min_ms: the shortest time for which it is followed.
        room_fall_max_ms: the longest.
        room_straight_db: how far a straight fall may lie from its line, RMS.
        room_fall_min_db_per_s: what falls more slowly is no fall.
        room_noise_percentile: of a track's level: its noise.
        room_above_noise_db: how far above the noise a fall must end, for noise bends it.
        room_before_end_ms: how long before the end of a stretch a fall may begin.
        room_after_end_ms: and how long after it.
        room_steep_percentile: of the falls of a track: that of its room.
        room_alike_ratio: slopes whose ratio is less agree.
        room_min_share: of the stretches must end in falls of the room's slope.
        room_min_falls: so many must, at the least.
        room_too_steep_ratio: measured slope over that of the room: the direct sound goes first.
        room_min_decay_db_per_s: slower falls are voices that fade.
        room_lag_ms: the line begins at what was said at least so long before.
        room_margin_db: and lies so much higher.
        room_no_speech_db: what a band counts that does not stand above the noise.
        room_best_bands: bands that must stand above the line, on average.
        room_scale_db: above or below the line by so much counts 1.
        bleed_max_db: louder bleed cannot be told from speech by level, and stays.
        bleed_margin_db: how far a track must lie above the copy to be its own speaker's.
        bleed_decay_db_per_s: how fast the copy dies away.
        bleed_tail_ms: for how long that is followed.
        bleed_blip_ms: what stands out of the copy for less is no speech.
        bleed_dip_ms: what dips into it for less is no silence.
    """

    name: ClassVar[str] = "activity"
    on_probability: float
    off_probability: float
    min_speech_ms: int
    min_silence_ms: int
    edge_search_ms: int
    edge_reach_ms: int
    edge_reach_after_ms: int
    edge_reach_share: float
    edge_far_weight: float
    edge_inside_ms: int
    edge_context_ms: int
    edge_block_ms: int
    edge_guard_ms: int
    edge_min_quiet_ms: int
    edge_guess_percentile: float
    edge_guess_factor: float
    edge_guess_usual: float
    edge_guess_high: float
    edge_empty_below_db: float
    edge_speech_snr_db: float
    edge_ratio_max: float
    edge_best_bands: int
    edge_noise_sigmas: float
    edge_zero_max: float
    edge_sure_probability: float
    edge_min_sure_ms: int
    edge_sure_percentile: float
    edge_digital_dbfs: float
    edge_silence_weight: float
    edge_below_speech_db: float
    edge_split_ms: int
    room_first_look_ms: int
    room_fall_db: float
    room_fall_min_ms: int
    room_fall_max_ms: int
    room_straight_db: float
    room_fall_min_db_per_s: float
    room_noise_percentile: float
    room_above_noise_db: float
    room_before_end_ms: int
    room_after_end_ms: int
    room_steep_percentile: float
    room_alike_ratio: float
    room_min_share: float
    room_min_falls: int
    room_too_steep_ratio: float
    room_min_decay_db_per_s: float
    room_lag_ms: int
    room_margin_db: float
    room_no_speech_db: float
    room_best_bands: int
    room_scale_db: float
    bleed_max_db: float
    bleed_margin_db: float
    bleed_decay_db_per_s: float
    bleed_tail_ms: int
    bleed_blip_ms: int
    bleed_dip_ms: int
