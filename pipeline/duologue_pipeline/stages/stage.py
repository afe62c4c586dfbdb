"""Applies a stage to recordings on Beam: one transform for every stage, over a pure function each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.utils.shared import Shared

from duologue_pipeline.stages.guard import Split, guarded, settled, tried
from duologue_pipeline.stages.launcher import end_with_launcher

__all__ = ["Stage"]


@dataclass
class Stage(beam.PTransform[Any, Any]):
    """Applies a pure function to every recording, and sets aside the recordings that it rejects.

    ``name`` is the one word of the stage: its folder, its label in the pipeline (capitalised), ``stage`` in
    ``rejected.jsonl``, the namespace of its counters, and the first word of its log lines::

        kept, rejected = recordings | Stage("ingest", ingest_stage, Ingested)

    Args:
        name: the word.
        work: gives the element of the next stage from one of the last, then the model (where there is one), then the
            side inputs; or raises RejectError. It must be picklable: a function of a module, or a partial of one.
        output: the type that it gives.
        model: loads what the work needs, once a process; None where it needs nothing.
        side: collections of one element each that the work needs whole.
    """

    name: str
    work: Callable[..., Any]
    output: type
    model: Callable[[], Any] | None = None
    side: tuple[PCollection[Any], ...] = ()

    def __post_init__(self) -> None:
        super().__init__(label=self.name.capitalize())

    def expand(self, elements: PCollection[Any]) -> Split:
        """Applies the stage to the elements, and gives those kept and those rejected."""
        dofn = _Work(self.name, self.work, self.model)
        step = beam.ParDo(dofn, *(AsSingleton(each) for each in self.side))
        return guarded(elements, "Apply", step, self.output)


class _Work(beam.DoFn):
    def __init__(self, name: str, work: Callable[..., Any], model: Callable[[], Any] | None) -> None:
        self._name, self._work, self._model = name, work, model
        self._shared = Shared()
        self._loaded: tuple[Any, ...] = ()

    def setup(self) -> None:
        end_with_launcher()
        if self._model is not None:
            self._loaded = (self._shared.acquire(self._model),)

    def process(self, element: Any, *side: Any) -> Iterator[Any]:
        yield settled(self._name, tried(self._name, self._work, element, *self._loaded, *side))
