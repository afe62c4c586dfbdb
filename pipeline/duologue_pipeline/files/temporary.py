"""Keeps the temporary files of this process in one known place, and clears away those of processes that were killed.

The place is ``duologue-UID`` in the folder for temporary files of the system (``TMPDIR``). Only its owner may look into
it. Each process has a folder there, which it holds by ``flock``: one that can be had belongs to nobody any more.
"""

import atexit
import fcntl
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from duologue_pipeline.errors import UsageError

__all__ = ["remove_dead_temporaries", "temporary_file", "temporary_place"]

_LOCK: Final = ".lock"
_mine: dict[int, tuple[Path, IO[bytes]]] = {}
_mutex = threading.Lock()


def temporary_place() -> Path:
    """Gives the folder in which every temporary file of this user's processes lies; it may not exist yet."""
    return Path(tempfile.gettempdir()) / f"duologue-{os.getuid()}"


@contextmanager
def temporary_file(suffix: str = "") -> Iterator[IO[bytes]]:
    """Makes a file that only its owner can read (mode 0600), and removes it when the block ends.

    Args:
        suffix: the extension of its name, from the dot on.

    Raises:
        UsageError: the place belongs to somebody else, or cannot be written.
    """
    with tempfile.NamedTemporaryFile(prefix="duologue-", suffix=suffix, dir=_own_folder()) as handle:
        yield handle


def remove_dead_temporaries() -> None:
    """Removes what processes that have ended left behind; what living ones use stays."""
    place = temporary_place()
    if place.is_dir():
        with _placed(place), suppress(OSError):
            for folder in place.iterdir():
                if folder.is_dir() and not folder.is_symlink():
                    _remove_if_dead(folder)


def _own_folder() -> Path:
    """Gives the folder of this process, made when it is first asked for; a forked process gets one of its own."""
    with _mutex:
        if os.getpid() not in _mine or not _mine[os.getpid()][0].is_dir():
            place = temporary_place()
            with suppress(FileExistsError):
                place.mkdir(mode=0o700)
            found = place.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise UsageError(
                    f"{place}: is not a folder of yours alone; remove it, or name another folder for temporary files in TMPDIR"
                )
            with _placed(place):
                folder = Path(tempfile.mkdtemp(prefix="duologue-", dir=place))
                lock = (folder / _LOCK).open("wb")
                fcntl.flock(lock, fcntl.LOCK_EX)
            _mine[os.getpid()] = folder, lock
            atexit.register(_leave, os.getpid())
            remove_dead_temporaries()
        return _mine[os.getpid()][0]


@contextmanager
def _placed(place: Path) -> Iterator[None]:
    """Keeps other processes from making and clearing folders in the place while the block runs."""
    with (place / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_if_dead(folder: Path) -> None:
    with suppress(OSError), (folder / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)


def _leave(pid: int) -> None:
    if pid == os.getpid() and pid in _mine:
        folder, lock = _mine.pop(pid)
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()
