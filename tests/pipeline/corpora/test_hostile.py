"""Damaged and hostile files in a corpus: each costs what it is of, or stops the command with a sentence; nothing crashes."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.corpora.conftest import Prepare
from tests.pipeline.corpora.support import audio, document, sphere, text

DAMAGED = [
    b"",
    b"{",
    b"\x00" * 100,
    b"[" * 200_000,
    b"[]",
    b"{}",
    b'{"speakers": 3}',
    b'{"speakers": [{"channel": "M"}]}',
    b"\xff",
]


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_document_costs_its_recording(data: bytes, prepare: Prepare, tmp_path: Path) -> None:
    people = [{"user_id": "l", "channel": "L"}, {"user_id": "r", "channel": "R"}]
    for seed, name in enumerate(("good", "bad")):
        audio(tmp_path / f"x/{name}/processed/{name}.wav", seed=seed)
        document(tmp_path / f"x/{name}/metadata.json", {"speakers": people})
    (tmp_path / "x/bad/metadata.json").write_bytes(data)
    found = prepare("candor", tmp_path / "x")
    assert found.exit_code == 0, found.said
    assert set(found.recordings) == {"good"}
    assert found.refused == {"bad/metadata.json": "field_invalid", "bad/processed/bad.wav": "field_invalid"}


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00,\x00\n" * 3, b"x\n00001,a\n", b"\xff\xfe\x00", b'x\n00001,"never closed\n', b"a," * 200_000],
    ids=range(6),
)
def test_a_damaged_table_names_nobody(data: bytes, prepare: Prepare, tmp_path: Path) -> None:
    sphere(tmp_path / "x/fe_03_00001.sph")
    (tmp_path / "x/fe_03_p1_calldata.tbl").write_bytes(data)
    found = prepare("fisher", tmp_path / "x")
    assert found.exit_code == 2
    assert "calldata.tbl" in found.said
    assert not found.out.exists()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 50, b"[" * 200_000, b"1 2 A", b"9e99 9e99 A: x\n", b"\xff\xfe", b"-5 -1 A: hi\n"],
    ids=range(7),
)
def test_a_damaged_transcript_costs_its_words(data: bytes, prepare: Prepare, tmp_path: Path) -> None:
    sphere(tmp_path / "x/en_4065.sph")
    (tmp_path / "x/en_4065.txt").write_bytes(data)
    found = prepare("callhome", tmp_path / "x", "--anonymous-sides")
    assert found.exit_code == 0, found.said
    assert found.refused == {"en_4065.txt": "words_not_read"}
    assert set(found.recordings) == {"en_4065"}


@pytest.mark.parametrize(
    "row",
    [
        {"audio_path": "d1.wav"},
        {"audio_path": "d1.wav", "speaker_to_channel": "[]"},
        {"audio_path": "d1.wav", "speaker_to_channel": "{", "alignments": "[]"},
        {"audio_path": "d1.wav", "speaker_to_channel": "{}", "alignments": "[[1]]"},
    ],
    ids=range(4),
)
def test_a_damaged_parquet_is_told(row: dict[str, str], prepare: Prepare, tmp_path: Path) -> None:
    audio(tmp_path / "x/d1.wav")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x/t.parquet")
    found = prepare("multitalk", tmp_path / "x", "--anonymous-sides")
    assert found.exit_code == 2
    assert "t.parquet: is not as this corpus has it" in found.said


def test_three_channels_in_a_parquet_cost_the_recording(prepare: Prepare, tmp_path: Path) -> None:
    audio(tmp_path / "x/d1.wav")
    row = {"audio_path": "d1.wav", "speaker_to_channel": json.dumps({"u": 0, "v": 1, "w": 2}), "alignments": "[]"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x/t.parquet")
    found = prepare("multitalk", tmp_path / "x", "--anonymous-sides")
    assert found.refused == {"d1.wav": "rejected_by_corpus"}


def test_names_with_braces_blanks_and_signs_are_names(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("{recording}", "a b", "x;y", "%s", "日本")):
        audio(tmp_path / f"x/{name}.wav", seed=seed)
        text(tmp_path / f"x/{name}.json", '{"alignments": [["hi", [0.1, 0.2], "SPEAKER_MAIN"]]}')
    found = prepare("moshi", tmp_path / "x", "--anonymous-sides")
    assert found.exit_code == 0, found.said
    assert len(found.recordings) == 5
    assert len(found.words) == 5
    assert found.refused == {}
