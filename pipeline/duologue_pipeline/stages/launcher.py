"""Ties worker processes to the process that launched them, so that none goes on when that one was killed.

Beam starts workers through a shell, and a worker that lost its launcher works on until its bundle is done: into a folder
that another run may hold by then.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["end_with_launcher", "end_workers", "launching"]

_VARIABLE: Final = "DUOLOGUE_LAUNCHER"
_EVERY_S: Final = 0.5
_mutex = threading.Lock()
_watching: set[int] = set()


@contextmanager
def launching() -> Iterator[None]:
    """Tells worker processes of this machine that are started while the block runs who launched them."""
    os.environ[_VARIABLE] = str(os.getpid())
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE, None)  # of two runs in one process the first to end has taken it away


def end_with_launcher() -> None:
    """Has this process end as soon as the process that launched it has; nothing where it is that process itself."""
    launcher = int(os.environ.get(_VARIABLE, os.getpid()))
    with _mutex:
        if launcher == os.getpid() or os.getpid() in _watching:
            return
        _watching.add(os.getpid())
    threading.Thread(target=_watch, args=(launcher,), daemon=True).start()


def end_workers() -> None:
    """Kills the worker processes that this process has launched on this machine, as far as the system tells them."""
    mark = f"{_VARIABLE}={os.getpid()}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


def _watch(launcher: int) -> None:
    while _lives(launcher):
        time.sleep(_EVERY_S)
    os._exit(1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()  # killed, and not yet asked for by its parent
    except ProcessLookupError:
        return False
    except OSError:
        return True
