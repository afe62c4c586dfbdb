"""Reads the samples of a release as numpy arrays and metadata, without Beam and without torch.

from duologue_pipeline.reader import open_dataset

dataset = open_dataset("out", split="train", purpose="training_inhouse", shuffle=7)
for epoch in range(3):
    for sample in dataset.epoch(epoch):
        sample.codes       # uint16 [2, codebooks, frames]
        sample.metadata    # the document of KEY.json
"""

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.storage import absolute_uri, join
from duologue_pipeline.reader.deal import Rounds, share_length
from duologue_pipeline.reader.fetch import Shards
from duologue_pipeline.reader.index import read_index
from duologue_pipeline.reader.plan import Plan, plan_of
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.reader.shard import Sample, read_sample
from duologue_pipeline.reader.state import SCHEMA, joined_states
from duologue_pipeline.reader.trust import sample_fault
from duologue_pipeline.reader.watch import RevocationWatch
from duologue_pipeline.reader.where import Condition, parse_where
from duologue_pipeline.records import SPLITS

__all__ = ["Dataset", "OnDamage", "PurposeError", "open_dataset"]

OnDamage = Literal["raise", "skip"]
"""What becomes of a sample that is damaged or not there: an error, or it is left out and counted."""

_LOOK_EVERY_S: Final = 0.5
_Places = npt.NDArray[np.int64]


class PurposeError(UsageError):
    """Says that the release does not carry the purpose that the reader asked for."""


class _MissingFileError(DamagedReleaseError, FileNotFoundError):
    """Tells that a file of the release is not there."""


