"""Adds up on Beam what shards say of their rows, and writes the table of speakers: no worker sees more than its share."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from duologue_pipeline.events.speakers import SpeakerTotals
from duologue_pipeline.records import WrittenShard
from duologue_pipeline.release.ready import require_launch
from duologue_pipeline.shards.summary import Summary, add_summaries, add_to, bucket
from duologue_pipeline.shards.write import WrittenSpeakers, write_speakers

__all__ = ["Summaries", "WriteSpeakers", "without_summary"]

Speaker = tuple[str, SpeakerTotals]


@dataclass(kw_only=True)
class Summaries(beam.PTransform[Any, Any]):
    """Adds up the summaries of shards to one, without the speakers."""

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, shards: PCollection[WrittenShard]) -> PCollection[Summary]:
        return shards | "OfShards" >> beam.Map(_summary) | "Sum" >> beam.CombineGlobally(_AddUp())  # type: ignore[no-untyped-call]


@dataclass(kw_only=True)
class WriteSpeakers(beam.PTransform[Any, Any]):
    """Adds up what shards say of each speaker, and writes the table of speakers, a file for each beginning of a commitment.

    Args:
        out: the output folder.
        launch: who writes them (:func:`duologue_pipeline.release.ready.mark_launch`).
    """

    out: str
    launch: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, shards: PCollection[WrittenShard]) -> PCollection[WrittenSpeakers]:
        return (
            shards
            | "OfShards" >> beam.FlatMap(_speakers).with_output_types(Speaker)
            | "Sum" >> beam.CombinePerKey(_sum).with_output_types(Speaker)
            | "ByFile" >> beam.Map(_by_file).with_output_types(tuple[str, Speaker])
            | "File" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write, out=self.out, launch=self.launch)
        )


class _AddUp(beam.CombineFn):
    """Adds to one summary in place: a copy at each step would take as long as all that was added before."""

    def create_accumulator(self) -> Summary:
        return Summary()

    def add_input(self, accumulator: Summary, summary: Summary) -> Summary:
        add_to(accumulator, summary)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        return add_summaries(accumulators)

    def extract_output(self, accumulator: Summary) -> Summary:
        return add_summaries([accumulator])


def without_summary(shard: WrittenShard) -> WrittenShard:
    """Gives a shard without its summary, as it is needed by those who list it."""
    return replace(shard, summary=None)


def _summary(shard: WrittenShard) -> Summary:
    summary: Summary = shard.summary
    return summary.without_speakers()


def _speakers(shard: WrittenShard) -> Iterator[Speaker]:
    yield from shard.summary.speakers.items()


def _sum(speakers: Iterable[SpeakerTotals]) -> SpeakerTotals:
    return sum(speakers, SpeakerTotals())


def _by_file(speaker: Speaker) -> tuple[str, Speaker]:
    return bucket(speaker[0]), speaker


def _write(keyed: tuple[str, Iterable[Speaker]], out: str, launch: str) -> WrittenSpeakers:
    name, speakers = keyed
    require_launch(out, launch)
    return write_speakers(name, dict(speakers), out=out, launch=launch)
