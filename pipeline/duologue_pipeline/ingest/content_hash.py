"""Hashes what a track says: its samples without the digital silence that recorders and converters put around them."""

import hashlib

import numpy as np

from duologue_pipeline.ingest.audio import Pcm

__all__ = ["ContentHash"]


class ContentHash:
    """Hashes a track from its blocks: the samples from the first to the last that is not zero, as little-endian float32.

    So a copy in another container, or with more or less digital silence around it, has the same hash. Where there is too little
    between the first and the last one to be known again by (a click on a dead line), where it lies and how long the track is
    count as well. What was resampled, or coded with loss, has another hash.

    Args:
        min_samples: how much is enough.
    """

    def __init__(self, min_samples: int) -> None:
        self._hash = hashlib.sha256()
        self._min_samples = min_samples
        self._lead = 0
        self._content = 0
        self._zeros = 0

    def push(self, pcm: Pcm) -> None:
        """Takes the next block, float32 [T]; T may be 0."""
        sounding = pcm != 0
        if not sounding.any():
            self._zeros += len(pcm)
            return
        first, last = int(sounding.argmax()), len(pcm) - 1 - int(sounding[::-1].argmax())
        if self._content:
            first = 0
            self._content += self._zeros
            self._add_zeros(self._zeros)
        else:
            self._lead = self._zeros + first
        self._hash.update(
            (pcm[first : last + 1] + np.float32(0.0)).astype("<f4", copy=False).data
        )  # the sum: -0.0 is 0.0
        self._content += last + 1 - first
        self._zeros = len(pcm) - 1 - last

    def hexdigest(self) -> str:
        """Gives the hash in lower-case hex, after the last block."""
        digest = self._hash.copy()
        if self._content < self._min_samples:
            digest.update(f"{self._lead} {self._content} {self._zeros}".encode())
        return digest.hexdigest()

    def _add_zeros(self, count: int) -> None:
        block = bytes(1 << 16)
        for start in range(0, 4 * count, len(block)):
            self._hash.update(block[: 4 * count - start])
