"""Reads the samples of a release as numpy arrays and metadata, without Beam and without torch.

from duologue_pipeline.reader import open_dataset

dataset = open_dataset("out", split="train", purpose="training_inhouse", shuffle=7)
for epoch in range(3):
    for sample in dataset.epoch(epoch):
        sample.codes       # uint16 [2, codebooks, frames]
        sample.metadata    # the document of KEY.json
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.deal import Rounds, share_length
from duologue_pipeline.reader.plan import Plan
from duologue_pipeline.reader.reading import OnDamage, PurposeError, Reading, Request, check_purpose
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.state import SCHEMA, joined_states
from duologue_pipeline.reader.where import parse_where
from duologue_pipeline.records import SPLITS

__all__ = ["Dataset", "PurposeError", "open_dataset"]


class Dataset:
    """Gives the samples of one split of a release: iterating gives the epoch that was named last, 0 at first.

    Each reader of ``world`` gets its share of the epoch; together they get every sample once. Iterating again gives the same
    epoch again; the first iteration after :meth:`load_state_dict` goes on where the state stands.

    Samples that a speaker has withdrawn are left out from the moment that ``revocations.jsonl`` says so, also in the middle
    of an iteration: the file is looked at again every half second. Where a withdrawal has replaced the release meanwhile, the
    iteration goes on with the samples of the new version, in the order of the old one.

    Attributes:
        rank, world: which reader this is, and of how many.
    """

    def __init__(self, reading: Reading, *, rank: int, world: int) -> None:
        self.rank, self.world = rank, world
        self._reading = reading
        self._epoch = 0
        self._begin_anew()

    @property
    def release(self) -> Mapping[str, Any]:
        """Gives the document of ``dataset.json``, of the version that is being read."""
        return self._reading.release

    @property
    def split(self) -> str:
        """Names the split: ``train`` or ``validation``."""
        return self._reading.request.split

    @property
    def purpose(self) -> str:
        """Names what the samples are read for."""
        return self._reading.request.purpose

    @property
    def damaged(self) -> int:
        """Counts the samples that were left out because they are damaged or not there."""
        return self._reading.damaged

    def __len__(self) -> int:
        """Counts the samples of this reader's share of the epoch, without those that were withdrawn as far as is known."""
        plan, gone = self._reading.plan, self._reading.gone()
        if not gone.any():
            return share_length(len(plan), (), consumer=self.rank, consumers=self.world)
        return int(np.count_nonzero(~gone[self._share(plan, ())]))

    def keys(self) -> list[str]:
        """Lists the keys of the samples of all shares, in the order of the index, without those that were withdrawn."""
        return self._reading.keys()

    def __getitem__(self, key: str) -> Sample:
        """Reads the sample of a key, of whatever share.

        Raises:
            KeyError: there is none in the split for which the conditions hold, or it was withdrawn.
            DamagedReleaseError: it is damaged or not there.
        """
        if not isinstance(key, str):
            raise UsageError(
                f"sample {key!r}: samples are named by their keys, and come in the order of an epoch by iterating; for a "
                "torch DataLoader use duologue_pipeline.torch"
            )
        sample = self._reading.one(key)
        if sample is None:
            raise KeyError(f"{key}: no such sample is read from the split {self.split}, or it was withdrawn")
        return sample

    def epoch(self, number: int) -> Self:
        """Names the epoch that iterating gives, from 0; gives the dataset itself.

        The epoch of a state that was loaded goes on where the state stands.
        """
        if type(number) is not int or number < 0:
            raise UsageError(f"epoch {number!r}: expected a whole number from 0")
        if number != self._epoch or not self._goes_on:
            self._epoch = number
            self._begin_anew()
        return self

    def share(self, part: int, parts: int) -> "Dataset":
        """Gives a dataset that reads one of several parts of this reader's share, e.g. for a worker of a DataLoader.

        The parts take turns in the order of the share; the epoch is the same, from its beginning.

        Args:
            part: which, from 0.
            parts: how many.
        """
        _check_reader("part", part, "parts", parts)
        other = Dataset(self._reading.copy(), rank=self.rank + self.world * part, world=self.world * parts)
        return other.epoch(self._epoch)

    def state_dict(self) -> dict[str, Any]:
        """Says where this reader stands: what the iteration that went on last has given counts as read.

        Returns:
            A document for JSON. It goes on in a dataset of the same release, split, purpose, conditions, seed and length.
        """
        return {
            "schema": SCHEMA,
            **self._plan.about,
            **self._reading.request.told(),
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
        for field, value in self._reading.request.told().items():
            if joined.get(field) != value:
                raise UsageError(
                    f"state: it was taken with {field} {str(joined.get(field))[:80]!r}, and the dataset was opened with "
                    f"{str(value)[:80]!r}; open it as it was when the state was taken"
                )
        self._plan = self._reading.restore(joined)
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
        return self._samples(self._plan, self._share(self._plan, self._rounds), self._given)

    def _begin_anew(self) -> None:
        self._plan, self._rounds, self._given, self._goes_on = self._reading.plan, (), 0, False

    def _share(self, plan: Plan, rounds: Rounds) -> "np.ndarray[Any, np.dtype[np.int64]]":
        seed = self._reading.request.shuffle
        return plan.share(seed=seed, epoch=self._epoch, rounds=rounds, consumer=self.rank, consumers=self.world)

    def _samples(self, plan: Plan, share: "np.ndarray[Any, np.dtype[np.int64]]", given: int) -> Iterator[Sample]:
        for sample in self._reading.units(plan, share[given:]):
            given += 1
            self._given = given
            if sample is not None:
                yield sample


def open_dataset(
    uri: str,
    split: str = "train",
    purpose: str = "training_inhouse",
    *,
    shuffle: int | None = None,
    rank: int = 0,
    world: int = 1,
    where: Iterable[Sequence[Any]] = (),
    crop_s: float | None = None,
    on_damage: OnDamage = "raise",
) -> Dataset:
    """Opens a split of a release for a purpose.

    Args:
        uri: the output folder of a run: a path, ``s3://``, ``gs://`` or ``http(s)://``.
        split: ``train`` or ``validation``.
        purpose: what the samples will be used for, e.g. ``training_inhouse``.
        shuffle: the seed of the order of an epoch, which mixes all samples of the split; None: the order of the index.
        rank: which of ``world`` readers this is, from 0; each gets its share of an epoch.
        world: how many readers there are.
        where: (column, operator, value) each, which all must hold, see :func:`duologue_pipeline.reader.where.parse_where`.
        crop_s: how long the samples shall be, in seconds; as long as they are if None.
        on_damage: ``raise``, or ``skip``: samples that are damaged or not there are left out and counted
            (:attr:`Dataset.damaged`), with a warning at the first.

    Returns:
        The samples. No shard has been read yet.

    Raises:
        PurposeError: the release was not made for this purpose.
        DamagedReleaseError: ``dataset.json``, the tables or ``revocations.jsonl`` are damaged or cannot be trusted.
        UsageError: there is no release, no such split, or an argument cannot be.
    """
    root = absolute_uri(uri)
    release = read_release(root)
    if split not in SPLITS:
        raise UsageError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    check_purpose(uri, release, purpose)
    _check_reader("rank", rank, "world", world)
    if shuffle is not None and type(shuffle) is not int:
        raise UsageError(
            f"shuffle {shuffle!r}: expected a seed, which is a whole number, or None for the order of the index"
        )
    if on_damage not in ("raise", "skip"):
        raise UsageError(f"on_damage {on_damage!r}: expected raise or skip")
    request = Request(
        root=root,
        split=split,
        purpose=purpose,
        shuffle=shuffle,
        where=parse_where(where),
        crop_s=crop_s,
        on_damage=on_damage,
    )
    return Dataset(Reading(request, release), rank=rank, world=world)


def _check_reader(name: str, number: Any, of: str, count: Any) -> None:
    if type(count) is not int or type(number) is not int or not 0 <= number < count:
        raise UsageError(f"{name} {number!r} of {of} {count!r}: expected whole numbers, {name} from 0 and below {of}")
