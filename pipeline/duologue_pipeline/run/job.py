"""Remembers, in the staging folder, the job of Dataflow's that works for this folder, so that no second one is submitted beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import delete_file, exists, join, write_bytes
from duologue_pipeline.files.text import canonical_json, read_json
from duologue_pipeline.release.ready import JOB, REFUSED
from duologue_pipeline.shards.write import ready_folder

if TYPE_CHECKING:
    from duologue_pipeline.engines.dataflow import DataflowJob

__all__ = ["Rejoined", "forget_job", "note_job", "rejoin_job"]


@dataclass(frozen=True)
class Rejoined:
    """Says what became of a job that was found.

    Attributes:
        pending: what comes next, where it still works and is not waited for.
        launch: whose work it was, where it has done all of this very run.
    """

    pending: str | None = None
    launch: str | None = None


def note_job(out: str, job: "DataflowJob", *, fingerprint: str, launch: str) -> None:
    """Notes which job works for the folder, for which run and launch."""
    note = {"project": job.project, "region": job.region, "job_id": job.job_id}
    note |= {"fingerprint": fingerprint, "launch": launch}
    note |= {"link": job.link, "cancel": job.cancel}  # for a withdrawal, which knows no runner
    write_bytes(join(out, JOB), canonical_json(note))


def forget_job(out: str) -> None:
    """Removes the note of a job that has ended."""
    if exists(join(out, JOB)):
        delete_file(join(out, JOB))


def rejoin_job(
    out: str,
    beam_args: Sequence[str],
    *,
    fingerprint: str,
    recordings: int,
    stream: IO[str] | None,
    tell: Callable[[str], None],
) -> Rejoined:
    """Looks for a job that a command before this one has submitted for the folder, and waits for its end.

    Args:
        out: the output folder, which the caller holds.
        beam_args: options of Beam, which lead to the job.
        fingerprint: of this run.
        recordings: how many the manifest lists.
        stream: where lines of progress go.
        tell: is told what is found, as lines of text.

    Raises:
        UsageError: a job works for another run, or cannot be asked for, or fails.
    """
    if not exists(join(out, JOB)):
        return Rejoined()
    from duologue_pipeline.engines.dataflow import DataflowJob, attach, is_over
    from duologue_pipeline.engines.options import beam_options, engine_of
    from duologue_pipeline.run.watched import watch_job

    note: dict[str, Any] = read_json(join(out, JOB))
    job = DataflowJob(note["project"], note["region"], note["job_id"])
    engine = engine_of(beam_options(beam_args))
    result = attach(job, engine.options)
    if is_over(result):
        if result.state != "DONE":
            tell(f"job {job.job_id}, which worked for this folder, has ended ({result.state}; {job.link})")
    elif note["fingerprint"] != fingerprint:
        raise UsageError(
            f"{out}: job {job.job_id} works in it for another run (other manifest, ledger state or options); wait for its end "
            f"({job.link}), or stop it: {job.cancel}"
        )
    elif not engine.waits:
        return Rejoined(
            pending=f"Job {job.job_id} is still at work: {job.link}\nRun the same command again to finish the release."
        )
    else:
        tell(f"job {job.job_id} is at work for this folder: {job.link}")
        watch_job(job, result, recordings=recordings, stream=stream)
    done = result.state == "DONE" and note["fingerprint"] == fingerprint
    if done and not exists(join(ready_folder(out, note["launch"]), REFUSED)):
        tell(f"job {job.job_id} says that it is done, and no release lies ready; look at its log: {job.link}")
        done = False
    forget_job(out)
    return Rejoined(launch=note["launch"] if done else None)
