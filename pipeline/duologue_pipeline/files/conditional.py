"""Writes that happen only if nobody else wrote first, and a lock that a dead holder cannot keep.

On a local disk both rest on ``flock``, which the system releases when a process dies. On S3 a write carries ``If-Match`` or
``If-None-Match``, through boto3 because ``pyarrow.fs`` has no conditional write; the lock is an object that its holder
renews, and that another process takes over once it has not changed for :data:`LEASE_S` by that process's own clock.
"""

import fcntl
import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import is_remote, local_path

__all__ = [
    "LEASE_S",
    "ConflictError",
    "Lease",
    "Version",
    "check_conditional",
    "exclusive",
    "read_version",
    "remove_dead_locks",
    "swap_bytes",
]

LEASE_S: Final = 30.0
"""How long a lock on S3 stays with a holder that no longer renews it."""

_RENEW_S: Final = LEASE_S / 5
_POLL_S: Final = 0.5


class ConflictError(Exception):
    """Somebody else has written the file, or taken the lock, in between; nothing was written. Read again and decide anew."""


@dataclass(frozen=True)
class Version:
    """What a file held when it was read, and what tells that state from any other (SHA-256, on S3 the ETag)."""

    data: bytes
    tag: str


def check_conditional(uri: str) -> None:
    """Whether files there can be written conditionally.

    Raises:
        UsageError: they cannot: neither a local path nor ``s3://``.
    """
    if is_remote(uri) and not uri.startswith("s3://"):
        raise UsageError(f"{uri}: cannot be changed safely there; use a local path or s3:// (copy the release first)")


def read_version(uri: str) -> Version | None:
    """What a file holds now; None where there is none.

    Raises:
        OSError: it cannot be read.
    """
    if not is_remote(uri):
        try:
            data = local_path(uri).read_bytes()
        except FileNotFoundError:
            return None
        return Version(data, hashlib.sha256(data).hexdigest())
    client, bucket, key = _s3(uri)
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
        return Version(answer["Body"].read(), answer["ETag"])
    except client.exceptions.ClientError as error:
        if _status(error) == 404:
            return None
        raise OSError(f"{uri}: cannot be read ({error})") from None


def swap_bytes(uri: str, data: bytes, *, old: Version | None) -> Version:
    """Writes a file as a whole if it still is what was read before.

    Args:
        uri: where; a local path or ``s3://``.
        data: what it is to hold.
        old: what :func:`read_version` gave; None: the file must not exist.

    Raises:
        ConflictError: it is another one by now; nothing was written.
        OSError: it cannot be written.
    """
    check_conditional(uri)
    if not is_remote(uri):
        path = local_path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _flock(path.with_name(f".{path.name}.lock"), wait=True):
            found = read_version(uri)
            if (found and found.tag) != (old and old.tag):
                raise ConflictError(f"{uri} was changed by another process")
            _write_durably(path, data)
        return Version(data, hashlib.sha256(data).hexdigest())
    client, bucket, key = _s3(uri)
    condition = {"IfNoneMatch": "*"} if old is None else {"IfMatch": old.tag}
    try:
        answer = client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
    except client.exceptions.ClientError as error:
        if _status(error) in (404, 409, 412):
            raise ConflictError(f"{uri} was changed by another process") from None
        raise OSError(f"{uri}: cannot be written ({error})") from None
    return Version(data, answer["ETag"])


class Lease:
    """A lock that is held; ask it before each step that cannot be taken back."""

    def __init__(self) -> None:
        self.lost: str | None = None

    def check(self) -> None:
        """Raises ConflictError where the lock was lost, because this process stood still for too long."""
        if self.lost is not None:
            raise ConflictError(self.lost)


@contextmanager
def exclusive(uri: str, *, wait_s: float, waiting: Callable[[str], None]) -> Iterator[Lease]:
    """Holds the lock of this name while the block runs.

    Args:
        uri: the name of the lock; a file of this name lies there while it is held.
        wait_s: how long to wait for another holder.
        waiting: is told once who holds it.

    Raises:
        UsageError: another process holds it for longer than that.
    """
    check_conditional(uri)
    deadline = time.monotonic() + wait_s
    if is_remote(uri):
        with _s3_lock(uri, deadline, waiting) as lease:
            yield lease
        return
    path = local_path(uri)
    told = False
    while True:
        try:
            with _flock(path, wait=False):
                yield Lease()
            return
        except BlockingIOError:
            if not told:
                waiting("another process of this machine or file system")
                told = True
            if time.monotonic() > deadline:
                raise UsageError(f"{uri}: is still held by another process; run the command again later") from None
            time.sleep(_POLL_S / 5)


