"""Runs the pipeline on Beam and reports its progress; no other module of a run loads Beam."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

import apache_beam as beam

from duologue_pipeline.engines.options import beam_options
from duologue_pipeline.errors import UsageError
from duologue_pipeline.pipeline import RunOptions, build_pipeline
from duologue_pipeline.stages.launcher import end_workers, launching
from duologue_pipeline.stages.local_runner import local_runner
from duologue_pipeline.stages.progress import Progress, result_counters

__all__ = ["run_watched"]

_WORKER_DIED: Final = "Worker subprocess exited"
_LOOK_EVERY_S: Final = 0.2
_GIVE_UP_AFTER_S: Final = 10.0


def run_watched(options: RunOptions, beam_args: Sequence[str], *, recordings: int, stream: IO[str] | None) -> None:
    """Runs the pipeline to its end and reports its progress.

    Args:
        options: what the pipeline is told.
        beam_args: options passed to Beam.
        recordings: how many the manifest lists.
        stream: where lines of progress go; none if None.

    Raises:
        UsageError: a worker process was killed.
    """
    pipeline_options = beam_options(beam_args)
    runner = local_runner(pipeline_options)
    pipeline = beam.Pipeline(runner=runner, options=pipeline_options)
    build_pipeline(pipeline, options)
    results: list[Any] = []

    def counters() -> Mapping[tuple[str, str], int]:
        if runner is not None:  # it gives its result when all is done, and its counters before
            return runner.counters()
        return result_counters(results[0]) if results else {}

    def work() -> None:
        results.append(pipeline.run())
        results[0].wait_until_finish()

    with launching(), Progress(recordings, counters, stream):
        _apart(work)


def _apart(work: Callable[[], None]) -> None:
    """Does the work in another thread, so that a signal, or the death of a worker process, is answered at once.

    Beam waits for ever for a worker that is gone at some moments.
    """
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - goes on in the thread that waits
            raised.append(error)

    thread = threading.Thread(target=guarded, daemon=True, name="pipeline")
    with _deaths() as died:
        thread.start()
        gone_s = 0.0
        while thread.is_alive() and gone_s < _GIVE_UP_AFTER_S:
            try:
                thread.join(_LOOK_EVERY_S)
            except KeyboardInterrupt:
                end_workers()
                raise
            if died:
                gone_s += _LOOK_EVERY_S
        if raised and not died and "Channel closed" in str(raised[0]):
            time.sleep(1.0)  # Beam has seen the end of a worker before the thread that waits for it
        if died:
            raise UsageError(
                f"a worker process of this run has ended ({died[0]}); where the system killed it, its memory was used up: give "
                "fewer workers (--direct_num_workers) or more memory, and run the command again: what is done is kept"
            )
    if raised:
        raise raised[0]


@contextmanager
def _deaths() -> Iterator[list[str]]:
    """Lists the worker processes that end with an error while the block runs, and ends the others then."""
    died: list[str] = []
    before = threading.excepthook

    def hook(arguments: Any) -> None:
        if type(arguments.exc_value).__name__ == "RpcError":
            return  # the end of a connection, which is told by the end of the worker
        if _WORKER_DIED not in str(arguments.exc_value):
            before(arguments)
            return
        died.append(str(arguments.exc_value).removeprefix("Worker subprocess "))
        end_workers()

    threading.excepthook = hook
    try:
        yield died
    finally:
        threading.excepthook = before
