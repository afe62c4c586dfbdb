"""The one guard that turns a RejectError of a pure function into a row of ``rejected.jsonl``."""

import logging
from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam

from ..errors import RejectError
from ..records import Consented, Recording, Rejected

__all__ = ["REJECTED", "GuardedDoFn", "Split", "guarded"]

REJECTED: Final = "rejected"

Split = tuple[beam.PCollection[Any], beam.PCollection[Rejected]]
"""What goes on, and what does not."""

_LOG = logging.getLogger("duologue.progress")


class GuardedDoFn(beam.DoFn):  # type: ignore[misc]
    """Applies :meth:`work` to each element; what it rejects goes to the side. Other errors stop the run.

    Subclasses set ``stage`` (the name in ``rejected.jsonl``) and, where the stage is worth a line of progress, ``done``.
    """

    stage = ""
    done = ""

    def work(self, element: Any) -> Any:
        """Gives the element of the next stage, or raises RejectError."""
        raise TypeError(f"{type(self).__name__} has no work")

    def process(self, element: Any) -> Iterator[Any]:
        """Beam's entry point."""
        recording_id = _recording(element).recording_id
        try:
            result = self.work(element)
        except RejectError as error:
            _LOG.info("refused %s: %s", recording_id, error.reason)
            yield beam.pvalue.TaggedOutput(REJECTED, Rejected(recording_id, self.stage, error.reason, error.detail))
            return
        if self.done:
            _LOG.info("%s %s", self.done, recording_id)
        yield result


def _recording(element: Recording | Consented) -> Recording:
    return element if isinstance(element, Recording) else element.recording


def guarded(
    elements: beam.PCollection[Any], dofn: beam.DoFn, output_type: type, *side_inputs: beam.pvalue.AsSideInput
) -> Split:
    """Applies a DoFn that tags rejections and gives both of its outputs, typed."""
    label = type(dofn).__name__.strip("_")
    typed = beam.ParDo(dofn, *side_inputs).with_output_types(output_type, rejected=Rejected)
    results = elements | label >> typed.with_outputs(REJECTED, main="kept")
    return results["kept"], results[REJECTED]
