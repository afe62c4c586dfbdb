"""Applies a stage to recordings on Beam: one transform for every stage, over a pure function each."""

import gc
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.utils.shared import Shared

from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.files.kept import begin_keeping, end_keeping
from duologue_pipeline.stages.guard import Split, guarded, settled
from duologue_pipeline.stages.launcher import end_with_launcher
from duologue_pipeline.stages.tried import exhausted_in, tried

__all__ = ["Stage"]

LOG: Final = logging.getLogger(__name__)

_ALONE: Final = object()


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
        together: as ``work``, for a list of elements, of which it gives a result each: an element of the next stage, or the
            RejectError of one that it refuses. None where elements are worked on alone.
        batch: how many elements are worked on together, at most.
        hints: what a cluster is asked for on behalf of this stage alone, as Beam's resource hints.
        private_addresses: whether the user allows what is fetched to come from private networks
            (:mod:`duologue_pipeline.files.addresses`); worker processes elsewhere do not inherit it.
    """

    name: str
    work: Callable[..., Any]
    output: type
    model: Callable[[], Any] | None = None
    side: tuple[PCollection[Any], ...] = ()
    together: Callable[..., Any] | None = None
    batch: int = 1
    hints: Mapping[str, str] = field(default_factory=dict)
    private_addresses: bool = False

    def __post_init__(self) -> None:
        super().__init__(label=self.name.capitalize())

    def expand(self, elements: PCollection[Any]) -> Split:
        """Applies the stage to the elements, and gives those kept and those rejected."""
        dofn: _Work = _Work(self.name, self.work, self.model, self.private_addresses)
        if self.together is not None and self.batch > 1:
            dofn = _WorkTogether(self.name, self.work, self.together, self.model, self.private_addresses)
            elements |= "Batch" >> beam.BatchElements(min_batch_size=self.batch, max_batch_size=self.batch)
        step = beam.ParDo(dofn, *(AsSingleton(each) for each in self.side))
        if self.hints:
            step.with_resource_hints(**self.hints)
        return guarded(elements, "Apply", step, self.output)


class _Work(beam.DoFn):
    def __init__(self, name: str, work: Callable[..., Any], model: Callable[[], Any] | None, private: bool) -> None:
        self._name, self._work, self._model, self._private = name, work, model, private
        self._shared = Shared()
        self._loaded: tuple[Any, ...] = ()

    def setup(self) -> None:
        end_with_launcher()
        if self._private:
            allow_private_addresses()
        begin_keeping()
        if self._model is not None:
            self._loaded = (self._shared.acquire(self._model),)

    def teardown(self) -> None:
        end_keeping()

    def process(self, element: Any, *side: Any) -> Iterator[Any]:
        yield settled(self._name, tried(self._name, self._work, element, *self._loaded, *side))


class _WorkTogether(_Work):
    def __init__(
        self,
        name: str,
        work: Callable[..., Any],
        together: Callable[..., Any],
        model: Callable[[], Any] | None,
        private: bool,
    ) -> None:
        super().__init__(name, work, model, private)
        self._together = together

    def process(self, elements: list[Any], *side: Any) -> Iterator[Any]:
        results = self._worked_on(elements, *side)
        if any(result is _ALONE for result in results):
            gc.collect()  # an error and what its trace refers to may hold each other, and the disk that the batch took
        for element, result in zip(elements, results, strict=True):
            if result is _ALONE:
                yield from super().process(element, *side)
            else:
                yield settled(self._name, tried(self._name, _given, element, result))

    def _worked_on(self, elements: list[Any], *side: Any) -> list[Any]:
        """Works on elements together; in the place of a result is _ALONE where an element is to be taken alone."""
        try:
            results = self._together(elements, *self._loaded, *side)
        except Exception as error:  # noqa: BLE001 - each is tried again alone
            # One of them is the cause; alone, it is the only one that suffers, and its trace is kept where it may lie.
            LOG.warning(
                "%s: %d elements cannot be worked on together (%s); each is now taken alone",
                self._name,
                len(elements),
                type(error).__name__,
            )
            return [_ALONE] * len(elements)
        # A batch takes more disk than one: what does not fit beside the others may fit alone.
        return [
            _ALONE if isinstance(each, RejectError) and exhausted_in(each) is not None else each for each in results
        ]


def _given(_element: Any, result: Any) -> Any:
    """Gives the result of an element, or raises its refusal."""
    if isinstance(result, RejectError):
        raise result
    return result
