"""Reads the samples of a release as numpy arrays and metadata, without Beam and without torch.

from duologue_pipeline.reader import open_dataset

dataset = open_dataset("out", split="train", purpose="training_inhouse", shuffle=7)
for epoch in range(3):
    for sample in dataset.epoch(epoch):
        sample.codes       # uint16 [2, codebooks, frames]
        sample.metadata    # the document of KEY.json
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.epochs import Epochs, check_reader, plain
from duologue_pipeline.reader.plan import Plan
from duologue_pipeline.reader.reading import OnDamage, PurposeError, Reading, Request, check_purpose
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.state import SCHEMA
from duologue_pipeline.reader.where import parse_where
from duologue_pipeline.records import SPLITS

__all__ = ["Dataset", "PurposeError", "ShardSamples", "open_dataset"]

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ShardSamples:
    """Names the samples of a dataset that lie in one shard.

    Attributes:
        entry: what ``dataset.json`` says of the shard: ``path``, ``sha256``, ``split`` and more.
        keys: of the samples, in their order.
        units: int64, where they stand in the dataset.
    """

    entry: Mapping[str, Any]
    keys: tuple[str, ...]
    units: _Places


class Dataset(Epochs):
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
        self._reading = reading
        super().__init__(rank=rank, world=world)

    @property
    def release(self) -> dict[str, Any]:
        """Gives the document of ``dataset.json``, of the version that is being read."""
        return self._reading.release

    @property
    def split(self) -> str:
        """Names the split: ``train``, ``validation`` or ``bridge``."""
        return self._reading.request.split

    @property
    def purpose(self) -> str:
        """Names what the samples are read for."""
        return self._reading.request.purpose

    @property
    def damaged(self) -> int:
        """Counts the samples that were left out because they are damaged or not there."""
        return self._reading.damaged

    def keys(self) -> list[str]:
        """Lists the keys of the samples of all shares, in the order of the index, without those that were withdrawn."""
        return self._reading.keys()

    def shards(self) -> "list[ShardSamples]":
        """Lists the shards that hold samples of the dataset, in the order of ``dataset.json``, without samples that were withdrawn.

        A shard in which nothing is left is not listed. The samples are those of whole segments, not of crops.
        """
        keys, shards = self._reading.plan.keys, self.release["shards"]
        sample = self._reading.plan.sample
        return [
            ShardSamples(shards[shard], tuple(keys.take(pa.array(sample[units])).to_pylist()), units)
            for shard, units in self._reading.shards()
        ]

    def of_shard(self, shard: "ShardSamples") -> Iterator[Sample | None]:
        """Reads the samples of a shard in their order; None stands for one that was withdrawn since, or is damaged and left out."""
        return self._reading.units(self._reading.plan, shard.units)

    def counts(self) -> tuple[int, int]:
        """Counts the samples of the split, and those of them that carry the purpose and fulfil the conditions, withdrawn ones too."""
        return len(self._reading.plan.keys), int((self._reading.plan.shape > 0).sum())

    def __contains__(self, key: object) -> bool:
        """Tells whether there is a sample of this key, as far as is known."""
        return isinstance(key, str) and self._reading.has(key)

    def __getitem__(self, key: str) -> Sample:
        """Reads the sample of a key, of whatever share.

        Raises:
            KeyError: there is none in the split for which the conditions hold, or it was withdrawn.
            UsageError: it is no key.
            DamagedReleaseError: it is damaged or not there.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        sample = self._reading.one(key)
        if sample is None:
            raise KeyError(f"{key}: no such sample is read from the split {self.split}, or it was withdrawn")
        return sample

    def with_reader(self, rank: int, world: int) -> "Dataset":
        """Gives the same samples for another reader; the epoch is 0."""
        return Dataset(self._reading.copy(), rank=rank, world=world)

    def about(self, content: Plan) -> dict[str, Any]:
        """Says what a state is of."""
        return {"schema": SCHEMA, **content.about, **self._reading.request.told()}

    def restored(self, state: Mapping[str, Any]) -> Plan:
        """Finds the plan that a state is of; raises UsageError where it is of something else."""
        for field, value in self._reading.request.told().items():
            if field not in state or state[field] != value:
                raise UsageError(
                    f"state: it was taken with {field} {str(state.get(field))[:80]!r}, and the dataset was opened with "
                    f"{str(value)[:80]!r}; open it as it was when the state was taken"
                )
        return self._reading.restore(state)

    def content(self) -> Plan:
        """Gives the plan of epochs that are begun now."""
        return self._reading.plan

    def count(self, content: Plan, epoch: int) -> int:
        """Counts the places of an epoch."""
        return len(content)

    def gone(self, content: Plan, epoch: int, places: _Places) -> npt.NDArray[np.bool_]:
        """Tells at which places of an epoch stands what was withdrawn, as far as is known."""
        return self._reading.gone(content, self._units(content, epoch, places))

    def read(self, content: Plan, epoch: int, places: _Places) -> Iterator[Sample | None]:
        """Reads what stands at places of an epoch; None where that was withdrawn, or is damaged and left out."""
        return self._reading.units(content, self._units(content, epoch, places))

    def _units(self, plan: Plan, epoch: int, places: _Places) -> _Places:
        return plan.order(seed=self._reading.request.shuffle, epoch=epoch)[places]


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
        split: ``train``, ``validation`` or ``bridge``.
        purpose: what the samples will be used for, e.g. ``training_inhouse``.
        shuffle: the seed of the order of an epoch, which mixes all samples of the split; None: the order of the index.
        rank: which of ``world`` readers this is, from 0; each gets its share of an epoch.
        world: how many readers there are.
        where: (column, operator, value) each, which all must hold, see :func:`duologue_pipeline.reader.where.parse_where`;
            a warning says where no sample is left.
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
    if not isinstance(uri, str):
        raise UsageError(f"uri {uri!r}: expected text, of a path str(path)")
    root = absolute_uri(uri)
    release = read_release(root)
    if split not in SPLITS:
        raise UsageError(f"split {split!r}: expected one of {', '.join(SPLITS)}")
    check_purpose(uri, release, purpose)
    check_reader("rank", rank, "world", world)
    shuffle = plain(shuffle)
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
    reading = Reading(request, release)
    if request.where and not len(reading.plan):
        warnings.warn(
            f"{uri}: no sample of the split {split} fulfils all conditions of where, so there is nothing to read; choose by others",
            stacklevel=2,
        )
    return Dataset(reading, rank=rank, world=world)
