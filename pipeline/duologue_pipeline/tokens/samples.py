"""Describes a sample: everything that is known about it, in ``KEY.json``.

Times count from the sample's start, in seconds of three decimals, because the clock inside counts milliseconds. There is
no null in it and no list whose type hangs on who is silent, because ``datasets`` infers one type from the first samples of
a shard (docs/formats.md); :mod:`duologue_pipeline.shards.write` puts samples with words, events and activity first.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.document import codec_document
from duologue_pipeline.events.fields import sample_event
from duologue_pipeline.ingest.usable import track_span
from duologue_pipeline.isolation.report import sample_isolation
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.records import Annotated, Event, Span, SpeakerConsent, TaggedWord, Track, TrackReport
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.tokens.sample_figures import owns
from duologue_pipeline.tokens.segments import Segment

__all__ = ["MAY_BE_EMPTY", "sample_document", "sample_key", "track_figures"]

MAY_BE_EMPTY: Final = ("activity", "events", "words")
"""The lists of a document that hold nothing where nobody says anything; all other lists always hold something."""


def sample_key(recording_id: str, segment: int) -> str:
    """Names a sample, e.g. ``call-0001-00003``: no dot and no slash in it."""
    return f"{recording_id}-{segment:05d}"


def sample_document(conversation: Annotated, segment: Segment, *, split: str, codec: Codec) -> dict[str, Any]:
    """Describes one sample: everything that is known about it (schemas/sample.schema.json).

    Args:
        conversation: the recording that the sample is cut from.
        segment: the cut.
        split: ``train``, ``validation`` or ``bridge``.
        codec: what made the codes.

    Returns:
        The document of ``KEY.json``.
    """
    recording, consent = conversation.recording, conversation.consent
    start_ms, end_ms = _segment_bounds_ms(segment, codec, conversation.audio.duration_ms)
    return {
        "schema": "sample/1.0",
        "key": sample_key(recording.recording_id, segment.index),
        "recording_id": recording.recording_id,
        "segment": segment.index,
        "start_s": _s(start_ms),
        "end_s": _s(end_ms),
        "split": split,
        "language": recording.language or "und",
        "setting": recording.setting or "",
        "topic": recording.topic or "",
        "register": recording.register or "",
        "conditions": {
            "topic": recording.topic or "",
            "register": recording.register or "",
            "a": _condition(recording.a),
            "b": _condition(recording.b),
        },
        "source": {
            "corpus": recording.source.corpus or "",
            "license": recording.source.license or "",
            "route": recording.source.route or "",
        },
        "purposes": [consent.purpose],
        "speakers": {"a": _speaker(consent.a, recording.a), "b": _speaker(consent.b, recording.b)},
        "consent": {
            "purpose": consent.purpose,
            "ledger_id": consent.ledger_id,
            "a": _consent(consent.a),
            "b": _consent(consent.b),
        },
        "codec": {**codec_document(codec), "frames": segment.frames},
        "audio": {
            "a": track_figures(conversation.audio.a) | _there(recording.a, conversation.audio.a, start_ms, end_ms),
            "b": track_figures(conversation.audio.b) | _there(recording.b, conversation.audio.b, start_ms, end_ms),
            "gain_db": recording.gain_db,
        },
        "isolation": sample_isolation(conversation.isolation),
        "activity": _by_speaker(conversation.activity.a, conversation.activity.b, start_ms, end_ms, _clip),
        "events": [
            sample_event(event, zero_ms=start_ms) | {"owned": owns(segment.index, event.start_ms - start_ms)}
            for event in conversation.events
            if _touches(event, start_ms, end_ms)
        ],
        "transcripts": {
            "a": _is_transcribed(conversation.words_a, conversation.transcribed_a, start_ms, end_ms),
            "b": _is_transcribed(conversation.words_b, conversation.transcribed_b, start_ms, end_ms),
        },
        "words": [
            word | {"owned": owns(segment.index, word["start_s"])}
            for word in _by_speaker(conversation.words_a or (), conversation.words_b or (), start_ms, end_ms, _word)
        ],
        "lexicon": conversation.lexicon,
        "rules": rule_versions(),
        "made_by": MADE_BY,
    }


def track_figures(report: TrackReport) -> dict[str, Any]:
    """Names what decoding a track has measured, for ``KEY.json`` and, with the track's letter, for the table."""
    return {
        "sample_rate_hz": report.sample_rate_hz,
        "delay_known": report.delay_known,
        "bandwidth_hz": report.bandwidth_hz,
        "peak_dbfs": report.peak_dbfs,
        "level_dbfs": report.level_dbfs,
        "clipped_share": report.clipped_share,
        "digital_silence_share": report.digital_silence_share,
        "samples_sha256": report.samples_sha256,
    }


