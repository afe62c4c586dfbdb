"""A DataLoader gives each sample once, whatever the workers and ranks, and goes on exactly where it stopped."""

import json
import pickle
import shutil
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample, mix, open_dataset
from duologue_pipeline.torch import Packing, TorchDataset, collate

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

KEYS = [f"call-1-{n:05d}" for n in range(3)] + [f"call-2-{n:05d}" for n in (0, 1)]


def both_sides(sample: Sample) -> list[Any]:
    """Two items a sample, one for each speaker as the model."""
    return [{"ids": sample.codes[order], "side": np.array([order[0]])} for order in ([0, 1], [1, 0])]


def keys(batches: Iterable[dict[str, Any]]) -> list[str]:
    return list(chain.from_iterable(batch["keys"] for batch in batches))


def sides(items: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(item["key"], int(item["side"])) for item in items]


# --- what is given --------------------------------------------------------------------------------------------------


def test_without_a_view_an_item_is_the_codes(release: Path) -> None:
    item = next(iter(TorchDataset(open_dataset(str(release)))))
    (sample,) = [sample for sample in open_dataset(str(release)) if sample.key == item["key"]]
    assert item["codes"].dtype == torch.int64
    assert np.array_equal(item["codes"].numpy(), sample.codes)


@pytest.mark.parametrize("workers", [0, 2, 7])
def test_each_sample_comes_once_whatever_the_number_of_workers(release: Path, workers: int) -> None:
    loader = DataLoader(TorchDataset(open_dataset(str(release))), batch_size=2, num_workers=workers, collate_fn=collate)
    assert sorted(keys(loader)) == KEYS


@pytest.mark.parametrize(("world", "workers"), [(2, 0), (2, 2), (3, 1), (7, 2)])
def test_each_sample_comes_once_over_all_ranks_and_their_workers(release: Path, world: int, workers: int) -> None:
    found = []
    for rank in range(world):
        dataset = TorchDataset(open_dataset(str(release), shuffle=1), rank=rank, world=world)
        mine = keys(DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=collate))
        assert len(mine) == len(dataset)
        found += mine
    assert sorted(found) == KEYS


def test_the_ranks_of_open_dataset_are_kept(release: Path) -> None:
    found = [keys([collate([*TorchDataset(open_dataset(str(release), rank=rank, world=2))])]) for rank in (0, 1)]
    assert sorted(chain.from_iterable(found)) == KEYS


