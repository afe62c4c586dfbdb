"""Plans a release: which recording goes into which split and which shard, decided from identities alone.

Splits are disjoint in speakers and in audio: two recordings that share a speaker or a track, directly or through others, stay
together.
Order and choice come from hashes of identities, never from arrival, so any order of input gives the same plan.

``datasets`` takes the types of all fields from the first samples of the first shard, and of an empty list it learns none. So
what has each of the lists that any recording has comes first: in ``train``, and there into the first shard.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.records import SPLITS

__all__ = ["PlanEntry", "chosen_shard_s", "plan_release", "plan_shards", "plan_splits"]

_SMALL_SHARE: Final = 1 / 3
_SHARDS: Final = 128  # of a corpus of 32 to 1280 hours: four for each of 8 ranks with 4 workers
_SHORTEST_S: Final = 900.0  # 2 MB of tokens and labels, or some 25 MB with audio: smaller files cost requests
_LONGEST_S: Final = 36_000.0  # 100,000 hours are 10,000 shards, and dataset.json lists them in 3 MB

_Node = tuple[str, str]
"""``speaker`` or ``recording``, and which."""


@dataclass(frozen=True)
class PlanEntry:
    """Holds what the plan needs to know of a recording.

    Attributes:
        recording_id: its id.
        speaker_a, speaker_b: the commitments of its speakers.
        duration_ms: how long it is.
        lists: which lists of its samples are not empty.
        same_audio: the other recordings that hold the same audio.
    """

    recording_id: str
    speaker_a: str
    speaker_b: str
    duration_ms: int
    lists: frozenset[str] = frozenset()
    same_audio: Sequence[str] = ()


def plan_release(
    entries: Collection[PlanEntry], *, validation_share: float, shard_s: float | None
) -> dict[str, tuple[str, str]]:
    """Decides split and shard of every recording (:func:`plan_splits`, :func:`plan_shards`).

    Args:
        entries: all recordings of the release.
        validation_share: the share of the time wanted for validation, in [0, 1).
        shard_s: seconds of conversation in a shard; :func:`chosen_shard_s` if None.

    Returns:
        recording_id -> (split, shard).
    """
    splits = plan_splits(entries, validation_share=validation_share)
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


def plan_splits(entries: Iterable[PlanEntry], *, validation_share: float) -> dict[str, str]:
    """Divides recordings into ``train`` and ``validation`` with no speaker and no audio in both.

    Groups of recordings that are connected through speakers or audio are taken for validation, in the order of the hash of
    their smallest recording id, while the total stays within the share. Where not one fits, the smallest is taken if
    it is at most a third of the whole; so three unrelated conversations give one for validation and two do not.

    A group is not taken where ``train`` would be left without a list (words, say) that it has: nobody could learn its type
    there.

    Args:
        entries: all recordings of the release.
        validation_share: the share of the time wanted for validation, in [0, 1).

    Returns:
        recording_id -> split.
    """
    ordered = sorted(entries, key=lambda entry: entry.recording_id)
    groups = _connected(ordered)
    total_ms = sum(entry.duration_ms for entry in ordered)
    durations_ms = {name: sum(entry.duration_ms for entry in group) for name, group in groups.items()}
    budget_ms = validation_share * total_ms
    lists = {name: Counter(each for entry in group for each in entry.lists) for name, group in groups.items()}
    left = Counter(each for entry in ordered for each in entry.lists)
    chosen: set[str] = set()
    for name in sorted(groups, key=_hash):
        if durations_ms[name] <= budget_ms and _spares(left, lists[name]):
            chosen.add(name)
            budget_ms -= durations_ms[name]
            left -= lists[name]
    if not chosen and groups and validation_share > 0:
        spared = [name for name in groups if _spares(left, lists[name])]
        smallest = min(spared, key=lambda name: (durations_ms[name], _hash(name)), default=None)
        if smallest is not None and durations_ms[smallest] <= _SMALL_SHARE * total_ms:
            chosen.add(smallest)
    return {
        entry.recording_id: SPLITS[1] if name in chosen else SPLITS[0]
        for name, group in groups.items()
        for entry in group
    }


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


def _spares(left: Counter[str], taken: Counter[str]) -> bool:
    """Tells whether something of everything is left where this is taken away."""
    return all(left[name] > count for name, count in taken.items())


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


def _connected(entries: list[PlanEntry]) -> dict[str, list[PlanEntry]]:
    """Groups recordings that share speakers or audio (union-find); a group is named after its first recording."""
    parent: dict[_Node, _Node] = {}

    def root(node: _Node) -> _Node:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for entry in entries:
        own = ("recording", entry.recording_id)
        tied: list[_Node] = [("speaker", entry.speaker_a), ("speaker", entry.speaker_b)]
        for node in (*tied, *(("recording", other) for other in entry.same_audio)):
            parent[root(node)] = root(own)
    groups: dict[_Node, list[PlanEntry]] = defaultdict(list)
    for entry in entries:
        groups[root(("recording", entry.recording_id))].append(entry)
    return {group[0].recording_id: group for group in groups.values()}
