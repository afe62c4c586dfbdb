"""The one guard that turns a RejectError of a pure function into a row of ``rejected.jsonl``."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import Consented, Recording, Rejected

__all__ = ["REJECTED", "GuardedDoFn", "Split", "guarded"]

REJECTED: Final = "rejected"

Split = tuple[PCollection[Any], PCollection[Rejected]]
"""What goes on, and what does not."""

_LOG = logging.getLogger("duologue.progress")


class GuardedDoFn(beam.DoFn):
    """Applies :meth:`work` to each element; what it rejects goes to the side. Other errors stop the run.

    Subclasses set ``stage`` (the name in ``rejected.jsonl``) and, where the stage is worth a line of progress, ``done``.
    """

    stage = ""
    done = ""

    def __init__(self) -> None:
        """Takes nothing. (Beam's own is not typed.)"""

    work: Callable[..., Any]
    """Gives the element of the next stage from one of the last and the side inputs, or raises RejectError."""

    def process(self, element: Any, *side_inputs: Any) -> Iterator[Any]:
        """Beam's entry point."""
        recording_id = _recording(element).recording_id
        try:
            result = self.work(element, *side_inputs)
        except RejectError as error:
            _LOG.info("refused %s: %s", recording_id, error.reason)
            yield TaggedOutput(REJECTED, Rejected(recording_id, self.stage, error.reason, error.detail))
            return
        if self.done:
            _LOG.info("%s %s", self.done, recording_id)
        yield result


def _recording(element: Recording | Consented) -> Recording:
    return element if isinstance(element, Recording) else element.recording


def guarded(elements: PCollection[Any], label: str, step: beam.ParDo, output_type: type) -> Split:
    """Applies a step that tags its rejections and gives both of its outputs, typed."""
    typed = step.with_output_types(output_type, rejected=Rejected)
    results = elements | label >> typed.with_outputs(REJECTED, main="kept")
    return results["kept"], results[REJECTED]
