"""What is left of a sample when one of its speakers is taken out."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from duologue_pipeline.files.tables import read_table
from duologue_pipeline.withdrawal.silence import (
    event_stays,
    index_row_tells,
    silence_codes,
    silence_document,
    silence_event,
    silence_flac,
    silence_index_row,
    silence_members,
    silence_recording,
)
from duologue_schemas import iter_faults
from duologue_schemas.tables import SAID_OF_SPEAKERS
from tests.pipeline.withdrawal.support import commitment, make_calls, samples_of


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("silence"))


@pytest.fixture
def members(out: Path) -> dict[str, bytes]:
    """The first sample: anna is a, ben is b."""
    return next(samples_of(out))[1]


def test_tokens_of_silence_take_the_place_of_one_track() -> None:
    codes = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    silenced = silence_codes(codes, "b", silence=[7, 8, 9])
    assert silenced.tolist() == [codes[0].tolist(), [[7] * 4, [8] * 4, [9] * 4]]
    assert codes[1, 0, 0] == 12  # what was given is as it was


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24)])
def test_the_other_channel_stays_bit_for_bit(encoded: Callable[..., bytes], subtype: str, bits: int) -> None:
    pcm = np.random.default_rng(1).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (4000, 2), dtype=np.int32)
    flac = encoded(pcm << (32 - bits), 16_000, format="FLAC", subtype=subtype)
    silenced = silence_flac(flac, "a")
    back, rate_hz = soundfile.read(io.BytesIO(silenced), dtype="int32")
    assert (back[:, 0] == 0).all()
    assert (back[:, 1] == pcm[:, 1] << (32 - bits)).all()
    assert (rate_hz, soundfile.info(io.BytesIO(silenced)).subtype) == (16_000, subtype)
    assert silence_flac(flac, "a") == silenced


def test_what_is_left_of_the_document(members: dict[str, bytes]) -> None:
    before = json.loads(members["json"])
    after = silence_document(before, "a")
    assert after["speakers"]["a"] == {"commitment": "withdrawn", "jurisdiction": ""}
    assert after["consent"]["a"] == {"commitment": "withdrawn", "grants": []}
    assert after["audio"]["a"] == {
        "sample_rate_hz": 8000,
        "delay_known": True,
        "bandwidth_hz": 0,
        "peak_dbfs": -200.0,
        "level_dbfs": -200.0,
        "clipped_share": 0.0,
        "digital_silence_share": 1.0,
        "samples_sha256": "withdrawn",
    }
    assert after["transcripts"] == {"a": False, "b": True}
    assert {word["speaker"] for word in after["words"]} == {"b"}
    assert after["words"] == [word for word in before["words"] if word["speaker"] == "b"]
    assert after["activity"] == [span for span in before["activity"] if span["speaker"] == "b"]
    assert [(event["kind"], event["speaker"]) for event in after["events"]] == [("ipu", "b")]
    assert after["isolation"]["measurements"] == [
        {"direction": "a_from_b", "name": "solo_s", "value": 0.0},
        {"direction": "b_from_a", "name": "solo_s", "value": 0.0},
    ]
    assert {fault["found"] for fault in after["isolation"]["faults"]} == {"unknown"}
    untouched = before.keys() - {
        "speakers",
        "consent",
        "audio",
        "transcripts",
        "words",
        "activity",
        "events",
        "isolation",
    }
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    for part in ("speakers", "consent", "audio"):
        assert after[part]["b"] == before[part]["b"]


@pytest.mark.parametrize("side", ["a", "b"])
def test_the_document_is_valid_and_nothing_in_it_is_null(members: dict[str, bytes], side: Any) -> None:
    document = silence_document(json.loads(members["json"]), side)
    assert list(iter_faults("sample", document)) == []
    assert "null" not in json.dumps(document)
    assert commitment("anna" if side == "a" else "ben") not in json.dumps(document)
    assert commitment("ben" if side == "a" else "anna") in json.dumps(document)


def test_silencing_twice_is_silencing_once(members: dict[str, bytes]) -> None:
    once = silence_members(members, "b", silence=[0, 0])
    assert list(once) == ["json", "codes.npy", "flac"]
    assert silence_members(once, "b", silence=[0, 0]) == once


@pytest.mark.parametrize(
    ("kind", "speaker", "stays"),
    [
        ("ipu", "b", True),
        ("ipu", "a", False),
        ("filler", "b", True),
        ("turn", "b", False),
        ("pause", "b", False),
        ("backchannel", "b", False),
        ("overlap_within", "b", False),
        ("kind_of_a_later_version", "b", False),
    ],
)
def test_only_events_that_tell_about_nobody_else_stay(kind: str, speaker: str, stays: bool) -> None:
    assert event_stays(kind, speaker, "a") is stays


def test_fields_of_events_that_are_not_known_to_be_safe_are_emptied() -> None:
    event = {
        "kind": "filler",
        "speaker": "b",
        "start_s": 1.0,
        "end_s": 1.2,
        "confidence": 0.9,
        "source": "words",
        "subtype": "um",
        "addressee": "speaking",
        "stop_latency_s": 0.4,
        "floor_taking": True,
        "spans": [1, 2],
        "other": {"word": "so"},
    }
    assert silence_event(event) == {
        **event,
        "subtype": "",
        "addressee": "",
        "stop_latency_s": -1.0,
        "floor_taking": False,
        "spans": [],
        "other": {"word": ""},
    }


def test_a_member_that_it_does_not_know_is_refused(members: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"cannot be taken out of a member .mp4"):
        silence_members({**members, "mp4": b""}, "a", silence=[0, 0])


def test_the_row_of_the_recording_keeps_what_is_of_the_other_alone(out: Path) -> None:
    table = read_table(str(out / "recordings.parquet"))
    row = table.to_pylist()[0]
    silenced = silence_recording(row, "a", table.schema)
    changed = {name: silenced[name] for name in row if silenced[name] != row[name]}
    assert changed == {
        "speaker_a": "withdrawn",
        "words_a": False,
        "bandwidth_hz_a": 0,
        "peak_dbfs_a": -200.0,
        "level_dbfs_a": -200.0,
        "samples_sha256_a": "withdrawn",
        "digital_silence_share_a": 1.0,
        "floor_db_a_from_b": None,
        "floor_db_b_from_a": None,
        "coherence_a_from_b": None,
        "coherence_b_from_a": None,
        "solo_s_a_from_b": None,
        "solo_s_b_from_a": None,
        **dict.fromkeys((name for name in row if name.endswith("_found") and row[name] is not None), None),
        **dict.fromkeys((name for name in row if name.endswith("_confidence") and row[name] is not None), None),
        "speech_a_s": 0.0,
        "overlap_share_of_time": None,
        "overlap_share_of_speech": None,
        "ftos_s": [],
        "ftos_b_s": [],
        "kinds": [],
        "turns_a": 0,
        "turns_b": 0,
        "gaps": 0,
    }


def test_what_a_model_is_told_of_who_goes_is_gone_and_of_who_stays_is_left(members: dict[str, bytes]) -> None:
    document = json.loads(members["json"])
    told = {"role": "agent", "role_prompt": "You work for a car repair shop."}
    document["conditions"] = {"topic": "cars", "register": "service", "a": told, "b": {**told, "role": "caller"}}
    assert list(iter_faults("sample", document)) == []
    silenced = silence_document(document, "a")
    assert silenced["conditions"] == {**document["conditions"], "a": {"role": "", "role_prompt": ""}}
    assert silence_document(document, "b")["conditions"]["a"] == told


def test_a_sample_of_an_earlier_version_is_silenced_without_what_it_does_not_have(members: dict[str, bytes]) -> None:
    document = json.loads(members["json"])
    del document["conditions"]
    for entry in (*document["words"], *document["events"]):
        del entry["owned"]
    silenced = silence_document(document, "a")
    assert list(iter_faults("sample", silenced)) == []
    assert "conditions" not in silenced
    assert not any("owned" in entry for entry in (*silenced["words"], *silenced["events"]))


def test_a_field_of_a_later_version_is_emptied(members: dict[str, bytes]) -> None:
    document = {**json.loads(members["json"]), "mood": {"a": "lively", "b": 0.5}, "portrait": "of anna", "marks": ["x"]}
    silenced = silence_document(document, "a")
    assert (silenced["mood"], silenced["portrait"], silenced["marks"]) == ({"a": "", "b": 0.0}, "", [])


def test_who_owns_what_stays_is_said_as_before(members: dict[str, bytes]) -> None:
    document = json.loads(members["json"])
    document["words"][-1] |= {"speaker": "b", "owned": False}
    document["events"] = [{**event, "owned": event["start_s"] > 1} for event in document["events"]]
    silenced = silence_document(document, "a")
    assert [word["owned"] for word in silenced["words"]] == [
        w["owned"] for w in document["words"] if w["speaker"] == "b"
    ]
    assert [(event["kind"], event["owned"]) for event in silenced["events"]] == [("ipu", True)]


def test_what_is_said_of_who_goes_goes_and_when_it_was_made_stays(out: Path) -> None:
    table = read_table(str(out / "recordings.parquet"))
    said = {f"{name}_{side}": f"{name} of {side}" for name in SAID_OF_SPEAKERS for side in "ab"}
    row = {**table.to_pylist()[0], **said, "started_at": "2024-01-01", "started_before": "2025-01-01"}
    silenced = silence_recording(row, "b", table.schema)
    assert {name: silenced[name] for name in said} == {
        name: None if name.endswith("_b") else said[name] for name in said
    }
    assert (silenced["started_at"], silenced["started_before"]) == ("2024-01-01", "2025-01-01")


def test_the_row_of_the_index_is_that_of_the_silenced_sample(out: Path) -> None:
    table = read_table(str(out / "index.parquet"))
    row = table.to_pylist()[0]
    assert (row["overlap_share_of_speech"], row["backchannels"], row["interruptions"], row["words"]) == (
        0.0,
        1,
        1,
        True,
    )
    figures = {"overlap_share_of_speech": None, "backchannels": 0, "interruptions": 0, "words": False}
    silenced = silence_index_row(row, "a", figures, table.schema)
    assert silenced == {**row, **figures, "speaker_a": "withdrawn"}
    assert index_row_tells(row, "a", table.schema)
    assert not index_row_tells(silenced, "a", table.schema)
    assert not index_row_tells({**silenced, "words": True, "overlap_share_of_speech": 0.0}, "a", table.schema)
    for left in ({"backchannels": 1}, {"interruptions": 2}, {"overlap_share_of_speech": 0.1}, {"speaker_a": "f" * 64}):
        assert index_row_tells({**silenced, **left}, "a", table.schema)


def test_a_column_of_the_index_of_a_later_version_is_emptied(out: Path) -> None:
    table = read_table(str(out / "index.parquet"))
    schema = table.schema.append(pa.field("mood_a", pa.string(), nullable=False))
    row = {**table.to_pylist()[0], "mood_a": "lively"}
    assert silence_index_row(row, "a", {}, schema)["mood_a"] == ""
    assert index_row_tells({**row, "speaker_a": "withdrawn", "backchannels": 0, "interruptions": 0}, "a", schema)


def test_columns_of_a_later_version_are_emptied(out: Path) -> None:
    table = read_table(str(out / "recordings.parquet"))
    schema = table.schema
    for name, kind, nullable in (("balance", "double", True), ("holds_b", "int32", False), ("tags", "string", False)):
        schema = schema.append(pa.field(name, pa.type_for_alias(kind), nullable=nullable))
    row = {**table.to_pylist()[0], "balance": 0.4, "holds_b": 7, "tags": "lively"}
    silenced = silence_recording(row, "a", schema)
    assert (silenced["balance"], silenced["holds_b"], silenced["tags"]) == (None, 0, "")
