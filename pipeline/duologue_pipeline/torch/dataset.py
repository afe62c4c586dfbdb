"""Gives a reader to torch's DataLoader, as a dataset that shares itself among workers and ranks."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import distributed
from torch.utils.data import IterableDataset, get_worker_info

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.epochs import Epochs, check_epoch, check_reader, plain
from duologue_pipeline.torch.items import Item, View, to_tensors
from duologue_pipeline.torch.packing import Packing, packs
from duologue_pipeline.torch.steps import Begun, Mark, steps

__all__ = ["TorchDataset"]

_SCHEMA: Final = "torch/1.0"
_NOBODY: Final = -1
_COUNTERS: Final = 256  # one a worker


class TorchDataset(IterableDataset[Item]):
    """Gives the items of a split: each once in an epoch, over all workers of the DataLoader and all ranks.

    Each worker of each rank reads a share of its own; where there are fewer samples than workers, some have nothing to do. The
    order of an epoch hangs on its number and the seed alone. As with torch's ``DistributedSampler``, :meth:`set_epoch` names
    the epoch; without it every epoch is the first.

    Give it to a DataLoader with ``collate_fn=duologue_pipeline.torch.collate``, or read it with ``batch_size=None``. A DataLoader
    reads ahead, so only torchdata's StatefulDataLoader, or a DataLoader without workers, knows the state of what it has
    given.
    """

    def __init__(
        self,
        dataset: Epochs,
        view: View | None = None,
        *,
        packing: Packing | None = None,
        rank: int | None = None,
        world: int | None = None,
    ) -> None:
        """Prepares the items.

        Args:
            dataset: what :func:`duologue_pipeline.reader.open_dataset` or :func:`duologue_pipeline.reader.mix` gave; it is left as it is.
            view: what is made of a sample, see :func:`duologue_pipeline.torch.items.items_of`; its codes if None.
            packing: how items are packed; not if None.
            rank, world: which reader this process is, and of how many. If None they are those of ``torch.distributed`` once it
                is initialised, unless the dataset was opened for one of several readers. Processes that are to read the same samples (tensor
                parallel) get the same rank.

        Raises:
            UsageError: only one of rank and world is given, or an argument is none of these.
        """
        if not isinstance(dataset, Epochs):
            raise UsageError(f"dataset {dataset!r}: expected what open_dataset(...) or mix(...) gave"[:300])
        if view is not None and not callable(view):
            raise UsageError(
                f"view {view!r}: expected a function of a sample, as lambda sample: dual_stream(sample, tokenizer); or None "
                "for its codes"
            )
        if packing is not None and not isinstance(packing, Packing):
            raise UsageError(f"packing {packing!r}: expected Packing(frames=...), or None")
        if (rank is None) != (world is None):
            raise UsageError("rank and world: give both of them or neither")
        if rank is not None and dataset.world > 1:
            raise UsageError(
                f"rank and world: the dataset was opened for reader {dataset.rank} of {dataset.world} already, and would be "
                "shared out twice; give them once"
            )
        if rank is not None:
            check_reader("rank", rank, "world", world)
        dataset.check_fresh()
        self._dataset, self._view, self._packing = dataset, view, packing
        self._place = None if rank is None or world is None else (rank, world)
        self._share = dataset
        self._epoch, self._in_workers, self._resumed_by, self._loads = map(_shared, (0, False, _NOBODY, 0))
        self._damaged = torch.zeros(_COUNTERS, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._taken = torch.zeros(_COUNTERS, dtype=torch.bool).share_memory_()  # type: ignore[no-untyped-call]
        self._process, self._own_loads = os.getpid(), 0
        self._loaded: list[Mapping[str, Any]] = []
        self._mark: Mark | None = None
        self._begun: Begun = {}

    def __len__(self) -> int:
        """Counts the samples of this rank's share of an epoch; TypeError where a view or packing makes something else of them."""
        if self._packing is not None or self._view is not None:
            raise TypeError("how many items or packs an epoch has is not known before it was read")
        return len(self._dataset.share(*self._consumer()))

    @property
    def damaged(self) -> int:
        """Counts the samples that were left out because they are damaged or not there, by this process and its workers."""
        return int(self._damaged.sum())

    def set_epoch(self, number: int) -> None:
        """Names the epoch that the next iteration gives, from 0; that of a state that was loaded goes on where the state stands."""
        number = plain(number)
        check_epoch(number)
        self._own()
        if self._loaded and number != self._loaded[0]["reader"]["epoch"]:
            self._loaded = []
        self._epoch.fill_(number)

    def state_dict(self) -> dict[str, Any]:
        """Says from where to go on after the item that was given last in this process: a document for JSON.

        Raises:
            UsageError: the items are read in the workers of a DataLoader, of which this process knows nothing.
        """
        if get_worker_info() is None and self._in_workers:
            raise UsageError(
                "state: the items are read in the workers of a DataLoader, which read ahead; use torchdata's StatefulDataLoader "
                "and its state_dict(), or num_workers=0"
            )
        if self._loaded:
            return _one_of(self._loaded)
        mark = self._mark or Mark(self._share.state_dict(), {})
        begun = {**self._begun, **mark.begun}
        return {
            "schema": _SCHEMA,
            "packed": self._packed(),
            "reader": dict(mark.reader),
            "begun": [[key, items, frames] for key, (items, frames) in sorted(begun.items())],
        }

    def load_state_dict(self, state: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Goes on where a state stands, with the next iteration.

        Args:
            state: of this worker of this rank; or, where there are other ranks or workers now, a list of the states of all
                workers of all ranks (:func:`duologue_pipeline.torch.worker_states`).

        Raises:
            UsageError: it is no such state. Whether it is of this dataset is seen when the iteration begins.
        """
        states = [state] if isinstance(state, Mapping) else list(state) if isinstance(state, Sequence) else []
        if not states or not all(_is_state(each) for each in states):
            raise UsageError(
                f"state: it is no state of a TorchDataset of version {_SCHEMA}; give what state_dict() gave"
            )
        packed = states[0].get("packed")
        if packed != self._packed():
            raise UsageError(
                f"state: it is of packs of {packed} frames, and these are of {self._packed()} (None: not packed); give the packing "
                "that the dataset had when the state was taken"
            )
        self._own()
        self._loaded = states
        worker = get_worker_info()
        if worker is None:
            self._loads += 1
            self._own_loads = int(self._loads)
            self._taken.fill_(False)
        else:  # StatefulDataLoader gives a worker its own
            self._taken[worker.id % _COUNTERS] = False
        self._in_workers.fill_(False)
        self._resumed_by.fill_(_NOBODY)

    def __iter__(self) -> Iterator[Item]:
        """Gives the items of this worker's share of this rank's share, as tensors.

        Raises:
            DamagedReleaseError, PurposeError: as the reader does.
            UsageError: the state is of another dataset, or the view returns what it may not.
        """
        self._own()
        worker = get_worker_info()
        share = self._dataset.share(*self._consumer())
        if worker is not None:
            share = share.share(worker.id, worker.num_workers)
        share.epoch(int(self._epoch))
        self._in_workers.fill_(worker is not None)
        loaded = self._take_loaded(0 if worker is None else worker.seed - worker.id)
        if loaded:
            _check_whole(loaded, share)
            share.load_state_dict([state["reader"] for state in loaded])
        self._share, self._mark = share, None
        self._begun = _all_begun(loaded)
        return self._items(share)

    def __getstate__(self) -> dict[str, Any]:
        """Tells a worker that is spawned, where torch.distributed is not initialised, which rank it belongs to."""
        known = distributed.is_available() and distributed.is_initialized()
        return {**self.__dict__, "_place": self._consumer() if known else self._place}

    def _own(self) -> None:
        """Takes shared memory of its own in a process that is a rank and no worker: ranks may be made by a fork too."""
        if get_worker_info() is None and self._process != os.getpid():
            shared = (self._epoch, self._in_workers, self._resumed_by, self._loads)
            self._epoch, self._in_workers, self._resumed_by, self._loads = (_shared(int(each)) for each in shared)
            self._damaged, self._taken = (each.clone().share_memory_() for each in (self._damaged, self._taken))
            self._process, self._own_loads = os.getpid(), int(self._loads)

    def _items(self, share: Epochs) -> Iterator[Item]:
        if self._own_loads != int(self._loads):
            raise UsageError(
                "state: it was loaded while the workers of a DataLoader lived, which do not see it; make the DataLoader anew"
            )
        worker = get_worker_info()
        counter, before = 0 if worker is None else worker.id % _COUNTERS, share.damaged
        found = steps(share, self._view, self._begun)
        marked = ((step.item, step.mark()) for step in found) if self._packing is None else packs(found, self._packing)
        for item, mark in marked:
            self._damaged[counter] += share.damaged - before
            self._mark, before = mark, share.damaged
            yield to_tensors(item)
        self._damaged[counter] += share.damaged - before
        self._mark = Mark(share.state_dict(), {})

    def _consumer(self) -> tuple[int, int]:
        if self._place is not None:
            return self._place
        if self._dataset.world == 1 and distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        return 0, 1

    def _take_loaded(self, iteration: int) -> list[Mapping[str, Any]]:
        """Gives the states that were loaded, to the workers of one iteration.

        Workers hold copies of this dataset, so the next iteration's workers would go on from the same states again. All
        workers of an iteration have one base seed, which the next one does not have, unless the program seeds torch alike
        before each: then a worker sees that one of its number has taken them.
        """
        loaded, self._loaded = self._loaded, []
        if not loaded or int(self._resumed_by) not in (_NOBODY, iteration):
            return []
        worker = get_worker_info()
        if worker is not None and worker.num_workers <= _COUNTERS:
            if self._taken[worker.id]:
                return []
            self._taken[worker.id] = True
        self._resumed_by.fill_(iteration)
        return loaded

    def _packed(self) -> int | None:
        return None if self._packing is None else self._packing.frames


def _shared(value: int) -> torch.Tensor:
    tensor: torch.Tensor = torch.tensor(value).share_memory_()  # type: ignore[no-untyped-call]
    return tensor


def _check_whole(states: Sequence[Mapping[str, Any]], share: Epochs) -> None:
    """Checks that one worker's state alone is not loaded where there are other workers or ranks now; raises UsageError."""
    before = states[0]["reader"].get("consumers")
    if len(states) == 1 and before not in (1, share.world):
        raise UsageError(
            f"state: it is of one of {before} workers, and there are {share.world} of all ranks now; load "
            "worker_states(loader.state_dict()) of all ranks, in one list, into each TorchDataset, and nothing into the loader"
        )


def _one_of(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if len(states) > 1:
        raise UsageError("state: the iteration has not begun; what was loaded is the state of all workers")
    return dict(states[0])


def _is_state(state: Any) -> bool:
    if not (isinstance(state, Mapping) and state.get("schema") == _SCHEMA and isinstance(state.get("begun"), list)):
        return False
    reader = state.get("reader")
    return isinstance(reader, Mapping) and type(reader.get("epoch")) is int and all(map(_is_begun, state["begun"]))


def _is_begun(entry: Any) -> bool:
    return (
        isinstance(entry, Sequence)
        and len(entry) == 3
        and isinstance(entry[0], str)
        and all(type(count) is int and count >= 0 for count in entry[1:])
    )


def _all_begun(states: Sequence[Mapping[str, Any]]) -> Begun:
    found: Begun = {}
    for key, items, frames in (entry for state in states for entry in state["begun"]):
        found[key] = max(found.get(key, (0, 0)), (items, frames))
    return found
