"""Holds locks that a dead holder cannot keep.

On a local disk a lock rests on ``flock``, which the system releases when a process dies. In an object store it is an object
that its holder renews by conditional writes, and that another process takes over once it has not changed for :data:`LEASE_S`
by that process's own clock.
"""

import hashlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import (
    ConflictError,
    Version,
    check_conditional,
    delete_version,
    flock,
    read_version,
    swap_bytes,
)
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.storage import is_remote, local_path

__all__ = ["LEASE_S", "Lease", "exclusive", "remove_dead_lock"]

LEASE_S: Final = 30.0
"""How long a lock in an object store stays with a holder that no longer renews it."""

_RENEW_S: Final = LEASE_S / 5
_POLL_S: Final = 0.5


class Lease:
    """Stands for a lock that is held; ask it before each step that cannot be taken back."""

    def __init__(self, uri: str = "", renewed_s: float | None = None) -> None:
        self.lost: str | None = None
        self._uri = uri
        self._renewed_s = renewed_s  # a lock on a local disk is not renewed

    def renewed(self, at_s: float) -> None:
        """Notes that the lock was renewed by a request that was sent at this time of :func:`_clock_s`."""
        self._renewed_s = at_s

    def check(self) -> None:
        """Raises ConflictError where the lock was lost, or may be: this process or its machine stood still for too long."""
        if self.lost is not None:
            raise ConflictError(self.lost)
        if self._renewed_s is not None and _clock_s() - self._renewed_s > LEASE_S:
            raise ConflictError(
                f"{self._uri}: the lock could not be renewed for {LEASE_S:g} s, and another process may have taken it over; run it "
                "again"
            )


@contextmanager
def exclusive(uri: str, *, wait_s: float, waiting: Callable[[str], None]) -> Iterator[Lease]:
    """Holds the lock of this name while the block runs.

    Args:
        uri: the name of the lock; a file of this name lies there while it is held.
        wait_s: how long to wait for another holder.
        waiting: is told once who holds it.

    Raises:
        UsageError: another process holds it for longer than that; or the file of the lock cannot be written.
    """
    check_conditional(uri)
    deadline = time.monotonic() + wait_s
    if is_remote(uri):
        with _object_lock(uri, deadline, waiting) as lease:
            yield lease
        return
    path = local_path(uri)
    told = False
    with ExitStack() as held:
        while True:
            try:
                with storage_faults(path):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    handle = held.enter_context(flock(path, wait=False))
                    handle.truncate(0)
                    handle.write(_lock_text())
                    handle.flush()
                break
            except BlockingIOError:
                holder = _load(path.read_bytes() if path.exists() else b"")
                if not told:
                    waiting(_named(holder))
                    told = True
                if time.monotonic() > deadline:
                    raise _still_held(uri, holder) from None
                time.sleep(_POLL_S / 5)
        yield Lease()


def remove_dead_lock(uri: str) -> bool:
    """Removes a local lock file that a killed process has left; gives whether it was one, and not held by a living process."""
    try:
        with flock(local_path(uri), wait=False):
            return True
    except BlockingIOError:
        return False


# --- object stores --------------------------------------------------------------------------------------------------


@contextmanager
def _object_lock(uri: str, deadline: float, waiting: Callable[[str], None]) -> Iterator[Lease]:
    held, taken_s = _take(uri, deadline, waiting)
    lease, ended = Lease(uri, taken_s), threading.Event()

    def renew() -> None:
        nonlocal held
        sent_s: dict[bytes, float] = {}
        while not ended.wait(_RENEW_S):
            text = _lock_text()
            sent_s[text] = _clock_s()
            try:
                try:
                    held = swap_bytes(uri, text, old=held)
                except ConflictError:
                    found = read_version(uri)
                    if found is None or found.data not in sent_s:
                        lease.lost = (
                            f"{uri}: another process took over the lock because this one stood still; run it again"
                        )
                        return
                    held = found  # an earlier renewal, of which the answer was lost
            except OSError:
                continue  # the lease still runs; the next round may get through
            lease.renewed(sent_s[held.data])
            sent_s.clear()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join()
        with suppress(OSError):  # a lock that cannot be given back ends with its lease
            if lease.lost is None:
                delete_version(uri, held)


def _take(uri: str, deadline: float, waiting: Callable[[str], None]) -> tuple[Version, float]:
    """Gives the lock, and when it was asked for, by :func:`_clock_s`."""
    seen, since, told = "", 0.0, False
    while True:
        found = read_version(uri)
        if found is None or _is_dead(found.data) or (found.tag == seen and time.monotonic() - since > LEASE_S):
            began_s = _clock_s()
            try:
                return swap_bytes(uri, _lock_text(), old=found), began_s
            except ConflictError:
                if time.monotonic() > deadline:
                    raise _still_held(uri, {}) from None
                time.sleep(_POLL_S)
                continue
        if found.tag != seen:
            seen, since = found.tag, time.monotonic()
        if not told:
            waiting(_named(_load(found.data)))
            told = True
        if time.monotonic() > deadline:
            raise _still_held(uri, _load(found.data))
        time.sleep(_POLL_S)


def _clock_s() -> float:
    """Reads a clock that also goes on while the machine sleeps, where there is one: a lease runs out meanwhile."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _named(holder: Mapping[str, Any]) -> str:
    if not isinstance(holder.get("pid"), int):
        return "another process of this machine or file system"
    return f"process {holder['pid']} on {'this' if holder.get('host') == _host() else 'another'} machine"


def _still_held(uri: str, holder: Mapping[str, Any]) -> UsageError:
    return UsageError(
        f"{uri}: is still held by {_named(holder)}; wait until it ends, or end it, and run the command again"
    )


def _lock_text() -> bytes:
    # The token makes every renewal another object with another tag.
    holder = {"host": _host(), "pid": os.getpid(), "token": uuid.uuid4().hex}
    return json.dumps(holder, sort_keys=True).encode() + b"\n"


def _host() -> str:
    """Names the machine since its last start, beyond which process ids mean nothing, by a hash.

    A lock lies in the folder of a release, which others may read: the name of a machine may be that of a person.
    """
    boot = Path("/proc/sys/kernel/random/boot_id")
    named = f"{socket.gethostname()} {boot.read_text().strip() if boot.exists() else ''}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _load(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_dead(data: bytes) -> bool:
    """Tells whether the holder was a process of this machine that has ended."""
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
