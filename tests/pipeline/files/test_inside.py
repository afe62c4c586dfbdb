"""Files of a folder that somebody else has made: nothing but files, nothing from elsewhere, no more than is allowed."""

import os
from pathlib import Path

import pytest

from duologue_pipeline.files.inside import inside_size, irregular_faults, read_inside


def test_a_file_is_read_up_to_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert inside_size(str(tmp_path), "f") == 5
    assert read_inside(str(tmp_path), "f", max_bytes=5) == b"12345"
    with pytest.raises(ValueError, match="it has 5 bytes, and at most 4 are read"):
        read_inside(str(tmp_path), "f", max_bytes=4)
    with pytest.raises(FileNotFoundError):
        inside_size(str(tmp_path), "g")


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "null").symlink_to("/dev/null")
    for name, message in (("pipe", "it is a pipe"), ("folder", "it is a folder"), ("null", "it is a device")):
        with pytest.raises(ValueError, match=message):
            read_inside(str(tmp_path), name, max_bytes=10)
    with pytest.raises(OSError, match="loop"):
        read_inside(str(tmp_path), "loop", max_bytes=10)
    assert len(list(irregular_faults(str(tmp_path)))) == 3  # os.walk takes the folder for what it is


def test_a_link_may_lead_within_the_folder_and_into_a_cache_of_the_hub(tmp_path: Path) -> None:
    cache = tmp_path / "datasets--x"
    out = cache / "snapshots" / "0123"
    (cache / "blobs").mkdir(parents=True)
    out.mkdir(parents=True)
    (cache / "blobs" / "ab").write_bytes(b"blob")
    (tmp_path / "secret").write_bytes(b"secret")
    (out / "file").symlink_to("../../blobs/ab")
    (out / "inner").symlink_to("file")
    (out / "outer").symlink_to("../../../secret")
    assert read_inside(str(out), "file", max_bytes=9) == read_inside(str(out), "inner", max_bytes=9) == b"blob"
    with pytest.raises(ValueError, match="it is a link that leads out of the folder"):
        read_inside(str(out), "outer", max_bytes=9)
