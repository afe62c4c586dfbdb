"""Splits that share no speaker and no audio, the same from any order."""

import random
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.splits import CORPORA, Corpus, draw, minutes_by_split
from duologue_pipeline.shards.splits import PlanEntry, plan_splits
from tests.pipeline.shards.entries import corpora, entry


def splits_of_speakers(entries: list[PlanEntry], splits: dict[str, str]) -> dict[str, set[str]]:
    """Speaker -> the splits of their recordings."""
    found: dict[str, set[str]] = defaultdict(set)
    for e in entries:
        for speaker in (e.speaker_a, e.speaker_b):
            found[speaker].add(splits[e.recording_id])
    return found


SHARES = st.floats(0, 0.99)


@given(corpora(), SHARES)
def test_no_speaker_is_in_two_splits(entries: list[PlanEntry], share: float) -> None:
    splits = plan_splits(entries, validation_share=share, bridge_share=0)
    assert splits.keys() == {entry.recording_id for entry in entries}
    assert all(len(found) == 1 for found in splits_of_speakers(entries, splits).values())
    assert "bridge" not in splits.values()


@given(corpora(), SHARES, SHARES)
def test_with_a_bridge_no_speaker_of_validation_is_in_train(
    entries: list[PlanEntry], share: float, bridge_share: float
) -> None:
    splits = plan_splits(entries, validation_share=share, bridge_share=bridge_share)
    found = splits_of_speakers(entries, splits)
    assert splits.keys() == {entry.recording_id for entry in entries}
    assert not any(split >= {"train", "validation"} for split in found.values())
    minutes = minutes_by_split(entries, splits)
    total = sum(minutes.values())
    assert minutes["bridge"] <= bridge_share * total + 1e-9
    assert minutes["validation"] <= max(share, 1 / 3) * total + 1e-9
    assert not entries or minutes["train"] > 0 or "bridge" not in splits.values()


@given(corpora(), SHARES, SHARES)
def test_a_bridge_lies_between_the_two_and_is_there_only_where_whole_groups_gave_too_little(
    entries: list[PlanEntry], share: float, bridge_share: float
) -> None:
    splits = plan_splits(entries, validation_share=share, bridge_share=bridge_share)
    found = splits_of_speakers(entries, splits)
    of_validation = {speaker for speaker, own in found.items() if "validation" in own}
    for e in entries:
        if splits[e.recording_id] == "bridge":
            assert len({e.speaker_a, e.speaker_b} & of_validation) == 1
    without = plan_splits(entries, validation_share=share, bridge_share=0)
    minutes = minutes_by_split(entries, without)
    if minutes["validation"] >= share / 2 * sum(minutes.values()):
        assert splits == without


