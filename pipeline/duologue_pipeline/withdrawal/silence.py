"""Silences a speaker: takes one out of a sample in which the other one stays.

What stays is a monologue: the other speaker's track, bit for bit, their own words, activity and IPUs. Gone is the
track itself (tokens of silence, samples of zero), everything that describes it, and everything that tells about both speakers:
turns, transfers, overlaps, backchannels, and the isolation figures. Who listens to a pause that is called a gap knows that somebody
answered.

Documents are treated by rule and not field by field: what is not known to be safe (rules/withdrawal.json) becomes neutral, so
that a field which a later version adds is emptied and not published.
"""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import soundfile

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.text import canonical_json, parse_json
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.withdrawal import WithdrawalRules
from duologue_pipeline.shards.tar import npy_bytes
from duologue_pipeline.tokens.sample_figures import FIGURES
from duologue_pipeline.withdrawal.traces import read_pcm
from duologue_schemas import load_schema
from duologue_schemas.tables import WITHDRAWN

__all__ = [
    "event_stays",
    "index_row_tells",
    "silence_codes",
    "silence_document",
    "silence_event",
    "silence_event_row",
    "silence_flac",
    "silence_index_row",
    "silence_members",
    "silence_recording",
]

_SILENT_DBFS: Final = -200.0  # how ingest writes the level of nothing but zeros


def silence_members(members: Mapping[str, bytes], side: Speaker, *, silence: list[int]) -> dict[str, bytes]:
    """Silences one speaker in a sample.

    Args:
        members: extension -> content, in the order of the shard.
        side: who is silenced.
        silence: the codec's token of silence of each codebook.

    Returns:
        The members of the sample as it stays, in the same order.

    Raises:
        ValueError: there is a member that it cannot silence, or one that is damaged.
    """
    silenced: dict[str, bytes] = {}
    for extension, content in members.items():
        match extension:
            case "json":
                silenced[extension] = canonical_json(silence_document(parse_json(content), side))
            case "codes.npy":
                silenced[extension] = npy_bytes(silence_codes(parse_npy(content), side, silence=silence))
            case "flac":
                silenced[extension] = silence_flac(content, side)
            case _:
                raise ValueError(f"a speaker cannot be taken out of a member .{extension}; drop the sample")
    return silenced


def silence_codes(codes: npt.NDArray[np.uint16], side: Speaker, *, silence: list[int]) -> npt.NDArray[np.uint16]:
    """Puts the tokens of silence in one track.

    Args:
        codes: uint16 [2, K, F].
        side: whose track.
        silence: K tokens.

    Returns:
        uint16 [2, K, F]; the other track is as it was.
    """
    silenced = codes.copy()
    silenced[SPEAKERS.index(side)] = np.asarray(silence, codes.dtype)[:, None]
    return silenced


def silence_flac(flac: bytes, side: Speaker) -> bytes:
    """Puts zeros in one channel of a stereo FLAC file; the other one's samples, rate and width are as they were."""
    with soundfile.SoundFile(io.BytesIO(flac)) as file:
        rate_hz, subtype = file.samplerate, file.subtype
    pcm = read_pcm(flac)
    pcm[:, SPEAKERS.index(side)] = 0
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate_hz, pcm.shape[1], format="FLAC", subtype=subtype) as file:
        file.write(pcm)
    return buffer.getvalue()


def silence_document(document: Mapping[str, Any], side: Speaker) -> dict[str, Any]:
    """Takes one speaker out of the document of ``KEY.json``; what comes out is valid and holds no null."""
    rules = load_rules(WithdrawalRules)
    known = load_schema("sample")["properties"]
    silenced = {name: value if name in known else _neutral(value) for name, value in document.items()}
    for name in ("speakers", "consent", "audio", "conditions"):
        if name == "conditions" and name not in document:  # a sample of an earlier version
            continue
        part = dict(document[name])
        part[side] = {
            key: value if key in rules.track_fields_kept else _withdrawn(key, value)
            for key, value in part[side].items()
        }
        silenced[name] = part
    silenced["transcripts"] = {**document["transcripts"], side: False}
    for name in ("activity", "words"):
        silenced[name] = [dict(entry) for entry in document[name] if entry["speaker"] != side]
    for word in silenced["words"]:
        # a backchannel tells that somebody else was speaking
        word["tags"] = " ".join(tag for tag in word["tags"].split() if tag != "backchannel")
    silenced["events"] = [
        silence_event(event) for event in document["events"] if event_stays(event["kind"], event["speaker"], side)
    ]
    silenced["isolation"] = {
        "verdict": document["isolation"]["verdict"],
        "measurements": [
            {"direction": direction, "name": "solo_s", "value": 0.0} for direction in ("a_from_b", "b_from_a")
        ],
        "faults": [{**fault, "found": "unknown", "confidence": 0.0} for fault in document["isolation"]["faults"]],
    }
    return silenced


