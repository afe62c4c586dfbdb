"""Draws random bytes that are the same each time, for ledgers in which nobody real is: samples, simulations, tests."""

import hashlib
import itertools
from collections.abc import Callable

__all__ = ["seeded_entropy"]


def seeded_entropy(seed: bytes) -> Callable[[int], bytes]:
    """Makes the ``entropy`` of :meth:`duologue_consent.Ledger.create` from a seed: SHAKE-256 of the seed and a counter.

    Whoever knows the seed knows every key and salt of the ledger. Two ledgers of one seed share them.
    """
    counter = itertools.count()
    return lambda length: hashlib.shake_256(b"%b\x00%d" % (seed, next(counter))).digest(length)
