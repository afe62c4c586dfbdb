"""Shards: the same bytes always, a name that is their hash, and archives that others can read."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset

from duologue_pipeline.shards.tar import join_parts, npy_bytes, write_members


@pytest.fixture
def parts(tmp_path: Path) -> list[str]:
    """Two parts: call-1 with two samples, call-2 with one."""
    paths = []
    for name, keys in (("one", ["call-1-00000", "call-1-00001"]), ("two", ["call-2-00000"])):
        with (tmp_path / f"{name}.part").open("wb") as out:
            for key in keys:
                write_members(out, key, {"json": f'{{"key":"{key}"}}'.encode(), "codes.npy": b"x" * 700})
        paths.append(str(tmp_path / f"{name}.part"))
    return paths


def join(parts: list[str], folder: Path) -> tuple[Path, str, int]:
    name, sha256, size = join_parts(parts, folder=str(folder / "shards"), name="train-00000", staging=str(folder))
    return folder / "shards" / name, sha256, size


def test_the_name_ends_in_the_hash_of_the_content(parts: list[str], tmp_path: Path) -> None:
    path, sha256, size = join(parts, tmp_path)
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f"train-00000-{sha256[:12]}.tar"
    assert size == path.stat().st_size == 10240
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["one.part", "shards", "two.part"]


def test_the_bytes_are_those_that_tarfile_writes(parts: list[str], tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "expected.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        for key in ("call-1-00000", "call-1-00001", "call-2-00000"):
            for extension, content in (("json", f'{{"key":"{key}"}}'.encode()), ("codes.npy", b"x" * 700)):
                info = tarfile.TarInfo(f"{key}.{extension}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    path, sha256, _ = join(parts, tmp_path)
    assert path.read_bytes() == (tmp_path / "expected.tar").read_bytes()
    # Written out, so that a new Python or another machine that changes the bytes does not pass unseen.
    assert sha256 == "9042f1a1a5997b43ed5491cb10ad33c57e0e415429d69c93cd37f8263c9f1eaf"


def test_the_order_of_the_parts_is_kept(parts: list[str], tmp_path: Path) -> None:
    with tarfile.open(join(parts, tmp_path)[0]) as archive:
        assert archive.getnames() == [
            "call-1-00000.json",
            "call-1-00000.codes.npy",
            "call-1-00001.json",
            "call-1-00001.codes.npy",
            "call-2-00000.json",
            "call-2-00000.codes.npy",
        ]


def test_headers_carry_no_clock_and_no_owner(parts: list[str], tmp_path: Path) -> None:
    with tarfile.open(join(parts, tmp_path)[0]) as archive:
        for info in archive:
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode) == (0, 0, 0, "", "", 0o644)


def test_an_archive_without_parts_is_an_empty_archive(tmp_path: Path) -> None:
    with tarfile.open(join([], tmp_path)[0]) as archive:
        assert archive.getnames() == []


def test_a_long_key_is_written_and_read(tmp_path: Path) -> None:
    key = "k" * 150
    with (tmp_path / "long.part").open("wb") as out:
        size = write_members(out, key, {"json": b"{}", "codes.npy": b""})
    assert size == (tmp_path / "long.part").stat().st_size
    with tarfile.open(join([str(tmp_path / "long.part")], tmp_path)[0]) as archive:
        assert archive.getnames() == [f"{key}.json", f"{key}.codes.npy"]


def test_webdataset_gives_what_was_written(parts: list[str], tmp_path: Path) -> None:
    path = join(parts, tmp_path)[0]
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in samples] == ["call-1-00000", "call-1-00001", "call-2-00000"]
    assert samples[2]["json"] == b'{"key":"call-2-00000"}'
    assert samples[2]["codes.npy"] == b"x" * 700


def test_codes_come_back_as_they_were() -> None:
    codes = np.arange(48, dtype=np.uint16).reshape(2, 8, 3)
    content = npy_bytes(codes)
    read = np.load(io.BytesIO(content), allow_pickle=False)
    np.testing.assert_array_equal(read, codes)
    assert read.dtype == np.dtype("<u2")
    assert content == npy_bytes(np.asfortranarray(codes)) == npy_bytes(codes.astype(">u2"))


def test_offsets_of_the_index_point_at_the_members(release: Path) -> None:
    rows = pq.read_table(release / "index.parquet").to_pylist()
    assert [row["key"] for row in rows] == [
        "call-1-00000",
        "call-1-00001",
        "call-1-00002",
        "call-2-00000",
        "call-2-00001",
        "call-3-00000",
    ]
    for row in rows:
        piece = (release / row["shard"]).read_bytes()[row["offset"] : row["offset"] + row["bytes"]]
        with tarfile.open(fileobj=io.BytesIO(piece)) as archive:
            assert archive.getnames() == [f"{row['key']}.{name}" for name in ("json", "codes.npy", "flac")]
