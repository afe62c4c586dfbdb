"""Does every step of a pipeline more than once, as clusters do, and keeps what was done to do it again later.

While :func:`repeated` lasts, each call of a DoFn of duologue that Beam makes is made several times: attempts whose result is
lost before the one that counts, some of them at the same time in another thread. What was called is kept in :data:`CALLS`;
:func:`wake_stragglers` calls all of it once more, as workers do that were thought dead.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import apache_beam as beam

CALLS: list[Callable[[], object]] = []
"""Every call of a step, in the order in which they were made."""

FAULTS: list[BaseException] = []
"""What the attempts raised whose result is lost."""

_chance = random.Random(0)
_lost = 1.0
_left: int | None = None


class WorkerLostError(Exception):
    """Ends a run as the death of a worker does, right after its work was done."""


def spent(call: Callable[[], Any]) -> None:
    """Makes a call of which nobody wants the result."""
    try:
        found = call()
        if isinstance(found, Iterator):
            list(found)
    except BaseException as error:  # noqa: BLE001 - the attempt that counts goes on
        FAULTS.append(error)


def attempts(call: Callable[[], Any]) -> Any:
    """Makes a call several times, and gives what the last attempt gave."""
    global _left
    CALLS.append(call)
    if _left is not None:
        _left -= 1
        if _left < 0:
            spent(call)
            raise WorkerLostError(f"after {len(CALLS)} calls")
    if _chance.random() < _lost:
        spent(call)
    if _chance.random() >= _lost:
        return call()
    beside = threading.Thread(target=spent, args=(call,))
    beside.start()
    try:
        found = call()
        return list(found) if isinstance(found, Iterator) else found
    finally:
        beside.join()


def again(process: Callable[..., Any]) -> Callable[..., Any]:
    """Has a step be done several times for each call."""

    @wraps(process)
    def process_again(*arguments: Any, **options: Any) -> Any:
        from tests.pipeline.run import repeats  # this function is pickled with a copy of the globals that it names

        return repeats.attempts(partial(process, *arguments, **options))

    return process_again


def _is_ours(dofn: Any) -> bool:
    work = getattr(dofn, "_fn", None) or type(dofn)
    while isinstance(work, partial):
        work = work.func
    return str(getattr(work, "__module__", "")).startswith("duologue_pipeline")


@contextmanager
def repeated(*, seed: int = 0, lost: float = 1.0, calls: int | None = None) -> Iterator[None]:
    """Has every step of pipelines that are built meanwhile be done several times.

    Args:
        seed: of what is drawn.
        lost: the share of calls before which one is lost, and the share of those beside which one is.
        calls: after so many WorkerLostError is raised; None: it is not.
    """
    global _chance, _lost, _left
    _chance, _lost, _left = random.Random(seed), lost, calls
    CALLS.clear()
    FAULTS.clear()
    before = beam.ParDo.__init__

    def begin(self: Any, fn: Any, *arguments: Any, **options: Any) -> None:
        before(self, fn, *arguments, **options)  # type: ignore[no-untyped-call]
        if _is_ours(self.fn):
            self.fn.process = again(self.fn.process)

    beam.ParDo.__init__ = begin  # type: ignore[method-assign]
    try:
        yield
    finally:
        beam.ParDo.__init__ = before  # type: ignore[method-assign]


def wake_stragglers() -> list[BaseException]:
    """Makes every call once more, the last first; gives what they raised."""
    FAULTS.clear()
    for call in reversed(CALLS):
        spent(call)
    return list(FAULTS)
