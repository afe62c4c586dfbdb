"""Packs hold every frame once, in order, and never of two recordings unless that is asked for."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample, open_dataset
from duologue_pipeline.torch import TorchDataset
from duologue_pipeline.torch.packing import Packing, packs
from duologue_pipeline.torch.steps import Step

Recording = Sequence[int]
"""Frames of the samples of a recording, which follow one another."""


def make_steps(recordings: Sequence[Recording], **more: Any) -> list[Step]:
    """The items of recordings; each frame of ``ids`` is a number of its own."""
    steps: list[Step] = []
    number = 0
    for recording, lengths in enumerate(recordings):
        start_s = 0.0
        for segment, length in enumerate(lengths):
            ids = np.stack([np.arange(number, number + length), np.full(length, recording)]).astype(np.uint16)
            about = {"recording_id": f"r{recording}", "start_s": start_s, "end_s": start_s + length}
            sample = Sample(f"r{recording}-{segment}", about, ids[None], None)
            before, after = {"given": len(steps)}, {"given": len(steps) + 1}
            steps.append(Step({"key": sample.key, "ids": ids, **more}, sample, str(len(steps)), 0, 1, 0, before, after))
            number, start_s = number + length, start_s + length
    return steps


def packed(recordings: Sequence[Recording], **options: Any) -> list[list[int]]:
    """The frames of each pack, -1 where it was filled up."""
    return [pack["ids"][0].tolist() for pack, _ in packs(make_steps(recordings), Packing(**options))]


def test_a_pack_ends_with_its_recording() -> None:
    assert packed([[7, 6], [3]], frames=5) == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, -1, -1],
        [13, 14, 15, -1, -1],
    ]


def test_packs_across_recordings_are_full() -> None:
    assert packed([[7, 6], [3]], frames=5, across_recordings=True) == [
        [0, 1, 2, 3, 4],
        [5, 6, 7, 8, 9],
        [10, 11, 12, 13, 14],
        [15, -1, -1, -1, -1],
    ]


def test_a_pack_says_what_its_frames_are() -> None:
    _, pack, *_ = (pack for pack, _ in packs(make_steps([[7, 6], [3]]), Packing(5)))
    assert pack["key"] == ["r0-0", "r0-1"]
    assert pack["segment"].tolist() == [0, 0, 1, 1, 1]
    assert pack["position"].tolist() == [5, 6, 0, 1, 2]
    assert pack["frames_held"] == 5


def test_samples_that_do_not_follow_one_another_are_not_joined() -> None:
    first, _, third = make_steps([[2, 2, 2]])
    assert [pack["ids"][0].tolist() for pack, _ in packs([first, third], Packing(5))] == [
        [0, 1, -1, -1, -1],
        [4, 5, -1, -1, -1],
    ]


def test_time_may_be_the_first_axis() -> None:
    steps = make_steps([[3]])
    for step in steps:
        step.item["ids"] = step.item["ids"].T
    (pack,) = (pack for pack, _ in packs(steps, Packing(4, axis=0)))
    assert pack["ids"].tolist() == [[0, 0], [1, 0], [2, 0], [-1, -1]]


@given(
    recordings=st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=1, max_size=4),
    frames=st.integers(1, 25),
    across=st.booleans(),
)
def test_every_frame_is_in_one_pack_and_no_pack_is_of_two_recordings(
    recordings: list[list[int]], frames: int, across: bool
) -> None:
    found = list(packs(make_steps(recordings), Packing(frames, across_recordings=across)))
    held = [pack["ids"][:, : pack["frames_held"]] for pack, _ in found]
    assert np.concatenate(held, axis=1)[0].tolist() == list(range(sum(map(sum, recordings))))
    assert all(pack["ids"].shape == (2, frames) for pack, _ in found)
    if across:
        assert all(pack["frames_held"] == frames for pack, _ in found[:-1])
    else:
        assert all(len(set(ids[1])) == 1 for ids in held)


@given(
    recordings=st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=4), min_size=1, max_size=4),
    frames=st.integers(1, 25),
    across=st.booleans(),
    data=st.data(),
)
def test_packs_go_on_at_any_mark(recordings: list[list[int]], frames: int, across: bool, data: st.DataObject) -> None:
    packing, steps = Packing(frames, across_recordings=across), make_steps(recordings)
    found = list(packs(steps, packing))
    number = data.draw(st.integers(0, len(found) - 1))
    mark = found[number][1]
    rest = []
    for step in steps[mark.reader["given"] :]:
        done, given = mark.begun.get(step.place, (0, 0))
        if done == 0:
            rest.append(Step(step.item, step.sample, step.place, 0, 1, given, step.before, step.after))
    again = list(packs(rest, packing))
    assert [pack["ids"].tolist() for pack, _ in again] == [pack["ids"].tolist() for pack, _ in found[number + 1 :]]


def test_what_cannot_be_packed_is_said() -> None:
    with pytest.raises(
        UsageError, match="sample r0-0: name is no array and cannot be packed; leave it out of the view"
    ):
        list(packs(make_steps([[3]], name="x"), Packing(4)))
    with pytest.raises(UsageError, match="r0-0: arrays of different lengths along axis -1 cannot be packed"):
        list(packs(make_steps([[3]], states=np.zeros(2)), Packing(4)))
    with pytest.raises(UsageError, match="frames 0: expected how many frames a pack has"):
        Packing(0)


def test_an_axis_that_is_not_time_is_told() -> None:
    steps = [replace(step, item={**step.item, "ids": step.item["ids"].T}) for step in make_steps([[7, 6]])]
    with pytest.raises(
        UsageError, match=r"^samples r0-0 and r0-1: their arrays ids differ in more than their length, .*axis="
    ):
        list(packs(steps, Packing(5)))
    assert [pack["ids"].shape for pack, _ in packs(steps, Packing(5, axis=0))] == [(5, 2)] * 3


def test_items_of_other_arrays_make_no_pack(release: Path) -> None:
    def by_side(sample: Sample) -> Any:
        return {"a": sample.codes[0]} if sample.metadata["segment"] else {"b": sample.codes[0]}

    def by_books(sample: Sample) -> Any:
        return sample.codes[:, : 1 + sample.metadata["segment"] % 2]

    for view, message in (
        (by_side, "they have the arrays b and a"),
        (by_books, "their arrays ids differ in more than"),
    ):
        with pytest.raises(UsageError, match=rf"^samples call-1-00000 and call-1-00001: {message}"):
            list(TorchDataset(open_dataset(str(release)), view, packing=Packing(frames=60)))
    with pytest.raises(UsageError, match=r"^frames \d+: a pack has at most"):
        Packing(frames=2**33)
