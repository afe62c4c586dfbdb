"""Local files: only files are opened, and it is noticed when they change."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from duologue_pipeline.files import local, storage
from duologue_pipeline.files.file_fault import FileFault, FileMissing


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_dangling(path: Path) -> None:
    path.symlink_to("nothing")


def make_unreadable(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0)


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (Path.mkdir, "not_a_file", "is a folder and not a file; name a file"),
        (make_fifo, "not_a_file", "is a FIFO (a named pipe) and not a file; name a file"),
        (make_socket, "not_a_file", "is a socket and not a file; name a file"),
        (make_link_to_fifo, "not_a_file", "is a FIFO (a named pipe) and not a file; name a file"),
        (make_link_to_device, "not_a_file", "is a device and not a file; name a file"),
        (make_loop, "not_a_file", "is a link that leads back to itself; name the file itself"),
        (make_dangling, "missing", "no such file"),
        (lambda path: None, "missing", "no such file"),
        pytest.param(
            make_unreadable,
            "forbidden",
            "may not be read; correct its rights",
            marks=pytest.mark.skipif(os.getuid() == 0, reason="root may read everything"),
        ),
    ],
)
def test_only_files_are_opened(make: Callable[[Path], None], kind: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    make(path)
    for read in (
        storage.open_input,
        storage.read_bytes,
        storage.digest,
        lambda uri: storage.local_copy(uri).__enter__(),
    ):
        with pytest.raises(FileFault) as raised:
            read(str(path))
        assert (str(raised.value), raised.value.kind) == (f"{path}: {told}", kind)
        assert isinstance(raised.value, FileMissing) == (kind == "missing")


@pytest.mark.parametrize(
    "uri",
    [
        "/dev/zero",
        "/dev/stdin",
        "/dev/tty",
        "/proc/self/mem",
        "/proc/cpuinfo",
        "/proc/self/environ",
        "/sys/kernel/uevent_seqnum",
    ],
)
def test_files_of_the_system_are_none(uri: str) -> None:
    if os.path.exists(uri):
        with pytest.raises(
            FileFault, match=r"is a device and not a file|is a file of the system|is a FIFO|cannot be opened|a socket"
        ):
            storage.read_bytes(uri)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("C:\\calls\\x.wav", "a path of Windows; write the path that it has here"),
        ("\\\\server\\share\\x.wav", "a path of Windows"),
        ("/calls/~/x.wav", "~ is not expanded in a manifest: write the whole path"),
        ("nul\0in the name", "not a file name (it holds a NUL character)"),
        ("a\nb.wav", "a\\nb.wav: no such file"),
        ("half \ud800 of a pair.wav", "not a file name"),
        ("x" * 300 + ".wav", "the name is longer than a file may have"),
        ("/etc/passwd/x.wav", "no such file"),
        ("~nobody-of-this-name/x.wav", "not a file name"),
        (
            "file://host/x.wav",
            "not a file name of this machine ('host' stands where a host does); write file:///absolute/path",
        ),
        ("file:///a%00b", "not a file name"),
        ("data:audio/wav;base64,UklGRg==", "begins no address that duologue reads"),
        ("javascript:alert(1)", "begins no address that duologue reads"),
        ("http:/host/x.wav", "begins no address that duologue reads"),
        ("abfs://container@account/x.wav", "abfs is no place that duologue reads from"),
        ("HDFS://namenode/x.wav", "hdfs is no place that duologue reads from"),
        ("mock://x", "mock is no place that duologue reads from"),
        ("viewfs://x/y", "viewfs is no place that duologue reads from"),
        ("ftp://host/x.wav", "ftp is no place that duologue reads from"),
    ],
)
def test_a_name_that_is_none_is_said_on_one_line(uri: str, told: str) -> None:
    for read in (storage.read_bytes, lambda uri: storage.local_copy(uri).__enter__()):
        with pytest.raises(FileFault) as raised:
            read(uri)
        assert told in str(raised.value)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 500


def test_a_file_uri_is_decoded_and_a_path_is_not(tmp_path: Path) -> None:
    for name in ("a b#1?.wav", "a%20b.wav", "100%.wav"):
        (tmp_path / name).write_text(name)
    assert storage.read_bytes(f"file://{tmp_path}/a%20b%231%3F.wav") == b"a b#1?.wav"
    assert storage.read_bytes(f"FILE://localhost{tmp_path}/a%2520b.wav") == b"a%20b.wav"
    assert storage.read_bytes(f"file:{tmp_path}/100%.wav") == b"100%.wav"
    for name in ("a b#1?.wav", "a%20b.wav", "100%.wav"):
        assert storage.read_bytes(f"{tmp_path}/{name}") == name.encode()


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (lambda path: path.write_bytes(b"other"), True),
        (lambda path: path.write_bytes(b"same length as it was"), True),
        (lambda path: path.unlink(), True),
        (lambda path: path.with_name("new").replace(path), True),
        (lambda path: path.read_bytes(), False),
    ],
)
def test_a_file_that_changes_while_it_is_read_is_noticed(
    change: Callable[[Path], None], noticed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.with_name("new").write_bytes(b"the content of before")
    path.write_bytes(b"the content of before")
    os.utime(path, ns=(0, 0))
    seen = local.check_regular(str(path))
    change(path)
    if noticed:
        with pytest.raises(FileFault, match=r"was changed while it was read; wait until nobody writes it") as raised:
            seen.check()
        assert raised.value.kind == "changed"
    else:
        seen.check()


def test_a_file_is_read_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert storage.read_bytes(str(path), max_bytes=5) == b"12345"
    with pytest.raises(FileFault, match=r"has 5 bytes or more, and up to 4 are read") as raised:
        storage.read_bytes(str(path), max_bytes=4)
    assert raised.value.kind == "over_limit"
    with pytest.raises(FileFault), storage.local_copy(str(path), max_bytes=4):
        pass
    with path.open("r+b") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(FileFault, match="up to 34359738368 are read"), storage.local_copy(str(path)):
        pass
