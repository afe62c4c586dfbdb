"""Writes a file only if nobody else wrote it since it was read (compare-and-swap).

On a local disk the comparison and the write happen under ``flock``. On S3 the write carries ``If-Match`` or
``If-None-Match``.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.names import check_name, scheme
from duologue_pipeline.files.s3 import s3_fault, s3_faults, s3_object, s3_status
from duologue_pipeline.files.storage import is_remote, local_path, read_bytes, unfinished_file
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = [
    "ConflictError",
    "Version",
    "check_conditional",
    "flock",
    "read_version",
    "swap_bytes",
    "swaps",
]


class ConflictError(Exception):
    """Says that another process wrote the file, or took the lock, in between. Nothing was written: read again, decide anew."""


@dataclass(frozen=True)
class Version:
    """Holds what a file held when it was read, and what tells that state from any other (SHA-256, on S3 the ETag)."""

    data: bytes
    tag: str


def swaps(uri: str) -> bool:
    """Tells whether files there can be written conditionally: on a local path or ``s3://``."""
    return scheme(uri) in ("file", "s3")


def check_conditional(uri: str) -> None:
    """Checks that files there can be written conditionally (:func:`swaps`).

    Raises:
        UsageError: they cannot.
    """
    check_name(uri)
    if not swaps(uri):
        raise UsageError(f"{uri}: cannot be changed safely there; use a local path or s3:// (copy the release first)")


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
    try:
        return _read_object(uri)
    except FileMissing:
        return None


def swap_bytes(uri: str, data: bytes, *, old: Version | None, work: str | None = None) -> Version:
    """Writes a file as a whole if it still is what was read before.

    Args:
        uri: where; a local path or ``s3://``.
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
    client, bucket, key = s3_object(uri)
    condition = {"IfNoneMatch": "*"} if old is None else {"IfMatch": old.tag}
    try:
        with s3_faults(uri, "written", but=(client.exceptions.ClientError,)):
            answer = client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
    except client.exceptions.ClientError as error:
        if s3_status(error) not in (404, 409, 412):
            raise s3_fault(error, uri, "written") from None
        # Of two attempts the first may have been carried out, and only its answer lost.
        found = read_version(uri) if error.response["ResponseMetadata"].get("RetryAttempts") else None
        if found is not None and found.data == data:
            return found
        raise ConflictError(f"{uri} was changed by another process") from None
    return Version(data, answer["ETag"])


def _read_object(uri: str) -> Version:
    """Reads an object with its ETag, again where its body is cut short."""
    client, bucket, key = s3_object(uri)
    rules = load_rules(FilesRules)
    for attempt in range(1, rules.attempts + 1):
        try:
            with s3_faults(uri, "read"):
                answer = client.get_object(Bucket=bucket, Key=key)
                return Version(answer["Body"].read(), answer["ETag"])
        except FileFault as fault:
            if "status" in fault.values or attempt == rules.attempts:
                raise
            time.sleep(min(rules.max_backoff_s, rules.backoff_s * 2 ** (attempt - 1)))
    raise AssertionError("the last attempt has returned or raised")


@contextmanager
def flock(path: Path, *, wait: bool) -> Iterator[IO[bytes]]:
    """Holds a local file by ``flock`` while the block runs, and removes it at the end; one that a dead process left is taken.

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
            if path.exists() and os.fstat(handle.fileno()).st_ino == path.stat().st_ino:
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
        path.unlink(missing_ok=True)
        handle.close()


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
