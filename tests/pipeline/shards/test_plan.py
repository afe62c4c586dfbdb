"""Splits that share no speaker and shards of bounded length, the same from any order."""

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.shards.plan import PlanEntry, chosen_shard_s, plan_release, plan_shards, plan_splits

MINUTE_MS = 60_000


def entry(number: int, *, speakers: tuple[str, str] | None = None, minutes: float = 1.0) -> PlanEntry:
    """A recording, of two speakers of its own unless they are given."""
    a, b = speakers or (f"s{number}a", f"s{number}b")
    return PlanEntry(f"call-{number}", a, b, round(minutes * MINUTE_MS))


@st.composite
def corpora(draw: st.DrawFn) -> list[PlanEntry]:
    """Recordings of any length between speakers of a small circle: chains, stars, and islands."""
    people = draw(st.integers(2, 30))
    pairs = st.lists(st.integers(0, people - 1), min_size=2, max_size=2, unique=True)
    return [
        entry(number, speakers=(f"s{a}", f"s{b}"), minutes=draw(st.floats(0.01, 60)))
        for number, (a, b) in enumerate(draw(st.lists(pairs, max_size=40)))
    ]


@given(corpora(), st.floats(0, 0.99))
def test_no_speaker_is_in_both_splits(entries: list[PlanEntry], share: float) -> None:
    splits = plan_splits(entries, validation_share=share)
    assert splits.keys() == {entry.recording_id for entry in entries}
    split_of: dict[str, set[str]] = defaultdict(set)
    for e in entries:
        for speaker in (e.speaker_a, e.speaker_b):
            split_of[speaker].add(splits[e.recording_id])
    assert all(len(found) == 1 for found in split_of.values())


@given(corpora(), st.floats(0, 0.99), st.floats(1, 7200), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_plan(
    entries: list[PlanEntry], share: float, shard_s: float, chance: random.Random
) -> None:
    splits = plan_splits(entries, validation_share=share)
    shards = plan_shards(entries, splits, shard_s=shard_s)
    shuffled = chance.sample(entries, len(entries))
    assert plan_splits(shuffled, validation_share=share) == splits
    assert plan_shards(shuffled, splits, shard_s=shard_s) == shards


@given(corpora(), st.floats(0, 0.99))
def test_validation_stays_within_its_share_or_within_a_third(entries: list[PlanEntry], share: float) -> None:
    splits = plan_splits(entries, validation_share=share)
    total_ms = sum(e.duration_ms for e in entries)
    validation_ms = sum(e.duration_ms for e in entries if splits[e.recording_id] == "validation")
    assert validation_ms <= max(share, 1 / 3) * total_ms + 1


@pytest.mark.parametrize(
    ("recordings", "validation"),
    [(0, 0), (1, 0), (2, 0), (3, 1), (10, 1), (19, 1), (20, 1), (40, 2), (100, 5)],
)
def test_of_unrelated_recordings_of_one_length_the_share_goes_to_validation(recordings: int, validation: int) -> None:
    splits = plan_splits([entry(number) for number in range(recordings)], validation_share=0.05)
    assert list(splits.values()).count("validation") == validation


def test_the_smallest_group_is_taken_where_none_fits_the_share() -> None:
    entries = [entry(1, minutes=10), entry(2, minutes=5), entry(3, minutes=10)]
    assert plan_splits(entries, validation_share=0.05) == {
        "call-1": "train",
        "call-2": "validation",
        "call-3": "train",
    }


def test_recordings_connected_through_a_third_one_stay_together() -> None:
    chain = [entry(1, speakers=("x", "y")), entry(2, speakers=("y", "z")), entry(3, speakers=("z", "x"))]
    others = [entry(number) for number in range(4, 8)]
    splits = plan_splits([*chain, *others], validation_share=0.5)
    assert len({splits[e.recording_id] for e in chain}) == 1
    assert set(splits.values()) == {"train", "validation"}


def test_a_share_of_zero_gives_no_validation() -> None:
    assert set(plan_splits([entry(number) for number in range(9)], validation_share=0).values()) == {"train"}


def test_the_plan_is_this_one() -> None:
    """Written out, so that a change of the hash or of the order does not pass unseen: it would rename every shard."""
    entries = [entry(number, minutes=10) for number in range(1, 7)]
    splits = plan_splits(entries, validation_share=0.2)
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
    splits = plan_splits(entries, validation_share=0.2)
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
        splits = plan_splits(entries, validation_share=0.3)
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


@given(corpora(), st.floats(0, 0.99), st.data())
def test_no_audio_is_in_both_splits(entries: list[PlanEntry], share: float, data: st.DataObject) -> None:
    names = [entry.recording_id for entry in entries]
    shared = st.lists(st.sampled_from([*names, "refused-since"]), max_size=2)
    marked = [replace(entry, same_audio=tuple(data.draw(shared))) for entry in entries]
    splits = plan_splits(marked, validation_share=share)
    assert all(
        splits[e.recording_id] == splits.get(other, splits[e.recording_id]) for e in marked for other in e.same_audio
    )


def test_two_that_share_audio_with_one_that_was_refused_since_stay_together() -> None:
    entries = [entry(number) for number in range(6)]
    entries[0] = replace(entries[0], same_audio=("gone",))
    entries[5] = replace(entries[5], same_audio=("gone",))
    for share in (0.2, 0.4, 0.6, 0.8):
        splits = plan_splits(entries, validation_share=share)
        assert splits["call-0"] == splits["call-5"]


@pytest.mark.parametrize(
    ("hours", "shard_hours"), [(0, 0.25), (0.04, 0.25), (32, 0.25), (40, 0.3125), (1280, 10), (100_000, 10)]
)
def test_the_length_of_a_shard_follows_that_of_the_whole(hours: float, shard_hours: float) -> None:
    assert chosen_shard_s(hours * 3600) == shard_hours * 3600


@pytest.mark.parametrize("minutes", [2, 5, 10, 15])
def test_forty_hours_give_each_of_8_ranks_with_4_workers_several_shards(minutes: int) -> None:
    entries = [entry(number, minutes=minutes) for number in range(40 * 60 // minutes)]
    plan = plan_release(entries, validation_share=0.05, shard_s=None)
    train_ms = dict.fromkeys((shard for split, shard in plan.values() if split == "train"), 0)
    for each in entries:
        split, shard = plan[each.recording_id]
        if split == "train":
            train_ms[shard] += each.duration_ms
    assert len(train_ms) >= 3 * 32
    workers_ms = [sum(list(train_ms.values())[worker::32]) for worker in range(32)]
    assert max(workers_ms) <= 1.3 * sum(workers_ms) / 32
