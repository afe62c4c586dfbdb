"""Launches one run: checks all it can before the work begins, runs the pipeline, and returns what it wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from duologue_pipeline.consent.look_alikes import mistakable_speakers
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri, exists, join
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.records import Recording
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
    """

    out: str
    release: dict[str, Any] | None
    refused: dict[str, int]
    was_complete: bool


def run(request: RunRequest, *, progress: IO[str] | None = None) -> RunResult:
    """Runs the pipeline, unless the output already holds the release that it would write.

    Args:
        request: what to do.
        progress: where lines of progress go; none if None.

    Raises:
        UsageError: the request cannot be carried out; nothing has been written.
    """
    check_request(request)
    manifest, out = absolute_uri(request.manifest), absolute_uri(request.out)
    lines = list(read_lines(manifest))
    recordings, speaker_ids = _recordings_and_speakers(lines, manifest)
    ledger = open_ledger(request.ledger)
    second_opinion = SecondOpinion.of(
        request.pyannote_segmentation, request.pyannote_embedding, allow_network=request.allow_network
    )
    asr = AsrModel(request.asr, request.allow_network) if request.asr else None
    release = release_options(request, manifest, lines, ledger, second_opinion, asr)
    if is_complete(out, release.fingerprint):
        return RunResult(out, read_release(out), refused_counts(out), was_complete=True)
    if request.beam_args:  # a mistake in them is answered before anything is written
        from duologue_pipeline.stages.local_runner import beam_options

        beam_options(request.beam_args)
    prepare(out, release.fingerprint)
    if ledger is not None:
        stage_log(ledger, out)

    # Imported here, so that mistakes are answered before the seconds that loading Beam and torch takes.
    from duologue_pipeline.pipeline import RunOptions
    from duologue_pipeline.run.watched import run_watched

    options = RunOptions(
        manifest=manifest,
        out=out,
        snapshot=None if ledger is None else ledger.snapshot,
        ledger_name=(request.ledger or "(none given)") if ledger is None else ledger.ledger.name,
        mistakable=mistakable_speakers(speaker_ids, None if ledger is None else ledger.snapshot),
        as_of=request.as_of or datetime.now(UTC),
        codec=request.codec,
        second_opinion=second_opinion,
        asr=asr,
        same_audio=request.same_audio,
        compare_refused_audio=request.compare_refused_audio,
        tokenize=TokenizeOptions(segment_s=request.segment_s, include_audio=request.include_audio),
        validation_share=request.validation_share,
        shard_s=request.shard_hours * 3600,
        release=release,
    )
    run_watched(options, request.beam_args, recordings=recordings, stream=progress)
    written = read_release(out) if exists(join(out, MANIFEST)) else None
    return RunResult(out, written, refused_counts(out), was_complete=False)


def _recordings_and_speakers(lines: Sequence[bytes], manifest: str) -> tuple[int, set[str]]:
    """Counts the usable lines of a manifest and collects their speakers; refuses a manifest that has none."""
    count, speaker_ids = 0, set[str]()
    for line in lines:
        parsed = parse_line(line, manifest_uri=manifest)
        if isinstance(parsed, Recording):
            count += 1
            speaker_ids.update(track.speaker_id for track in parsed.tracks)
    if not count:
        found = f"none of its {len(lines)} lines is a recording" if lines else "it has no lines"
        raise UsageError(f"{manifest}: not a usable manifest: {found}; `duologue validate {manifest}` lists the faults")
    return count, speaker_ids
