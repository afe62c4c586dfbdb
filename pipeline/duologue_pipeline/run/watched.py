"""Runs the pipeline on Beam and reports its progress; no other module of a run loads Beam."""

import re
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

import apache_beam as beam

from duologue_pipeline.consent.forms import FormNotGrantedError
from duologue_pipeline.errors import UsageError
from duologue_pipeline.pipeline import RunOptions, build_pipeline
from duologue_pipeline.stages.local_runner import beam_options, local_runner
from duologue_pipeline.stages.progress import Progress, result_counters

__all__ = ["run_watched"]

_NOT_GRANTED: Final = re.compile(
    rf"\b{FormNotGrantedError.__name__}: (?P<said>.*?)(?: \[while running|$)", re.MULTILINE
)
"""What is left of the error once Beam has carried it from a worker: at most a line in the text of another one."""


def run_watched(options: RunOptions, beam_args: Sequence[str], *, recordings: int, stream: IO[str] | None) -> None:
    """Runs the pipeline to its end and reports its progress.

    Args:
        options: what the pipeline is told.
        beam_args: options passed to Beam.
        recordings: how many the manifest lists.
        stream: where lines of progress go; none if None.

    Raises:
        UsageError: a sample would hold a form that its speakers were not asked for; nothing is published.
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

    with Progress(recordings, counters, stream):
        try:
            results.append(pipeline.run())
            results[0].wait_until_finish()
        except Exception as error:
            found = _NOT_GRANTED.search(f"{type(error).__name__}: {error}")
            if found is None:
                raise
            raise UsageError(found["said"]) from None
