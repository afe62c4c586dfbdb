"""Does work that takes nothing but time in copies of this process, which share its memory: nothing is pickled on the way there."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from duologue_pipeline.errors import UsageError

__all__ = ["forked_map", "processes_for", "shared_map", "usable_processes"]

_Result = TypeVar("_Result")

_MOST: Final = 4
_LONG: Final = 20
_WATCH_EVERY_S: Final = 0.5
_SELDOM: Final = 100_000, 50, 100
"""When a copy looks for garbage: nearly all that it makes it keeps to its end, which is near."""
_work: Callable[[int], Any] | None = None
"""What a copy of this process does; set there, never here."""


def usable_processes() -> int:
    """Counts the processes that may work at once: a core each, at most four; one where processes cannot be copied."""
    return min(_MOST, len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1


def processes_for(count: int) -> int:
    """Tells how many processes to use for a manifest of so many parts of a thousand lines: one for a short one."""
    return usable_processes() if count >= _LONG else 1


def shared_map(work: Callable[[int], _Result], count: int) -> Iterator[_Result]:
    """Does work on the parts of a manifest in as many processes as are of use (:func:`forked_map`, :func:`processes_for`)."""
    return forked_map(work, count, processes=processes_for(count))


def forked_map(work: Callable[[int], _Result], count: int, *, processes: int, fresh: bool = False) -> Iterator[_Result]:
    """Does work on numbers in copies of this process.

    A copy knows all that this process knows when the first result is asked for. It must write no file, ask no store and start
    no thread of a library: this process may hold their locks. Copies end when this process has.

    Args:
        work: of a number; its result is pickled on its way back.
        count: how many numbers there are, from 0.
        processes: how many copies; with 1 this process does it, and where the system gives no copies.
        fresh: whether they begin as new processes that know nothing of this one but the work, which is pickled for each. Then it
            may do what a copy must not.

    Yields:
        The results in the order of the numbers.

    Raises:
        UsageError: a copy was killed.
    """
    pool = None if processes == 1 else _copies(work, processes, fresh=fresh)
    if pool is None:
        yield from map(work, range(count))
        return
    try:
        waiting: deque[Future[_Result]] = deque()
        for number in range(count):
            waiting.append(pool.submit(_apply, number))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise UsageError(
            "a process that helps this one was killed, perhaps for want of memory; free some and run the command again"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
        gc.unfreeze()


def _copies(work: Callable[[int], Any], processes: int, *, fresh: bool) -> ProcessPoolExecutor | None:
    """Begins the copies; None where there can be none: no semaphores, no more processes or open files, a process that may have no child."""
    if multiprocessing.current_process().daemon:
        return None
    before = multiprocessing.active_children()
    gc.freeze()  # else the first collection in a copy would write to, and so copy, all that this process holds
    try:
        context = multiprocessing.get_context("spawn" if fresh else "fork")
        pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(work, os.getpid()))
        pool.submit(os.getpid)  # the first call makes all of them
        return pool
    except (OSError, ImportError, NotImplementedError):
        for copy in multiprocessing.active_children():
            if copy not in before:
                copy.kill()  # else this process would wait for it at its end
                copy.join()
        gc.unfreeze()
        return None


def _begin(work: Callable[[int], Any], launcher: int) -> None:
    global _work
    _work = work
    gc.set_threshold(*_SELDOM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the launcher ends it,
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # by this, and says so itself
    threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()


def _end_with(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(_WATCH_EVERY_S)
    os._exit(1)


def _apply(number: int) -> Any:
    assert _work is not None
    return _work(number)
