"""Plans an epoch: which samples there are, in which order they come, and which of them a reader gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from duologue_pipeline.reader.deal import Rounds, dealt
from duologue_pipeline.reader.index import Index, digest
from duologue_pipeline.reader.order import Hashes, epoch_order, part_hashes

__all__ = ["Plan", "plan_of"]


@dataclass(frozen=True, eq=False)
class Plan:
    """Holds the samples that the epochs of a dataset are made of, in the order of the index.

    Attributes:
        keys: texts [N], of the samples of the split.
        sample: int64 [U], the place in ``keys`` of each unit of an epoch.
        part: int64 [U], which unit of its sample it is, from 0.
        hashes: uint64 [U].
        identity: what a state says of the samples, so that it is known again.
    """

    keys: pa.Array
    sample: npt.NDArray[np.int64]
    part: npt.NDArray[np.int64]
    hashes: Hashes
    identity: Mapping[str, Any]

    def __len__(self) -> int:
        """Counts the units of an epoch."""
        return len(self.sample)

    def share(
        self, *, seed: int | None, epoch: int, rounds: Rounds, consumer: int, consumers: int
    ) -> npt.NDArray[np.int64]:
        """Lists the units that a reader gets in an epoch, in their order: int64, places in ``sample``."""
        order = epoch_order(self.hashes, seed=seed, epoch=epoch)
        return order[dealt(len(self), rounds, consumer=consumer, consumers=consumers)]


def plan_of(index: Index) -> Plan:
    """Plans the epochs of an index: each chosen sample is one unit."""
    sample = np.flatnonzero(index.chosen)
    part = np.zeros(len(sample), np.int64)
    return Plan(index.keys, sample, part, part_hashes(index.hashes[sample], part), _identity(index))


def _identity(index: Index) -> dict[str, Any]:
    release = index.release
    return {
        "name": release["name"],
        "run": release["run"]["fingerprint"],
        "samples": len(index),
        "keys_sha256": digest(index.hashes),
    }