def test_the_ranks_are_those_of_torch_distributed(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = TorchDataset(open_dataset(str(release)))
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
    expected = [sample.key for sample in open_dataset(str(release), rank=1, world=2)]
    assert [item["key"] for item in dataset] == expected
    assert [item["key"] for item in TorchDataset(open_dataset(str(release)), rank=0, world=1)] == KEYS  # they are given
    spawned = pickle.loads(pickle.dumps(dataset))
    monkeypatch.undo()
    assert [item["key"] for item in spawned] == expected


def test_a_dataset_handed_to_a_dataloader_says_what_to_use(release: Path) -> None:
    dataset: Any = open_dataset(str(release))
    for workers in (0, 2):
        with pytest.raises(UsageError, match=r"duologue_pipeline\.torch"):
            list(DataLoader(dataset, num_workers=workers))


def test_a_rank_without_a_world_is_refused(release: Path) -> None:
    with pytest.raises(UsageError, match="rank and world: give both of them or neither"):
        TorchDataset(open_dataset(str(release)), rank=1)


@pytest.mark.parametrize("persistent", [False, True])
def test_each_epoch_has_an_order_of_its_own(release: Path, persistent: bool) -> None:
    dataset = TorchDataset(open_dataset(str(release), shuffle=3))
    loader = DataLoader(
        dataset, batch_size=None, num_workers=1, persistent_workers=persistent, collate_fn=lambda item: item
    )
    orders = []
    for epoch in (0, 1, 1):
        dataset.set_epoch(epoch)
        orders.append([item["key"] for item in loader])
    expected = [[sample.key for sample in open_dataset(str(release), shuffle=3).epoch(epoch)] for epoch in (0, 1, 1)]
    assert orders == expected
    assert orders[0] != orders[1]


# --- going on -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", range(11))
def test_a_state_goes_on_exactly_after_any_item(release: Path, given: int) -> None:
    whole = sides(TorchDataset(open_dataset(str(release), shuffle=5), both_sides))
    dataset = TorchDataset(open_dataset(str(release), shuffle=5), both_sides)
    items = iter(dataset)
    first = sides(next(items) for _ in range(given))
    state = json.loads(json.dumps(dataset.state_dict()))
    other = TorchDataset(open_dataset(str(release), shuffle=5), both_sides)
    other.load_state_dict(state)
    assert other.state_dict() == state
    assert first + sides(other) == whole
    assert sides(other) == whole  # the next iteration is whole again


def states_after(release: Path, counts: list[int], **options: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    """What the workers, or ranks, gave before they stopped after so many items, and where they stood."""
    items, states = [], []
    for rank, count in enumerate(counts):
        dataset = TorchDataset(
            open_dataset(str(release), shuffle=5), both_sides, rank=rank, world=len(counts), **options
        )
        reading = iter(dataset)
        items += [next(reading) for _ in range(count)]
        states.append(dataset.state_dict())
    return items, states


@pytest.mark.parametrize("counts", [[3], [1, 1], [0, 3, 1]])
@pytest.mark.parametrize("workers", [0, 2, 4])
def test_another_number_of_workers_gives_the_rest_once(release: Path, counts: list[int], workers: int) -> None:
    given, states = states_after(release, counts)
    dataset = TorchDataset(open_dataset(str(release), shuffle=5), both_sides)
    dataset.load_state_dict(states)
    loader = DataLoader(dataset, batch_size=None, num_workers=workers)
    rest = sides(loader)
    assert sorted(sides(given) + rest) == sorted((key, side) for key in KEYS for side in (0, 1))
    assert len(sides(loader)) == 10  # the next iteration is whole again


def test_a_state_in_packs_goes_on_within_a_sample(release: Path) -> None:
    packing = Packing(frames=7)
    whole = [item["codes"] for item in TorchDataset(open_dataset(str(release)), packing=packing)]
    for given in range(len(whole) + 1):
        dataset = TorchDataset(open_dataset(str(release)), packing=packing)
        items = iter(dataset)
        first = [next(items)["codes"] for _ in range(given)]
        other = TorchDataset(open_dataset(str(release)), packing=packing)
        other.load_state_dict(json.loads(json.dumps(dataset.state_dict())))
        rest = [item["codes"] for item in other]
        assert torch.equal(torch.stack(first + rest), torch.stack(whole))


def test_workers_of_a_plain_dataloader_have_no_state_here(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release)))
    next(iter(DataLoader(dataset, batch_size=None, num_workers=1)))
    with pytest.raises(
        UsageError, match=r"state: the items are read in the workers of a DataLoader, which read ahead; use"
    ):
        dataset.state_dict()


def test_another_epoch_than_that_of_the_state_begins_anew(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release), shuffle=5))
    next(iter(dataset))
    state = dataset.state_dict()
    dataset.load_state_dict(state)
    dataset.set_epoch(0)
    assert len(list(dataset)) == 4
    dataset.load_state_dict(state)
    dataset.set_epoch(1)
    assert len(list(dataset)) == 5


@pytest.mark.parametrize(
    "state",
    [
        {},
        [],
        {"schema": "reader/1.0"},
        {"schema": "torch/1.0", "reader": {"epoch": 0}, "begun": [["key"]]},
        {"schema": "torch/1.0", "reader": {}, "begun": []},
    ],
)
def test_what_is_no_state_is_refused(release: Path, state: Any) -> None:
    with pytest.raises(UsageError, match=r"state: it is no state of a TorchDataset of version torch/1\.0"):
        TorchDataset(open_dataset(str(release))).load_state_dict(state)


def test_a_state_of_other_packs_is_refused(release: Path) -> None:
    state = TorchDataset(open_dataset(str(release))).state_dict()
    packed = TorchDataset(open_dataset(str(release)), packing=Packing(7))
    with pytest.raises(UsageError, match="state: it is of packs of None frames, and these are of 7"):
        packed.load_state_dict(state)
    with pytest.raises(TypeError, match="how many items or packs an epoch has is not known"):
        len(packed)


def test_a_batch_is_padded(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release)), lambda sample: sample.codes[0])
    (batch,) = DataLoader(dataset, batch_size=5, collate_fn=partial(collate, pad=700))
    assert batch["ids"].shape == (5, 2, int(batch["lengths"].max()))
    for ids, length in zip(batch["ids"], batch["lengths"], strict=True):
        assert (ids[:, :length] < 700).all()
        assert (ids[:, length:] == 700).all()


# --- what would be given twice, or never --------------------------------------------------------------------------------


def test_a_rank_that_is_spawned_before_it_knows_its_rank_asks_again(release: Path) -> None:
    copy = pickle.loads(pickle.dumps(TorchDataset(open_dataset(str(release)))))
    assert copy._place is None


