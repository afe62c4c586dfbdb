"""Lists what a withdrawal removes, and names what is found of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.rewrite import RewrittenShard

__all__ = ["Finding", "Removed", "removed_by"]


@dataclass(frozen=True)
class Removed:
    """Lists what must not be found: names, and traces of content."""

    names: frozenset[str]
    traces: frozenset[str]


@dataclass(frozen=True)
class Finding:
    """Names what is left or could not be looked into: the file (``TAR: MEMBER`` in a shard), and a sentence."""

    path: str
    fault: str

    def __str__(self) -> str:
        """Writes one line for a person."""
        return f"{self.path}: {self.fault}"


def removed_by(plan: Plan, rewritten: Iterable[RewrittenShard]) -> Removed:
    """Lists what a withdrawal removes, so what the scan must not find afterwards.

    Args:
        plan: of the withdrawal.
        rewritten: what became of each shard of the plan.
    """
    shards = list(rewritten)
    dropped = {sample.key for shard in plan.shards for sample in shard.samples if sample.action == "drop"}
    recordings = {recording.recording_id for recording in plan.recordings if recording.action == "drop"}
    stems = {shard.path.rpartition("/")[2].removesuffix(".tar") for shard in plan.shards}
    hashes = {shard.sha256 for shard in plan.shards}
    return Removed(
        names=frozenset({*plan.commitments, *dropped, *recordings, *stems, *hashes}),
        traces=frozenset(trace for shard in shards for trace in shard.traces),
    )
