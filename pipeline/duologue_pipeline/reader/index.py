"""Holds the samples of one split of a release as columns: what the tables say of them, and no Python object a sample."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.order import Hashes, key_hashes
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.revocations import Revocation
from duologue_pipeline.reader.tables import index_fault, read_release_table
from duologue_pipeline.reader.where import Condition, chosen_samples, tables_of

__all__ = ["Index", "digest", "read_index", "shard_stem"]


@dataclass(frozen=True, eq=False)
class Index:
    """Holds the samples of a split, in the order of the index.

    Attributes:
        release: the document of ``dataset.json`` that the tables belong to.
        keys: texts [N].
        shard: int32 [N], the place of the sample's shard in ``release["shards"]``.
        offset, size: int64 [N], where its members lie in the shard, in bytes.
        recording: texts [N] as places in a dictionary.
        segment, frames: int32 [N].
        chosen: bool [N], whether it carries the purpose and fulfils the conditions.
    """

    release: dict[str, Any]
    keys: pa.Array
    shard: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    recording: pa.DictionaryArray
    segment: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    chosen: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Counts the samples, also those that are not chosen."""
        return len(self.keys)

    @cached_property
    def hashes(self) -> Hashes:
        """Hashes the keys: uint64 [N]."""
        return key_hashes(self.keys)

    def stem(self, shard: int) -> str:
        """Names a shard, given by its place, without its hash."""
        return shard_stem(self.release["shards"][shard]["path"])

    def rows_of(self, keys: pa.Array) -> npt.NDArray[np.int64]:
        """Finds samples by their keys: int64, -1 where there is none."""
        found: npt.NDArray[np.int64] = (
            pc.index_in(keys, value_set=self.keys).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        )
        return found

    def struck(self, entries: Iterable[Revocation]) -> npt.NDArray[np.bool_]:
        """Finds the samples that revocations name, in the very shard that they name: bool [N]."""
        struck = np.zeros(len(self), bool)
        named = list(entries)
        rows = self.rows_of(pa.array([entry.key for entry in named], pa.string()))
        shards = self.release["shards"]
        for row, entry in zip(rows, named, strict=True):
            if row >= 0 and shards[self.shard[row]]["path"] == entry.shard:
                struck[row] = True
        return struck


def read_index(
    root: str, release: dict[str, Any], *, split: str, purpose: str, where: tuple[Condition, ...] = ()
) -> Index:
    """Reads the index of a split.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.
        split: ``train``, ``validation`` or ``bridge``.
        purpose: samples that do not carry it are not chosen.
        where: what must hold for a sample to be chosen.

    Raises:
        DamagedReleaseError: a table is not the one that ``dataset.json`` names, or cannot be of this release.
        UsageError: a condition names a column that this release does not have.
    """
    tables = {}
    for name in sorted({"index", *tables_of(where)}):
        try:
            tables[name] = read_release_table(root, release, name)
        except UsageError as error:
            raise DamagedReleaseError(str(error)) from None
    fault = index_fault(release, tables["index"])
    if fault:
        raise DamagedReleaseError(f"{join(root, 'index.parquet')}: {fault}; see `duologue shards verify {root}`")
    index = tables["index"].filter(pc.equal(tables["index"]["split"], split))
    paths = pa.array([shard["path"] for shard in release["shards"]], pa.string())
    carries = _carries(index["purposes"].combine_chunks(), purpose)
    return Index(
        release=release,
        keys=_one(index["key"]),
        shard=pc.index_in(index["shard"], value_set=paths).to_numpy().astype(np.int32),
        offset=index["offset"].to_numpy(),
        size=index["bytes"].to_numpy(),
        recording=_one(index["recording_id"]).dictionary_encode(),
        segment=index["segment"].to_numpy(),
        frames=index["frames"].to_numpy(),
        chosen=carries & chosen_samples(where, index, tables.get("recordings")),
    )


def digest(hashes: Hashes) -> str:
    """Hashes hashes in their order: SHA-256 in lower-case hex."""
    return hashlib.sha256(hashes.astype("<u8").tobytes()).hexdigest()


def shard_stem(path: str) -> str:
    """Gives what a rewritten shard's name shares with the old one: ``train-00003`` of ``shards/train-00003-0123456789ab.tar``."""
    return path.rpartition("/")[2].rpartition("-")[0]


def _carries(purposes: pa.ListArray, purpose: str) -> npt.NDArray[np.bool_]:
    carries = np.zeros(len(purposes), bool)
    named = pc.equal(purposes.flatten(), purpose)
    carries[pc.list_parent_indices(purposes).filter(named).to_numpy()] = True
    return carries


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
