"""Chooses settings on some conversations and measures them on the others, and compares two ways by conversations.

Everything works on counts, int [..., 3]: how many people found, how many the machine found, how many both did. Nothing
that was chosen on a conversation is measured on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDS, PARTITIONS, RESAMPLINGS = 10, 10, 10_000

Counts = npt.NDArray[np.int64]


def f1(counts: Counts) -> Any:
    """Gives the harmonic mean of precision and recall, float [...], of counts [..., 3]."""
    return 2 * counts[..., 2] / np.maximum(counts[..., 0] + counts[..., 1], 1)


def partition(conversations: int, seed: int) -> npt.NDArray[np.int64]:
    """Gives each conversation its fold, int [conversations] in [0, FOLDS)."""
    return np.random.default_rng(seed).permutation(conversations) % FOLDS


def held_out(counts: Counts, seed: int) -> tuple[Counts, list[int]]:
    """Measures on each fold the setting that is best on the others.

    Args:
        counts: of each setting in each conversation, [settings, conversations, 3].
        seed: of the partition.

    Returns:
        The counts of each conversation [conversations, 3], and the place of the setting chosen for each fold.
    """
    fold = partition(counts.shape[1], seed)
    chosen = [int(np.argmax(f1(counts[:, fold != held].sum(1)))) for held in range(FOLDS)]
    measured = np.zeros_like(counts[0])
    for held, best in enumerate(chosen):
        measured[fold == held] = counts[best][fold == held]
    return measured, chosen


def cross_validated(counts: Counts) -> tuple[float, float, float]:
    """Gives mean, least and greatest F1 of :func:`held_out` over the partitions."""
    found = [float(f1(held_out(counts, seed)[0].sum(0))) for seed in range(PARTITIONS)]
    return sum(found) / len(found), min(found), max(found)


@dataclass(frozen=True)
class Comparison:
    """Holds by how much one way is better, between which bounds in 95 % of samples, and in how many conversations."""

    gain: float
    low: float
    high: float
    better: int
    worse: int

    @property
    def p(self) -> float:
        """Gives the two-sided probability of the sign test."""
        n = self.better + self.worse
        tail = sum(comb(n, k) for k in range(min(self.better, self.worse) + 1)) / 2**n
        return min(1.0, 2 * tail)

    def __str__(self) -> str:
        return (
            f"{self.gain:+.4f} [{self.low:+.4f}, {self.high:+.4f}], better in {self.better} conversations, "
            f"worse in {self.worse} (p {self.p:.4f})"
        )


def compared(ours: Counts, theirs: Counts) -> Comparison:
    """Compares F1 over the same conversations, counts [conversations, 3], by paired resampling and the sign test."""
    drawn = np.random.default_rng(0).integers(0, len(ours), (RESAMPLINGS, len(ours)))
    gains = f1(ours[drawn].sum(1)) - f1(theirs[drawn].sum(1))
    each = f1(ours) - f1(theirs)
    low, high = np.quantile(gains, (0.025, 0.975))
    gain = float(f1(ours.sum(0)) - f1(theirs.sum(0)))
    return Comparison(gain, float(low), float(high), int((each > 0).sum()), int((each < 0).sum()))


def calibration_error(cells: Sequence[str], confidence: Sequence[float], right: Sequence[bool]) -> float:
    """Gives the expected calibration error: how far the stated confidence of a cell is from its share right, by frequency."""
    named, stated, true = np.array(cells), np.array(confidence), np.array(right)
    inside = [named == cell for cell in np.unique(named)]
    return float(sum(which.mean() * abs(true[which].mean() - stated[which].mean()) for which in inside))
