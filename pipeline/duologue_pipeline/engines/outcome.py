"""Says what comes next where a command ends before the release is there."""

from collections.abc import Sequence

from duologue_pipeline.engines.dataflow import DataflowJob
from duologue_pipeline.engines.options import Engine

__all__ = ["what_next"]


def what_next(engine: Engine, jobs: Sequence[DataflowJob]) -> str:
    """Says how a run of Dataflow's that was not waited for becomes a release.

    Args:
        engine: the runner, with its options.
        jobs: that was submitted; none for a dry run and for a template.
    """
    again = "run the same command again: it finishes the release"
    if jobs:
        (job,) = jobs
        return f"Job {job.job_id} is at work: {job.link}\nWhen it has ended, {again}. To stop it: {job.cancel}"
    if engine.get("dry_run"):
        return "Nothing was submitted (--dry_run): Dataflow would take this run. Leave --dry_run out to submit it."
    place = engine.get("template_location")
    return (
        f"Nothing was submitted: a template of this run lies at {place}. Start it with `gcloud dataflow jobs run duologue "
        f"--gcs-location={place} --region={engine.get('region')} --project={engine.get('project')}`. When that job has ended, "
        f"{again} (without --template_location). It holds the consent of now: make it anew when that has changed."
    )
