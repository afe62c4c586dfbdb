"""A shard of two recordings: its bytes, its pieces of the tables, and what is said of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import Activity, Event, Span, TaggedWord, Tokenized
from duologue_pipeline.shards.write import READY, STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from duologue_schemas.tables import SHARD_TABLES, TABLES

Build = Callable[..., Any]


@pytest.fixture
def parts(
    tmp_path: Path, noise: Build, write_audio: Build, make_recording: Build, make_annotated: Build, tiny_codec: Codec
) -> list[Tokenized]:
    """The parts of call-1 of five seconds and call-2 of three, in samples of two."""
    return [
        tokenize_conversation(
            make_annotated(
                make_recording(write_audio(f"{name}.wav", noise(seconds)), recording_id=name),
                events=(Event("ipu", "a", 200, 900),),
            ),
            codec=tiny_codec,
            options=TokenizeOptions(segment_s=2.0),
            staging=str(tmp_path / STAGING),
        )
        for name, seconds in (("call-1", 5.0), ("call-2", 3.0))
    ]


def test_the_rows_of_a_shard_name_it_and_point_into_it(parts: list[Tokenized], tmp_path: Path) -> None:
    written = write_shard("train-00000", parts, out=str(tmp_path))
    tables = {name: read_table(str(tmp_path / READY / name / "train-00000.parquet")) for name in SHARD_TABLES}
    assert {name: table.schema for name, table in tables.items()} == {name: TABLES[name] for name in SHARD_TABLES}
    index = tables["index"].to_pylist()
    keys = ["call-1-00000", "call-1-00001", "call-1-00002", "call-2-00000", "call-2-00001"]
    assert [row["key"] for row in index] == keys
    assert {row["shard"] for row in (*index, *tables["recordings"].to_pylist())} == {f"shards/{written.name}"}
    ends = [row["offset"] + row["bytes"] for row in index]
    assert [row["offset"] for row in index] == [0, *ends[:-1]]
    data = (tmp_path / READY / "shards" / written.name).read_bytes()
    assert all(data[row["offset"] :].startswith(f"{row['key']}.json\0".encode()) for row in index)
    assert [row["recording_id"] for row in tables["events"].to_pylist()] == ["call-1", "call-2"]


def test_what_is_said_of_a_shard(parts: list[Tokenized], tmp_path: Path) -> None:
    written = write_shard("train-00000", parts, out=str(tmp_path))
    assert (written.split, written.samples, written.duration_ms) == ("train", 5, 8000)
    assert written.name == f"train-00000-{written.sha256[:12]}.tar"
    assert written.bytes == (tmp_path / READY / "shards" / written.name).stat().st_size


def test_parts_in_any_order_give_the_same_shard(parts: list[Tokenized], tmp_path: Path) -> None:
    assert write_shard("train-00000", parts, out=str(tmp_path)) == write_shard(
        "train-00000", parts[::-1], out=str(tmp_path)
    )


def test_a_sample_with_words_that_comes_late_is_put_first(
    tmp_path: Path, noise: Build, write_audio: Build, make_recording: Build, make_annotated: Build, tiny_codec: Codec
) -> None:
    """``datasets`` learns from the first five samples that a word is a struct."""
    parts = []
    for number in range(1, 5):
        name, words = f"call-{number}", (TaggedWord("hi", 2200, 2400),) if number == 4 else None
        parts.append(
            tokenize_conversation(
                make_annotated(
                    make_recording(write_audio(f"{name}.wav", noise(5.0)), recording_id=name),
                    words_a=words,
                    activity=Activity(a=(Span(4200, 4800),) if number == 3 else (), b=(), rules="1.0"),
                    events=(),
                ),
                codec=tiny_codec,
                options=TokenizeOptions(segment_s=2.0),
                staging=str(tmp_path / STAGING),
            )
        )
    written = write_shard("train-00000", parts, out=str(tmp_path))
    rows = read_table(str(tmp_path / READY / "index" / "train-00000.parquet")).to_pylist()
    first = ["call-3-00002", "call-4-00001"]
    keys = [f"call-{number}-{segment:05d}" for number in range(1, 5) for segment in range(3)]
    assert [row["key"] for row in rows] == [*first, *(key for key in keys if key not in first)]
    data = (tmp_path / READY / "shards" / written.name).read_bytes()
    assert all(data[row["offset"] :].startswith(f"{row['key']}.json\0".encode()) for row in rows)
    assert written == write_shard("train-00000", parts[::-1], out=str(tmp_path))
    assert [key for key, _ in read_members(str(tmp_path / READY / "shards" / written.name))] == [
        row["key"] for row in rows
    ]
    loaded = pytest.importorskip("datasets").load_dataset(
        "webdataset",
        data_files=str(tmp_path / READY / "shards" / written.name),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    said = {row["__key__"]: [word["word"] for word in row["json"]["words"]] for row in loaded}
    assert said == {key: ["hi"] if key == "call-4-00001" else [] for key in keys}
