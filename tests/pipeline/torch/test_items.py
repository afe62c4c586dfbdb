"""What a view may return, and how it becomes tensors and batches."""

from typing import Any

import numpy as np
import pytest
import torch

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.torch.collate import collate
from duologue_pipeline.torch.items import items_of, to_tensors
from duologue_pipeline.torch.packing import Packing
from duologue_pipeline.views import Tokens

SAMPLE = Sample("k", {}, np.zeros((2, 8, 3), np.uint16), None)
IDS = np.arange(6, dtype=np.int32).reshape(2, 3)
MASK = IDS > 1


@pytest.mark.parametrize(
    ("returned", "items"),
    [
        (IDS, [{"ids"}]),
        ((IDS, MASK), [{"ids", "mask"}]),
        ((IDS.astype(np.float32), IDS[0]), [{"features", "states"}]),
        (Tokens(IDS[0], IDS[1].astype(np.uint8)), [{"ids", "kind"}]),
        ({"A": IDS, "B": IDS}, [{"A", "B"}]),
        ([IDS, IDS], [{"ids"}, {"ids"}]),
        ([IDS, None], [{"ids"}]),
        (None, []),
    ],
)
def test_what_a_view_returns_gets_names(returned: Any, items: list[set[str]]) -> None:
    found = items_of(SAMPLE, lambda sample: returned)
    assert [item.keys() for item in found] == [{"key", *names} for names in items]


@pytest.mark.parametrize("returned", [3, "ids", (IDS, IDS, IDS), {1: IDS}])
def test_what_a_view_may_not_return_is_said(returned: Any) -> None:
    with pytest.raises(UsageError, match=r"a view returns \w+: expected an array, two arrays"):
        items_of(SAMPLE, lambda sample: returned)


def test_the_name_of_the_key_is_taken() -> None:
    with pytest.raises(UsageError, match="a view returns something under the name `key`"):
        items_of(SAMPLE, lambda sample: {"key": IDS})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("u2", torch.int64),
        ("i4", torch.int64),
        ("u1", torch.int64),
        ("f4", torch.float32),
        ("f8", torch.float32),
        ("?", torch.bool),
    ],
)
def test_integers_become_int64_and_floats_float32(given: str, expected: torch.dtype) -> None:
    assert to_tensors({"key": "k", "x": np.zeros(3, given)})["x"].dtype == expected


def item(frames: int, **more: Any) -> dict[str, Any]:
    return {
        "key": f"k{frames}",
        "ids": torch.ones((2, frames), dtype=torch.int64),
        "mask": torch.ones(frames, dtype=torch.bool),
        "features": torch.ones(frames),
        **more,
    }


def test_a_batch_is_padded_at_the_end() -> None:
    batch = collate([item(2, words=["a"]), item(3, words=[])])
    assert batch["keys"] == ["k2", "k3"]
    assert batch["lengths"].tolist() == [2, 3]
    assert batch["ids"].tolist() == [[[1, 1, -1]] * 2, [[1, 1, 1]] * 2]
    assert batch["mask"].tolist() == [[True, True, False], [True, True, True]]
    assert batch["features"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch["words"] == [["a"], []]


def test_time_may_be_the_first_axis_of_a_batch() -> None:
    first, second = ({"key": "k", "ids": torch.ones((frames, 9), dtype=torch.int64)} for frames in (4, 2))
    batch = collate([first, second], axis=0)
    assert batch["ids"].shape == (2, 4, 9)
    assert batch["lengths"].tolist() == [4, 2]
    assert (batch["ids"][1, 2:] == -1).all()


def test_tensors_of_another_clock_have_lengths_of_their_own() -> None:
    batch = collate([item(2, states=torch.zeros(5)), item(3, states=torch.zeros(6))])
    assert batch["lengths"].tolist() == [2, 3]
    assert batch["states_lengths"].tolist() == [5, 6]
    assert batch.keys() == {"lengths", "states_lengths", "keys", "ids", "mask", "features", "states"}


def test_a_tensor_without_the_axis_of_time_is_told() -> None:
    with pytest.raises(
        UsageError, match=r"sample k2: axis 1 is to be the time of its arrays \(ids \[2, 2\], mask \[2\], fea"
    ):
        collate([item(2)], axis=1)


def test_an_axis_that_is_not_time_is_told() -> None:
    first, second = ({"key": "k", "ids": torch.ones((frames, 9), dtype=torch.int64)} for frames in (4, 2))
    with pytest.raises(
        UsageError, match=r"axis -1 is to be the time of ids \[4, 9\], .* differ along axis 0; .*give axis=0:"
    ):
        collate([first, second])
    square = [{"key": "k", "ids": torch.ones((side, side))} for side in (4, 2)]
    assert collate(square)["ids"].shape == (2, 4, 4)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], r"^collate: expected a list of items of a TorchDataset, at least one$"),
        ([3], r"^collate: expected a list of items"),
        (
            [{"key": "a", "x": torch.zeros(2)}, {"key": "b", "y": torch.zeros(2)}],
            r"^samples a and b have different parts",
        ),
        (
            [{"key": "a", "x": torch.zeros(2)}, {"key": "b", "x": torch.zeros(2, 3)}],
            r"^samples a and b: x is of another",
        ),
        (
            [{"key": "a", "x": torch.zeros(2)}, {"key": "b", "x": torch.ones(3).long()}],
            r"^samples a and b: x is of another",
        ),
        ([{"key": "a", "x": torch.zeros(2)}, {"key": "b", "x": None}], r"^samples a and b: x is of another"),
    ],
)
def test_items_that_make_no_batch_are_refused(items: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        collate(items)


@pytest.mark.parametrize("options", [{"pad": "x"}, {"pad": 2**70}, {"pad": 1.5}, {"axis": "x"}, {"axis": None}])
def test_what_fills_up_and_the_axis_are_whole_numbers(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=rf"^{name} .*: expected "):
        collate([{"key": "a", "x": torch.zeros(2)}], **options)
    with pytest.raises(UsageError, match=rf"^{name} .*: expected "):
        Packing(frames=4, **options)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([None]), np.array([1j])])
def test_arrays_that_are_no_tensors_are_refused(array: Any) -> None:
    with pytest.raises(UsageError, match=r"^sample k: ids is an array of .*, expected whole numbers, floats or bool"):
        to_tensors({"key": "k", "ids": array})
