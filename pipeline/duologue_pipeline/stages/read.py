"""Reads on Beam what the launcher has decided (:mod:`duologue_pipeline.consent.decided_files`), its files in parallel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from duologue_pipeline.consent.decide import Refused
from duologue_pipeline.consent.decided_files import read_decided
from duologue_pipeline.records import Consented, Recording, Rejected
from duologue_pipeline.stages.guard import KEPT, REJECTED, counted, settled

__all__ = ["ReadDecided"]

_READ: Final = "read"
_CONSENT: Final = "consent"
_UNHEARD: Final = "unheard"

Read = tuple[PCollection[Consented], PCollection[Rejected], PCollection[Recording]]
"""What may be used, the refusals, and the recordings that are refused for want of consent."""


@dataclass(kw_only=True)
class ReadDecided(beam.PTransform[Any, Any]):
    """Reads the recordings of a manifest as the launcher has decided on them, and counts them as ``read`` and ``consent``.

    Args:
        paths: of the files.
    """

    paths: Sequence[str]

    def __post_init__(self) -> None:
        super().__init__(label=_READ.capitalize())

    def expand(self, pipeline: beam.Pipeline) -> Read:
        """Spreads the files over all workers, then their lines."""
        typed = beam.FlatMap(_read).with_output_types(Consented, rejected=Rejected, unheard=Recording)
        found = (
            pipeline
            | "Files" >> beam.Create(self.paths)
            | "SpreadFiles" >> beam.Reshuffle()
            | "Lines" >> typed.with_outputs(REJECTED, _UNHEARD, main=KEPT)
        )
        # A file holds recordings of many hours: their work is spread from here on.
        consented = found[KEPT] | "Spread" >> beam.Reshuffle()
        return consented, found[REJECTED], found[_UNHEARD]


def _read(path: str) -> Iterator[Any]:
    for decided in read_decided(path):
        match decided:
            case Rejected():
                yield settled(_READ, decided)
            case Refused():
                counted(_READ, KEPT, decided.recording)
                yield settled(_CONSENT, decided.rejected)
                yield TaggedOutput(_UNHEARD, decided.recording)
            case _:
                counted(_READ, KEPT, decided)
                yield settled(_CONSENT, decided)
