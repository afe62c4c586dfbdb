"""What is said about a sample: ``KEY.json``, and the rows of a recording in the three tables.

Times in ``KEY.json`` count from the sample's start; times in the tables from the conversation's. Seconds have three
decimals, because the clock inside counts milliseconds. ``KEY.json`` holds no null and no list whose type hangs on who is
silent, because ``datasets`` infers one type from the first samples of a shard (docs/formats.md).
"""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, Final, TypeVar

from duologue_pipeline.codec.base import Codec, silence_tokens
from duologue_pipeline.events.turn_taking import overlap_share_of_speech, overlap_share_of_time
from duologue_pipeline.isolation.report import DIRECTIONS, bleed_figures, fault_columns, sample_isolation
from duologue_pipeline.records import Annotated, Event, Span, SpeakerConsent, TaggedWord, Track, TrackReport
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.tokens.segments import Segment

__all__ = [
    "MADE_BY",
    "codec_document",
    "event_rows",
    "index_row",
    "recording_row",
    "release_codec_document",
    "sample_document",
    "sample_key",
]

MADE_BY = f"duologue {version('duologue')}"


_COUNTED: Final = {
    "pauses": "pause",
    "gaps": "gap",
    "overlaps_between": "overlap_between",
    "overlaps_within": "overlap_within",
}
"""Columns of ``recordings.parquet`` that count both speakers' events of a kind."""


def sample_key(recording_id: str, segment: int) -> str:
    """The sample's key, e.g. ``call-0001-00003``: no dot and no slash in it."""
    return f"{recording_id}-{segment:05d}"


def codec_document(codec: Codec) -> dict[str, Any]:
    """What outputs say about the codec."""
    return {
        "name": codec.name,
        "sample_rate_hz": codec.sample_rate_hz,
        "frame_rate_hz": codec.frame_rate_hz,
        "codebooks": codec.codebooks,
        "cardinalities": list(codec.cardinalities),
        "weights_sha256": codec.weights_sha256,
    }


def release_codec_document(codec: Codec) -> dict[str, Any]:
    """What ``dataset.json`` says about the codec: also its quality, and its tokens of silence where it has such."""
    silence = silence_tokens(codec)
    return {
        **codec_document(codec),
        "quality": codec.quality,
        **({"silence": list(silence)} if silence is not None else {}),
    }


def segment_bounds_ms(segment: Segment, codec: Codec, duration_ms: int) -> tuple[int, int]:
    """Where a segment lies on the conversation's clock; the last one ends with the conversation."""
    start_ms, end_ms = (
        round(frame * codec.samples_per_frame * 1000 / codec.sample_rate_hz)
        for frame in (segment.start_frame, segment.end_frame)
    )
    return start_ms, min(end_ms, duration_ms)


def sample_document(conversation: Annotated, segment: Segment, *, split: str, codec: Codec) -> dict[str, Any]:
    """Everything that is known about one sample (schemas/sample.schema.json).

    Args:
        conversation: the recording that the sample is cut from.
        segment: the cut.
        split: ``train`` or ``validation``.
        codec: what made the codes.

    Returns:
        The document of ``KEY.json``.
    """
    recording, consent = conversation.recording, conversation.consent
    start_ms, end_ms = segment_bounds_ms(segment, codec, conversation.audio.duration_ms)
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
        "audio": {"a": _track(conversation.audio.a), "b": _track(conversation.audio.b)},
        "isolation": sample_isolation(conversation.isolation),
        "activity": _by_speaker(conversation.activity.a, conversation.activity.b, start_ms, end_ms, _clip),
        "events": [_event(event, start_ms) for event in conversation.events if _touches(event, start_ms, end_ms)],
        "transcripts": {"a": conversation.words_a is not None, "b": conversation.words_b is not None},
        "words": _by_speaker(conversation.words_a or (), conversation.words_b or (), start_ms, end_ms, _word),
        "lexicon": conversation.lexicon,
        "rules": rule_versions(),
        "made_by": MADE_BY,
    }


