"""Draws conversations anew, so that figures over them get an interval, in counts that parts of a release add up to.

In each of 100 draws a conversation is taken so many times as a Poisson number of mean 1 says (Poisson bootstrap: Chamandy et al.
2012, "Estimating uncertainty for massive data streams", research.google/pubs/pub43157). The numbers come from a hash of the id of the conversation: no
process has to see the others, and the same conversations give the same interval in any order and on any machine. Conversations
are drawn and not floor transfers, since those of one conversation depend on each other. An interval is the figure and 1.96 times
the standard deviation of its draws to either side.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["DRAWS", "Estimate", "estimated_median", "estimated_ratio", "tally_draws"]

DRAWS: Final = 100

_LIMITS: Final = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(9)]) * 2**16
_EDGES_MS: Final = np.arange(-1000, 1001, 100)
_WIDTH_NORMAL: Final = 1.96

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Holds a figure over ``n`` conversations with its 95 % interval; None where it cannot be formed.

    Below two conversations there is no interval.
    """

    value: float | None
    n: int
    interval: tuple[float, float] | None = None


def tally_draws(
    ids: Sequence[str], overlap_ms: Sequence[int], anybody_ms: Sequence[int], ftos_ms: Sequence[Sequence[int]]
) -> dict[tuple[Any, ...], int]:
    """Counts conversations in every draw.

    Args:
        ids: of the conversations.
        overlap_ms: how long both speak, of each.
        anybody_ms: how long anybody speaks, of each.
        ftos_ms: its floor-transfer offsets.

    Returns:
        ``("draw", what, number)`` -> sum over the draw; floor transfers by bin as ``("draw_fto", number, bin)``.
    """
    if not ids:
        return {}
    weights = np.stack([_weights(name) for name in ids])
    histogram = np.stack(
        [np.bincount(np.searchsorted(_EDGES_MS, each, side="right"), minlength=len(_EDGES_MS) + 1) for each in ftos_ms]
    )
    columns = {
        "overlap_ms": np.array(overlap_ms, np.int64),
        "anybody_ms": np.array(anybody_ms, np.int64),
        "transfers": np.array([len(each) for each in ftos_ms], np.int64),
        "overlapped": np.array([sum(fto_ms < 0 for fto_ms in each) for each in ftos_ms], np.int64),
    }
    found: dict[tuple[Any, ...], int] = {}
    for what, column in columns.items():
        found |= {("draw", what, number): int(total) for number, total in enumerate(weights.T @ column)}
    for number, row in enumerate(weights.T @ histogram):
        found |= {("draw_fto", number, place): int(count) for place, count in enumerate(row) if count}
    return found


def estimated_ratio(
    tally: Mapping[tuple[Any, ...], int], value: float | None, n: int, *, part: str, whole: str
) -> Estimate:
    """Gives a ratio of two sums its interval.

    Args:
        tally: with what :func:`tally_draws` counts.
        value: the ratio over all conversations.
        n: how many these are.
        part, whole: what is divided by what.
    """
    parts, wholes = (
        np.array([tally.get(("draw", what, number), 0) for number in range(DRAWS)], np.float64)
        for what in (part, whole)
    )
    usable = wholes > 0
    found = _estimate(value, n, parts[usable] / wholes[usable])
    if found.interval is None:
        return found
    low, high = found.interval
    return Estimate(found.value, n, (max(low, 0.0), min(high, 1.0)))  # a share lies within 0 and 1


def estimated_median(tally: Mapping[tuple[Any, ...], int], value_s: float | None, n: int) -> Estimate:
    """Gives the median floor-transfer offset, in seconds, its interval; medians of draws are interpolated in bins of 100 ms."""
    rows = np.array(
        [[tally.get(("draw_fto", number, place), 0) for place in range(len(_EDGES_MS) + 1)] for number in range(DRAWS)],
        np.float64,
    )
    cumulative = np.cumsum(rows, axis=1)
    medians = [float(np.interp(row[-1] / 2, row[:-1], _EDGES_MS)) / 1000 for row in cumulative if row[-1]]
    return _estimate(value_s, n, np.array(medians))


def _estimate(value: float | None, n: int, drawn: _Floats) -> Estimate:
    if value is None or n < 2 or len(drawn) < 2:
        return Estimate(value, n)
    margin = _WIDTH_NORMAL * float(np.std(drawn, ddof=1))
    return Estimate(value, n, (value - margin, value + margin))


def _weights(name: str) -> npt.NDArray[np.int64]:
    """Draws how often a conversation is taken, int64 [DRAWS]."""
    numbers = np.frombuffer(hashlib.shake_128(name.encode("utf-8", "surrogatepass")).digest(2 * DRAWS), dtype="<u2")
    return np.searchsorted(_LIMITS, numbers, side="right").astype(np.int64)
