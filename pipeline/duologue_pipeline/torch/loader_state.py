"""Reads the states of the workers out of the state of torchdata's StatefulDataLoader."""

from collections.abc import Mapping
from typing import Any

from duologue_pipeline.errors import UsageError

__all__ = ["worker_states"]


def worker_states(loader_state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Lists the states of the datasets of all workers, to go on with another number of them.

    ``StatefulDataLoader.load_state_dict`` takes a state of the same number of workers only. With another number::

        dataset.load_state_dict(worker_states(state))              # or of all ranks: one list of all of them
        loader = StatefulDataLoader(dataset, num_workers=other)

    Args:
        loader_state: what ``StatefulDataLoader.state_dict()`` gave, of torchdata 0.9 to 0.11.

    Raises:
        UsageError: it is something else, or was not taken at a snapshot.
    """
    try:
        if "_snapshot" not in loader_state:
            found = [loader_state["dataset_state"]]
            behind = 0
        else:
            behind = loader_state["_steps_since_snapshot"]
            workers = loader_state["_snapshot"]["_worker_snapshots"]
            found = [workers[name]["dataset_state"] for name in sorted(workers, key=lambda name: int(name[7:]))]
    except (KeyError, TypeError, ValueError):
        found, behind = [], 0
    if not found or not all(isinstance(state, Mapping) for state in found):
        raise UsageError(
            "state: it is none of a StatefulDataLoader over a TorchDataset; give what its state_dict() gave"
        )
    if behind:
        raise UsageError(
            f"state: it was taken {behind} batches after a snapshot of the workers; use snapshot_every_n_steps=1, or take it at a "
            "snapshot"
        )
    return found
