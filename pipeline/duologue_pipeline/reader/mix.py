"""Interleaves datasets by weight, into epochs that are shared out, named and resumed like those of one dataset.

from duologue_pipeline.reader import mix, open_dataset

both = mix([(open_dataset("calls", shuffle=1), 3), (open_dataset("interviews", shuffle=1), 1)], seed=7)
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.epochs import Epochs, plain
from duologue_pipeline.reader.order import fractions
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.state import MIX_SCHEMA

__all__ = ["Mix", "mix"]

_MOST_PLACES: Final = 1 << 28

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Course:
    """Says which dataset stands at each place of an epoch, and which of its places, counted over its epochs."""

    dataset: npt.NDArray[np.int32]
    turn: _Places


class Mix(Epochs):
    """Gives the samples of several datasets, interleaved by weight: iterating gives the epoch that was named last.

    At any place as many samples of a dataset have come as its weight asks for, to within one or two; which comes next is drawn
    from the seed. An epoch ends as soon as every dataset has been read to its end; those that end before are begun anew, in
    their next epoch. It is shared out and resumed like an epoch of one dataset.

    Attributes:
        rank, world: which reader this is, and of how many.
    """

    def __init__(
        self, datasets: Sequence[Epochs], weights: Sequence[float], seed: int, *, rank: int, world: int
    ) -> None:
        self._datasets, self._weights, self._seed = tuple(datasets), tuple(weights), seed
        self._known: tuple[Any, int, _Course] | None = None
        super().__init__(rank=rank, world=world)

    @property
    def damaged(self) -> int:
        """Counts the samples that were left out because they are damaged or not there."""
        return sum(dataset.damaged for dataset in self._datasets)

    def with_reader(self, rank: int, world: int) -> "Mix":
        """Gives the same samples for another reader; the epoch is 0."""
        datasets = [dataset.with_reader(rank, world) for dataset in self._datasets]
        return Mix(datasets, self._weights, self._seed, rank=rank, world=world)

    def about(self, content: tuple[Any, ...]) -> dict[str, Any]:
        """Says what a state is of."""
        told = [dataset.about(own) for dataset, own in zip(self._datasets, content, strict=True)]
        return {"schema": MIX_SCHEMA, "weights": list(self._weights), "seed": self._seed, "datasets": told}

    def restored(self, state: Mapping[str, Any]) -> tuple[Any, ...]:
        """Finds the content that a state is of; raises UsageError where it is of something else."""
        told = state.get("datasets")
        if not isinstance(told, list) or len(told) != len(self._datasets):
            raise UsageError(f"state: it is not of a mix of {len(self._datasets)} datasets; mix what was mixed before")
        for field, value in (("weights", list(self._weights)), ("seed", self._seed)):
            if state.get(field) != value:
                raise UsageError(
                    f"state: it was taken with {field} {str(state.get(field))[:80]}, and the mix has {value}; mix as before"
                )
        return tuple(dataset.restored(own) for dataset, own in zip(self._datasets, told, strict=True))

    def content(self) -> tuple[Any, ...]:
        """Gives what epochs are made of that are begun now."""
        return tuple(dataset.content() for dataset in self._datasets)

    def count(self, content: tuple[Any, ...], epoch: int) -> int:
        """Counts the places of an epoch."""
        return len(self._course(content, epoch).turn)

    def gone(self, content: tuple[Any, ...], epoch: int, places: _Places) -> npt.NDArray[np.bool_]:
        """Tells at which places of an epoch stands what was withdrawn, as far as is known."""
        course = self._course(content, epoch)
        gone = np.zeros(len(places), bool)
        for number, dataset in enumerate(self._datasets):
            own = np.flatnonzero(course.dataset[places] == number)
            parts = [
                dataset.gone(content[number], its_epoch, its_places)
                for its_epoch, its_places in self._epochs_of(number, content, epoch, course.turn[places[own]])
            ]
            gone[own] = np.concatenate([np.zeros(0, bool), *parts])
        return gone

    def read(self, content: tuple[Any, ...], epoch: int, places: _Places) -> Iterator[Sample | None]:
        """Reads what stands at places of an epoch; None where that was withdrawn, or is damaged and left out."""
        course = self._course(content, epoch)
        own = course.dataset[places]
        sources = [
            self._source(number, content, epoch, course.turn[places[own == number]])
            for number in range(len(self._datasets))
        ]
        try:
            for number in own:
                yield next(sources[number])
        finally:
            for source in sources:
                source.close()

    def _source(self, number: int, content: tuple[Any, ...], epoch: int, turns: _Places) -> Any:
        for its_epoch, its_places in self._epochs_of(number, content, epoch, turns):
            yield from self._datasets[number].read(content[number], its_epoch, its_places)

    def _epochs_of(
        self, number: int, content: tuple[Any, ...], epoch: int, turns: _Places
    ) -> Iterator[tuple[int, _Places]]:
        """Divides turns of a dataset, ascending, by its epochs: (epoch of the dataset, places in it)."""
        count = self._datasets[number].count(content[number], 0)
        course = self._course(content, epoch)
        most = -(
            -int(np.count_nonzero(course.dataset == number)) // count
        )  # so many of its epochs an epoch of the mix takes
        which, places = np.divmod(turns, count)
        for each in np.unique(which).tolist():
            yield epoch * most + each, places[which == each]

    def _course(self, content: tuple[Any, ...], epoch: int) -> _Course:
        if self._known is None or self._known[0] is not content or self._known[1] != epoch:
            counts = [dataset.count(own, 0) for dataset, own in zip(self._datasets, content, strict=True)]
            self._known = content, epoch, _course(counts, self._weights, self._seed, epoch)
        return self._known[2]


def mix(datasets: Sequence[tuple[Epochs, float]], *, seed: int = 0) -> Mix:
    """Interleaves datasets by weight.

    Args:
        datasets: (dataset, weight) each; weights count in relation to one another. All were opened with the same rank and
            world.
        seed: what the order is drawn from in which the datasets take turns.

    Raises:
        UsageError: there is none, one is empty, a weight is not above 0, or they were opened for different readers.
    """
    given = list(datasets) if isinstance(datasets, Iterable) else []
    if not given or not all(
        isinstance(each, tuple) and len(each) == 2 and isinstance(each[0], Epochs) for each in given
    ):
        raise UsageError("mix: expected a list of (dataset, weight), at least one")
    seed = plain(seed)
    if type(seed) is not int:
        raise UsageError(f"mix: seed {seed!r}: expected a whole number")
    first = given[0][0]
    for number, (dataset, weight) in enumerate(given):
        if isinstance(dataset, Mix):
            raise UsageError(
                f"mix: dataset {number} is a mix, whose epochs are not of one length; give all datasets to one mix, with their "
                "weights"
            )
        dataset.check_fresh()
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not (0 < weight < 1e300):
            raise UsageError(
                f"mix: weight {weight!r} of dataset {number}: expected a number above 0 and below 1e300; else leave it out"
            )
        if (dataset.rank, dataset.world) != (first.rank, first.world):
            raise UsageError(
                f"mix: dataset {number} was opened for reader {dataset.rank} of {dataset.world}, and dataset 0 for "
                f"{first.rank} of {first.world}; open all with the same rank and world"
            )
        if not dataset.count(dataset.content(), 0):
            raise UsageError(f"mix: dataset {number} has no samples; leave it out, or choose by other conditions")
    whole = sum(float(weight) for _, weight in given)
    places = max(dataset.count(dataset.content(), 0) * whole / weight for dataset, weight in given)
    if places > _MOST_PLACES:
        raise UsageError(
            f"mix: an epoch would have {places:.3g} samples, more than {_MOST_PLACES}; choose closer weights"
        )
    weights = [float(weight) for _, weight in given]
    return Mix([dataset for dataset, _ in given], weights, seed, rank=first.rank, world=first.world)


def _course(counts: Sequence[int], weights: Sequence[float], seed: int, epoch: int) -> _Course:
    """Draws who stands where: turn ``j`` of a dataset comes at a moment of ``[j, j + 1)`` over its weight."""
    length = max(count / weight for count, weight in zip(counts, weights, strict=True))
    moments, datasets, turns = [], [], []
    for number, weight in enumerate(weights):
        own = np.arange(math.ceil(length * weight) + 2)
        moments.append((own + fractions(own, seed=seed, epoch=epoch, stream=number)) / weight)
        datasets.append(np.full(len(own), number, np.int32))
        turns.append(own)
    order = np.argsort(np.concatenate(moments), kind="stable")
    dataset, turn = np.concatenate(datasets)[order], np.concatenate(turns)[order]
    ends = [np.flatnonzero((dataset == number) & (turn == count - 1))[0] for number, count in enumerate(counts)]
    stop = int(max(ends)) + 1
    return _Course(dataset[:stop], turn[:stop])
