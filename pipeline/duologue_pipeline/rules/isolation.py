"""Holds the rule set ``isolation``: how bleed and faults of two tracks are measured, and from where on they count.

docs/isolation.md says what the measurements are. The attributes stand in their order; the level of a track is in dB
relative to full scale, that of a copy relative to its source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["IsolationRules"]


@dataclass(frozen=True, kw_only=True)
class IsolationRules(RuleSet):
    """Sets the thresholds of the verdict and how :class:`duologue_pipeline.isolation.meter.IsolationMeter` measures.

    Attributes:
        faults: fault -> the verdict that it makes of a recording.
        fail_above_db: bleed above it fails.
        warn_above_db: bleed above it warns; a floor above it leaves a direction unjudged.
        verdict_share: bleed counts at the level that it reaches in this share of the evidence, if above its median.
        min_solo_s: a direction with less evidence has no figures.
        open_question_speech_s: whose source speaks for this long, yet cannot be judged, leaves a question open.
        highpass_hz: cutoff of the high-pass over both tracks; lags, too, are found above it only.
        highpass_order: order of that Butterworth filter.
        frame_and_max_lag_ms: length of a frame, and the largest lag at which bleed is looked for.
        segment_s: how much audio is measured at a time.
        noise_percentile: of a track's frame levels: its noise level.
        speech_percentile: of a track's frame levels: its peak level.
        speech_above_noise_db: how far above the noise level speech begins.
        speech_range_share: or how far from noise to peak, as a share, if that is lower.
        speech_min_range_db: with less between noise and peak, nobody speaks.
        speech_below_peak_db: how far under the peak level speech ends.
        digital_silence_dbfs: no noise level is taken to be lower.
        solo_margin_db: a listener this much weaker than the speaker is silent.
        solo_level_tolerance_db: where tracks have different gains, how much nearer its own peak the listener may be.
        heavy_above_db: bleed at least this loud is believed where the source is merely the louder one.
        heavy_min_coherence: if it makes up this share of the track's power there.
        min_silence_s: with this much silence, what both tracks share in it is subtracted.
        max_spans: how many stretches of evidence are told.
        group_s: evidence in a group.
        group_max_s: how far a group may reach.
        max_groups: how many groups a direction keeps before neighbours are joined.
        block_s: evidence in a block, each of which has a level.
        max_blocks: how many of them a direction has at most.
        lag_ignored_below_db: frequencies this far under the strongest one have no weight in the lag.
        lag_taper_share: share of the lags over which the correlation fades at both ends.
        lag_peak_min_sigma: how far the lag of all evidence must stand out.
        group_peak_min_sigma: how far that of a group must, to be found by itself.
        group_near_line_min_sigma: how far that of a group must, where the others say it lies.
        path_min_groups: how many groups must show the copy for a path.
        path_min_share: which share of those that show a copy must lie on one line.
        path_reach_ms: how far from the line the copy of a group may lie.
        path_line_ms: how far from it a group supports the line.
        sharpen_max_cycles: frequencies that moved by more cycles within a group are not given back what they lost.
        sharpen_min_share: no less is taken to be left of a frequency.
        filter_ms: length of the filter that predicts the copy.
        filter_before_lag_ms: how much of it lies before the lag.
        filter_ridge_db: power added to the source's, relative to it, so that the filter can be solved for.
        long_filter_ms: length of the filter that also takes in a room's tail.
        chance_guard_ms: how far from the copy filters are fitted to see what chance explains.
        floor_above_chance_db: how far above chance a copy must be.
        lowest_floor_db: no floor is taken to be lower.
        tail_above_floor_db: a copy this far above its floor is asked for its tail.
        tail_max_db: how much the tail may add.
        duplicate_min_s: less loud time is no duplicate.
        duplicate_correlation: tracks whose samples correlate by this are one signal.
        duplicate_min_coherence: or tracks of which one filter explains this share of a segment,
        duplicate_max_gain_db: at a gain within this, either way,
        duplicate_explained_share: leaving no more than the rest of a frame's power unexplained,
        duplicate_frames_share: in this share of the loud frames.
        level_frame_ms: length of the frames that turns and voices are judged by.
        levels_max_h: how much of a recording is judged by them.
        own_above_copy_db: speech is a track's own if this far above the copy of the partner's.
        turn_join_ms: speech less than this apart is one stretch.
        turn_min_ms: a shorter stretch is left out.
        mono_min_s: one signal shorter than this is not told apart.
        mono_silence_s: a silence of this length is a long one.
        mono_max_silence_share: up to this share of long silences there are two voices in it.
        mono_single_silence_share: from this share on there is one.
        offset_min_lead_ms: a copy this long before its source shows that its track is late.
        offset_max_s: the largest offset that is looked for.
        shift_range_db: for them, what is so far below the loud speech of its track is not turned up any more.
        shift_smoothing_hz: over how many frequencies the spectrum is brought to one level, for copies that lie far off.
        shift_empty_band_db: bands so far below the strongest one hold no speech, and hardly count.
        shift_neighbours_s: the lags around a lag that its correlation is held against.
        shift_min_sigma: how far such a copy must stand out.
        offset_min_recording_s: seconds of a recording,
        offset_min_turns: and turns of each speaker to judge by.
        offset_far_s: lags of so many seconds tie no answers together; each count is held against those there.
        response_s: how long after the partner's end people most often begin.
        response_spread_s: standard deviation of the bell by which answers at a lag are counted.
        response_early_s: standard deviation of speakers' delays towards earlier ones,
        response_late_s: by how much later a delay is half as usual,
        response_range_s: and between which delays it lies.
        offset_min_s: the smallest offset that is found by turns.
        offset_overlap_weight: how much speech of both at once counts, against an answer.
        offset_log_odds_slope: how much the evidence for an offset counts,
        offset_log_odds: and the logarithm of how much likelier an offset is than none where it says nothing.
        offset_found_from: an offset that is this likely is found,
        offset_none_up_to: and one that is no likelier than this is not there.
        suppression_away_ms: how far from speech a floor is measured.
        suppression_into_talk_ms: how far into the other one's speech it is.
        suppression_min_evidence_s: time needed with, and without, the other one talking.
        suppression_silence_percentile: of the levels while nobody talks: the floor.
        suppression_talk_percentile: of the levels while the other one talks: the floor then.
        suppression_min_db: how far the floor must drop.
        suppression_min_turns: turns of each speaker to judge cut ends by.
        suppression_cut_before_ms: an end this long before the other's beginning is cut.
        suppression_cut_after_ms: an end this long after it, too.
        suppression_cut_later_ms: a later end, up to here, is natural overlap.
        suppression_min_cuts: how many cut ends are needed.
        suppression_min_cut_share: which share of one's ends they are.
        suppression_max_overlapped_share: how many ends may be overlapped, as a share of the cut ones.
        swap_piece_s: length of the pieces by which voices are described.
        swap_max_pieces: how many are kept before neighbours are joined.
        swap_below_peak_db: how far under its peak level a voice is listened to,
        swap_above_noise_db: how far above the noise level,
        swap_margin_db: and how much further the other one is below its own peak.
        swap_bands: mel bands of the spectrum.
        swap_bands_hz: where the lowest begins and the highest ends.
        swap_cepstra: coefficients of the cepstrum.
        swap_pitch_hz: the lowest and the highest pitch.
        swap_voiced_above: a frame whose correlation has this peak, as a share of its power, has a pitch.
        swap_min_piece_frames: a piece with fewer frames is not used.
        swap_min_pieces: with fewer pieces a voice has no variation to compare with.
        swap_min_side_s: speech of each voice before and after the swap.
        swap_min_distance: how far the voices change places, in standard deviations of a frame.
        swap_min_strength: how many times its noise that is.
        swap_max_common_share: how much both may change alike, as a share of that, in power.
        swap_even_ratio: a swap is as likely as none where what turns round is this share of what lasts, in amplitude.
        swap_ratio_exponent: how steeply the odds rise with that.
        swap_found_from: a swap that is this likely is found,
        swap_none_up_to: and one that is no likelier than this is not there,
        swap_none_unseen_share: if no more than this at either end is without enough speech of both.
        swap_most_confidence: no more is ever stated.
        drift_scan_max_ppm: the fastest drift that is looked for where no group shows the copy.
        drift_scan_step_ms: and by which steps.
        drift_max_ppm: the fastest that is looked for where groups do.
        drift_lag_error_samples: by how much a group's lag is off at least.
        drift_min_errors: a drift is this many standard errors.
        drift_max_error_ppm: a direction with a larger standard error is not used.
        drift_min_ppm: a slower drift is none.
        drift_max_disagreement: by how many standard errors the directions may differ,
        drift_max_disagreement_ppm: if also by more than this.
        drift_max_unsteady: by how many standard errors a half may drift otherwise than the whole, and by no more than that.
    """

    name: ClassVar[str] = "isolation"

    # The verdict.
    faults: Mapping[str, Literal["fail", "warn"]]
    fail_above_db: float
    warn_above_db: float
    verdict_share: float
    min_solo_s: float
    open_question_speech_s: float

    # The signal and its frames.
    highpass_hz: float
    highpass_order: int
    frame_and_max_lag_ms: float
    segment_s: float

    # Who speaks.
    noise_percentile: float
    speech_percentile: float
    speech_above_noise_db: float
    speech_range_share: float
    speech_min_range_db: float
    speech_below_peak_db: float
    digital_silence_dbfs: float

    # Bleed: what is evidence of it.
    solo_margin_db: float
    solo_level_tolerance_db: float
    heavy_above_db: float
    heavy_min_coherence: float
    min_silence_s: float
    max_spans: int

    # Bleed: groups and blocks of evidence.
    group_s: float
    group_max_s: float
    max_groups: int
    block_s: float
    max_blocks: int

    # Bleed: lag, and how it moves.
    lag_ignored_below_db: float
    lag_taper_share: float
    lag_peak_min_sigma: float
    group_peak_min_sigma: float
    group_near_line_min_sigma: float
    path_min_groups: int
    path_min_share: float
    path_reach_ms: float
    path_line_ms: float
    sharpen_max_cycles: float
    sharpen_min_share: float

    # Bleed: level and floor.
    filter_ms: float
    filter_before_lag_ms: float
    filter_ridge_db: float
    long_filter_ms: float
    chance_guard_ms: float
    floor_above_chance_db: float
    lowest_floor_db: float
    tail_above_floor_db: float
    tail_max_db: float

    # Duplicate.
    duplicate_min_s: float
    duplicate_correlation: float
    duplicate_min_coherence: float
    duplicate_max_gain_db: float
    duplicate_explained_share: float
    duplicate_frames_share: float

    # Turns, for the faults below.
    level_frame_ms: float
    levels_max_h: float
    own_above_copy_db: float
    turn_join_ms: float
    turn_min_ms: float

    # Mono mix.
    mono_min_s: float
    mono_silence_s: float
    mono_max_silence_share: float
    mono_single_silence_share: float

    # Offset: by a copy before its source, by a copy far off, by turns.
    offset_min_lead_ms: float
    offset_max_s: float
    shift_range_db: float
    shift_smoothing_hz: float
    shift_empty_band_db: float
    shift_neighbours_s: float
    shift_min_sigma: float
    offset_min_recording_s: float
    offset_min_turns: int
    offset_far_s: tuple[float, float]
    response_s: float
    response_spread_s: float
    response_early_s: float
    response_late_s: float
    response_range_s: tuple[float, float]
    offset_min_s: float
    offset_overlap_weight: float
    offset_log_odds_slope: float
    offset_log_odds: float
    offset_found_from: float
    offset_none_up_to: float

    # Over-suppression: by the floor, by cut ends.
    suppression_away_ms: float
    suppression_into_talk_ms: float
    suppression_min_evidence_s: float
    suppression_silence_percentile: float
    suppression_talk_percentile: float
    suppression_min_db: float
    suppression_min_turns: int
    suppression_cut_before_ms: float
    suppression_cut_after_ms: float
    suppression_cut_later_ms: float
    suppression_min_cuts: int
    suppression_min_cut_share: float
    suppression_max_overlapped_share: float

    # Swap: how voices are described, and when they change places.
    swap_piece_s: float
    swap_max_pieces: int
    swap_below_peak_db: float
    swap_above_noise_db: float
    swap_margin_db: float
    swap_bands: int
    swap_bands_hz: tuple[float, float]
    swap_cepstra: int
    swap_pitch_hz: tuple[float, float]
    swap_voiced_above: float
    swap_min_piece_frames: int
    swap_min_pieces: int
    swap_min_side_s: float
    swap_min_distance: float
    swap_min_strength: float
    swap_max_common_share: float
    swap_even_ratio: float
    swap_ratio_exponent: float
    swap_found_from: float
    swap_none_up_to: float
    swap_none_unseen_share: float
    swap_most_confidence: float

    # Drift.
    drift_scan_max_ppm: float
    drift_scan_step_ms: float
    drift_max_ppm: float
    drift_lag_error_samples: float
    drift_min_errors: float
    drift_max_error_ppm: float
    drift_min_ppm: float
    drift_max_disagreement: float
    drift_max_disagreement_ppm: float
    drift_max_unsteady: float
