"""Defines what runs the network of a codec over chunks of several tracks at once, in this process or in another.

What the network has to remember of its tracks between two chunks is a *session*, held by number. So an engine can stand in
a process of its own, with the one copy of the model that a GPU needs, and serve all the others of the machine: only
samples and indices cross the border.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Engine", "EngineFacts"]

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class EngineFacts:
    """Says what an engine is.

    Attributes:
        device: where it computes, as torch names it.
        sample_rate_hz, frame_rate_hz, samples_per_frame, codebooks, cardinality, weights_sha256: as in
            :class:`~duologue_pipeline.codec.base.Codec`; every codebook has as many entries.
        chunk_frames: how many frames of a track are encoded at a time; a shorter chunk costs time, a longer one memory.
        context_frames: how many frames before and after a chunk are handed over with it, since its codes hang on them too;
            0 where the network remembers in its session what it needs and looks at nothing that comes later.
    """

    device: str
    sample_rate_hz: int
    frame_rate_hz: float
    samples_per_frame: int
    codebooks: int
    cardinality: int
    weights_sha256: str
    chunk_frames: int = 25
    context_frames: int = 0


class Engine(Protocol):
    """Encodes chunks of tracks, and decodes codes. All methods may be called from several threads."""

    def facts(self) -> EngineFacts:
        """Says what the engine is."""
        ...

    def start(self) -> int:
        """Begins a session: tracks that are encoded together from their first samples on. Gives its number."""
        ...

    def fork(self, session: int, rows: list[int]) -> int:
        """Begins a session that goes on with some rows of another, in the order given; the other stays as it is.

        Raises:
            ConnectionError: there is no such session any more.
        """
        ...

    def encode(self, session: int, pcm: F32) -> Codes:
        """Encodes the next chunk of every track of a session.

        Args:
            session: of :meth:`start` or :meth:`fork`; its number of tracks is that of its first chunk.
            pcm: float32 [tracks, T] in [-1, 1], T a multiple of ``samples_per_frame``.

        Returns:
            uint16 [tracks, codebooks, F], each below the cardinality.

        Raises:
            ConnectionError: there is no such session any more.
        """
        ...

    def end(self, session: int) -> None:
        """Forgets a session."""
        ...

    def decode(self, codes: Codes) -> F32:
        """Decodes uint16 [codebooks, F], each below the cardinality: float32 [F * samples_per_frame] in [-1, 1]."""
        ...
