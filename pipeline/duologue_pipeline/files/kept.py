"""Keeps what one step has fetched or decoded of a file for the steps after it, within a bound of disk.

A recording's files are read by several steps, in one process where they are fused and in several where they are not. While
:func:`keeping` is on, the first step that wants a remote file fetches it, and what was decoded with effort is kept too; the
others find it here. What is kept lies among the temporary files of this process, is removed from the one that was asked for
longest ago on, and all of it when keeping ends or the process does. Nothing here is needed: whatever is not kept is fetched or
decoded again.
"""

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from duologue_pipeline.files.names import is_remote
from duologue_pipeline.files.storage import local_copy
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = ["begin_keeping", "end_keeping", "forget", "is_keeping", "keep", "keeping", "kept_copy", "room_bytes", "use"]

_PER_PROCESS: Final = 2
"""A process keeps no more than the free disk, shared by the processors, over this."""


@dataclass
class _Entry:
    value: Any
    size: int
    close: Callable[[], None]
    users: int = 0


@dataclass
class _Fetching:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


@dataclass
class _Store:
    mutex: threading.RLock = field(default_factory=threading.RLock)
    fetching: dict[Hashable, _Fetching] = field(default_factory=dict)
    entries: dict[Hashable, _Entry] = field(default_factory=dict)  # the one asked for longest ago first
    scopes: int = 0
    pid: int = field(default_factory=os.getpid)  # a forked process has none of this: what is kept is its parent's


_store = _Store()


def begin_keeping() -> None:
    """Begins to keep; ends when :func:`end_keeping` was called as often."""
    with _store.mutex:
        _store.scopes += 1


def end_keeping() -> None:
    """Ends one :func:`begin_keeping`; with the last of them all that is kept and not in use is removed."""
    with _store.mutex:
        _store.scopes = max(_store.scopes - 1, 0)
        _trim()


def forget() -> None:
    """Ends keeping whoever began it: for the end of a run, after which a file may be another one."""
    with _store.mutex:
        _store.scopes = 0
        _trim()


@contextmanager
def keeping() -> Iterator[None]:
    """Keeps while the block runs."""
    begin_keeping()
    try:
        yield
    finally:
        end_keeping()


def is_keeping() -> bool:
    """Tells whether keeping is on."""
    return _store.scopes > 0 and _store.pid == os.getpid()


def room_bytes() -> int:
    """Gives how many bytes this process may keep: ``max_kept_bytes`` of rules/files.json, and its share of the free disk."""
    with _store.mutex:
        free = shutil.disk_usage(tempfile.gettempdir()).free + sum(entry.size for entry in _store.entries.values())
    return min(load_rules(FilesRules).max_kept_bytes, free // (_PER_PROCESS * (os.cpu_count() or 1)))


def keep(key: Hashable, value: Any, *, size: int, close: Callable[[], None]) -> None:
    """Keeps something, if keeping is on and nothing of this name is kept.

    Args:
        key: its name.
        value: what :func:`use` gives.
        size: its bytes on the disk.
        close: removes it.
    """
    with _store.mutex:
        if not is_keeping() or key in _store.entries:
            close()
            return
        _store.entries[key] = _Entry(value, size, close)
        _trim()


@contextmanager
def use(key: Hashable) -> Iterator[Any]:
    """Gives what is kept under a name, which stays while the block runs; None where there is nothing."""
    with _store.mutex:
        entry = _store.entries.pop(key, None) if _store.pid == os.getpid() else None
        if entry is not None:
            _store.entries[key] = entry  # now the one asked for last
            entry.users += 1
    try:
        yield None if entry is None else entry.value
    finally:
        if entry is not None:
            with _store.mutex:
                entry.users -= 1
                _trim()


@contextmanager
def kept_copy(uri: str, *, max_bytes: int | None = None) -> Iterator[Path]:
    """Gives a local path to read a file from, as :func:`duologue_pipeline.files.storage.local_copy` does, and keeps a copy.

    Args:
        uri: of the file; a local one is read where it lies.
        max_bytes: a longer one is refused.

    Raises:
        FileFault: it cannot be had; FileMissing where there is none.
    """
    if not is_keeping() or not is_remote(uri):
        with local_copy(uri, max_bytes=max_bytes) as path:
            yield path
        return
    key = ("copy", uri)
    with _store.mutex:
        fetching = _store.fetching.setdefault(key, _Fetching())
        fetching.users += 1
    with ExitStack() as stack:
        try:
            with fetching.lock:  # a second thread waits for the first, and finds what it has fetched
                path = stack.enter_context(use(key))
                if path is None:
                    path = _fetched(key, uri, max_bytes, stack)
        finally:
            with _store.mutex:
                fetching.users -= 1
                if not fetching.users:
                    del _store.fetching[key]
        yield path


def _fetched(key: Hashable, uri: str, max_bytes: int | None, stack: ExitStack) -> Path:
    """Fetches a file and keeps it in use until ``stack`` is closed."""
    with ExitStack() as copy:
        try:
            path = copy.enter_context(local_copy(uri, max_bytes=max_bytes))
        except OSError as error:
            if error.errno != errno.ENOSPC or not _trim(room=0):
                raise
            path = copy.enter_context(local_copy(uri, max_bytes=max_bytes))  # there is more room now
        entry = _Entry(path, path.stat().st_size, copy.pop_all().close, users=1)
    with _store.mutex:
        _store.entries[key] = entry
        _trim()

    def left() -> None:
        with _store.mutex:
            entry.users -= 1
            _trim()

    stack.callback(left)
    return path


def _trim(*, room: int | None = None) -> int:
    """Removes what is not in use, until the rest is within the bound; all of it where keeping is off. Gives how much."""
    if _store.pid != os.getpid():
        return 0  # the files of the parent
    with _store.mutex:
        room = (room_bytes() if is_keeping() else 0) if room is None else room
        total = sum(entry.size for entry in _store.entries.values())
        removed = 0
        for key, entry in list(_store.entries.items()):
            if not entry.users and (total - removed > room or not is_keeping()):
                del _store.entries[key]
                removed += entry.size
                entry.close()
        return removed
