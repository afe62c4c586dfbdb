"""Plans a release: which recording goes into which split and which shard, decided from identities alone.

Splits are disjoint in speakers and in audio (:mod:`duologue_pipeline.shards.splits`); shards are whole recordings.
Order and choice come from hashes of identities, never from arrival, so any order of input gives the same plan.

``datasets`` takes the types of all fields from the first samples of the first shard, and of an empty list it learns none. So
what has each of the lists that any recording has comes first: in ``train``, and there into the first shard.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from duologue_pipeline.records import SPLITS
from duologue_pipeline.shards.splits import PlanEntry, plan_splits

__all__ = ["chosen_shard_s", "plan_release", "plan_shards"]

_SHARDS: Final = 128  # of a corpus of 32 to 1280 hours: four for each of 8 ranks with 4 workers
_SHORTEST_S: Final = 900.0  # 2 MB of tokens and labels, or some 25 MB with audio: smaller files cost requests
_LONGEST_S: Final = 36_000.0  # 100,000 hours are 10,000 shards, and dataset.json lists them in 3 MB


def plan_release(
    entries: Collection[PlanEntry], *, validation_share: float, bridge_share: float, shard_s: float | None
) -> dict[str, tuple[str, str]]:
    """Decides split and shard of every recording (:func:`duologue_pipeline.shards.splits.plan_splits`, :func:`plan_shards`).

    Args:
        entries: all recordings of the release.
        validation_share: the share of the time wanted for validation, in [0, 1).
        bridge_share: the share of the time that may be set aside for it, in [0, 1).
        shard_s: seconds of conversation in a shard; :func:`chosen_shard_s` if None.

    Returns:
        recording_id -> (split, shard).
    """
    splits = plan_splits(entries, validation_share=validation_share, bridge_share=bridge_share)
    if shard_s is None:
        shard_s = chosen_shard_s(sum(entry.duration_ms for entry in entries) / 1000)
    shards = plan_shards(entries, splits, shard_s=shard_s)
    return {recording_id: (split, shards[recording_id]) for recording_id, split in splits.items()}


def chosen_shard_s(total_s: float) -> float:
    """Chooses how long shards are, so that readers that deal out whole shards have several for each of 32 workers.

    :mod:`duologue_pipeline.reader` deals out samples and needs no such care.

    Args:
        total_s: seconds of conversation in the release.

    Returns:
        A 128th of it, but at least a quarter of an hour and at most ten hours, in seconds.
    """
    return min(max(total_s / _SHARDS, _SHORTEST_S), _LONGEST_S)


def plan_shards(entries: Iterable[PlanEntry], splits: dict[str, str], *, shard_s: float) -> dict[str, str]:
    """Assigns every recording to a shard of about ``shard_s`` seconds of conversation, whole recordings only.

    Returns:
        recording_id -> the shard's name without its content hash, e.g. ``train-00000``.
    """
    shards: dict[str, str] = {}
    filled_ms: dict[str, int] = defaultdict(int)
    number: dict[str, int] = defaultdict(int)
    ordered = sorted(entries, key=lambda entry: (_hash(entry.recording_id), entry.recording_id))
    first = {
        entry.recording_id
        for split in SPLITS
        for entry in _leaders([entry for entry in ordered if splits[entry.recording_id] == split])
    }
    for entry in sorted(ordered, key=lambda entry: entry.recording_id not in first):
        split = splits[entry.recording_id]
        if filled_ms[split] and filled_ms[split] + entry.duration_ms > shard_s * 1000:
            number[split] += 1
            filled_ms[split] = 0
        filled_ms[split] += entry.duration_ms
        shards[entry.recording_id] = f"{split}-{number[split]:05d}"
    return shards


def _leaders(entries: Collection[PlanEntry]) -> list[PlanEntry]:
    """Picks a few recordings that have, between them, every list that any of them has."""
    missing = {name for entry in entries for name in entry.lists}
    picked = []
    for entry in sorted(entries, key=lambda entry: -len(entry.lists)):
        if missing & entry.lists:
            picked.append(entry)
            missing -= entry.lists
    return picked


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
