"""Puts the samples of a split into the order of an epoch: by a keyed hash of their keys, so that none moves when others go.

The hash is of the key and the seed alone: neither the shards, nor the number of readers, nor the samples beside it change where
a sample stands relative to another one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Hashes", "epoch_order", "fractions", "key_hashes", "part_hashes"]

Hashes = npt.NDArray[np.uint64]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def key_hashes(keys: pa.Array) -> Hashes:
    """Hashes the keys of samples, eight bytes at a time.

    Args:
        keys: texts [N].

    Returns:
        uint64 [N]; the hash of a key hangs on nothing but the key.
    """
    texts = keys.cast(pa.large_binary())
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = (
        np.frombuffer(offset_buffer, np.int64, len(texts) + 1, 8 * texts.offset)
        if len(texts)
        else np.zeros(1, np.int64)
    )
    data = np.frombuffer(bytes(data_buffer or b"") + bytes(8), np.uint8)
    words = np.lib.stride_tricks.as_strided(
        data[:8].view("<u8"), (len(data) - 7,), (1,)
    )  # eight bytes from each byte on
    lengths = np.diff(offsets)
    hashes = _mixed(lengths.astype(np.uint64))
    for start in range(0, int(lengths.max(initial=0)), 8):
        rows = np.flatnonzero(lengths > start)
        left = np.minimum(lengths[rows] - start, 8).astype(np.uint64)
        word = words[offsets[rows] + start] & (np.uint64(_MASK) >> (np.uint64(64) - np.uint64(8) * left))
        hashes[rows] = _mixed(hashes[rows] ^ word)
    return hashes


def part_hashes(hashes: Hashes, parts: npt.NDArray[np.int64]) -> Hashes:
    """Hashes parts of samples.

    Args:
        hashes: uint64 [N], of the samples' keys.
        parts: int64 [N] from 0, which part of the sample.

    Returns:
        uint64 [N]; that of part 0 is the sample's own.
    """
    return np.where(parts == 0, hashes, _mixed(hashes ^ _mixed(parts.astype(np.uint64))))


def epoch_order(hashes: Hashes, *, seed: int | None, epoch: int) -> npt.NDArray[np.int64]:
    """Orders samples for an epoch.

    Args:
        hashes: uint64 [N], of the samples in the order of the index.
        seed: what the order is drawn from; None leaves the order of the index.
        epoch: from 0; each has an order of its own.

    Returns:
        int64 [N], the places of the samples in their order.
    """
    if seed is None:
        return np.arange(len(hashes))
    key = np.uint64(_mix(_mix(seed & _MASK) ^ epoch))
    return np.argsort(_mixed(hashes ^ key), kind="stable")


def fractions(numbers: npt.NDArray[np.int64], *, seed: int, epoch: int, stream: int) -> npt.NDArray[np.float64]:
    """Draws a fraction for each number: float64 in [0, 1), of the seed, the epoch, the stream and the number alone."""
    key = np.uint64(_mix(_mix(_mix(seed & _MASK) ^ epoch) ^ (stream + 1)))
    return (_mixed(numbers.astype(np.uint64) ^ key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(values: Hashes) -> Hashes:
    """Gives the finaliser of SplitMix64 (Steele, Lea, Flood 2014), a bijection of 64 bits."""
    values = values + np.uint64(_GOLDEN)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _mix(value: int) -> int:
    return int(_mixed(np.array([value & _MASK], np.uint64))[0])
