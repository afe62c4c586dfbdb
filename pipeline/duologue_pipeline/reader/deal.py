"""Deals the samples of an epoch to readers like cards: one to each in turn, so that no two shares differ by more than one.

When other readers go on with an epoch, what is left is dealt again in its order. So what was given is told by how many samples
each reader has had, in every round of dealing; no sample is named.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Rounds", "dealt"]

Rounds = tuple[tuple[int, ...], ...]
"""The rounds of dealing that are over: how many samples each of their readers has had."""


def dealt(count: int, rounds: Rounds, *, consumer: int, consumers: int) -> npt.NDArray[np.int64]:
    """Deals what the rounds before have left.

    Args:
        count: samples of the epoch.
        rounds: of before.
        consumer: which reader, from 0.
        consumers: how many there are.

    Returns:
        int64, the places in the epoch's order that the reader gets, ascending.
    """
    return _left(count, rounds)[consumer::consumers]


def _left(count: int, rounds: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    left = np.arange(count)
    for given in rounds:
        turn, reader = np.divmod(np.arange(len(left)), len(given))
        left = left[turn >= np.asarray(given)[reader]]
    return left
