"""Filters both tracks by a recursive filter, in products of matrices, a block after the other.

A recursive filter takes a sample after the other, and each waits for the last. But what comes out of a block of samples is
linear in the block and in what the filter remembers before it; and what it remembers forgets. So all blocks are multiplied
at once, and what they leave in the memory is passed on in doubling steps (Hillis & Steele 1986, *Data parallel algorithms*,
CACM 29) until it has faded. That is what :func:`scipy.signal.sosfilt` gives, to rounding in float64, in half the time.
"""

import numpy as np
import numpy.typing as npt
from scipy.signal import sosfilt, sosfilt_zi

__all__ = ["BLOCK", "BlockFilter"]

BLOCK = 32
"""Samples of a block."""

_FADED = 1e-20

F64 = npt.NDArray[np.float64]


class BlockFilter:
    """Filters two tracks in progress by a stable filter, begun as if the first sample had been there for ever.

    Args:
        sos: float64 [sections, 6], second-order sections as of scipy.
    """

    def __init__(self, sos: F64) -> None:
        self._sos, sections = sos, len(sos)
        own, left = sosfilt(sos, np.eye(BLOCK), zi=np.zeros((sections, BLOCK, 2)))
        self._own: F64 = own  # [BLOCK, BLOCK]: what each sample of a block makes of that block
        self._left = _flat(left)  # [BLOCK, memory]: and what it leaves behind
        memory = np.eye(2 * sections).reshape(-1, sections, 2).transpose(1, 0, 2)
        late, kept = sosfilt(sos, np.zeros((2 * sections, BLOCK)), zi=memory)
        self._late: F64 = late  # [memory, BLOCK]: what the memory makes of a block
        self._kept = [_flat(kept)]  # [memory, memory] each: what stays of it after 1, 2, 4, ... blocks
        while np.abs(self._kept[-1]).max() > _FADED:
            self._kept.append(self._kept[-1] @ self._kept[-1])
        self._at_rest = _flat(sosfilt_zi(sos)[:, np.newaxis])
        self._memory: F64 | None = None

    def push(self, pcm: F64) -> F64:
        """Filters the next samples.

        Args:
            pcm: float64 [2, T]; T may be anything, and costs least where it is a multiple of :data:`BLOCK`.

        Returns:
            float64 [2, T].
        """
        if self._memory is None:
            self._memory = self._at_rest * pcm[:, :1]
        whole = pcm.shape[1] // BLOCK * BLOCK
        blocks = pcm[:, :whole].reshape(len(pcm), -1, BLOCK)
        memory = np.empty((len(pcm), blocks.shape[1] + 1, self._left.shape[1]))
        memory[:, 0] = self._memory
        np.matmul(blocks, self._left, out=memory[:, 1:])
        for step, kept in enumerate(self._kept):
            memory[:, 1 << step :] += memory[:, : -(1 << step)] @ kept
        filtered = blocks @ self._own
        filtered += memory[:, :-1] @ self._late
        self._memory = memory[:, -1].copy()
        rest, sections = pcm[:, whole:], len(self._sos)
        if not rest.size:
            return filtered.reshape(len(pcm), -1)
        before = self._memory.reshape(len(pcm), sections, 2).transpose(1, 0, 2)
        late, after = sosfilt(self._sos, rest, zi=before)
        self._memory = _flat(after)
        return np.concatenate([filtered.reshape(len(pcm), -1), late], axis=1)


def _flat(memory: F64) -> F64:
    """Lays what the sections remember, float64 [sections, signals, 2], beside each other: float64 [signals, 2 * sections]."""
    flat: F64 = memory.transpose(1, 0, 2).reshape(memory.shape[1], -1)
    return flat