def index_row(document: dict[str, Any], *, offset: int, size: int) -> dict[str, Any]:
    """A sample's row of ``index.parquet``; ``shard`` is filled in, and ``offset`` moved, when the shard is joined."""
    return {
        "key": document["key"],
        "shard": "",
        "offset": offset,
        "bytes": size,
        "recording_id": document["recording_id"],
        "segment": document["segment"],
        "split": document["split"],
        "start_s": document["start_s"],
        "end_s": document["end_s"],
        "frames": document["codec"]["frames"],
        "speaker_a": document["speakers"]["a"]["commitment"],
        "speaker_b": document["speakers"]["b"]["commitment"],
        "purposes": document["purposes"],
        "isolation": document["isolation"]["verdict"],
        "language": None if document["language"] == "und" else document["language"],
    }


def event_rows(conversation: Annotated, *, split: str) -> list[dict[str, Any]]:
    """The recording's rows of ``events.parquet``."""
    where = {"recording_id": conversation.recording.recording_id, "split": split}
    return [{**where, **_event_row(event)} for event in conversation.events]


def recording_row(conversation: Annotated, *, split: str, samples: int) -> dict[str, Any]:
    """The recording's row of ``recordings.parquet``; ``shard`` is filled in when the shard is joined."""
    recording, statistics = conversation.recording, conversation.statistics
    row = {
        "recording_id": recording.recording_id,
        "split": split,
        "shard": "",
        "samples": samples,
        "duration_s": _s(conversation.audio.duration_ms),
        "language": recording.language,
        "setting": recording.setting,
        "corpus": recording.source.corpus,
        "license": recording.source.license,
        "route": recording.source.route,
        "topic": recording.topic,
        "register": recording.register,
        "started_at": recording.started_at,
        "purposes": [conversation.consent.purpose],
        "isolation": conversation.isolation.verdict,
        "overlap_s": _s(statistics.overlap_ms),
        "overlap_share_of_time": overlap_share_of_time(statistics),
        "overlap_share_of_speech": overlap_share_of_speech(statistics),
        "kinds": [
            {"kind": x.kind, "speaker": x.speaker, "events": x.events, "seconds": _s(x.duration_ms)}
            for x in statistics.kinds
        ],
        "word_tags": [vars(x) for x in statistics.tags],
        "ftos_s": sorted(_s(fto_ms) for fto_ms in (*statistics.ftos_a_ms, *statistics.ftos_b_ms)),
        **{column: statistics.events(kind) for column, kind in _COUNTED.items()},
    }
    for name, track, report, consent, words, check in (
        (
            "a",
            recording.a,
            conversation.audio.a,
            conversation.consent.a,
            conversation.words_a,
            conversation.words_check_a,
        ),
        (
            "b",
            recording.b,
            conversation.audio.b,
            conversation.consent.b,
            conversation.words_b,
            conversation.words_check_b,
        ),
    ):
        row |= {
            f"speaker_{name}": consent.commitment,
            f"jurisdiction_{name}": track.jurisdiction,
            f"words_{name}": words is not None,
            f"speech_{name}_s": _s(getattr(statistics, f"speech_{name}_ms")),
            f"words_check_{name}": None if check is None else check.verdict,
            f"words_shift_{name}_s": None if check is None or check.shift_ms is None else _s(check.shift_ms),
            f"said_words_{name}": getattr(statistics, f"words_{name}"),
            f"ftos_{name}_s": [_s(fto_ms) for fto_ms in getattr(statistics, f"ftos_{name}_ms")],
            **{f"{kind}s_{name}": statistics.events(kind, name) for kind in ("turn", "backchannel", "interruption")},
            **{f"{field}_{name}": value for field, value in _track(report).items()},
        }
    for direction in DIRECTIONS:
        bleed = bleed_figures(getattr(conversation.isolation, direction))
        row |= {f"{field}_{direction}": value for field, value in bleed.items()}
    return row | fault_columns(conversation.isolation)


