"""Energon's folder: the index points at samples, the metadata names what is there, and WebDataset reads the tars."""

import io
import json
import struct
import tarfile
from pathlib import Path

import numpy as np
import webdataset
import yaml

from tests.pipeline.export.formats.samples import conversation, export, own


def test_each_offset_of_the_index_is_a_sample_and_the_last_the_end(tmp_path: Path) -> None:
    samples = conversation()
    export("energon", samples, tmp_path)
    index = (tmp_path / "train-00000.tar.idx").read_bytes()
    offsets = struct.unpack(f"<{len(index) // 8}Q", index)
    data = (tmp_path / "train-00000.tar").read_bytes()
    assert len(offsets) == len(samples) + 1
    for sample, start, stop in zip(samples, offsets, offsets[1:], strict=False):
        with tarfile.open(fileobj=io.BytesIO(data[start:stop])) as archive:
            assert archive.getnames() == [f"{sample.key}.{ending}" for ending in ("json", "codes.npy", "flac")]
    assert not any(data[offsets[-1] :])
    assert len(data) - offsets[-1] == 1024


def test_the_metadata_counts_the_shards_and_turns_the_decoder_off(tmp_path: Path) -> None:
    samples = conversation()
    export("energon", samples, tmp_path)
    meta = tmp_path / ".nv-meta"
    assert json.loads((meta / ".info.json").read_text()) == {"shard_counts": {"train-00000.tar": len(samples)}}
    assert yaml.safe_load((meta / "split.yaml").read_text()) == {
        "split_parts": {"train": ["train-00000.tar"]},
        "exclude": [],
    }
    assert yaml.safe_load((meta / "dataset.yaml").read_text()) == {
        "__module__": "megatron.energon",
        "__class__": "CrudeWebdataset",
        "decoder": None,
    }


def test_webdataset_reads_tokens_and_words(tmp_path: Path) -> None:
    samples = conversation()
    export("energon", samples, tmp_path)
    rows = list(webdataset.WebDataset(str(tmp_path / "train-00000.tar"), shardshuffle=False))
    assert [row["__key__"] for row in rows] == [sample.key for sample in samples]
    for row, sample in zip(rows, samples, strict=True):
        assert np.array_equal(np.load(io.BytesIO(row["codes.npy"])), sample.codes)
        assert row["flac"] == sample.flac
    assert sorted(w["word"] for row in rows for w in json.loads(row["json"])["words"]) == own(samples)
