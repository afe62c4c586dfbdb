"""Lays the release ready on Beam: plans splits and shards, joins the shards, writes the tables and the cards."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsList, AsSingleton, PCollection
from apache_beam.transforms.combiners import ToListCombineFn

from duologue_pipeline.files.storage import write_bytes
from duologue_pipeline.records import Rejected, Tokenized, WrittenShard
from duologue_pipeline.release.ready import published, require_launch
from duologue_pipeline.release.rejected import detail_lines
from duologue_pipeline.release.write import ReleaseOptions, stage_release
from duologue_pipeline.shards.plan import plan_release
from duologue_pipeline.shards.splits import PlanEntry
from duologue_pipeline.shards.summary import Summary
from duologue_pipeline.shards.write import WrittenSpeakers, write_shard
from duologue_pipeline.stages.guard import settled
from duologue_pipeline.stages.summaries import Summaries, WriteSpeakers, without_summary

__all__ = ["PlanRelease", "WriteDetails", "WriteRelease", "WriteShard"]

Plan = dict[str, tuple[str, str]]
"""recording_id -> (split, shard)."""


@dataclass(kw_only=True)
class PlanRelease(beam.PTransform[Any, Any]):
    """Assigns every recording to a split and a shard, from all identities together (some tens of bytes each).

    Args:
        validation_share: share of the time wanted for validation.
        bridge_share: share of the time that may be set aside for it.
        shard_s: seconds of conversation in a shard; chosen by the length of the whole if None.
    """

    validation_share: float
    bridge_share: float
    shard_s: float | None

    def __post_init__(self) -> None:
        super().__init__()
        for name in ("validation_share", "bridge_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 0 to below 1, found {getattr(self, name)}")
        if self.shard_s is not None and self.shard_s <= 0:
            raise ValueError(f"shard_s: expected more than 0, found {self.shard_s}")

    def expand(self, tokenized: PCollection[Tokenized]) -> PCollection[Plan]:
        return (
            tokenized
            | "Entry" >> beam.Map(_plan_entry)
            | "All" >> beam.CombineGlobally(ToListCombineFn())
            | "Plan"
            >> beam.Map(
                plan_release,
                validation_share=self.validation_share,
                bridge_share=self.bridge_share,
                shard_s=self.shard_s,
            )
        )


def _plan_entry(tokenized: Tokenized) -> PlanEntry:
    return PlanEntry(
        recording_id=tokenized.recording_id,
        speaker_a=tokenized.speakers[0],
        speaker_b=tokenized.speakers[1],
        duration_ms=tokenized.statistics.duration_ms,
        lists=frozenset(tokenized.lists),
        same_audio=tokenized.same_audio,
    )


@dataclass(kw_only=True)
class WriteShard(beam.PTransform[Any, Any]):
    """Writes each shard from its parts (:func:`duologue_pipeline.shards.write.write_shard`); only paths cross the shuffle.

    Args:
        plan: of all recordings (:class:`PlanRelease`).
        out: the output folder.
        launch: who writes them (:func:`duologue_pipeline.release.ready.mark_launch`).
    """

    plan: PCollection[Plan]
    out: str
    launch: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, tokenized: PCollection[Tokenized]) -> PCollection[WrittenShard]:
        return (
            tokenized
            | "ByShard" >> beam.Map(_by_shard, AsSingleton(self.plan)).with_output_types(tuple[str, Tokenized])
            | "Shard" >> beam.GroupByKey()
            | "Join" >> beam.Map(_write_shard, out=self.out, launch=self.launch)
        )


def _by_shard(tokenized: Tokenized, plan: Plan) -> tuple[str, Tokenized]:
    _, shard = plan[tokenized.recording_id]
    return shard, tokenized


def _write_shard(keyed: tuple[str, Iterable[Tokenized]], out: str, launch: str) -> WrittenShard:
    shard, parts = keyed
    require_launch(out, launch)
    written: WrittenShard = settled("shards", write_shard(shard, parts, out=out, launch=launch))
    return written


@dataclass(kw_only=True)
class WriteDetails(beam.PTransform[Any, Any]):
    """Writes the sentences of what workers refused into the staging folder, from where the launcher takes them.

    Args:
        uri: of the file.
        out: the output folder.
        launch: as of :class:`WriteShard`.
    """

    uri: str
    out: str
    launch: str

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, rejected: PCollection[Rejected]) -> PCollection[None]:
        return (
            rejected
            | "Told" >> beam.Filter(_is_told)
            | "All" >> beam.CombineGlobally(ToListCombineFn())
            | "Write" >> beam.Map(_write_details, uri=self.uri, out=self.out, launch=self.launch)
        )


def _is_told(rejected: Rejected) -> bool:
    return bool(rejected.detail)  # the sentences of the launcher have stayed there


def _write_details(rejected: list[Rejected], uri: str, out: str, launch: str) -> None:
    require_launch(out, launch)
    write_bytes(uri, "".join(f"{line}\n" for line in detail_lines(rejected)).encode())


@dataclass(kw_only=True)
class WriteRelease(beam.PTransform[Any, Any]):
    """Lays tables, statistics, cards and, last of all, ``dataset.json`` ready; whoever launched the run publishes them.

    Args:
        rejected: everything that was refused on the way.
        out: the output folder.
        launch: as of :class:`WriteShard`.
        options: what the release says about the run.
    """

    rejected: PCollection[Rejected]
    out: str
    launch: str
    options: ReleaseOptions

    def __post_init__(self) -> None:
        super().__init__()

    def expand(self, shards: PCollection[WrittenShard]) -> PCollection[dict[str, Any] | None]:
        return (
            shards.pipeline
            | "Once" >> beam.Create([self.out])
            | "Release"
            >> beam.Map(
                _stage_release,
                shards=AsList(shards | "Listed" >> beam.Map(without_summary)),
                rejected=AsList(self.rejected | "Refused" >> beam.Map(_without_detail).with_output_types(Rejected)),
                summary=AsSingleton(shards | "Summary" >> Summaries()),
                speakers=AsList(shards | "Speakers" >> WriteSpeakers(out=self.out, launch=self.launch)),
                launch=self.launch,
                options=self.options,
            )
        )


def _without_detail(rejected: Rejected) -> Rejected:
    """Leaves out the sentence, which is not published, and of an error holds its trace: one worker gets all refusals."""
    return replace(rejected, detail="")


def _stage_release(
    out: str,
    shards: list[WrittenShard],
    rejected: list[Rejected],
    summary: Summary,
    speakers: list[WrittenSpeakers],
    launch: str,
    options: ReleaseOptions,
) -> dict[str, Any] | None:
    done = published(out, options.fingerprint)  # this is a second attempt, and the first was good enough
    if done is not None:
        return done
    require_launch(out, launch)
    return stage_release(shards, rejected, summary, speakers, out=out, options=options, launch=launch)
