"""Gives epochs to readers: to each its share, and to whoever goes on with a state what is left."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.deal import Rounds, dealt
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.state import MOST, check_counts, joined_states

__all__ = ["Epochs", "check_epoch", "check_reader", "plain"]

_Places = npt.NDArray[np.int64]


def plain(number: Any) -> Any:
    """Gives a whole number of numpy's as Python's, which a state may hold; anything else as it is."""
    return int(number) if isinstance(number, np.integer) else number


def check_epoch(number: int) -> None:
    """Checks the name of an epoch; raises UsageError."""
    if type(number) is not int or not 0 <= number < MOST:
        raise UsageError(f"epoch {number!r}: expected a whole number from 0 and below {MOST}")


class Epochs(ABC):
    """Gives samples in epochs: iterating gives the epoch that was named last, 0 at first.

    Each reader of ``world`` gets its share of the epoch; together they get every sample once. Iterating again gives the same
    epoch again; the first iteration after :meth:`load_state_dict` goes on where the state stands.

    Attributes:
        rank, world: which reader this is, and of how many.
    """

    def __init__(self, *, rank: int, world: int) -> None:
        self.rank, self.world = rank, world
        self._epoch = self._given = 0
        self._rounds: Rounds = ()
        self._goes_on = False
        self._begun = 0
        self.place = -1
        self._content = self.content()

    @property
    @abstractmethod
    def damaged(self) -> int:
        """Counts the samples that were left out because they are damaged or not there."""

    @abstractmethod
    def with_reader(self, rank: int, world: int) -> Self:
        """Gives the same for another reader; the epoch is 0."""

    @abstractmethod
    def about(self, content: Any) -> dict[str, Any]:
        """Says what a state is of."""

    @abstractmethod
    def restored(self, state: Mapping[str, Any]) -> Any:
        """Finds the content that a state is of; raises UsageError where it is of something else."""

    @abstractmethod
    def content(self) -> Any:
        """Gives what epochs are made of that are begun now."""

    @abstractmethod
    def count(self, content: Any, epoch: int) -> int:
        """Counts the places of an epoch."""

    @abstractmethod
    def gone(self, content: Any, epoch: int, places: _Places) -> npt.NDArray[np.bool_]:
        """Tells at which places of an epoch stands what was withdrawn, as far as is known."""

    @abstractmethod
    def read(self, content: Any, epoch: int, places: _Places) -> Iterator[Sample | None]:
        """Reads what stands at places of an epoch; None where that was withdrawn, or is damaged and left out."""

    def __len__(self) -> int:
        """Counts the samples of this reader's share of the epoch, without those that were withdrawn as far as is known."""
        content = self.content()
        count = self.count(content, self._epoch)
        places = dealt(count, (), consumer=self.rank, consumers=self.world)
        return len(places) - int(np.count_nonzero(self.gone(content, self._epoch, places)))

    def __getitem__(self, key: Any) -> Sample:
        """Refuses: samples come in the order of an epoch; a :class:`~duologue_pipeline.reader.Dataset` gives them by key too."""
        raise UsageError(
            f"sample {key!r}: samples are named by the keys of their dataset, and come in the order of an epoch by iterating; "
            "give a torch DataLoader duologue_pipeline.torch.TorchDataset(dataset)"
        )

    def epoch(self, number: int) -> Self:
        """Names the epoch that iterating gives, from 0; gives itself.

        The epoch of a state that was loaded goes on where the state stands.
        """
        number = plain(number)
        check_epoch(number)
        if number != self._epoch or not self._goes_on:
            self._epoch = number
            self._begin_anew()
        return self

    def check_fresh(self) -> None:
        """Checks that no state was loaded which whoever reads other shares of this would pass over; raises UsageError."""
        if self._goes_on:
            raise UsageError(
                "state: it was loaded into a part of what is read now; load it into the whole, which has its own state"
            )

    def share(self, part: int, parts: int) -> Self:
        """Gives what reads one of several parts of this reader's share, e.g. for a worker of a DataLoader.

        The parts take turns in the order of the share; the epoch is the same, from its beginning.

        Args:
            part: which, from 0.
            parts: how many.
        """
        check_reader("part", part, "parts", parts)
        return self.with_reader(self.rank + self.world * part, self.world * parts).epoch(self._epoch)

    def state_dict(self) -> dict[str, Any]:
        """Says where this reader stands: what the iteration that was begun last has given counts as read.

        What an iteration gives that goes on after another one was begun, an epoch named or a state loaded, does not count.

        Returns:
            A document for JSON. It goes on in what was opened with the same arguments; rank and world may differ.
        """
        return {
            **self.about(self._content),
            "epoch": self._epoch,
            "rounds": [list(counts) for counts in self._rounds],
            "consumers": self.world,
            "given": {str(self.rank): self._given},
        }

    def load_state_dict(self, state: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Goes on where a state stands, with the next iteration.

        Args:
            state: of this reader; or, where there are other readers now, a list of the states of all readers of before.

        Raises:
            UsageError: the state is of another release, filter, seed or length, of several moments, or states are missing.
        """
        joined, rounds, given = joined_states(state, consumer=self.rank, consumers=self.world)
        content = self.restored(joined)
        check_counts(joined, self.count(content, joined["epoch"]))
        self._content, self._begun = content, self._begun + 1
        self._epoch, self._rounds, self._given, self._goes_on = joined["epoch"], rounds, given, True

    def __iter__(self) -> Iterator[Sample]:
        """Gives the samples of this reader's share.

        Raises:
            DamagedReleaseError: a shard is missing or damaged, a sample is not what the release says, or
                ``revocations.jsonl`` cannot be trusted. It is a UsageError and a ValueError as well.
            PurposeError: a new version, without the purpose, has taken the place of the release.
        """
        if not self._goes_on:
            self._begin_anew()
        self._goes_on = False
        self._begun += 1
        count = self.count(self._content, self._epoch)
        places = dealt(count, self._rounds, consumer=self.rank, consumers=self.world)
        left = places[self._given :]
        return self._given_out(left, self.read(self._content, self._epoch, left), self._begun)

    def _given_out(self, places: _Places, samples: Iterator[Sample | None], begun: int) -> Iterator[Sample]:
        for place, sample in zip(places, samples, strict=True):
            if self._begun == begun:
                self._given, self.place = self._given + 1, int(place)
            if sample is not None:
                yield sample

    def _begin_anew(self) -> None:
        self._begun += 1
        self._content, self._rounds, self._given, self._goes_on = self.content(), (), 0, False


def check_reader(name: str, number: Any, of: str, count: Any) -> None:
    """Checks that a reader is one of so many; raises UsageError where it is not."""
    if type(count) is not int or type(number) is not int or not 0 <= number < count:
        raise UsageError(f"{name} {number!r} of {of} {count!r}: expected whole numbers, {name} from 0 and below {of}")
