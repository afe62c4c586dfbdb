"""Reading a shard: what a sample holds, and what is said of damage."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.reader.shard import Sample, read_sample


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def read(path: Path, key: str = "k") -> Sample:
    return read_sample(path.read_bytes(), key, str(path))


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def test_a_sample_without_audio_says_so(tmp_path: Path) -> None:
    write_tar(tmp_path / "shard.tar", {"k.json": b"{}", "k.codes.npy": npy(np.zeros((2, 2, 3), np.uint16))})
    sample = read(tmp_path / "shard.tar")
    assert (sample.flac, sample.audio) == (None, None)


def test_the_members_of_a_sample_may_come_in_any_order(tmp_path: Path) -> None:
    codes = npy(np.zeros((2, 2, 3), np.uint16))
    write_tar(tmp_path / "shard.tar", {"l.codes.npy": codes, "l.flac": b"", "l.json": b'{"n":2}'})
    sample = read(tmp_path / "shard.tar", "l")
    assert (sample.key, sample.metadata, sample.flac) == ("l", {"n": 2}, b"")


def test_another_sample_than_the_index_names_is_not_given(tmp_path: Path) -> None:
    codes = npy(np.zeros((2, 2, 3), np.uint16))
    write_tar(tmp_path / "shard.tar", {"k.codes.npy": codes, "k.json": b"{}", "l.codes.npy": codes, "l.json": b"{}"})
    with pytest.raises(ValueError, match=r"shard\.tar: holds k, l where the index names the sample k: fetch it again"):
        read(tmp_path / "shard.tar")


def test_a_file_that_is_no_archive_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "shard.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(ValueError, match=r"shard\.tar: k: the archive is damaged \("):
        read(tmp_path / "shard.tar")


def test_a_sample_without_codes_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "shard.tar", {"k.json": b"{}", "k.flac": b""})
    with pytest.raises(
        ValueError,
        match=r"shard\.tar: sample k has the members json, flac and needs json and codes\.npy: fetch it again",
    ):
        read(tmp_path / "shard.tar")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    write_tar(tmp_path / "shard.tar", {"k.json": b"{}", "k.codes.npy": npy(np.array([{"any": "object"}]))})
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        read(tmp_path / "shard.tar")
