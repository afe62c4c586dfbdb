"""Separates what goes on from what is refused: here alone a refusal becomes a row of ``rejected.jsonl``.

Every element is counted once, as ``Metrics.counter(stage, "kept")`` or under the reason of its refusal. The counters are for
those who watch (:mod:`duologue_pipeline.stages.progress`, a runner's console). Beam counts attempts, so that a bundle that was
tried twice counts twice; the numbers of a release come from the elements themselves.
"""

import logging
import tempfile
from collections.abc import Callable
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.faults import is_exhausted, storage_fault
from duologue_pipeline.files.names import shown
from duologue_pipeline.files.sealed import holds_secret, without_secrets
from duologue_pipeline.records import Ingested, Recording, Rejected, Tokenized
from duologue_pipeline.stages.internal_error import internal_error, is_of_the_recording

__all__ = ["KEPT", "LOG", "REJECTED", "Split", "counted", "exhausted_in", "guarded", "settled", "tried"]

REJECTED: Final = "rejected"

KEPT: Final = "kept"
"""The counter of what goes on; the other counters of a stage are named after reasons."""

LOG: Final = logging.getLogger("duologue.stages")
"""Gets a line for each element: ``STAGE kept RECORDING`` or ``STAGE REASON RECORDING``, at level INFO."""

Split = tuple[PCollection[Any], PCollection[Rejected]]
"""What goes on, and what does not."""


def tried(stage: str, work: Callable[..., Any], element: Any, *arguments: Any) -> Any:
    """Applies a stage's pure function to an element, and gives a Rejected where the function refuses the element or fails on it.

    Returns:
        What it gives, or a Rejected in place of the RejectError that it raises; ``internal_error`` in place of an error that
        can be laid to the element (:func:`duologue_pipeline.stages.internal_error.is_of_the_recording`). Others are raised.

    Raises:
        UsageError: the system is at its end (a full disk, too many open files), for which no recording is refused.
    """
    try:
        return work(element, *arguments)
    except RejectError as error:
        exhausted = exhausted_in(error)
        if exhausted is not None:
            raise exhausted from None
        return _rejected(stage, element, error)
    except Exception as error:
        if exhausted_in(error) is not None or not is_of_the_recording(error):
            raise
        refusal = internal_error(error)
        told = " ".join(f"{name} {value}" for name, value in refusal.values.items())
        LOG.error(
            "%s internal_error %s: %s", stage, _name(element), told
        )  # the trace may name people: it is for the private file
        return _rejected(stage, element, refusal)


def _rejected(stage: str, element: Any, error: RejectError) -> Rejected:
    recording = _recording(element)
    detail = error.detail
    for track in recording.tracks if isinstance(recording, Recording) else ():
        for uri in (track.uri, track.words_uri):
            if uri is not None and holds_secret(uri):
                detail = detail.replace(uri, shown(uri))
    return Rejected(recording.recording_id, stage, error.reason, without_secrets(detail), error.values)


def exhausted_in(error: BaseException) -> UsageError | None:
    """Finds that the system was at its end in what led to an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and is_exhausted(cause):
            return storage_fault(cause, cause.filename or tempfile.gettempdir())
        cause = cause.__context__
    return None


def settled(stage: str, result: Any) -> Any:
    """Counts and logs what became of an element, and tags it for the output that it belongs to."""
    if isinstance(result, Rejected):
        counted(stage, result.reason, result)
        return TaggedOutput(REJECTED, result)
    counted(stage, KEPT, result)
    return result


def counted(stage: str, word: str, element: Any) -> None:
    """Counts and logs an element of a stage under a word: :data:`KEPT` or a reason."""
    Metrics.counter(stage, word).inc()
    LOG.info("%s %s %s", stage, word, _name(element))


def guarded(elements: PCollection[Any], label: str, step: beam.ParDo, output: type) -> Split:
    """Applies a step whose results were :func:`settled`, and gives both of its outputs, typed."""
    typed = step.with_output_types(output, rejected=Rejected)
    results = elements | label >> typed.with_outputs(REJECTED, main=KEPT)
    return results[KEPT], results[REJECTED]


def _recording(element: Recording | Ingested | Tokenized) -> Recording | Tokenized:
    return element.recording if isinstance(element, Ingested) else element


def _name(element: Any) -> str:
    """Names an element in the log: a recording by its id, a shard by its name."""
    if isinstance(element, Rejected):
        return str(element.recording_id)
    owner = getattr(element, "recording", element)
    name: str = owner.name if hasattr(owner, "name") else owner.recording_id
    return name
