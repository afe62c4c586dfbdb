"""Holds what a network remembers of the tracks that it encodes: the part of an engine that is alike for every torch model."""

import secrets
import threading
import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.engine import EngineFacts

__all__ = ["Session", "SessionEngine"]

_FORGOTTEN_S: Final = 3600.0
"""How long a session stays that nobody asks for any more: that of a process which was killed."""

_NUMBER_BITS: Final = 62

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@dataclass
class Session:
    """Holds what the network remembers of some tracks; what exactly, the engine knows."""

    asked_at: float = 0.0


_S = TypeVar("_S", bound=Session)


class SessionEngine(ABC, Generic[_S]):
    """Keeps the sessions of an :class:`~duologue_pipeline.codec.engine.Engine`; a subclass computes.

    Args:
        model: of transformers.
        facts: what the engine is.
    """

    def __init__(self, model: Any, facts: EngineFacts) -> None:
        self.model = model.to(facts.device)
        self._facts, self._device = facts, facts.device
        self._lock = threading.Lock()
        # On a GPU one computation at a time; on CPUs a process may have several threads that encode.
        self._turn: AbstractContextManager[Any] = nullcontext() if facts.device == "cpu" else threading.Lock()
        self._sessions: dict[int, _S] = {}

    def facts(self) -> EngineFacts:
        """Says what the engine is."""
        return self._facts

    def start(self) -> int:
        """Begins a session: tracks that are encoded together from their first samples on. Gives its number."""
        with self._lock:
            now = time.monotonic()
            self._sessions = {
                number: session for number, session in self._sessions.items() if now - session.asked_at < _FORGOTTEN_S
            }
            return self._add(self._new())

    def fork(self, session: int, rows: list[int]) -> int:
        """Begins a session that goes on with some rows of another, in the order given; the other stays as it is.

        Raises:
            ConnectionError: this engine has no such session: it was lost with the process that held it.
        """
        held = self._held(session)
        with self._turn, torch.inference_mode():
            forked = self._select(held, torch.tensor(rows, device=self._device))
        with self._lock:
            return self._add(forked)

    def end(self, session: int) -> None:
        """Forgets a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def encode(self, session: int, pcm: F32) -> Codes:
        """Encodes the next chunk of every track of a session.

        Args:
            session: of :meth:`start` or :meth:`fork`; its number of tracks is that of its first chunk.
            pcm: float32 [tracks, T] in [-1, 1], T a multiple of ``samples_per_frame``. Only a track's last chunk may be
                shorter than ``chunk_frames``, if its codes are to be those of any other way to encode it.

        Returns:
            uint16 [tracks, codebooks, F], each below the cardinality.

        Raises:
            ConnectionError: this engine has no such session: it was lost with the process that held it.
        """
        held = self._held(session)
        with self._turn, torch.inference_mode():
            held.asked_at = time.monotonic()
            samples = torch.from_numpy(pcm)[:, None].to(self._device, self.model.dtype)
            codes: Codes = self._encode(held, samples).cpu().numpy().astype(np.uint16)
            return codes

    def decode(self, codes: Codes) -> F32:
        """Decodes frames of codes into audio, in memory that does not grow with their number (beyond the result).

        Args:
            codes: uint16 [codebooks, F], each below the cardinality.

        Returns:
            float32 [F * samples_per_frame] in [-1, 1]: that of the model's own ``decode`` up to rounding, clipped.
        """
        pcm = np.empty(codes.shape[1] * self._facts.samples_per_frame, dtype=np.float32)
        with self._turn, torch.inference_mode():
            self._decode(codes, pcm)
        return np.clip(pcm, -1.0, 1.0, out=pcm)

    @abstractmethod
    def _new(self) -> _S:
        """Makes a session that remembers nothing."""

    @abstractmethod
    def _select(self, held: _S, rows: torch.Tensor) -> _S:
        """Makes a session of some rows of another."""

    @abstractmethod
    def _encode(self, held: _S, pcm: torch.Tensor) -> torch.Tensor:
        """Encodes float32 [tracks, 1, T] to codes [tracks, codebooks, F], and remembers."""

    @abstractmethod
    def _decode(self, codes: Codes, pcm: F32) -> None:
        """Decodes uint16 [codebooks, F] into ``pcm``, float32 [F * samples_per_frame]."""

    def _add(self, session: _S) -> int:
        session.asked_at = time.monotonic()
        # Drawn, not counted: where the process that held the engine has died, another engine must not know the numbers of its
        # sessions, or a track would go on in the state of another.
        number = secrets.randbits(_NUMBER_BITS)
        self._sessions[number] = session
        return number

    def _held(self, number: int) -> _S:
        with self._lock:
            session = self._sessions.get(number)
        if session is None:
            raise ConnectionError(
                "session lost: the process that held the codec's model has ended; encode the track again"
            )
        return session
