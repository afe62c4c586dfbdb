"""Launches one run: checks all it can before the work begins, runs the pipeline, and returns what it wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.files.storage import absolute_uri, exists, join
from duologue_pipeline.files.temporary import remove_dead_temporaries
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.records import Recording
from duologue_pipeline.run.details import details_path, make_details_folder
from duologue_pipeline.run.fingerprint import release_options
from duologue_pipeline.run.folder import is_complete, prepare, refused_counts
from duologue_pipeline.run.ledger import open_ledger, stage_log
from duologue_pipeline.run.request import RunRequest, check_request
from duologue_pipeline.tokens.encode import TokenizeOptions
from duologue_pipeline.words.asr_checkpoint import AsrModel

__all__ = ["RunResult", "run"]


@dataclass(frozen=True)
class RunResult:
    """Holds what a run left behind.

    Attributes:
        out: the output folder.
        release: the document of ``dataset.json``, None where nothing could be written.
        refused: reason -> how many, from ``rejected.jsonl``.
        was_complete: whether the folder already held this very release.
        details: the private file that says of each refusal what was found and what to do; None where there is none.
    """

    out: str
    release: dict[str, Any] | None
    refused: dict[str, int]
    was_complete: bool
    details: str | None


def run(request: RunRequest, *, progress: IO[str] | None = None) -> RunResult:
    """Runs the pipeline, unless the output already holds the release that it would write.

    Args:
        request: what to do.
        progress: where lines of progress go; none if None.

    Raises:
        UsageError: the request cannot be carried out; nothing has been written.
    """
    check_request(request)
    remove_dead_temporaries()
    if request.allow_private_addresses:
        allow_private_addresses()
    manifest, out = absolute_uri(request.manifest), absolute_uri(request.out)
    lines = list(read_lines(manifest))
    recordings = _count_recordings(lines, manifest)
    ledger = open_ledger(request.ledger)
    second_opinion = SecondOpinion.of(
        request.pyannote_segmentation, request.pyannote_embedding, allow_network=request.allow_network
    )
    asr = AsrModel(request.asr, request.allow_network) if request.asr else None
    release = release_options(request, lines, ledger, second_opinion, asr)
    details = None
    if ledger is not None and request.ledger is not None:
        details = details_path(request.ledger, name=request.name, fingerprint=release.fingerprint)
    if is_complete(out, release.fingerprint):
        return _result(out, details, was_complete=True)
    if request.beam_args:  # a mistake in them is answered before anything is written
        from duologue_pipeline.stages.local_runner import beam_options

        beam_options(request.beam_args)
    prepare(out, release.fingerprint)
    if ledger is not None:
        stage_log(ledger, out)
    if details is not None:
        make_details_folder(details)

    # Imported here, so that mistakes are answered before the seconds that loading Beam and torch takes.
    from duologue_pipeline.pipeline import RunOptions
    from duologue_pipeline.run.watched import run_watched

    options = RunOptions(
        manifest=manifest,
        out=out,
        snapshot=None if ledger is None else ledger.snapshot,
        ledger_name=(request.ledger or "(none given)") if ledger is None else ledger.ledger.name,
        as_of=request.as_of or datetime.now(UTC),
        codec=request.codec,
        second_opinion=second_opinion,
        asr=asr,
        tokenize=TokenizeOptions(segment_s=request.segment_s, include_audio=request.include_audio),
        validation_share=request.validation_share,
        shard_s=request.shard_hours * 3600,
        release=release,
        details=details,
    )
    run_watched(options, request.beam_args, recordings=recordings, stream=progress)
    return _result(out, details, was_complete=False)


def _result(out: str, details: str | None, *, was_complete: bool) -> RunResult:
    written = read_release(out) if exists(join(out, MANIFEST)) else None
    known = details if details is not None and exists(details) else None
    return RunResult(out, written, refused_counts(out), was_complete=was_complete, details=known)


def _count_recordings(lines: Sequence[bytes], manifest: str) -> int:
    """Counts the usable lines of a manifest, and refuses a manifest that has none."""
    recordings = sum(isinstance(parse_line(line, manifest_uri=manifest), Recording) for line in lines)
    if not recordings:
        found = f"none of its {len(lines)} lines is a recording" if lines else "it has no lines"
        raise UsageError(f"{manifest}: not a usable manifest: {found}; `duologue validate {manifest}` lists the faults")
    return recordings
