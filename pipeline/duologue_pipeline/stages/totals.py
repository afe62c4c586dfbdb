"""Adds up the statistics of conversations on Beam."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from duologue_pipeline.events.totals import Totals, scoped_totals
from duologue_pipeline.records import Tokenized

__all__ = ["CorpusTotals"]

Scoped = tuple[tuple[str, str], Totals]


@dataclass(kw_only=True)
class CorpusTotals(beam.PTransform[Any, Any]):
    """Adds up the statistics of the corpus, of each language and of each speaker, one element each.

    It gives what :func:`duologue_pipeline.events.totals.corpus_totals` gives in one process.

    The sums are of integers, so they do not depend on how the work is spread.
    """

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, tokenized: PCollection[Tokenized]) -> PCollection[Scoped]:
        return tokenized | "Scopes" >> beam.FlatMap(_scopes) | "Sum" >> beam.CombinePerKey(_sum)


def _scopes(tokenized: Tokenized) -> list[Scoped]:
    return scoped_totals(tokenized.statistics, tokenized.speakers, tokenized.language)


def _sum(totals: Iterable[Totals]) -> Totals:
    return sum(totals, Totals())
