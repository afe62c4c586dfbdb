"""Writes a file only if nobody else wrote it since it was read (compare-and-swap).

On a local disk the comparison and the write happen under ``flock``. On S3 the write carries ``If-Match`` or
``If-None-Match``, in Google's store ``ifGenerationMatch``.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.file_fault import FileMissing
from duologue_pipeline.files.names import check_name, is_web, shown
from duologue_pipeline.files.object_store import object_store
from duologue_pipeline.files.storage import is_remote, local_path, read_bytes, unfinished_file
from duologue_pipeline.files.version import ConflictError, Version

__all__ = ["ConflictError", "Version", "check_conditional", "delete_version", "flock", "read_version", "swap_bytes"]


def check_conditional(uri: str) -> None:
    """Checks that files there can be written, and so conditionally: all but those on web servers.

    Raises:
        UsageError: they cannot.
    """
    check_name(uri)
    if is_web(uri):
        raise UsageError(
            f"{shown(uri)}: cannot be changed there; use a local path, s3:// or gs:// (copy the release first)"
        )


def read_version(uri: str) -> Version | None:
    """Reads what a file holds now; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    if not is_remote(uri):
        try:
            data = read_bytes(uri)
        except FileNotFoundError:
            return None
        return Version(data, hashlib.sha256(data).hexdigest())
    store, name = object_store(uri)
    try:
        return store.read_version(name)
    except FileMissing:
        return None


def swap_bytes(uri: str, data: bytes, *, old: Version | None, work: str | None = None) -> Version:
    """Writes a file as a whole if it still is what was read before.

    Args:
        uri: where; a local path, ``s3://`` or ``gs://``.
        data: what it is to hold.
        old: what :func:`read_version` gave; None: the file must not exist.
        work: a local folder for the unfinished file, as for :func:`duologue_pipeline.files.storage.open_output`.

    Raises:
        ConflictError: it is another one by now; nothing was written.
        OSError, UsageError: it cannot be written.
    """
    check_conditional(uri)
    if not is_remote(uri):
        path = local_path(uri)
        with storage_faults(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with flock(path.with_name(f".{path.name}.lock"), wait=True):
                found = read_version(uri)
                if (found and found.tag) != (old and old.tag):
                    raise ConflictError(f"{uri} was changed by another process")
                _write_durably(path, data, work)
        return Version(data, hashlib.sha256(data).hexdigest())
    store, name = object_store(uri)
    return store.swap(name, data, old)


def delete_version(uri: str, old: Version) -> bool:
    """Removes a file if it still is what was read before.

    Args:
        uri: which; a local path, ``s3://`` or ``gs://``.
        old: what :func:`read_version` or :func:`swap_bytes` gave.

    Returns:
        Whether it is gone; False where it is another one by now, and stays.

    Raises:
        OSError, UsageError: it cannot be removed.
    """
    check_conditional(uri)
    if is_remote(uri):
        store, name = object_store(uri)
        return store.delete_version(name, old)
    path = local_path(uri)
    with storage_faults(path), flock(path.with_name(f".{path.name}.lock"), wait=True):
        found = read_version(uri)
        if found is not None and found.tag != old.tag:
            return False
        path.unlink(missing_ok=True)
    return True


@contextmanager
def flock(path: Path, *, wait: bool) -> Iterator[IO[bytes]]:
    """Holds a local file by ``flock`` while the block runs, and removes it at the end; one that a dead process left is taken.

    A file that somebody has put in its place meanwhile stays.

    Yields:
        The open file.

    Raises:
        BlockingIOError: it is held, and ``wait`` is false.
    """
    while True:
        handle = path.open("a+b")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The holder before may have removed the file while this process waited: then it holds a lock of nothing.
            if _is_at(path, handle):
                break
        except FileNotFoundError:
            pass
        except BaseException:
            handle.close()
            raise
        handle.close()
    try:
        yield handle
    finally:
        if _is_at(path, handle):
            path.unlink(missing_ok=True)
        handle.close()


def _is_at(path: Path, handle: IO[bytes]) -> bool:
    """Tells whether the file of this name is the one that is open."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_durably(path: Path, data: bytes, work: str | None) -> None:
    """Replaces a file so that after a crash of the machine either the old or the new one is there."""
    while True:
        with unfinished_file(path, work=work) as temporary:
            try:
                with temporary.open("wb") as handle:
                    handle.write(data)
                    handle.flush()
                    os.fsync(handle.fileno())
                temporary.replace(path)
                break
            except FileNotFoundError:
                if work is None or not path.parent.is_dir():
                    raise
                # the process that works in that folder was done with it meanwhile
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
