"""Holds the samples of one split of a release as columns: what the tables say of them, and no Python object a sample."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.order import Hashes, key_hashes
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.revocations import Revocation
from duologue_pipeline.reader.tables import index_fault, iter_release_table, places_are_well
from duologue_pipeline.reader.where import Condition, chosen_recordings, chosen_samples, columns_of

__all__ = ["Index", "digest", "read_index", "shard_stem"]

_BATCH_ROWS: Final = 1 << 15

_COLUMNS: Final = frozenset(
    ["key", "shard", "offset", "bytes", "recording_id", "segment", "split", "start_s", "end_s", "frames", "purposes"]
)


@dataclass(frozen=True, eq=False)
class Index:
    """Holds the samples of a split, in the order of the index.

    Attributes:
        release: the document of ``dataset.json`` that the tables belong to.
        keys: texts [N].
        shard: int32 [N], the place of the sample's shard in ``release["shards"]``.
        offset, size: int64 [N], where its members lie in the shard, in bytes.
        hashes: uint64 [N], of the keys.
        recording: texts [N] as places in a dictionary, which holds each once.
        segment, frames: int32 [N].
        chosen: bool [N], whether it carries the purpose and fulfils the conditions.
    """

    release: dict[str, Any]
    keys: pa.Array
    hashes: Hashes
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

    def stem(self, shard: int) -> str:
        """Names a shard, given by its place, without its hash."""
        return shard_stem(self.release["shards"][shard]["path"])

    def rows_of(self, keys: pa.Array) -> npt.NDArray[np.int64]:
        """Finds samples by their keys: int64, -1 where there is none."""
        named = keys.dictionary_encode()  # few keys are looked for among very many, of which no table is made
        rows = np.full(len(named.dictionary) + 1, -1, np.int64)
        if len(keys):
            place = pc.index_in(self.keys, value_set=named.dictionary).fill_null(-1).to_numpy(zero_copy_only=False)
            own = np.flatnonzero(place >= 0)
            rows[place[own]] = own
        return rows[named.indices.fill_null(len(named.dictionary)).to_numpy(zero_copy_only=False)]

    def struck(self, entries: Iterable[Revocation]) -> npt.NDArray[np.bool_]:
        """Finds the samples that revocations name, in the very shard that they name: bool [N]."""
        struck = np.zeros(len(self), bool)
        named = list(entries)
        if not named:
            return struck
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
    pieces = [
        _piece(table, release, split, purpose, where)
        for table in _batches(_tables(root, release, "index", _COLUMNS | columns_of(where, "index")))
    ]
    of_recordings = columns_of(where, "recordings")
    parts = _tables(root, release, "recordings", of_recordings | {"recording_id"}) if of_recordings else iter(())
    ids = chosen_recordings(where, _batches(parts))
    _check_places(root, release, pieces)
    recording = pa.chunked_array([piece.recording for piece in pieces]).unify_dictionaries().combine_chunks()
    chosen = np.concatenate([piece.chosen for piece in pieces])
    for each in ids:
        chosen &= np.append(np.asarray(pc.is_in(recording.dictionary, value_set=each)), False)[recording.indices]
    return Index(
        release=release,
        keys=pa.concat_arrays([piece.keys for piece in pieces]),
        hashes=np.concatenate([piece.hashes[piece.own] for piece in pieces]),
        shard=np.concatenate([piece.shard[piece.own] for piece in pieces]),
        offset=np.concatenate([piece.offset[piece.own] for piece in pieces]),
        size=np.concatenate([piece.size[piece.own] for piece in pieces]),
        recording=recording,
        segment=np.concatenate([piece.segment for piece in pieces]),
        frames=np.concatenate([piece.frames for piece in pieces]),
        chosen=chosen,
    )


def digest(hashes: Hashes) -> str:
    """Hashes hashes in their order: SHA-256 in lower-case hex."""
    return hashlib.sha256(hashes.astype("<u8").tobytes()).hexdigest()


def shard_stem(path: str) -> str:
    """Gives what a rewritten shard's name shares with the old one: ``train-00003`` of ``shards/train-00003-0123456789ab.tar``."""
    return path.rpartition("/")[2].rpartition("-")[0]


@dataclass(frozen=True, eq=False)
class _Piece:
    """Holds some rows of the index [R], and of those that are of the split [N] what :class:`Index` holds.

    ``shard`` is -1 where there is no such shard; ``lasting`` says whether each row begins before it ends.
    """

    own: npt.NDArray[np.int64]
    hashes: Hashes
    shard: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    lasting: bool
    keys: pa.Array
    recording: pa.DictionaryArray
    segment: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int32]
    chosen: npt.NDArray[np.bool_]


def _tables(root: str, release: dict[str, Any], name: str, columns: frozenset[str]) -> Iterator[pa.Table]:
    try:
        yield from iter_release_table(root, release, name, columns=columns)
    except UsageError as error:
        raise DamagedReleaseError(str(error)) from None


def _batches(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Puts tables together until they have some thousand rows: there may be ten thousand of very few."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= _BATCH_ROWS:
            yield pa.concat_tables(held).combine_chunks()
            held = []
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _piece(table: pa.Table, release: dict[str, Any], split: str, purpose: str, where: tuple[Condition, ...]) -> _Piece:
    paths = pa.array([shard["path"] for shard in release["shards"]], pa.string())
    start_s, end_s = table["start_s"].to_numpy(), table["end_s"].to_numpy()
    is_own = pc.equal(table["split"], split)
    index = table.filter(is_own)
    return _Piece(
        own=np.flatnonzero(is_own.to_numpy()),
        hashes=key_hashes(_one(table["key"])),
        shard=pc.index_in(table["shard"], value_set=paths).fill_null(-1).to_numpy().astype(np.int32),
        offset=table["offset"].to_numpy(),
        size=table["bytes"].to_numpy(),
        lasting=bool((np.isfinite(start_s) & np.isfinite(end_s) & (start_s <= end_s)).all()),
        keys=_one(index["key"]),
        recording=_one(index["recording_id"]).dictionary_encode(),
        segment=index["segment"].to_numpy(),
        frames=index["frames"].to_numpy(),
        chosen=_carries(_one(index["purposes"]), purpose) & chosen_samples(where, index),
    )


def _check_places(root: str, release: dict[str, Any], pieces: list[_Piece]) -> None:
    """Checks that the rows can be of this release; where that is in doubt, row by row (:func:`index_fault`)."""
    sizes = np.array([shard["bytes"] for shard in release["shards"]] or [0], np.int64)
    shard, offset, size = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("shard", "offset", "size")
    )
    if all(piece.lasting for piece in pieces) and places_are_well(sizes, shard, offset, size):
        hashes = np.sort(np.concatenate([piece.hashes for piece in pieces]))
        if (hashes[1:] != hashes[:-1]).all():  # so no key is there twice
            return
    fault = index_fault(release, pa.concat_tables(_tables(root, release, "index", _COLUMNS)))
    if fault:
        raise DamagedReleaseError(f"{join(root, 'index.parquet')}: {fault}; see `duologue shards verify {root}`")


def _carries(purposes: pa.ListArray, purpose: str) -> npt.NDArray[np.bool_]:
    carries = np.zeros(len(purposes), bool)
    named = pc.equal(purposes.flatten(), purpose)
    carries[pc.list_parent_indices(purposes).filter(named).to_numpy()] = True
    return carries


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
