"""Runs the pipeline on Beam and reports its progress; no other module of a run loads Beam."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Final

import apache_beam as beam

from duologue_pipeline.engines.dataflow import DataflowJob, failure, is_over, job_counters, submission, submitted_job
from duologue_pipeline.engines.options import Engine
from duologue_pipeline.engines.package import staged_package
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.kept import forget
from duologue_pipeline.pipeline import RunOptions, build_pipeline
from duologue_pipeline.stages.launcher import end_workers, launching
from duologue_pipeline.stages.local_runner import local_runner
from duologue_pipeline.stages.progress import Progress, result_counters

__all__ = ["run_watched", "watch_job"]

_WORKER_DIED: Final = "Worker subprocess exited"
_WAITS_FOR_WORKER: Final = "run_worker"
"""The name of Beam's threads that wait for a worker process."""
_LOOK_EVERY_S: Final = 0.2
_GIVE_UP_AFTER_S: Final = 10.0
_ASK_EVERY_S: Final = 30.0
_SILENT: Final = (
    "nothing has been counted yet: this runner may tell its counters at the end only, or no worker has begun. Beam waits for ever "
    "for workers whose python has no apache-beam (docs/runners.md)"
)


def run_watched(
    options: RunOptions,
    engine: Engine,
    *,
    recordings: int,
    stream: IO[str] | None,
    submitted: Callable[[DataflowJob], None] = lambda _: None,
) -> bool:
    """Runs the pipeline to its end and reports its progress.

    Args:
        options: what the pipeline is told.
        engine: the runner.
        recordings: how many the manifest lists.
        stream: where lines of progress go; none if None.
        submitted: is told the job as soon as there is one of Dataflow's.

    Returns:
        Whether the work is done; False where it was only submitted, or not even that (``--dry_run``, ``--template_location``).

    Raises:
        UsageError: a worker process was killed, or a job of Dataflow's failed.
    """
    try:
        with staged_package(engine):
            return _run(options, engine, recordings=recordings, stream=stream, submitted=submitted)
    finally:
        forget()


def watch_job(job: DataflowJob, result: Any, *, recordings: int, stream: IO[str] | None) -> None:
    """Waits for a job of Dataflow's, and reports its progress.

    Args:
        job: which one.
        result: Beam's, of this job.
        recordings: how many the manifest lists.
        stream: where lines of progress go; none if None.

    Raises:
        UsageError: it failed, or was cancelled.
    """
    with Progress(recordings, lambda: job_counters(result), stream, every_s=_ASK_EVERY_S):
        try:
            result.wait_until_finish()
        except KeyboardInterrupt:
            if stream is not None:
                print(f"job {job.job_id} goes on; to stop it: {job.cancel}", file=stream, flush=True)
            raise
        except Exception:
            if not is_over(result):
                raise
    if result.state != "DONE":
        raise failure(job, result)


def _run(
    options: RunOptions,
    engine: Engine,
    *,
    recordings: int,
    stream: IO[str] | None,
    submitted: Callable[[DataflowJob], None],
) -> bool:
    runner = local_runner(engine.options)
    pipeline = beam.Pipeline(runner=runner, options=engine.options)  # takes a copy of the options
    build_pipeline(pipeline, options)
    if engine.is_dataflow:
        with submission(engine.options):
            result = pipeline.run()
        job = submitted_job(result, engine.options)
        if job is None:
            return False
        submitted(job)
        if engine.waits:
            watch_job(job, result, recordings=recordings, stream=stream)
        return engine.waits
    results: list[Any] = []

    def counters() -> Mapping[tuple[str, str], int]:
        if runner is not None:  # it gives its result when all is done, and its counters before
            return runner.counters()
        return result_counters(results[0]) if results else {}

    def work() -> None:
        results.append(pipeline.run())
        results[0].wait_until_finish()

    every_s = _ASK_EVERY_S if engine.elsewhere else None
    silent = None if runner is not None else _SILENT
    with launching(), Progress(recordings, counters, stream, every_s=every_s, silent=silent):
        _apart(work)
    return True


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
                for each in threading.enumerate():
                    if each.name == _WAITS_FOR_WORKER:
                        each.join(1.0)  # it raises, and is heard here only
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