def remove_dead_locks(folder: str, *, but: str) -> None:
    """Removes the lock files that killed processes have left in a local folder, the one called ``but`` left out."""
    if is_remote(folder):
        return
    for path in local_path(folder).glob(".*.lock"):
        if path.name != but:
            try:
                with _flock(path, wait=False):
                    pass
            except BlockingIOError:
                continue  # its holder lives


# --- local ----------------------------------------------------------------------------------------------------------


@contextmanager
def _flock(path: Path, *, wait: bool) -> Iterator[None]:
    """Holds ``path`` by flock, and removes it at the end; one that a dead process left is simply taken.

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
        yield
    finally:
        path.unlink(missing_ok=True)
        handle.close()


def _write_durably(path: Path, data: bytes) -> None:
    """Replaces a file so that after a crash of the machine either the old or the new one is there."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


# --- S3 -------------------------------------------------------------------------------------------------------------


def bucket_keeps_versions(uri: str) -> bool:
    """Whether the bucket of an ``s3://`` uri keeps what is deleted in it as earlier versions."""
    client, bucket, _ = _s3(uri)
    return client.get_bucket_versioning(Bucket=bucket).get("Status") is not None


def _s3(uri: str) -> tuple[Any, str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return _s3_client(os.environ.get("AWS_ENDPOINT_URL")), bucket, key


@cache
def _s3_client(endpoint: str | None) -> Any:
    """The client of boto3 for the store that ``AWS_ENDPOINT_URL`` names; made once, because that takes a while."""
    import boto3  # here, because it takes half a second and few need it

    return boto3.client("s3", endpoint_url=endpoint)


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@contextmanager
def _s3_lock(uri: str, deadline: float, waiting: Callable[[str], None]) -> Iterator[Lease]:
    held = _take(uri, deadline, waiting)
    lease, ended = Lease(), threading.Event()

    def renew() -> None:
        nonlocal held
        while not ended.wait(_RENEW_S):
            try:
                held = swap_bytes(uri, _lock_text(), old=held)
            except ConflictError:
                lease.lost = f"{uri}: another process took over the lock because this one stood still; run it again"
                return
            except OSError:
                continue  # the lease still runs; the next round may get through

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join()
        found = read_version(uri)
        if lease.lost is None and found is not None and found.tag == held.tag:
            client, bucket, key = _s3(uri)
            client.delete_object(Bucket=bucket, Key=key)


def _take(uri: str, deadline: float, waiting: Callable[[str], None]) -> Version:
    seen, since, told = "", 0.0, False
    while True:
        found = read_version(uri)
        if found is None or _is_dead(found.data) or (found.tag == seen and time.monotonic() - since > LEASE_S):
            try:
                return swap_bytes(uri, _lock_text(), old=found)
            except ConflictError:
                continue
        if found.tag != seen:
            seen, since = found.tag, time.monotonic()
        if not told:
            holder = _load(found.data)
            waiting(f"process {holder.get('pid')} on {holder.get('host')}")
            told = True
        if time.monotonic() > deadline:
            raise UsageError(f"{uri}: is still held by another process; run the command again later")
        time.sleep(_POLL_S)


def _lock_text() -> bytes:
    # The token makes every renewal another object with another ETag.
    holder = {"host": _host(), "pid": os.getpid(), "token": uuid.uuid4().hex}
    return json.dumps(holder, sort_keys=True).encode() + b"\n"


def _host() -> str:
    """The machine since its last start: process ids mean nothing beyond it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()} {boot.read_text().strip() if boot.exists() else ''}".strip()


def _load(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_dead(data: bytes) -> bool:
    """Whether the holder was a process of this machine that has ended."""
    holder = _load(data)
    if holder.get("host") != _host() or not isinstance(holder.get("pid"), int):
        return False
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
