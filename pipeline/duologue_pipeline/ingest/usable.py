"""Says which tracks can be used: refuses those that hold nothing, have a wrong scale, or do not lie beside each other."""

import math

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.meter import TrackMeter
from duologue_pipeline.records import AudioReport, Recording, Span, Speaker, Track, TrackReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["check_lengths", "check_track", "left_out_s", "shared_span", "track_span"]

_WHOLE_NUMBERS = {15: "16-bit", 23: "24-bit", 31: "32-bit"}
"""Power of two that is full scale -> the integers that have it."""


def check_track(track: Track, meter: TrackMeter, report: TrackReport, *, speaker: Speaker, rules: IngestRules) -> None:
    """Refuses a track that holds no sound, or sound of a wrong scale.

    Args:
        track: which it is.
        meter: has measured it to its end.
        report: of the meter.
        speaker: whose track it is.
        rules: the limits.

    Raises:
        RejectError: ``audio_empty``, ``audio_not_finite``, ``audio_all_zero``, ``audio_over_scale`` or
            ``audio_too_quiet``.
    """
    place, which = f"{track.uri} channel {track.channel}", {"track": speaker}
    if report.samples == 0:
        raise RejectError("audio_empty", f"{place}: the track has no samples; export it again", which)
    if not meter.finite:
        raise RejectError(
            "audio_not_finite", f"{place}: the samples hold NaN or infinity; export the track again as PCM", which
        )
    length_s = report.samples / report.sample_rate_hz
    if meter.peak == 0.0 or (meter.swing == 0.0 and length_s >= rules.min_duration_s):
        value = "zero" if meter.peak == 0.0 else f"{report.dc:g} (direct current)"
        raise RejectError(
            "audio_all_zero",
            f"{place}: every sample of {length_s:.1f} s is {value}; "
            "the channel was not recorded: find the right channel or leave the recording out",
            which | {"found_s": round(length_s, 3)},
        )
    if report.peak_dbfs > rules.max_peak_dbfs or (meter.whole_numbers and meter.peak > 1):
        raise RejectError(
            "audio_over_scale",
            f"{place}: the highest sample is {meter.peak:g}, {report.peak_dbfs:g} dB over full scale, which is 1; "
            f"{_scale(meter.peak)}, and write the track again",
            which | {"found_dbfs": report.peak_dbfs, "limit_dbfs": rules.max_peak_dbfs},
        )
    swing_dbfs = round(20 * math.log10(meter.swing), 2) if meter.swing else 0.0
    if swing_dbfs < rules.min_peak_dbfs:
        raise RejectError(
            "audio_too_quiet",
            f"{place}: the sound does not reach beyond {swing_dbfs:g} dBFS, so that 16 bits hold next to nothing of it; "
            "if the samples were divided by full scale twice, multiply them by 32768, else the channel was not recorded: "
            "find the right one or leave the recording out",
            which | {"found_dbfs": swing_dbfs, "limit_dbfs": rules.min_peak_dbfs},
        )


def _scale(peak: float) -> str:
    """Says what floating-point samples with this peak probably are, and how they are put right."""
    bits = next((bits for bits in _WHOLE_NUMBERS if peak <= 2**bits), None)
    if bits is None:
        return f"divide the samples by {peak:g} or more"
    return f"the samples look like {_WHOLE_NUMBERS[bits]} integers: divide them by {2**bits}"


def check_lengths(recording: Recording, reports: tuple[TrackReport, TrackReport], rules: IngestRules) -> float:
    """Refuses tracks that lie badly beside each other, and gives the seconds of the conversation.

    Tracks need not be equally long: who joins later or leaves earlier has the shorter one.

    Args:
        recording: has the offsets of its tracks.
        reports: of both tracks.
        rules: the limits.

    Raises:
        RejectError: ``audio_no_common_time``, ``audio_too_short`` or ``audio_too_long``.
    """
    lengths_s = [report.samples / report.sample_rate_hz for report in reports]
    starts_s = [track.begins_s for track in recording.tracks]
    ends_s = [start_s + length_s for start_s, length_s in zip(starts_s, lengths_s, strict=True)]
    duration_s, common_s = max(ends_s), min(ends_s) - max(0.0, *starts_s)
    names = f"{recording.a.uri} and {recording.b.uri}"
    if common_s <= 0 and any(starts_s):
        lie = " and ".join(f"{start_s:.2f} s to {end_s:.2f} s" for start_s, end_s in zip(starts_s, ends_s, strict=True))
        raise RejectError(
            "audio_no_common_time",
            f"{names}: with their `offset_s` the tracks lie at {lie} of a conversation that begins at 0, and there is no "
            "time at which both are; correct `offset_s`",
            {"offset_a_s": starts_s[0], "offset_b_s": starts_s[1]}
            | {f"length_{speaker}_s": round(length_s, 3) for speaker, length_s in zip("ab", lengths_s, strict=True)},
        )
    if duration_s < rules.min_duration_s:
        raise RejectError(
            "audio_too_short",
            f"{names}: {duration_s:.4f} s is less than the minimum of {rules.min_duration_s} s; leave it out",
            {"found_s": round(duration_s, 3), "limit_s": rules.min_duration_s},
        )
    if duration_s > rules.max_duration_s:
        raise RejectError(
            "audio_too_long",
            f"{names}: longer than the maximum of {rules.max_duration_s / 3600:g} h; cut it into conversations",
            {"limit_s": rules.max_duration_s},
        )
    return duration_s


def track_span(track: Track, report: TrackReport) -> Span:
    """Gives where the audio of a track lies on the conversation's clock, which begins at 0."""
    end_s = track.begins_s + report.samples / report.sample_rate_hz
    return Span(round(max(0.0, track.begins_s) * 1000), round(max(0.0, end_s) * 1000))


def shared_span(recording: Recording, audio: AudioReport) -> Span:
    """Gives the part of a conversation in which both tracks are there, so that whoever is silent could have answered.

    Tracks that begin or end within ``length_tolerance_s`` (rules/ingest.json) of each other are taken to do so together.
    """
    spans = track_span(recording.a, audio.a), track_span(recording.b, audio.b)
    tolerance_ms = round(load_rules(IngestRules).length_tolerance_s * 1000)
    start_ms, end_ms = max(span.start_ms for span in spans), min(span.end_ms for span in spans)
    return Span(
        start_ms if start_ms > tolerance_ms else 0,
        end_ms if audio.duration_ms - end_ms > tolerance_ms else audio.duration_ms,
    )


def left_out_s(track: Track, report: TrackReport) -> float:
    """Gives how many seconds of a track lie before the conversation begins, and are left out."""
    return round(min(max(0.0, -track.begins_s), report.samples / report.sample_rate_hz), 3)