class Dataset:
    """Gives the samples of one split of a release: iterating gives the epoch that was named last, 0 at first.

    Each reader of ``world`` gets its share of the epoch; together they get every sample once. Iterating again gives the same
    epoch again; the first iteration after :meth:`load_state_dict` goes on where the state stands.

    Samples that a speaker has withdrawn are left out from the moment that ``revocations.jsonl`` says so, also in the middle
    of an iteration: the file is looked at again every half second. Where a withdrawal has replaced the release meanwhile, the
    iteration goes on with the samples of the new version, in the order of the old one.

    Attributes:
        release: the document of ``dataset.json``, of the version that is being read.
        split: ``train`` or ``validation``.
        purpose: what the samples are read for.
        rank, world: which reader this is, and of how many.
        damaged: how many samples were left out because they are damaged or not there.
    """

    def __init__(
        self,
        uri: str,
        release: dict[str, Any],
        *,
        split: str,
        purpose: str,
        shuffle: int | None,
        rank: int,
        world: int,
        where: tuple[Condition, ...],
        on_damage: OnDamage,
    ) -> None:
        self._uri = uri
        self.release = release
        self.split, self.purpose = split, purpose
        self.rank, self.world = rank, world
        self.damaged = 0
        self._shuffle, self._where, self._on_damage = shuffle, where, on_damage
        self._index = read_index(uri, release, split=split, purpose=purpose, where=where)
        self._plan: Plan = plan_of(self._index)
        self._rows: _Places = np.arange(len(self._index))
        self._revoked = RevocationWatch(uri)
        self._revoked.look(release)
        self._struck = self._index.struck(self._revoked.entries)
        self._epoch = 0
        self._rounds: Rounds = ()
        self._given = 0
        self._goes_on = False

    def __len__(self) -> int:
        """Counts the samples of this reader's share of an epoch; those that are left out by ``revocations.jsonl`` are counted too."""
        return share_length(len(self._plan), (), consumer=self.rank, consumers=self.world)

    def keys(self) -> list[str]:
        """Lists the keys of the samples of all shares, in the order of the index."""
        keys: list[str] = self._plan.keys.take(pa.array(self._plan.sample)).to_pylist()
        return keys

    def __getitem__(self, key: str) -> Sample:
        """Reads the sample of a key.

        Raises:
            KeyError: there is none in the split, or it was withdrawn.
            DamagedReleaseError: it is damaged or not there.
        """
        if not isinstance(key, str):
            raise UsageError(
                f"sample {key!r}: samples are named by their keys, and come in the order of an epoch by iterating; for a "
                "torch DataLoader use duologue_pipeline.torch"
            )
        self._look()
        row = int(self._index.rows_of(pa.array([key], pa.string()))[0])
        if (
            row < 0
            or not self._index.chosen[row]
            or (self._struck[row] and not (self._renew() and self._is_there(key)))
        ):
            raise KeyError(f"{key}: no such sample in the split {self.split} of {self._uri}, or it was withdrawn")
        shards = Shards(self._uri)
        try:
            return self._read(shards, int(self._index.rows_of(pa.array([key], pa.string()))[0]))
        finally:
            shards.close()

    def epoch(self, number: int) -> Self:
        """Names the epoch that iterating gives, from 0; gives the dataset itself.

        The epoch of a state that was loaded goes on where the state stands.
        """
        if type(number) is not int or number < 0:
            raise UsageError(f"epoch {number!r}: expected a whole number from 0")
        if number != self._epoch or not self._goes_on:
            self._epoch, self._rounds, self._given, self._goes_on = number, (), 0, False
        return self

    def share(self, part: int, parts: int) -> "Dataset":
        """Gives a dataset that reads one of several parts of this reader's share, e.g. for a worker of a DataLoader.

        The parts take turns in the order of the share.

        Args:
            part: which, from 0.
            parts: how many.
        """
        _check_reader("part", part, "parts", parts)
        other = copy.copy(self)
        other.rank, other.world = self.rank + self.world * part, self.world * parts
        other.damaged = other._given = 0
        other._rounds, other._goes_on = (), False
        return other

    def state_dict(self) -> dict[str, Any]:
        """Says where this reader stands: what the iteration that went on last has given counts as read.

        Returns:
            A document for JSON. It goes on in a dataset of the same release, split, purpose, conditions and seed.
        """
        return {**self._about(), "given": {str(self.rank): self._given}}

    def load_state_dict(self, state: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Goes on where a state stands, with the next iteration.

        Args:
            state: of this reader; or, where there are other readers now, a list of the states of all readers of before.

        Raises:
            UsageError: it is of another release, filter, seed or epoch, or states are missing.
        """
        joined, rounds, given = joined_states(state, consumer=self.rank, consumers=self.world)
        about = self._about()
        for field in about.keys() - {"rounds", "consumers", "epoch"}:
            if joined.get(field) != about[field]:
                raise UsageError(
                    f"state: it is of another {field} ({str(joined.get(field))[:80]!r}, and this dataset is of "
                    f"{str(about[field])[:80]!r}); open the dataset as it was when the state was taken"
                )
        self._epoch, self._rounds, self._given, self._goes_on = joined["epoch"], rounds, given, True

    def __iter__(self) -> Iterator[Sample]:
        """Gives the samples of this reader's share.

        Raises:
            DamagedReleaseError: a shard is missing or damaged, a sample is not what the release says, or
                ``revocations.jsonl`` cannot be trusted. It is a UsageError and a ValueError as well.
            PurposeError: a new version, without the purpose, has taken the place of the release.
        """
        if not self._goes_on:
            self._rounds, self._given = (), 0
        self._goes_on = False
        share = self._plan.share(
            seed=self._shuffle, epoch=self._epoch, rounds=self._rounds, consumer=self.rank, consumers=self.world
        )
        return self._samples(share, self._given)

    def _samples(self, share: _Places, start: int) -> Iterator[Sample]:
        shards = Shards(self._uri)
        try:
            for given in range(start, len(share)):
                unit = int(share[given])
                sample = self._next(shards, unit)
                self._given = given + 1
                if sample is not None:
                    yield sample
        finally:
            shards.close()

    def _next(self, shards: Shards, unit: int) -> Sample | None:
        """Reads a unit; None where it was withdrawn, or is damaged and may be left out."""
        self._look(at_most_every_s=_LOOK_EVERY_S)
        place = int(self._plan.sample[unit])
        while True:
            row = int(self._rows[place])
            if row >= 0 and self._struck[row] and self._renew():
                continue
            if row < 0 or self._struck[row]:
                return None
            try:
                return self._read(shards, row)
            except (OSError, ValueError) as error:
                if isinstance(error, OSError) and self._renew():
                    continue
                fault = self._fault(error, row)
                if self._on_damage == "raise" or not isinstance(fault, DamagedReleaseError):
                    raise fault from None
                self._count(fault)
                return None

    def _read(self, shards: Shards, row: int) -> Sample:
        index = self._index
        shard = index.release["shards"][index.shard[row]]
        uri, key = join(self._uri, shard["path"]), index.keys[row].as_py()
        data = shards.read(shard["path"], shard["bytes"], int(index.offset[row]), int(index.size[row]))
        sample = read_sample(data, key, uri)
        fault = sample_fault(sample, index.release, split=self.split)
        # The gate let only such samples in; a reader does not take that on trust.
        if not fault and self.purpose not in sample.metadata["purposes"]:
            fault = f"it is not for {self.purpose}, and the index says so"
        if fault:
            raise DamagedReleaseError(
                f"{uri}: the shard is damaged (sample {key}: {fault}): fetch it again (`duologue shards verify {self._uri}` tells)"
            )
        return sample

    def _fault(self, error: Exception, row: int) -> Exception:
        """Says what cannot be read. A store that does not answer is no damage: what it holds may be well."""
        uri = join(self._uri, self._index.release["shards"][self._index.shard[row]]["path"])
        if isinstance(error, DamagedReleaseError):
            return error
        if isinstance(error, FileNotFoundError):
            return _MissingFileError(f"{uri}: cannot be read ({error.strerror or error})")
        if isinstance(error, FileFault):
            return error
        if isinstance(error, OSError):
            return DamagedReleaseError(f"{uri}: cannot be read ({error.strerror or error})")
        return DamagedReleaseError(
            f"{uri}: the shard is damaged ({error}): fetch it again (`duologue shards verify {self._uri}` tells)"
        )

    def _count(self, fault: Exception) -> None:
        if not self.damaged:
            warnings.warn(f"{fault}; such samples are left out and counted", stacklevel=2)
        self.damaged += 1

    def _look(self, *, at_most_every_s: float = 0.0) -> None:
        if self._revoked.look(self._index.release, at_most_every_s=at_most_every_s):
            self._struck = self._index.struck(self._revoked.entries)

    def _is_there(self, key: str) -> bool:
        row = int(self._index.rows_of(pa.array([key], pa.string()))[0])
        return row >= 0 and bool(self._index.chosen[row]) and not self._struck[row]

    def _renew(self) -> bool:
        """Goes over to the version that is there now; False where it is the same one."""
        release = read_release(self._uri)
        if release == self._index.release:
            return False
        _check_purpose(self._uri, release, self.purpose)
        self._index = read_index(self._uri, release, split=self.split, purpose=self.purpose, where=self._where)
        self.release = release
        rows = self._index.rows_of(self._plan.keys)
        self._rows = np.where((rows >= 0) & self._index.chosen[rows], rows, -1)
        self._revoked.look(release)
        self._struck = self._index.struck(self._revoked.entries)
        return True

    def _about(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            **self._plan.identity,
            "split": self.split,
            "purpose": self.purpose,
            "where": [list(condition) for condition in self._where],
            "shuffle": self._shuffle,
            "epoch": self._epoch,
            "rounds": [list(counts) for counts in self._rounds],
            "consumers": self.world,
        }


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
    _check_purpose(uri, release, purpose)
    _check_reader("rank", rank, "world", world)
    if shuffle is not None and type(shuffle) is not int:
        raise UsageError(
            f"shuffle {shuffle!r}: expected a seed, which is a whole number, or None for the order of the index"
        )
    if on_damage not in ("raise", "skip"):
        raise UsageError(f"on_damage {on_damage!r}: expected raise or skip")
    if crop_s is not None:
        raise UsageError("crop_s: cannot be given yet; leave it out")
    return Dataset(
        root,
        release,
        split=split,
        purpose=purpose,
        shuffle=shuffle,
        rank=rank,
        world=world,
        where=parse_where(where),
        on_damage=on_damage,
    )


def _check_purpose(uri: str, release: dict[str, Any], purpose: str) -> None:
    if purpose not in release["purposes"]:
        raise PurposeError(
            f"{uri}: this release may be used for {', '.join(release['purposes'])} and not for {purpose}; "
            f"make one with `duologue run ... --purpose {purpose}`: it will hold what its speakers allow"
        )


def _check_reader(name: str, number: Any, of: str, count: Any) -> None:
    if type(count) is not int or type(number) is not int or not 0 <= number < count:
        raise UsageError(f"{name} {number!r} of {of} {count!r}: expected whole numbers, {name} from 0 and below {of}")
