"""Writes the part of an export that one shard makes, and holds the format's counts against what it was given."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from duologue_pipeline.export.account import PartResult
from duologue_pipeline.export.format import Context, Format
from duologue_pipeline.reader.dataset import Dataset, ShardSamples
from duologue_pipeline.reader.shard import Sample

__all__ = ["ChangedError", "PartPlan", "write_part"]


class ChangedError(Exception):
    """Tells that the release changed while a part was written: samples were withdrawn, or another version is there."""


@dataclass(frozen=True)
class PartPlan:
    """Plans a part.

    Attributes:
        name: what the shard is called in every version of the release, e.g. ``train-00003``.
        dataset: to read from.
        shard: whose samples.
        id: names what the files are made of.
    """

    name: str
    dataset: Dataset
    shard: ShardSamples
    id: str


class _Counted:
    """Gives the samples of a shard on, and counts what goes through."""

    def __init__(self, plan: PartPlan) -> None:
        self._plan = plan
        self.samples = self.words = self.milliseconds = 0

    def __iter__(self) -> Iterator[Sample]:
        for sample in self._plan.dataset.of_shard(self._plan.shard):
            if sample is None:
                raise ChangedError
            self.samples += 1
            self.words += len(sample.metadata["words"])
            self.milliseconds += round(1000 * (sample.metadata["end_s"] - sample.metadata["start_s"]))
            yield sample


def write_part(made: Format, plan: PartPlan, out: Path, context: Context) -> dict[str, Any]:
    """Writes the files of a part.

    Args:
        made: the format.
        plan: the part.
        out: an empty folder.
        context: what is exported.

    Returns:
        The record of the part, without its files.

    Raises:
        ChangedError: the release changed meanwhile; what was written is to be thrown away.
        UsageError: a sample cannot be read or written.
    """
    counted = _Counted(plan)
    result = made.part(iter(counted), out, replace(context, part=plan.name, numbers={}))
    _check(made, plan, counted, result)
    return {
        "id": plan.id,
        "shard": plan.shard.entry["path"],
        "shard_sha256": plan.shard.entry["sha256"],
        "split": plan.shard.entry["split"],
        "duration_ms": counted.milliseconds,
        "words_listed": counted.words,
        **asdict(result),
    }


def _check(made: Format, plan: PartPlan, counted: _Counted, result: PartResult) -> None:
    """Holds the counts of a format against what it was given; where they differ the format has a fault."""
    words = result.words + sum(result.words_left_out.values())
    samples = result.samples + sum(result.samples_left_out.values())
    assert samples == counted.samples == len(plan.shard.keys), (
        f"{made.name}: {plan.name}: counts {samples} of {counted.samples} samples"
    )
    assert words == counted.words, f"{made.name}: {plan.name}: counts {words} of {counted.words} words"