def _there(track: Track, report: TrackReport, start_ms: int, end_ms: int) -> dict[str, float]:
    """Says from when to when in a sample the track is there; both are alike where it is not."""
    span = track_span(track, report)
    first, last = (min(max(edge_ms, start_ms), end_ms) - start_ms for edge_ms in (span.start_ms, span.end_ms))
    return {"from_s": _s(first), "to_s": _s(last)}


def _segment_bounds_ms(segment: Segment, codec: Codec, duration_ms: int) -> tuple[int, int]:
    """Finds where a segment lies on the conversation's clock; the last one ends with the conversation."""
    start_ms, end_ms = (
        round(frame * codec.samples_per_frame * 1000 / codec.sample_rate_hz)
        for frame in (segment.start_frame, segment.end_frame)
    )
    return start_ms, min(end_ms, duration_ms)


def _s(ms: int) -> float:
    return ms / 1000


def _speaker(consent: SpeakerConsent, track: Track) -> dict[str, Any]:
    return {"commitment": consent.commitment, "jurisdiction": track.jurisdiction or ""}


def _condition(track: Track) -> dict[str, Any]:
    return {"role": track.role or "", "role_prompt": track.role_prompt or ""}


def _consent(consent: SpeakerConsent) -> dict[str, Any]:
    grants = [
        {
            "purpose": grant.purpose,
            "event_sha256": grant.event_sha256,
            "granted_at": grant.granted_at,
            "expires_at": grant.expires_at or "",
        }
        for grant in consent.grants
    ]
    return {"commitment": consent.commitment, "grants": grants}


def _touches(item: Event | Span | TaggedWord, start_ms: int, end_ms: int) -> bool:
    """Tells whether something lies in the segment, wholly or in part; a moment counts where it falls."""
    return item.start_ms < end_ms and (item.end_ms > start_ms or item.start_ms == item.end_ms == start_ms)


_Timed = TypeVar("_Timed", Span, TaggedWord)


def _by_speaker(
    a: Iterable[_Timed],
    b: Iterable[_Timed],
    start_ms: int,
    end_ms: int,
    describe: Callable[[_Timed, int, int], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Lists both speakers' items together in order of time, so that the list's type does not hang on who is silent."""
    rows = [
        {"speaker": speaker, **describe(item, start_ms, end_ms)}
        for speaker, items in (("a", a), ("b", b))
        for item in items
        if _touches(item, start_ms, end_ms)
    ]
    return sorted(rows, key=lambda row: (row["start_s"], row["end_s"], row["speaker"]))


def _is_transcribed(
    words: Sequence[TaggedWord] | None, transcribed: Sequence[Span] | None, start_ms: int, end_ms: int
) -> bool:
    """Tells whether somebody has written down what a speaker says in a sample: in a part of it, at least."""
    if words is None or transcribed is None:
        return words is not None
    return any(_touches(span, start_ms, end_ms) for span in transcribed) or any(
        _touches(word, start_ms, end_ms) for word in words
    )


def _clip(span: Span, start_ms: int, end_ms: int) -> dict[str, Any]:
    return {
        "start_s": _s(max(span.start_ms, start_ms) - start_ms),
        "end_s": _s(min(span.end_ms, end_ms) - start_ms),
    }


def _word(word: TaggedWord, start_ms: int, end_ms: int) -> dict[str, Any]:
    return {
        "word": word.word,
        "start_s": _s(word.start_ms - start_ms),
        "end_s": _s(word.end_ms - start_ms),
        "confidence": -1.0 if word.confidence is None else float(word.confidence),
        "tags": " ".join(word.tags),
    }
