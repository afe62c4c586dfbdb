"""Holds the rule set ``simulate``: who speaks when, how it sounds, and what a corpus is drawn from.

docs/simulate.md says where each figure comes from. A pair is a range that is drawn from evenly; a figure called a share
is one in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["SimulateRules"]


@dataclass(frozen=True, kw_only=True)
class SimulateRules(RuleSet):
    """Sets what :mod:`duologue_pipeline.simulate` draws conversations from.

    Attributes:
        fto_mode_s: the most frequent floor-transfer offset.
        fto_logistic_scale_s: scale of the logistic distribution around it.
        fto_late_share: how many of the offsets are later than that.
        fto_late_mean_s: by how much, on average (exponential).
        fto_max_s: the longest offset.
        fto_earliest_share: no turn begins before this share of the last unit of the one before.
        fto_max_draws: how often an offset that finds no room is drawn anew.
        ipus_per_turn_mean: mean number of units in a turn, drawn for each speaker.
        pause_median_s: median of the pauses within a turn.
        pause_log_sigma: standard deviation of their logarithm.
        pause_min_s: the shortest of them.
        pause_max_s: the longest of them.
        own_silence_min_s: how far apart two utterances of a speaker are at least.
        listener_alone_s: how far apart what a listener says is from their other utterances.
        lead_s: when the first turn begins.
        tail_s: silence at the end.
        backchannels_per_partner_minute: language -> how many, a minute of the partner's speech; ``default`` for others.
        backchannels_in_silence_share: how many are aimed at a pause.
        backchannel_after_s: how long after the speaker's end these begin.
        backchannel_onset_share: where in a unit of the speaker the others begin.
        interrupted_turns_share: how many turns are broken off for an interruption.
        interruption_onset_share: where in the last unit it begins.
        interruption_min_cut_s: how much of that unit is lost at least.
        stop_latency_s: how long after its beginning the speaker breaks off.
        failed_interruptions_per_partner_minute: interruptions that fail, a minute of the partner's speech.
        failed_interruption_s: how long they last.
        failed_interruption_onset_share: where in a unit they begin.
        failed_interruption_before_end_s: how long before its end they end at least.
        listener_gain_db: level of what a listener says, relative to that of turns.
        utterance_gain_sigma_db: standard deviation of the level from utterance to utterance.
        cut_fade_ms: how fast what is broken off fades.
        clip_frame_ms: frames in which it is found where a clip sounds.
        clip_loud_below_peak_db: frames up to this far under the loudest make up the level of its speech.
        clip_below_speech_db: how far under that level it still sounds.
        clip_joined_ms: shorter silences are part of it.
        clip_fade_ms: how fast both ends of a clip fade.
        clip_s: the shortest and the longest clip of recorded voices.
        backchannel_max_s: the longest clip that is a backchannel.
        recorded_voice_min_s: speech that a recorded voice needs.
        recorded_stand_in_s: length of the beginnings that stand for the backchannels of a voice that has none.
        recorded_stand_ins: how many of them.
        room_direct_to_tail_db: level of the direct sound relative to the reverberation.
        room_first_reflection_ms: when that begins.
        room_noise_corner_hz: from where on the noise of a room falls by 6 dB an octave.
        sent_after_speech_ms: how long a track with silence suppression is sent after its speaker's end.
        bleed_direct_to_tail_db: level of the direct sound relative to the reverberation, of bleed through a room.
        bleed_direct_taps: how many reflections bleed on a short way has at most.
        bleed_direct_tap_amplitude: their largest amplitude, either sign, relative to the direct sound.
        bleed_direct_taps_within_ms: until when they come.
        early_ms: what of bleed counts as early in the truth.
        dropout_s: how long lost packets are.
        separation_window_ms: window of the transform in which a mix is pulled apart.
        drawn_lines: line -> its probability; this and what follows is what :func:`random_specs` draws from.
        drawn_hum_share: how many conversations have a hum.
        drawn_hum_dbfs: its level.
        drawn_level_dbfs: level of the speech.
        drawn_noise_dbfs: level of the noise.
        drawn_noise_below_speech_db: how far under the speech it is at least.
        drawn_silences: what is sent between the utterances -> its probability.
        drawn_speed: how fast a voice is played.
        drawn_room_share: how many sides have a room.
        drawn_room_t60_s: its reverberation.
        drawn_bleed_both_share: how much of the bleed is in both directions.
        drawn_bleed_db: level of bleed.
        drawn_bleed_short_lag_ms: its lag, in a third of the cases; another third has none.
        drawn_bleed_lag_ms: its lag in the last third.
        drawn_bleed_changing_share: how much of the bleed changes its level.
        drawn_bleed_change_db: by how much, up or down.
        drawn_bleed_change_at_share: between which shares of the conversation it does so.
        drawn_bleed_room_share: how much of the bleed comes through a room.
        drawn_bleed_room_t60_s: the reverberation of that.
        drawn_duplicate_mix_share: how many duplicates are of both speakers.
        drawn_duplicate_gain_db: gain of the second track.
        drawn_duplicate_delays_ms: its delay, one of these.
        drawn_duplicate_noise_db: level of the noise of each track, relative to the signal.
        drawn_mono_mix_noise_db: the same of a mono mix.
        drawn_suppression_depth_db: how far a track is turned down.
        drawn_suppression_attack_ms: how fast.
        drawn_suppression_release_ms: how fast it comes up again.
        drawn_swap_at_share: where in the conversation the speakers change tracks.
        drawn_offset_s: by how much a track is late or early.
        drawn_offset_bleed_share: how many conversations with an offset bleed as well.
        drawn_offset_bleed_db: level of that bleed.
        drawn_drift_ppm: how fast or slow a clock is.
        drawn_drift_bleed_db: level of the bleed that comes with it.
        drawn_separated_leak_db: how far down the masks go.
        drawn_clipping_log10_share: share of the speech that is cut off, as its decimal logarithm.
        drawn_dropouts_per_minute: how often packets are lost.
    """

    name: ClassVar[str] = "simulate"

    # Turns.
    fto_mode_s: float
    fto_logistic_scale_s: float
    fto_late_share: float
    fto_late_mean_s: float
    fto_max_s: float
    fto_earliest_share: float
    fto_max_draws: int
    ipus_per_turn_mean: tuple[float, float]
    pause_median_s: float
    pause_log_sigma: float
    pause_min_s: float
    pause_max_s: float
    own_silence_min_s: float
    listener_alone_s: float
    lead_s: tuple[float, float]
    tail_s: float

    # What the listener says.
    backchannels_per_partner_minute: Mapping[str, float]
    backchannels_in_silence_share: float
    backchannel_after_s: tuple[float, float]
    backchannel_onset_share: tuple[float, float]
    interrupted_turns_share: float
    interruption_onset_share: tuple[float, float]
    interruption_min_cut_s: float
    stop_latency_s: tuple[float, float]
    failed_interruptions_per_partner_minute: float
    failed_interruption_s: tuple[float, float]
    failed_interruption_onset_share: tuple[float, float]
    failed_interruption_before_end_s: float
    listener_gain_db: float
    utterance_gain_sigma_db: float
    cut_fade_ms: int

    # Clips of voices.
    clip_frame_ms: int
    clip_loud_below_peak_db: float
    clip_below_speech_db: float
    clip_joined_ms: int
    clip_fade_ms: int
    clip_s: tuple[float, float]
    backchannel_max_s: float
    recorded_voice_min_s: float
    recorded_stand_in_s: float
    recorded_stand_ins: int

    # Rooms, devices and faults.
    room_direct_to_tail_db: float
    room_first_reflection_ms: float
    room_noise_corner_hz: float
    sent_after_speech_ms: int
    bleed_direct_to_tail_db: float
    bleed_direct_taps: int
    bleed_direct_tap_amplitude: float
    bleed_direct_taps_within_ms: float
    early_ms: float
    dropout_s: tuple[float, float]
    separation_window_ms: int

    # A corpus: lines and sides.
    drawn_lines: Mapping[str, float]
    drawn_hum_share: float
    drawn_hum_dbfs: tuple[float, float]
    drawn_level_dbfs: tuple[float, float]
    drawn_noise_dbfs: tuple[float, float]
    drawn_noise_below_speech_db: float
    drawn_silences: Mapping[Literal["noise", "digital", "comfort"], float]
    drawn_speed: tuple[float, float]
    drawn_room_share: float
    drawn_room_t60_s: tuple[float, float]

    # A corpus: faults.
    drawn_bleed_both_share: float
    drawn_bleed_db: tuple[float, float]
    drawn_bleed_short_lag_ms: tuple[float, float]
    drawn_bleed_lag_ms: tuple[float, float]
    drawn_bleed_changing_share: float
    drawn_bleed_change_db: tuple[float, float]
    drawn_bleed_change_at_share: tuple[float, float]
    drawn_bleed_room_share: float
    drawn_bleed_room_t60_s: tuple[float, float]
    drawn_duplicate_mix_share: float
    drawn_duplicate_gain_db: tuple[float, float]
    drawn_duplicate_delays_ms: tuple[float, ...]
    drawn_duplicate_noise_db: tuple[float, float]
    drawn_mono_mix_noise_db: tuple[float, float]
    drawn_suppression_depth_db: tuple[float, float]
    drawn_suppression_attack_ms: tuple[float, float]
    drawn_suppression_release_ms: tuple[float, float]
    drawn_swap_at_share: tuple[float, float]
    drawn_offset_s: tuple[float, float]
    drawn_offset_bleed_share: float
    drawn_offset_bleed_db: tuple[float, float]
    drawn_drift_ppm: tuple[float, float]
    drawn_drift_bleed_db: tuple[float, float]
    drawn_separated_leak_db: tuple[float, float]
    drawn_clipping_log10_share: tuple[float, float]
    drawn_dropouts_per_minute: tuple[float, float]
