"""Counts the entries of codebooks: how many are used, and how many bits they tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CodebookUse", "Histograms"]


@dataclass(frozen=True)
class CodebookUse:
    """Says how one codebook is used.

    Attributes:
        codebook: which, from 0.
        entries: that it has.
        used: that occur.
        entropy_bits: of one index by its frequency alone: 0 where it is always the same, log2(entries) where all are as frequent.
        most_common_share: of the most frequent entry.
    """

    codebook: int
    entries: int
    used: int
    entropy_bits: float
    most_common_share: float


class Histograms:
    """Counts the entries of each codebook.

    Args:
        cardinalities: entries of each.
    """

    def __init__(self, cardinalities: Sequence[int]) -> None:
        self._counts = [np.zeros(entries, np.int64) for entries in cardinalities]

    def add(self, codes: npt.NDArray[np.uint16]) -> None:
        """Counts codes, uint16 [codebooks, F], each below its cardinality."""
        for counts, row in zip(self._counts, codes, strict=True):
            counts += np.bincount(row, minlength=counts.size)

    def uses(self) -> list[CodebookUse]:
        """Says how each codebook is used; of no frames nothing is."""
        found = []
        for codebook, counts in enumerate(self._counts):
            total = max(int(counts.sum()), 1)
            shares = counts[counts > 0] / total
            bits = float(-(shares * np.log2(shares)).sum()) if shares.size else 0.0
            found.append(
                CodebookUse(
                    codebook=codebook,
                    entries=int(counts.size),
                    used=int(shares.size),
                    entropy_bits=round(abs(bits), 4),
                    most_common_share=round(float(shares.max()) if shares.size else 0.0, 6),
                )
            )
        return found
