"""Divides recordings into splits that share no speaker and no audio, decided from identities alone.

Order and choice come from hashes of identities, never from arrival, so any order of input gives the same splits.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.records import SPLITS
from duologue_pipeline.shards.bridge import Bundle, choose_speakers

__all__ = ["PlanEntry", "plan_splits"]

_SMALL_SHARE: Final = 1 / 3

_TOO_LITTLE: Final = 1 / 2
"""Groups of speakers that give less than this share of what is wanted are divided."""

_TRAIN, _VALIDATION, _BRIDGE = SPLITS

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


def plan_splits(entries: Iterable[PlanEntry], *, validation_share: float, bridge_share: float) -> dict[str, str]:
    """Divides recordings into ``train`` and ``validation`` with no speaker and no audio in both.

    Groups of recordings that are connected through speakers or audio are taken for validation, in the order of the hash of
    their smallest recording id, while the total stays within the share. Where not one fits, the smallest is taken if
    it is at most a third of the whole; so three unrelated conversations give one for validation and two do not.

    Where that gives less than half of what is wanted, because all know all, speakers are chosen for the rest
    (:mod:`duologue_pipeline.shards.bridge`): what is between them and others becomes ``bridge``, which is for neither.

    Nothing is taken where ``train`` would be left without a list (words, say) that it has: nobody could learn its type
    there.

    Args:
        entries: all recordings of the release.
        validation_share: the share of the time wanted for validation, in [0, 1).
        bridge_share: the share of the time that may become ``bridge``, in [0, 1).

    Returns:
        recording_id -> split.
    """
    ordered = sorted(entries, key=lambda entry: entry.recording_id)
    total_ms = sum(entry.duration_ms for entry in ordered)
    groups = _groups(ordered, speakers=True)
    left = _lists(ordered)
    chosen = _chosen_groups(groups, left, wanted_ms=validation_share * total_ms, total_ms=total_ms)
    splits = {
        entry.recording_id: _VALIDATION if name in chosen else _TRAIN
        for name, group in groups.items()
        for entry in group
    }
    found_ms = sum(_duration_ms(groups[name]) for name in chosen)
    if found_ms < _TOO_LITTLE * validation_share * total_ms and bridge_share > 0:
        rest = [entry for entry in ordered if splits[entry.recording_id] == _TRAIN]
        wanted_ms = min(validation_share, _SMALL_SHARE) * total_ms - found_ms
        splits |= _divided(rest, left, wanted_ms=wanted_ms, bridge_ms=bridge_share * total_ms)
    return splits


def _chosen_groups(
    groups: dict[str, list[PlanEntry]], left: Counter[str], *, wanted_ms: float, total_ms: int
) -> set[str]:
    """Chooses whole groups for validation, and takes their lists from those that are ``left`` in train."""
    durations_ms = {name: _duration_ms(group) for name, group in groups.items()}
    lists = {name: _lists(group) for name, group in groups.items()}
    budget_ms = wanted_ms
    chosen: set[str] = set()
    for name in sorted(groups, key=_hash):
        if durations_ms[name] <= budget_ms and _spares(left, lists[name]):
            chosen.add(name)
            budget_ms -= durations_ms[name]
            left.subtract(lists[name])
    if not chosen and groups and wanted_ms > 0:
        spared = [name for name in groups if _spares(left, lists[name])]
        smallest = min(spared, key=lambda name: (durations_ms[name], _hash(name)), default=None)
        if smallest is not None and durations_ms[smallest] <= _SMALL_SHARE * total_ms:
            chosen.add(smallest)
            left.subtract(lists[smallest])
    return chosen


def _divided(entries: Sequence[PlanEntry], left: Counter[str], *, wanted_ms: float, bridge_ms: float) -> dict[str, str]:
    """Divides recordings by speakers that are chosen for validation, all to ``train`` where none can be."""
    groups = list(_groups(entries, speakers=False).values())
    bundles = [
        Bundle(frozenset(name for entry in group for name in (entry.speaker_a, entry.speaker_b)), _duration_ms(group))
        for group in groups
    ]

    def accept(speakers: frozenset[str]) -> bool:
        taken = [group for group, bundle in zip(groups, bundles, strict=True) if bundle.speakers & speakers]
        return len(taken) < len(groups) and _spares(left, _lists([entry for group in taken for entry in group]))

    chosen = choose_speakers(bundles, wanted_ms=wanted_ms, bridge_ms=bridge_ms, accept=accept)
    return {
        entry.recording_id: _VALIDATION
        if bundle.speakers <= chosen
        else _BRIDGE
        if bundle.speakers & chosen
        else _TRAIN
        for group, bundle in zip(groups, bundles, strict=True)
        for entry in group
    }


def _duration_ms(entries: Iterable[PlanEntry]) -> int:
    return sum(entry.duration_ms for entry in entries)


def _lists(entries: Iterable[PlanEntry]) -> Counter[str]:
    return Counter(each for entry in entries for each in entry.lists)


def _spares(left: Counter[str], taken: Counter[str]) -> bool:
    """Tells whether something of everything is left where this is taken away."""
    return all(left[name] > count for name, count in taken.items())


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _groups(entries: Sequence[PlanEntry], *, speakers: bool) -> dict[str, list[PlanEntry]]:
    """Groups recordings that share audio or, if asked, speakers (union-find); a group is named after its first recording."""
    parent: dict[_Node, _Node] = {}

    def root(node: _Node) -> _Node:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for entry in entries:
        own = ("recording", entry.recording_id)
        tied: list[_Node] = [("speaker", entry.speaker_a), ("speaker", entry.speaker_b)] if speakers else []
        for node in (*tied, *(("recording", other) for other in entry.same_audio)):
            parent[root(node)] = root(own)
    groups: dict[_Node, list[PlanEntry]] = defaultdict(list)
    for entry in entries:
        groups[root(("recording", entry.recording_id))].append(entry)
    return {group[0].recording_id: group for group in groups.values()}
