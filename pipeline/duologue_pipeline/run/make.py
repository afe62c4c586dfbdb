"""Has the runner make a release: refuses what it could not do, runs the pipeline, or submits it.

Beam is imported within the functions: a mistake in what else the user asks for is answered before the seconds that it takes.
"""

from collections.abc import Callable
from typing import IO

from duologue_pipeline.activity.yamnet import LaughterModel
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import exists, join
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.read.whole import Manifest
from duologue_pipeline.release.ready import REFUSED
from duologue_pipeline.release.write import ReleaseOptions
from duologue_pipeline.run.decided import DecidedManifest
from duologue_pipeline.run.details import staged_details
from duologue_pipeline.run.job import forget_job, note_job
from duologue_pipeline.run.request import RunRequest
from duologue_pipeline.shards.write import ready_folder
from duologue_pipeline.tokens.encode import TokenizeOptions
from duologue_pipeline.words.asr_checkpoint import AsrModel

__all__ = ["asks_for", "check_engine", "make_release"]


def asks_for(request: RunRequest, option: str) -> bool:
    """Tells whether an option of Beam is given that has a run only looked at, or described (``dry_run``, ``template_location``)."""
    if not any(argument.startswith(f"--{option}") for argument in request.beam_args):
        return False
    from duologue_pipeline.engines.options import beam_options, engine_of

    return bool(engine_of(beam_options(request.beam_args)).get(option))


def check_engine(request: RunRequest, manifest: Manifest, out: str, *, tell: Callable[[str], None]) -> None:
    """Refuses what the runner, or its workers on other machines, could not do.

    Args:
        request: what the user asks for.
        manifest: what it names.
        out: uri of the output folder.
        tell: is told what goes, but not well, as lines of text.

    Raises:
        UsageError: there is such a thing; nothing has been written yet.
    """
    from duologue_pipeline.engines.needs import require_needs
    from duologue_pipeline.engines.options import beam_options, check_options, engine_of
    from duologue_pipeline.engines.package import wanted_requirements
    from duologue_pipeline.engines.reach import require_reachable

    engine = engine_of(beam_options(request.beam_args))
    models = (
        ("--pyannote-segmentation", request.pyannote_segmentation),
        ("--pyannote-embedding", request.pyannote_embedding),
        ("--asr", AsrModel(request.asr).place if request.asr else None),
        ("--laughter", LaughterModel(request.laughter).place if request.laughter else None),
    )
    require_reachable(
        engine, manifest=request.manifest, out=out, codec=request.codec, models=models, recordings=manifest
    )
    require_needs(engine, tell=tell)
    check_options(engine)
    wanted_requirements(engine)


def make_release(
    request: RunRequest,
    release: ReleaseOptions,
    decided: DecidedManifest,
    *,
    out: str,
    launch: str,
    recordings: int,
    second_opinion: SecondOpinion | None,
    asr: AsrModel | None,
    laughter: LaughterModel | None,
    details: bool,
    stream: IO[str] | None,
    tell: Callable[[str], None],
) -> str | None:
    """Runs the pipeline, which lays the release ready.

    Args:
        request: what the user asks for.
        release: what the release says of it.
        decided: what may be used.
        out: the output folder, which the caller holds.
        launch: whose work it is.
        recordings: how many the manifest lists.
        second_opinion, asr, laughter: the models that are asked.
        details: whether workers leave the sentences of what they refuse.
        stream: where lines of progress go.
        tell: is told the job, as a line of text.

    Returns:
        What comes next, where the run was only submitted, or not even that; None where the release lies ready.

    Raises:
        UsageError: the runner could not do it.
    """
    from duologue_pipeline.engines.dataflow import DataflowJob, name_job
    from duologue_pipeline.engines.options import beam_options, engine_of
    from duologue_pipeline.engines.outcome import what_next
    from duologue_pipeline.pipeline import RunOptions
    from duologue_pipeline.run.watched import run_watched

    options = RunOptions(
        decided=decided.paths,
        out=out,
        launch=launch,
        codec=request.codec,
        second_opinion=second_opinion,
        asr=asr,
        laughter=laughter,
        same_audio=request.same_audio,
        compare_refused_audio=request.compare_refused_audio,
        tokenize=TokenizeOptions(
            segment_s=request.segment_s,
            include_audio=request.include_audio,
            device=release.codec.get("device", "cpu"),
        ),
        validation_share=request.validation_share,
        bridge_share=request.bridge_share,
        shard_s=None if request.shard_hours is None else request.shard_hours * 3600,
        release=release,
        details=staged_details(out, launch) if details else None,
        allow_private_addresses=request.allow_private_addresses,
    )
    engine, jobs = engine_of(beam_options(request.beam_args)), list[DataflowJob]()
    name_job(engine.options, f"{launch[:8]}-{release.name}")

    def submitted(job: DataflowJob) -> None:
        tell(f"job {job.job_id} was submitted: {job.link}")
        note_job(out, job, fingerprint=release.fingerprint, launch=launch)
        jobs.append(job)

    if not run_watched(options, engine, recordings=recordings, stream=stream, submitted=submitted):
        return what_next(engine, jobs)
    forget_job(out)
    if not exists(join(ready_folder(out, launch), REFUSED)):
        where = f"; look at its log: {jobs[0].link}" if jobs else ""
        raise UsageError(f"{out}: {engine.name} says that the work is done, and no release lies ready there{where}")
    return None
