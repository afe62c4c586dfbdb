"""Makes the rows of a recording in the tables of a release: ``index``, ``recordings`` and ``events``.

Times count from the start of the conversation, in seconds of three decimals, because the clock inside counts milliseconds.
What does not apply is null. The columns are those of :mod:`duologue_schemas.tables`.
"""

from typing import Any, Final

from duologue_pipeline.events.fields import event_columns
from duologue_pipeline.events.figures import overlap_share_of_speech, overlap_share_of_time
from duologue_pipeline.ingest.usable import left_out_s
from duologue_pipeline.isolation.report import DIRECTIONS, bleed_figures, fault_columns
from duologue_pipeline.records import Annotated
from duologue_pipeline.tokens.sample_figures import sample_figures
from duologue_pipeline.tokens.samples import track_figures
from duologue_schemas.tables import SAID_OF_SPEAKERS

__all__ = ["event_rows", "index_row", "recording_row"]

_COUNTED: Final = {
    "pauses": "pause",
    "gaps": "gap",
    "overlaps_between": "overlap_between",
    "overlaps_within": "overlap_within",
}
"""Columns of ``recordings.parquet`` that count both speakers' events of a kind."""


def index_row(document: dict[str, Any], *, offset: int, size: int) -> dict[str, Any]:
    """Makes a sample's row of ``index.parquet``.

    ``shard`` and ``split`` are filled in, and ``offset`` moved, when the shard is written (:mod:`duologue_pipeline.shards.write`).

    Args:
        document: from :func:`duologue_pipeline.tokens.samples.sample_document`.
        offset: where the sample's members begin in the part of its recording, in bytes.
        size: how many bytes they take.
    """
    return {
        "key": document["key"],
        "shard": "",
        "offset": offset,
        "bytes": size,
        "recording_id": document["recording_id"],
        "segment": document["segment"],
        "split": "",
        "start_s": document["start_s"],
        "end_s": document["end_s"],
        "frames": document["codec"]["frames"],
        "speaker_a": document["speakers"]["a"]["commitment"],
        "speaker_b": document["speakers"]["b"]["commitment"],
        "purposes": document["purposes"],
        "isolation": document["isolation"]["verdict"],
        "language": None if document["language"] == "und" else document["language"],
        **sample_figures(document),
    }


def event_rows(conversation: Annotated) -> list[dict[str, Any]]:
    """Makes a recording's rows of ``events.parquet``, in the order of its events; ``split`` is filled in later."""
    where = {"recording_id": conversation.recording.recording_id, "split": ""}
    return [{**where, **event_columns(event)} for event in conversation.events]


def recording_row(conversation: Annotated, *, samples: int) -> dict[str, Any]:
    """Makes a recording's row of ``recordings.parquet``; ``split``, ``shard`` and ``same_audio`` are filled in when the shard is written.

    :func:`duologue_pipeline.events.totals.statistics_of_row` reads the counts back.
    """
    recording, statistics = conversation.recording, conversation.statistics
    row = {
        "recording_id": recording.recording_id,
        "split": "",
        "shard": "",
        "samples": samples,
        "duration_s": _s(conversation.audio.duration_ms),
        "language": recording.language,
        "setting": recording.setting,
        "corpus": recording.source.corpus,
        "license": recording.source.license,
        "route": recording.source.route,
        "synthetic": recording.synthetic,
        "topic": recording.topic,
        "register": recording.register,
        "started_at": recording.started_at,
        "started_before": recording.started_before,
        "purposes": [conversation.consent.purpose],
        "gain_db": recording.gain_db,
        "same_audio": [],
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
            **{f"{field}_{name}": getattr(track, field) for field in SAID_OF_SPEAKERS},
            f"left_out_{name}_s": left_out_s(track, report),
            f"words_{name}": words is not None,
            f"speech_{name}_s": _s(getattr(statistics, f"speech_{name}_ms")),
            f"words_given_{name}": None if check is None else check.given,
            f"words_outside_{name}": None if check is None else check.outside,
            f"words_check_{name}": None if check is None else check.verdict,
            f"words_shift_{name}_s": None if check is None or check.shift_ms is None else _s(check.shift_ms),
            f"words_heard_{name}": getattr(conversation, f"heard_{name}"),
            f"words_invented_{name}": getattr(conversation, f"invented_{name}"),
            f"said_words_{name}": getattr(statistics, f"words_{name}"),
            f"ftos_{name}_s": [_s(fto_ms) for fto_ms in getattr(statistics, f"ftos_{name}_ms")],
            **{f"{kind}s_{name}": statistics.events(kind, name) for kind in ("turn", "backchannel", "interruption")},
            **{f"{field}_{name}": value for field, value in track_figures(report).items()},
        }
    for direction in DIRECTIONS:
        bleed = bleed_figures(getattr(conversation.isolation, direction))
        row |= {f"{field}_{direction}": value for field, value in bleed.items()}
    return row | fault_columns(conversation.isolation)


def _s(ms: int) -> float:
    return ms / 1000
