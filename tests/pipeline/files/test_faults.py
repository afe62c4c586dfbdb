"""What a disk or the system does not take is a sentence with the remedy, wherever in a run it is found."""

import errno
import os
import resource
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files import conditional, storage
from duologue_pipeline.files.faults import storage_fault, usage_error_in
from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError
from duologue_pipeline.records import Recording, Track
from duologue_pipeline.stages.tried import tried


@contextmanager
def failing(number: int, *names: str) -> Iterator[None]:
    """The calls of ``os`` or of files fail with this error number while the block runs."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(name, fail)
        yield


@pytest.mark.parametrize("write", [storage.write_bytes, lambda uri, data: conditional.swap_bytes(uri, data, old=None)])
@pytest.mark.parametrize("place", ["pathlib.Path.open", "pathlib.Path.replace", "pathlib.Path.mkdir"])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (
            errno.ENOSPC,
            r"the disk is full \(\d+\.\d MB are free in .*\); make room and run the command again: what is done",
        ),
        (errno.EDQUOT, r"the quota of the disk is used up \("),
        (errno.EROFS, "cannot be written: the file system is read-only; name a folder that can be written, and run"),
        (errno.EIO, "cannot be written: the disk reports an input/output error"),
        (errno.EMFILE, r"cannot be written: this process has too many files open; raise the limit \(`ulimit -n`\)"),
        (errno.EACCES, "cannot be written: permission is denied"),
    ],
)
def test_a_file_that_cannot_be_written_is_a_sentence(
    write: Callable[[str, bytes], object], place: str, number: int, said: str, tmp_path: Path
) -> None:
    with failing(number, place), pytest.raises(UsageError, match=f"^{tmp_path}/file: {said}"):
        write(f"{tmp_path}/file", b"data")
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")]


def test_a_file_over_the_limit_of_the_system_is_a_sentence(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(
            UsageError, match=r"/file: cannot be written: the file would be larger than the system allows"
        ):
            storage.write_bytes(f"{tmp_path}/file", bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_what_the_block_reads_is_not_said_of_what_it_writes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage.open_output(f"{tmp_path}/file"):
        (tmp_path / "none").open("rb")


def test_an_unfinished_file_lies_in_the_folder_for_it(tmp_path: Path) -> None:
    with storage.open_output(f"{tmp_path}/out/file", work=f"{tmp_path}/out/.work") as out:
        out.write(b"data")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".work"]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == [".work", "file"]


def test_a_folder_for_unfinished_files_may_be_removed_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def remove_once(number: int) -> None:
        synced.append(number)
        if len(synced) == 1:
            storage.delete_directory(f"{tmp_path}/.work")

    monkeypatch.setattr(os, "fsync", remove_once)
    conditional.swap_bytes(f"{tmp_path}/file", b"data", old=None, work=f"{tmp_path}/.work")
    assert (tmp_path / "file").read_bytes() == b"data"


def test_an_unknown_number_is_no_sentence() -> None:
    assert storage_fault(OSError("strange"), "file") is None


NO_MEMORY = (
    "there is not enough memory: give the command more (`ulimit -v`, the limit of a container), or fewer workers, and run it "
    "again"
)


def wrapped(text: str) -> RuntimeError:
    return RuntimeError(
        f"Traceback (most recent call last):\n  File \"x.py\", line 1, in f\n{text} [while running 'Tokens/Apply']\n"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("out/x: the disk is full [while running 'Tokens/Apply']"), "out/x: the disk is full"),
        (wrapped("duologue_pipeline.errors.UsageError: out/x: the disk is full"), "out/x: the disk is full"),
        (
            wrapped("FileNotFoundError: [Errno 2] Failed to open local file '/a/out/.staging/x'"),
            "/a/out: the work in it was disturbed ([Errno 2] Failed to open local file '/a/out/.staging/x'); run the command again",
        ),
        (wrapped("FileNotFoundError: [Errno 2] No such file or directory: '/usr/lib/x'"), None),
        (wrapped("ValueError: a mistake of ours"), None),
        (MemoryError(), NO_MEMORY),
        (wrapped("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 1. GiB"), NO_MEMORY),
        (RuntimeError("can't start new thread"), NO_MEMORY),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), NO_MEMORY),
        (ImportError("libtorch.so: failed to map segment from shared object"), NO_MEMORY),
        (ValueError("the MemoryError of a book"), None),
    ],
)
def test_the_sentence_is_found_in_what_beam_makes_of_it(error: Exception, said: str | None) -> None:
    found = usage_error_in(error, "/a/out")
    assert (found and str(found)) == said


@pytest.mark.parametrize("kind", [FileFault, FileMissing, StoreFaultError, UsageError])
def test_what_a_worker_says_of_a_file_is_found_in_its_trace(kind: type[UsageError]) -> None:
    try:
        raise kind("s3://b/x: cannot be read; run the command again later")
    except UsageError as error:
        text = "".join(traceback.format_exception(error))
    found = usage_error_in(RuntimeError(f"{text.rstrip()} [while running 'Ingest']"), "/out")
    assert found is not None
    assert str(found) == "s3://b/x: cannot be read; run the command again later"


def test_no_recording_is_refused_because_the_system_is_at_its_end() -> None:
    def work(_: Any) -> None:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError:
            raise RejectError("audio_missing", "call.wav: cannot be opened") from None

    recording = Recording("call-1", Track("a", "a"), Track("b", "b"))
    with pytest.raises(
        UsageError, match=r"too many files open; raise the limit \(`ulimit -n`\), and run the command again"
    ):
        tried("ingest", work, recording)
