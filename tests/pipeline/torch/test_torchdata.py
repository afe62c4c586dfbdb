"""torchdata's StatefulDataLoader saves a position in an epoch and goes on exactly there."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample, open_dataset
from duologue_pipeline.torch import Packing, TorchDataset, collate, worker_states

loaders = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

PACKED = [None, Packing(7), Packing(7, across_recordings=True)]


def one_frame_items(sample: Sample) -> list[Any]:
    """Many items a sample."""
    return [sample.codes[:, :, frame : frame + 1] for frame in range(0, sample.codes.shape[2], 5)]


def loader(release: Path, workers: int, *, epoch: int = 0, packing: Packing | None = None, **options: Any) -> Any:
    view = one_frame_items if packing is None else None
    dataset = TorchDataset(open_dataset(str(release), shuffle=2), view, packing=packing)
    dataset.set_epoch(epoch)
    return loaders.StatefulDataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=collate, **options)


def said(batches: Iterable[dict[str, Any]]) -> list[str]:
    return [str(batch) for batch in batches]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("packing", PACKED)
def test_a_loader_goes_on_where_it_stopped(release: Path, workers: int, packing: Packing | None) -> None:
    whole = said(loader(release, workers, epoch=4, packing=packing))
    for given in sorted({0, 1, 2, len(whole) // 2, len(whole) - 1}):
        first = loader(release, workers, epoch=4, packing=packing)
        batches = iter(first)
        before = said(next(batches) for _ in range(given))
        state = copy.deepcopy(first.state_dict())
        other = loader(release, workers, epoch=4, packing=packing)
        other.load_state_dict(state)
        assert before + said(other) == whole
        assert said(other) == whole


@pytest.mark.parametrize(("workers", "others"), [(2, 3), (3, 2), (2, 0), (0, 2)])
def test_another_number_of_workers_gives_the_rest(release: Path, workers: int, others: int) -> None:
    items = sorted(said(loader(release, 0, drop_last=False)))
    assert len(items) == len(set(items))
    first = loader(release, workers)
    batches = iter(first)
    given = [next(batches) for _ in range(5)]
    other = loader(release, others)
    other.dataset.load_state_dict(worker_states(first.state_dict()))
    rest = list(other)
    frames = [tuple(ids.flatten().tolist()) for batch in given + rest for ids in batch["ids"]]
    expected = [tuple(ids.flatten().tolist()) for batch in loader(release, 0) for ids in batch["ids"]]
    assert sorted(frames) == sorted(expected)


def test_a_state_between_snapshots_is_of_no_use_for_other_workers(release: Path) -> None:
    first = loader(release, 2, snapshot_every_n_steps=3)
    batches = iter(first)
    for _ in range(5):
        next(batches)
    with pytest.raises(UsageError, match="state: it was taken 2 batches after a snapshot of the workers"):
        worker_states(first.state_dict())


def test_a_state_of_other_workers_says_what_to_load(release: Path) -> None:
    first = loader(release, 2)
    next(iter(first))
    other = loader(release, 3)
    other.load_state_dict(first.state_dict())
    with pytest.raises(
        UsageError, match=r"one of 2 workers, and there are 3 .*worker_states\(loader\.state_dict\(\)\)"
    ):
        list(other)
