"""Separates what goes on from what is refused (:mod:`duologue_pipeline.stages.tried`), and counts both.

Every element is counted once, as ``Metrics.counter(stage, "kept")`` or under the reason of its refusal. The counters are for
those who watch (:mod:`duologue_pipeline.stages.progress`, a runner's console). Beam counts attempts, so that a bundle that was
tried twice counts twice; the numbers of a release come from the elements themselves.
"""

from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection, TaggedOutput

from duologue_pipeline.records import Annotated, Rejected
from duologue_pipeline.stages.tried import LOG, element_name

__all__ = ["HEARD_MS", "KEPT", "REJECTED", "Split", "counted", "guarded", "settled"]

REJECTED: Final = "rejected"

KEPT: Final = "kept"
"""The counter of what goes on; the other counters of a stage are named after reasons."""

HEARD_MS: Final = "heard_ms"
"""The counter of the audio in what goes on with its labels, in milliseconds: a run tells by it how fast it is."""

Split = tuple[PCollection[Any], PCollection[Rejected]]
"""What goes on, and what does not."""


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
    if word == KEPT and type(element) is Annotated:
        Metrics.counter(stage, HEARD_MS).inc(element.audio.duration_ms)
    LOG.info("%s %s %s", stage, word, element_name(element))


def guarded(elements: PCollection[Any], label: str, step: beam.ParDo, output: type) -> Split:
    """Applies a step whose results were :func:`settled`, and gives both of its outputs, typed."""
    typed = step.with_output_types(output, rejected=Rejected)
    results = elements | label >> typed.with_outputs(REJECTED, main=KEPT)
    return results[KEPT], results[REJECTED]
