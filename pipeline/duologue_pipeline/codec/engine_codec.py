"""Makes a codec of an engine: what is alike for every network that encodes chunks of a track.

Encoding goes through a track in fixed chunks of two seconds and carries what the network remembers from one chunk to the
next, so memory does not grow with the track. The chunks lie where they lie by the clock of the track, not by how the caller
cuts it: floating-point sums depend on the shape of a tensor, and a code that depended on the caller's block size would not
be the same bytes twice. A network that looks ahead, or has nothing to remember with, is handed some frames before and after
each chunk, of which the codes are left away.
"""

import math
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import StreamEncoder
from duologue_pipeline.codec.engine import Engine
from duologue_pipeline.codec.together import Blocks, encode_in_step, encode_in_turn

__all__ = ["EngineCodec"]

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


class EngineCodec:
    """Encodes and decodes with an engine, as a :class:`~duologue_pipeline.codec.base.Codec`.

    Args:
        name: of the codec, as in ``--codec``.
        title: what ``quality`` calls it, with its source.
        fit: what ``quality`` says that it is fit for.
        engine: the network, loaded.
    """

    def __init__(self, name: str, engine: Engine, *, title: str, fit: str) -> None:
        self.name = name
        self.engine = engine
        facts = engine.facts()
        self._device = facts.device
        self.sample_rate_hz = facts.sample_rate_hz
        self.frame_rate_hz = facts.frame_rate_hz
        self.samples_per_frame = facts.samples_per_frame
        self.codebooks = facts.codebooks
        self.cardinalities: tuple[int, ...] = (facts.cardinality,) * facts.codebooks
        self.weights_sha256 = facts.weights_sha256
        self.chunk_frames, self.context_frames = facts.chunk_frames, facts.context_frames
        bits_per_s = self.frame_rate_hz * self.codebooks * math.log2(facts.cardinality)
        self.quality = (
            f"{title}, at {bits_per_s / 1000:g} kbit/s: {fit}. "
            "How good it sounds depends on the weights given; it was not measured here."
        )

    def encoder(self) -> StreamEncoder:
        """Starts the encoding of a new track.

        Frames come out a chunk of two seconds at a time; what is held back comes with ``finish``.
        """
        return _EngineEncoder(self)

    def encode_together(self, conversations: Sequence[Blocks]) -> Iterator[tuple[int, Codes]]:
        """Encodes conversations together, as :func:`duologue_pipeline.codec.together.encode_together` does."""
        if self._device == "cpu" or self.context_frames:
            return encode_in_turn(self, conversations)
        return encode_in_step(
            self.engine,
            conversations,
            chunk_samples=self.chunk_frames * self.samples_per_frame,
            samples_per_frame=self.samples_per_frame,
        )

    def decode(self, codes: Codes) -> F32:
        """Decodes frames of codes into audio, in memory that does not grow with their number (beyond the result).

        Args:
            codes: uint16 [codebooks, F], each below its cardinality.

        Returns:
            float32 [F * samples_per_frame] in [-1, 1] at ``sample_rate_hz``: that of the model's own ``decode`` up to
            rounding, clipped.

        Raises:
            ValueError: the shape or a value does not fit the codec.
        """
        if codes.ndim != 2 or codes.shape[0] != self.codebooks or codes.dtype != np.uint16:
            raise ValueError(f"codes are {codes.dtype} {list(codes.shape)}, expected uint16 [{self.codebooks}, F]")
        if codes.size and int(codes.max()) >= self.cardinalities[0]:
            raise ValueError(f"a code is {int(codes.max())}, expected below {self.cardinalities[0]}")
        return self.engine.decode(codes)


class _EngineEncoder:
    """Encodes one track chunk by chunk; holds a chunk, and what is handed over before and after it."""

    def __init__(self, codec: EngineCodec) -> None:
        self._codec = codec
        self._context = codec.context_frames * codec.samples_per_frame
        self._chunk = codec.chunk_frames * codec.samples_per_frame
        self._window = np.zeros(self._context + self._chunk + self._context, dtype=np.float32)
        self._lead = 0  # samples at the front of the window whose codes are out already
        self._filled = 0
        self._session: int | None = None  # begun with the first chunk: a track may be long in coming
        self._finished = False

    def push(self, pcm: F32) -> Codes:
        """Encodes the next samples of the track.

        Args:
            pcm: float32 [T] in [-1, 1] at the codec's ``sample_rate_hz``; T may be anything, also 0.

        Returns:
            uint16 [codebooks, F], each below its cardinality: the frames of the chunks complete now (F may be 0).

        Raises:
            ValueError: ``pcm`` has another shape or dtype.
            RuntimeError: the track has been finished.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise ValueError(f"pcm is {pcm.dtype} {list(pcm.shape)}, expected float32 [T]")
        if self._finished:
            raise RuntimeError("this track is finished; start the next one with codec.encoder()")
        codes = [self._no_codes()]
        while pcm.size:
            full = self._lead + self._chunk + self._context
            taken = pcm[: full - self._filled]
            self._window[self._filled : self._filled + taken.size] = taken
            self._filled += taken.size
            pcm = pcm[taken.size :]
            if self._filled == full:
                codes.append(self._encode(full, self._chunk))
                self._move_on()
        return np.concatenate(codes, axis=1)

    def finish(self) -> Codes:
        """Ends the track and fills its last frame up with zeros.

        Returns:
            uint16 [codebooks, F], each below its cardinality: the frames still owed.
        """
        codes = self._no_codes()
        if self._filled > self._lead and not self._finished:
            frame = self._codec.samples_per_frame
            samples = -(-self._filled // frame) * frame
            self._window[self._filled :] = 0.0
            codes = self._encode(samples, samples - self._lead)
        self._finished = True
        if self._session is not None:
            self._forget()
        return codes

    def _move_on(self) -> None:
        """Keeps of the window what is handed over before the next chunk, and what has come of that already."""
        done = self._lead + self._chunk
        kept = self._window[max(0, done - self._context) : self._filled].copy()
        self._lead = min(done, self._context)
        self._window[: kept.size] = kept
        self._filled = kept.size

    def _no_codes(self) -> Codes:
        return np.empty((self._codec.codebooks, 0), dtype=np.uint16)

    def _encode(self, samples: int, wanted: int) -> Codes:
        """Encodes the first samples of the window, and gives the codes of those wanted after the lead."""
        engine, frame = self._codec.engine, self._codec.samples_per_frame
        if self._session is None:
            self._session = engine.start()
            self._forget = weakref.finalize(self, engine.end, self._session)  # also where the track is given up
        codes = engine.encode(self._session, self._window[np.newaxis, :samples])[0]
        return codes[:, self._lead // frame : (self._lead + wanted) // frame]
