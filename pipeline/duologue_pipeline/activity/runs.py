"""Finds the runs of True in a row of flags."""

import numpy as np
import numpy.typing as npt

__all__ = ["runs_of"]


def runs_of(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Gives each run of True in ``flags``, bool [N], as ``(first place, place after the last)``, in order."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return [(start, end) for start, end in edges.reshape(-1, 2).tolist()]