def _s(ms: int) -> float:
    return ms / 1000


def _speaker(consent: SpeakerConsent, track: Track) -> dict[str, Any]:
    return {"commitment": consent.commitment, "jurisdiction": track.jurisdiction or ""}


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


def _track(report: TrackReport) -> dict[str, Any]:
    return {
        "sample_rate_hz": report.sample_rate_hz,
        "bandwidth_hz": report.bandwidth_hz,
        "peak_dbfs": report.peak_dbfs,
        "level_dbfs": report.level_dbfs,
        "clipped_share": report.clipped_share,
        "digital_silence_share": report.digital_silence_share,
        "samples_sha256": report.samples_sha256,
    }


_LATENCIES = ("response_latency", "stop_latency", "success_latency", "penalty_latency")
_PARTS = ("reparandum", "interregnum", "repair")


def _event(event: Event, zero_ms: int) -> dict[str, Any]:
    """An event of ``KEY.json``, where what does not apply has a value of the same type."""
    return {
        "kind": event.kind,
        "subtype": event.subtype or "",
        "speaker": event.speaker,
        "addressee": event.addressee or "",
        "start_s": _s(event.start_ms - zero_ms),
        "end_s": _s(event.end_ms - zero_ms),
        "fto_s": _s(event.fto_ms or 0),
        "floor_taking": bool(event.floor_taking),
        "take_over": bool(event.take_over),
        **{f"{name}_s": -1.0 if (ms := getattr(event, f"{name}_ms")) is None else _s(ms) for name in _LATENCIES},
        **{name: _part(getattr(event, name) or Span(event.start_ms, event.start_ms), zero_ms) for name in _PARTS},
        "confidence": event.confidence,
        "source": event.source,
        "rules": event.rules,
    }


def _event_row(event: Event) -> dict[str, Any]:
    """An event of the table, where what does not apply is null."""
    row = {
        "kind": event.kind,
        "subtype": event.subtype,
        "speaker": event.speaker,
        "addressee": event.addressee,
        "start_s": _s(event.start_ms),
        "end_s": _s(event.end_ms),
        "fto_s": _s_or_none(event.fto_ms),
        "floor_taking": event.floor_taking,
        "take_over": event.take_over,
        **{f"{name}_s": _s_or_none(getattr(event, f"{name}_ms")) for name in _LATENCIES},
        "confidence": event.confidence,
        "source": event.source,
        "rules": event.rules,
    }
    for name in _PARTS:
        part = getattr(event, name)
        row |= {f"{name}_start_s": part and _s(part.start_ms), f"{name}_end_s": part and _s(part.end_ms)}
    return row


def _s_or_none(ms: int | None) -> float | None:
    return None if ms is None else _s(ms)


def _part(span: Span, zero_ms: int) -> dict[str, float]:
    return {"start_s": _s(span.start_ms - zero_ms), "end_s": _s(span.end_ms - zero_ms)}


def _touches(item: Event | Span | TaggedWord, start_ms: int, end_ms: int) -> bool:
    """Whether something lies in the segment, wholly or in part; a moment counts where it falls."""
    return item.start_ms < end_ms and (item.end_ms > start_ms or item.start_ms == item.end_ms == start_ms)


_Timed = TypeVar("_Timed", Span, TaggedWord)


def _by_speaker(
    a: Iterable[_Timed],
    b: Iterable[_Timed],
    start_ms: int,
    end_ms: int,
    describe: Callable[[_Timed, int, int], dict[str, Any]],
) -> list[dict[str, Any]]:
    """One list of both speakers' items in order of time, so that its type does not hang on who is silent."""
    rows = [
        {"speaker": speaker, **describe(item, start_ms, end_ms)}
        for speaker, items in (("a", a), ("b", b))
        for item in items
        if _touches(item, start_ms, end_ms)
    ]
    return sorted(rows, key=lambda row: (row["start_s"], row["end_s"], row["speaker"]))


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
