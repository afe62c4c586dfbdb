"""Files that a command is given: only files are opened, and releases only in places that end no process."""

import os
from pathlib import Path

import pytest

from duologue_consent import Ledger, LedgerError
from duologue_consent.lineage.release_facts import ReleaseError, read_checkpoints, read_release_facts
from duologue_consent.verify import read_file


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="it is a pipe, a socket or a device, and no file"):
            read_file(path)
        with pytest.raises(LedgerError, match="it is a pipe, a socket or a device, and no file"):
            Ledger.open(path)
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none")


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_file(tmp_path / "file") == b"12345"
    with (tmp_path / "file").open("r+b") as sparse:
        sparse.truncate((1 << 30) + 1)
    with pytest.raises(OSError, match="File too large"):
        read_file(tmp_path / "file")


@pytest.mark.parametrize("uri", ["abfs://container@account/x", "HDFS://x/y", "mock://x", "http://host/x"])
def test_a_release_lies_in_a_folder_or_a_store_that_is_known(uri: str) -> None:
    for read in (read_release_facts, read_checkpoints):
        with pytest.raises(ReleaseError, match="a release is read from a folder, s3:// or gs://; name one of them"):
            read(uri)


@pytest.mark.parametrize(
    "content", [b"\xff", b"[]", b"[" * 10_000, b'{"schema": "release/1.0"}', b'{"ledger": []}', b"5"]
)
def test_a_damaged_release_is_told_in_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_bytes(content)
    (tmp_path / "recordings.parquet").write_bytes(b"")
    for read in (read_release_facts, read_checkpoints):
        with pytest.raises(ReleaseError, match=r"damaged \(.*\); see `duologue shards verify`"):
            read(str(tmp_path))


def test_a_pipe_in_the_place_of_a_release_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dataset.json")
    with pytest.raises(ReleaseError, match=r"is no release that can be read \(.*dataset.json: no such file\)"):
        read_release_facts(str(tmp_path))
    with pytest.raises(ReleaseError, match="there is no checkpoint of a ledger"):
        read_checkpoints(str(tmp_path))