@given(corpora(), SHARES, SHARES, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_bridge(
    entries: list[PlanEntry], share: float, bridge_share: float, chance: random.Random
) -> None:
    shuffled = chance.sample(entries, len(entries))
    splits = plan_splits(entries, validation_share=share, bridge_share=bridge_share)
    assert plan_splits(shuffled, validation_share=share, bridge_share=bridge_share) == splits


@pytest.mark.parametrize(
    ("corpus", "bridge_at_most"), list(zip(CORPORA[:5], (0.11, 0.13, 0.02, 0.0, 0.05), strict=True))
)
def test_a_corpus_in_which_all_are_connected_has_validation_at_a_bounded_price(
    corpus: Corpus, bridge_at_most: float
) -> None:
    entries = list(draw(corpus))
    splits = plan_splits(entries, validation_share=0.05, bridge_share=0.15)
    minutes = minutes_by_split(entries, splits)
    total = sum(minutes.values())
    assert 0.045 * total <= minutes["validation"] <= 0.05 * total
    assert minutes["bridge"] <= bridge_at_most * total
    assert not any(own >= {"train", "validation"} for own in splits_of_speakers(entries, splits).values())


def test_the_chosen_speakers_are_these() -> None:
    """Written out, so that a change of the hash or of the order does not pass unseen: it would move people into train."""
    ring = [entry(number, speakers=(f"s{number}", f"s{(number + 1) % 20}")) for number in range(20)]
    splits = plan_splits(ring, validation_share=0.2, bridge_share=0.15)
    assert {name: split for name, split in splits.items() if split != "train"} == {
        "call-3": "bridge",
        **dict.fromkeys(("call-4", "call-5", "call-6", "call-7"), "validation"),
        "call-8": "bridge",
    }


def test_one_agent_who_is_in_every_call_gives_no_validation() -> None:
    entries = [entry(number, speakers=("agent", f"s{number}")) for number in range(40)]
    assert set(plan_splits(entries, validation_share=0.05, bridge_share=0.15).values()) == {"train"}


def test_train_is_not_left_without_words_for_a_bridge() -> None:
    ring = [entry(number, speakers=(f"s{number}", f"s{(number + 1) % 40}")) for number in range(40)]
    for place in range(40):
        entries = [*ring]
        entries[place] = replace(entries[place], lists=frozenset({"words"}))
        splits = plan_splits(entries, validation_share=0.05, bridge_share=0.15)
        assert splits[f"call-{place}"] == "train"
        assert "validation" in splits.values()


@given(corpora(), st.floats(0, 0.99))
def test_validation_stays_within_its_share_or_within_a_third(entries: list[PlanEntry], share: float) -> None:
    splits = plan_splits(entries, validation_share=share, bridge_share=0)
    total_ms = sum(e.duration_ms for e in entries)
    validation_ms = sum(e.duration_ms for e in entries if splits[e.recording_id] == "validation")
    assert validation_ms <= max(share, 1 / 3) * total_ms + 1


@pytest.mark.parametrize(
    ("recordings", "validation"),
    [(0, 0), (1, 0), (2, 0), (3, 1), (10, 1), (19, 1), (20, 1), (40, 2), (100, 5)],
)
def test_of_unrelated_recordings_of_one_length_the_share_goes_to_validation(recordings: int, validation: int) -> None:
    splits = plan_splits([entry(number) for number in range(recordings)], validation_share=0.05, bridge_share=0)
    assert list(splits.values()).count("validation") == validation


def test_the_smallest_group_is_taken_where_none_fits_the_share() -> None:
    entries = [entry(1, minutes=10), entry(2, minutes=5), entry(3, minutes=10)]
    assert plan_splits(entries, validation_share=0.05, bridge_share=0) == {
        "call-1": "train",
        "call-2": "validation",
        "call-3": "train",
    }


def test_recordings_connected_through_a_third_one_stay_together() -> None:
    chain = [entry(1, speakers=("x", "y")), entry(2, speakers=("y", "z")), entry(3, speakers=("z", "x"))]
    others = [entry(number) for number in range(4, 8)]
    splits = plan_splits([*chain, *others], validation_share=0.5, bridge_share=0)
    assert len({splits[e.recording_id] for e in chain}) == 1
    assert set(splits.values()) == {"train", "validation"}


def test_a_share_of_zero_gives_no_validation() -> None:
    assert set(plan_splits([entry(number) for number in range(9)], validation_share=0, bridge_share=0).values()) == {
        "train"
    }


@given(corpora(), SHARES, SHARES, st.data())
def test_no_audio_is_in_two_splits(
    entries: list[PlanEntry], share: float, bridge_share: float, data: st.DataObject
) -> None:
    names = [entry.recording_id for entry in entries]
    shared = st.lists(st.sampled_from([*names, "refused-since"]), max_size=2)
    marked = [replace(entry, same_audio=tuple(data.draw(shared))) for entry in entries]
    splits = plan_splits(marked, validation_share=share, bridge_share=bridge_share)
    assert all(
        splits[e.recording_id] == splits.get(other, splits[e.recording_id]) for e in marked for other in e.same_audio
    )
    assert not any(own >= {"train", "validation"} for own in splits_of_speakers(marked, splits).values())


def test_two_that_share_audio_with_one_that_was_refused_since_stay_together() -> None:
    entries = [entry(number) for number in range(6)]
    entries[0] = replace(entries[0], same_audio=("gone",))
    entries[5] = replace(entries[5], same_audio=("gone",))
    for share in (0.2, 0.4, 0.6, 0.8):
        splits = plan_splits(entries, validation_share=share, bridge_share=0)
        assert splits["call-0"] == splits["call-5"]
