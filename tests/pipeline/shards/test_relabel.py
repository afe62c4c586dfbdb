"""A part is written before its split is known; what the shard then holds is as if it had been known."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.files.text import canonical_json, read_json
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import SPLITS, Tokenized
from duologue_pipeline.shards.relabel import PART_SPLIT, relabelled
from duologue_pipeline.shards.write import READY, STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation

Build = Callable[..., Any]


@pytest.fixture
def part(
    tmp_path: Path, noise: Build, write_audio: Build, make_recording: Build, make_annotated: Build, tiny_codec: Codec
) -> Tokenized:
    return tokenize_conversation(
        make_annotated(make_recording(write_audio("call.wav", noise(5.0)))),
        codec=tiny_codec,
        options=TokenizeOptions(segment_s=2.0, include_audio=True),
        staging=str(tmp_path / STAGING),
    )


def test_nearly_all_parts_stay_as_they_are(part: Tokenized) -> None:
    document = read_json(part.rows_uri)
    assert relabelled(part.part_uri, document, split=PART_SPLIT) == (part.part_uri, document)


@pytest.mark.parametrize("split", SPLITS)
def test_only_the_split_of_the_samples_is_another_one(split: str, part: Tokenized) -> None:
    before = Path(part.part_uri).read_bytes()
    uri, document = relabelled(part.part_uri, read_json(part.rows_uri), split=split)
    after = Path(uri).read_bytes()
    assert Path(part.part_uri).read_bytes() == before
    assert [row["offset"] for row in document["index"]] == [
        sum(row["bytes"] for row in document["index"][:place]) for place in range(3)
    ]
    assert document["part_bytes"] == len(after) == sum(row["bytes"] for row in document["index"])
    pairs = zip(read_members(part.part_uri), read_members(uri), strict=True)
    for row, ((_, old), (key, new)) in zip(document["index"], pairs, strict=True):
        assert after[row["offset"] :].startswith(f"{row['key']}.json\0".encode())
        about = json.loads(old["json"])
        assert about["split"] == PART_SPLIT
        assert new == {**old, "json": canonical_json({**about, "split": split})}
        assert key == row["key"]


def test_a_part_that_is_cut_off_is_no_shorter_shard(part: Tokenized) -> None:
    whole = Path(part.part_uri).read_bytes()
    Path(part.part_uri).write_bytes(whole[:-512])
    with pytest.raises(EOFError, match="ends 512 bytes too early"):
        relabelled(part.part_uri, read_json(part.rows_uri), split="validation")


@pytest.mark.parametrize("split", SPLITS)
def test_all_of_a_shard_says_its_split_and_what_shares_its_audio(split: str, part: Tokenized, tmp_path: Path) -> None:
    written = write_shard(f"{split}-00000", [replace(part, same_audio=("call-7",))], out=str(tmp_path))
    assert written.split == split
    for table in ("index", "recordings", "events"):
        rows = read_table(str(tmp_path / READY / table / f"{split}-00000.parquet")).to_pylist()
        assert {row["split"] for row in rows} <= {split}
        assert table == "events" or rows
    assert read_table(str(tmp_path / READY / "recordings" / f"{split}-00000.parquet"))["same_audio"].to_pylist() == [
        ["call-7"]
    ]
    shard = tmp_path / READY / "shards" / written.name
    said = [json.loads(members["json"])["split"] for _, members in read_members(str(shard))]
    assert said == [split] * 3