def test_a_dataset_is_not_shared_out_twice(release: Path) -> None:
    with pytest.raises(
        UsageError, match="the dataset was opened for reader 1 of 2 already, and would be shared out twice"
    ):
        TorchDataset(open_dataset(str(release), rank=1, world=2), rank=1, world=2)


def test_a_state_that_was_loaded_into_the_reader_is_not_passed_over(release: Path) -> None:
    dataset = open_dataset(str(release))
    dataset.load_state_dict(open_dataset(str(release)).state_dict())
    with pytest.raises(UsageError, match=r"^state: it was loaded into a part of what is read now"):
        TorchDataset(dataset)


def test_the_epoch_after_a_state_of_an_epochs_end_is_the_one_that_is_named(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release), shuffle=7))
    dataset.set_epoch(2)
    second = [item["key"] for item in dataset]
    state = dataset.state_dict()
    dataset.set_epoch(3)
    third = [item["key"] for item in dataset]
    again = TorchDataset(open_dataset(str(release), shuffle=7))
    again.load_state_dict(state)
    again.set_epoch(3)
    assert [item["key"] for item in again] == third != second


def test_workers_that_live_do_not_read_on_from_where_they_were(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release)))
    loader = DataLoader(dataset, batch_size=1, num_workers=1, collate_fn=collate, persistent_workers=True)
    state = dataset.state_dict()
    assert sorted(keys(loader)) == KEYS
    dataset.load_state_dict(state)
    with pytest.raises(UsageError, match=r"it was loaded while the workers of a DataLoader lived"):
        keys(loader)


@pytest.mark.parametrize("given", range(1, 15))
def test_a_sample_that_a_mix_gives_twice_goes_on_at_the_right_one(release: Path, given: int) -> None:
    def items(rank: int = 0, world: int = 1) -> TorchDataset:
        both = mix(
            [(open_dataset(str(release), split=split, shuffle=2), 1) for split in ("train", "validation")], seed=3
        )
        return TorchDataset(both, lambda sample: [sample.codes] * 3, rank=rank, world=world)

    whole = sorted(item["key"] for item in items())
    first = items()
    found = [item["key"] for _, item in zip(range(given), first, strict=False)]
    state = first.state_dict()
    for rank in (0, 1):
        rest = items(rank, 2)
        rest.load_state_dict([state])
        found += [item["key"] for item in rest]
    assert sorted(found) == whole


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_damaged_is_counted(release: Path, tmp_path: Path, workers: int) -> None:
    shutil.copytree(release, tmp_path / "copy")
    dataset = TorchDataset(open_dataset(str(tmp_path / "copy"), on_damage="skip"))
    for shard in (tmp_path / "copy" / "shards").glob("train-*"):
        shard.unlink()
    assert keys(DataLoader(dataset, batch_size=1, num_workers=workers, collate_fn=collate)) == []
    assert dataset.damaged == 5


def test_arguments_that_cannot_be_are_refused(release: Path) -> None:
    dataset = open_dataset(str(release))
    given: list[tuple[list[Any], dict[str, Any], str]] = [
        ([None], {}, r"^dataset None: expected what open_dataset"),
        ([[dataset]], {}, r"^dataset \[.*: expected what open_dataset"),
        ([dataset, "codes"], {}, r"^view 'codes': expected a function of a sample"),
        ([dataset], {"packing": 2048}, r"^packing 2048: expected Packing\(frames=\.\.\.\)"),
        ([dataset], {"rank": 2, "world": 2}, r"^rank 2 of world 2: expected whole numbers"),
        ([dataset], {"rank": 0, "world": "2"}, r"^rank 0 of world '2': expected whole numbers"),
    ]
    for arguments, options, message in given:
        with pytest.raises(UsageError, match=message):
            TorchDataset(*arguments, **options)
    for number in (2**63, 2**70):
        with pytest.raises(UsageError, match=r"^epoch \d+: expected a whole number"):
            TorchDataset(dataset).set_epoch(number)
    for state in (None, 3):
        with pytest.raises(UsageError, match=r"^state: it is no state of a TorchDataset"):
            TorchDataset(dataset).load_state_dict(state)  # type: ignore[arg-type]


def test_seeding_torch_alike_before_each_pass_does_not_go_on_twice(release: Path) -> None:
    dataset = TorchDataset(open_dataset(str(release)))
    given = iter(dataset)
    next(given)
    again = TorchDataset(open_dataset(str(release)))
    again.load_state_dict([dataset.state_dict()])
    loader = DataLoader(again, batch_size=None, num_workers=2)
    passes = []
    for _ in range(2):
        torch.manual_seed(1)
        passes.append([item["key"] for item in loader])
    assert [len(each) for each in passes] == [4, 5]
