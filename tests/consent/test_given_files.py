"""Files that a command is given: only files are opened, and releases only in places that end no process."""

import os
from pathlib import Path

import pytest

from duologue_consent import Ledger, LedgerError
from duologue_consent.lineage.release_facts import ReleaseError, read_release_facts
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
    with pytest.raises(ReleaseError, match="a release is read from a folder, s3:// or gs://; name one of them"):
        read_release_facts(uri)
