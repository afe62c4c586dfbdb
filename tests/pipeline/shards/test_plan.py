"""Shards of bounded length, the same from any order."""

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.shards.plan import chosen_shard_s, plan_release, plan_shards
from duologue_pipeline.shards.splits import PlanEntry, plan_splits
from tests.pipeline.shards.entries import corpora, entry


@given(corpora(), st.floats(0, 0.99), st.floats(1, 7200), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_plan(
    entries: list[PlanEntry], share: float, shard_s: float, chance: random.Random
) -> None:
    splits = plan_splits(entries, validation_share=share, bridge_share=0)
    shards = plan_shards(entries, splits, shard_s=shard_s)
    shuffled = chance.sample(entries, len(entries))
    assert plan_splits(shuffled, validation_share=share, bridge_share=0) == splits
    assert plan_shards(shuffled, splits, shard_s=shard_s) == shards


def test_the_plan_is_this_one() -> None:
    """Written out, so that a change of the hash or of the order does not pass unseen: it would rename every shard."""
    entries = [entry(number, minutes=10) for number in range(1, 7)]
    splits = plan_splits(entries, validation_share=0.2, bridge_share=0)
    assert plan_shards(entries, splits, shard_s=1200) == {
        "call-4": "train-00000",
        "call-1": "train-00000",
        "call-5": "train-00001",
        "call-6": "train-00001",
        "call-2": "validation-00000",
        "call-3": "train-00002",
    }


@given(corpora(), st.floats(60, 7200))
def test_shards_are_numbered_without_gaps_and_filled_to_their_length(entries: list[PlanEntry], shard_s: float) -> None:
    splits = plan_splits(entries, validation_share=0.2, bridge_share=0)
    shards = plan_shards(entries, splits, shard_s=shard_s)
    contents: dict[str, list[PlanEntry]] = defaultdict(list)
    for e in entries:
        assert shards[e.recording_id].rpartition("-")[0] == splits[e.recording_id]
        contents[shards[e.recording_id]].append(e)
    for split in ("train", "validation"):
        names = sorted(name for name in contents if name.startswith(split))
        assert names == [f"{split}-{number:05d}" for number in range(len(names))]
    for own in contents.values():
        assert len(own) == 1 or sum(e.duration_ms for e in own) <= shard_s * 1000


def test_what_has_words_comes_into_the_first_shard_of_train_and_is_not_taken_for_validation() -> None:
    plain = [entry(number) for number in range(20)]
    for place in range(20):
        entries = [*plain]
        entries[place] = replace(entries[place], lists=frozenset({"activity", "words"}))
        splits = plan_splits(entries, validation_share=0.3, bridge_share=0)
        name = entries[place].recording_id
        assert splits[name] == "train"
        assert list(splits.values()).count("validation") == 6
        assert plan_shards(entries, splits, shard_s=120)[name] == "train-00000"


def test_between_them_the_recordings_of_the_first_shard_have_every_list() -> None:
    entries = [entry(number) for number in range(20)]
    entries[3] = replace(entries[3], lists=frozenset({"words"}))
    entries[7] = replace(entries[7], lists=frozenset({"activity", "events"}))
    shards = plan_shards(entries, dict.fromkeys((e.recording_id for e in entries), "train"), shard_s=120)
    assert {name for name, shard in shards.items() if shard == "train-00000"} == {"call-3", "call-7"}


@pytest.mark.parametrize(
    ("hours", "shard_hours"), [(0, 0.25), (0.04, 0.25), (32, 0.25), (40, 0.3125), (1280, 10), (100_000, 10)]
)
def test_the_length_of_a_shard_follows_that_of_the_whole(hours: float, shard_hours: float) -> None:
    assert chosen_shard_s(hours * 3600) == shard_hours * 3600


@pytest.mark.parametrize("minutes", [2, 5, 10, 15])
def test_forty_hours_give_each_of_8_ranks_with_4_workers_several_shards(minutes: int) -> None:
    entries = [entry(number, minutes=minutes) for number in range(40 * 60 // minutes)]
    plan = plan_release(entries, validation_share=0.05, bridge_share=0, shard_s=None)
    train_ms = dict.fromkeys((shard for split, shard in plan.values() if split == "train"), 0)
    for each in entries:
        split, shard = plan[each.recording_id]
        if split == "train":
            train_ms[shard] += each.duration_ms
    assert len(train_ms) >= 3 * 32
    workers_ms = [sum(list(train_ms.values())[worker::32]) for worker in range(32)]
    assert max(workers_ms) <= 1.3 * sum(workers_ms) / 32