def event_stays(kind: str, speaker: str, side: Speaker) -> bool:
    """Tells whether an event is about nobody but the speaker who stays; one of an unknown kind is not."""
    return speaker != side and kind in load_rules(WithdrawalRules).event_kinds_kept


def silence_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Takes out of an event that stays what it says about the other speaker."""
    rules = load_rules(WithdrawalRules)
    kept, unmeasured = rules.event_fields_kept, rules.event_fields_unmeasured
    return {name: value if name in kept else unmeasured.get(name, _neutral(value)) for name, value in event.items()}


def silence_event_row(row: Mapping[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """Takes the same out of a row of ``events.parquet``: null where the column may be."""
    kept = load_rules(WithdrawalRules).event_fields_kept
    return {name: value if name in kept else empty_value(name, value, schema) for name, value in row.items()}


def silence_index_row(
    row: Mapping[str, Any], side: Speaker, figures: Mapping[str, Any], schema: pa.Schema
) -> dict[str, Any]:
    """Takes one speaker out of a row of ``index.parquet``.

    Args:
        row: with the place of the sample in the new shard.
        side: who is silenced.
        figures: of the silenced sample, as far as they are known; the release of an earlier version has no columns for them.
        schema: the columns of the table; what is not known to say nothing about the speaker who goes is emptied.
    """
    kept = load_rules(WithdrawalRules).index_columns_kept
    silenced = {name: value if name in kept else empty_value(name, value, schema) for name, value in row.items()}
    silenced |= {name: value for name, value in figures.items() if name in silenced}
    return silenced | {f"speaker_{side}": WITHDRAWN}


def index_row_tells(row: Mapping[str, Any], side: Speaker, schema: pa.Schema) -> bool:
    """Tells whether a row of ``index.parquet`` still says anything about the speaker who was silenced in its sample."""
    figures = {name: row[name] for name in FIGURES if name in row}
    both = [figures.get(name) for name in ("overlap_share_of_speech", "backchannels", "interruptions")]
    return any(both) or silence_index_row(row, side, figures, schema) != row


def silence_recording(row: Mapping[str, Any], side: Speaker, schema: pa.Schema) -> dict[str, Any]:
    """Takes one speaker out of a row of ``recordings.parquet``.

    What says nothing about the speaker who goes stays; every other column becomes null, or neutral where it may not be null.
    """
    rules = load_rules(WithdrawalRules)
    of_the_other = rules.recording_columns_kept_of_b if side == "a" else rules.recording_columns_kept_of_a
    kept = {*rules.recording_columns_kept, *of_the_other}
    named = {f"speaker_{side}", f"samples_sha256_{side}"}
    return {
        name: WITHDRAWN if name in named else value if name in kept else empty_value(name, value, schema)
        for name, value in row.items()
    }


def _withdrawn(name: str, value: Any) -> Any:
    """Empties a field of the speaker who goes: marks what names a person or their audio, else gives that of a silent track."""
    return WITHDRAWN if name in ("commitment", "samples_sha256") else _silent(name, value)


def empty_value(name: str, value: Any, schema: pa.Schema) -> Any:
    """Gives what stands in a column in place of a value that may not stay: null, or what says nothing."""
    return None if schema.field(name).nullable else _silent(name, value)


def _silent(name: str, value: Any) -> Any:
    """Gives what a field of this name has for digital silence: neutral but for the levels."""
    if name.startswith(("peak_dbfs", "level_dbfs")):
        return _SILENT_DBFS
    return 1.0 if name.startswith("digital_silence_share") else _neutral(value)


def _neutral(value: Any) -> Any:
    """Gives the value of the same type that says nothing: 0, false, an empty text, list or mapping."""
    match value:
        case Mapping():
            return {key: _neutral(part) for key, part in value.items()}
        case None:
            return None
        case _:
            return type(value)()
