"""The shards as others read them: webdataset, datasets, plain tar, mlcroissant."""

import json
import tarfile
from pathlib import Path

import datasets
import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset

from duologue_pipeline.reader import open_dataset

pytestmark = pytest.mark.slow


def shards(release: Path) -> list[str]:
    return sorted(str(path) for path in (release / "shards").glob("train-*.tar"))


def test_webdataset_reads_what_our_reader_reads(audio_release: Path) -> None:
    ours = {sample.key: sample for sample in open_dataset(str(audio_release))}
    theirs = {
        sample["__key__"]: sample
        for sample in webdataset.WebDataset(shards(audio_release), shardshuffle=False).decode()
    }
    assert theirs.keys() == ours.keys()
    for key, sample in theirs.items():
        assert np.array_equal(sample["codes.npy"], ours[key].codes)
        assert sample["json"] == ours[key].metadata
        assert sample["flac"] == ours[key].flac


def test_datasets_loads_the_shards(demo_release: Path, tmp_path: Path) -> None:
    ours = {sample.key: sample for sample in open_dataset(str(demo_release))}
    theirs = datasets.load_dataset(
        "webdataset", data_files={"train": shards(demo_release)}, split="train", cache_dir=str(tmp_path)
    )
    assert sorted(theirs["__key__"]) == sorted(ours)
    for row in theirs:
        assert np.array_equal(np.array(row["codes.npy"]), ours[row["__key__"]].codes)
        assert row["json"]["recording_id"] == ours[row["__key__"]].metadata["recording_id"]


def test_datasets_streams_the_shards(demo_release: Path) -> None:
    stream = datasets.load_dataset(
        "webdataset", data_files={"train": shards(demo_release)}, split="train", streaming=True
    )
    assert sum(1 for _ in stream) == len(open_dataset(str(demo_release)))


def test_the_card_lets_datasets_load_the_release_by_its_folder(demo_release: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(demo_release), cache_dir=str(tmp_path))
    release = json.loads((demo_release / "dataset.json").read_text())
    assert {name: split.num_rows for name, split in loaded.items()} == {
        name: split["samples"] for name, split in release["splits"].items()
    }


def test_every_sample_has_the_same_members_and_no_clock(audio_release: Path) -> None:
    for path in shards(audio_release):
        with tarfile.open(path) as archive:
            members = archive.getmembers()
        extensions = [member.name.partition(".")[2] for member in members]
        assert extensions == ["json", "codes.npy", "flac"] * (len(members) // 3)
        assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(0, 0, 0, "")}


def test_the_index_points_at_the_bytes_of_each_sample(demo_release: Path) -> None:
    for row in pq.read_table(demo_release / "index.parquet").to_pylist():
        content = (demo_release / row["shard"]).read_bytes()[row["offset"] : row["offset"] + row["bytes"]]
        assert content.startswith(f"{row['key']}.json".encode())
        assert f"{row['key']}.codes.npy".encode() in content


def test_the_croissant_file_is_valid_and_its_records_can_be_read(demo_release: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=demo_release / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    names = [record_set.id for record_set in dataset.metadata.record_sets]
    index = next(name for name in names if "index" in name)
    rows = list(dataset.records(record_set=index))
    assert len(rows) == pq.read_table(demo_release / "index.parquet").num_rows
