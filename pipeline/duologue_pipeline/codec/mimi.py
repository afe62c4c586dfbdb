"""Runs the Mimi codec (Défossez et al. 2024, https://arxiv.org/abs/2410.00037) through ``transformers.MimiModel``.

Moshi, PersonaPlex and their kin are trained on Mimi's tokens: 24 kHz speech as 12.5 frames a second, of whose 32
codebooks of 2,048 entries the models use the first 8. The weights are not part of duologue; they are read from a
folder, or from the local Hugging Face cache.

Encoding and decoding go through a track in fixed chunks of two seconds and carry the state of the network from one
chunk to the next, so memory does not grow with the track. The chunks lie where they lie by the clock of the track,
not by how the caller cuts it: floating-point sums depend on the shape of a tensor, and a code that depended on the
caller's block size would not be the same bytes twice. For the same reason a code that is nearly a tie could differ from
that of one pass of ``MimiModel.encode`` over the whole track; none did where both were made (benchmarks/mimi_cost.py).
"""

import math
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import StreamEncoder
from duologue_pipeline.codec.engine import Engine
from duologue_pipeline.codec.mimi_engine import CHUNK_FRAMES, load_engine
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.codec.together import Blocks, encode_in_step, encode_in_turn

__all__ = ["MimiCodec"]


class MimiCodec:
    """Encodes and decodes with Mimi, as a :class:`~duologue_pipeline.codec.base.Codec`.

    Makes torch compute in one thread, for the whole process: scale by processes.

    Args:
        model: a folder with ``config.json`` and safetensors weights, or the id of a model on the Hugging Face hub.
        codebooks: how many of the model's codebooks to use, the coarsest first.
        allow_network: lets a hub id that is not in the local cache be downloaded. A folder never uses the network.
        device: where torch computes, as in :class:`~duologue_pipeline.codec.spec.CodecSpec`.
        engine: the network, loaded; it decides all of these where it is given.

    Raises:
        UsageError: the model is not there, is damaged or is not Mimi.
    """

    name = "mimi"

    def __init__(
        self,
        model: str = "",
        *,
        codebooks: int = 8,
        allow_network: bool = False,
        device: str = "cpu",
        engine: Engine | None = None,
    ) -> None:
        if engine is None:
            spec = CodecSpec("mimi", model, codebooks=codebooks, device=device)
            engine = load_engine(spec, allow_network=allow_network)
        self.engine = engine
        facts = engine.facts()
        self._device = facts.device
        self.sample_rate_hz = facts.sample_rate_hz
        self.frame_rate_hz = facts.frame_rate_hz
        self.samples_per_frame = facts.samples_per_frame
        self.codebooks = facts.codebooks
        self.cardinalities: tuple[int, ...] = (facts.cardinality,) * facts.codebooks
        self.weights_sha256 = facts.weights_sha256
        bits_per_s = self.frame_rate_hz * self.codebooks * math.log2(facts.cardinality)
        self.quality = (
            f"Mimi (arXiv:2410.00037), the codec that Moshi is trained on, at {bits_per_s / 1000:g} kbit/s: fit for "
            "training. How good it sounds depends on the weights given; it was not measured here."
        )

    def encoder(self) -> StreamEncoder:
        """Starts the encoding of a new track.

        Frames come out 25 at a time: up to two seconds are held back until ``finish``.
        """
        return _MimiEncoder(self)

    def encode_together(self, conversations: Sequence[Blocks]) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
        """Encodes conversations together, as :func:`duologue_pipeline.codec.together.encode_together` does."""
        if self._device == "cpu":
            return encode_in_turn(self, conversations)
        return encode_in_step(
            self.engine,
            conversations,
            chunk_samples=CHUNK_FRAMES * self.samples_per_frame,
            samples_per_frame=self.samples_per_frame,
        )

    def decode(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
        """Decodes frames of codes into audio, in memory that does not grow with their number (beyond the result).

        Args:
            codes: uint16 [codebooks, F], each below its cardinality.

        Returns:
            float32 [F * samples_per_frame] in [-1, 1] at 24 kHz: that of ``MimiModel.decode`` up to rounding, clipped.

        Raises:
            ValueError: the shape or a value does not fit the codec.
        """
        if codes.ndim != 2 or codes.shape[0] != self.codebooks or codes.dtype != np.uint16:
            raise ValueError(f"codes are {codes.dtype} {list(codes.shape)}, expected uint16 [{self.codebooks}, F]")
        if codes.size and int(codes.max()) >= self.cardinalities[0]:
            raise ValueError(f"a code is {int(codes.max())}, expected below {self.cardinalities[0]}")
        return self.engine.decode(codes)


class _MimiEncoder:
    """Encodes one track chunk by chunk."""

    def __init__(self, codec: MimiCodec) -> None:
        self._codec = codec
        self._chunk = np.zeros(CHUNK_FRAMES * codec.samples_per_frame, dtype=np.float32)
        self._filled = 0
        self._session: int | None = None  # begun with the first chunk: a track may be long in coming
        self._finished = False

    def push(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
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
            taken = pcm[: self._chunk.size - self._filled]
            self._chunk[self._filled : self._filled + taken.size] = taken
            self._filled += taken.size
            pcm = pcm[taken.size :]
            if self._filled == self._chunk.size:
                codes.append(self._encode(self._chunk))
                self._filled = 0
        return np.concatenate(codes, axis=1)

    def finish(self) -> npt.NDArray[np.uint16]:
        """Ends the track and fills its last frame up with zeros.

        Returns:
            uint16 [codebooks, F], each below its cardinality: the frames still owed.
        """
        codes = self._encode(self._padded()) if self._filled and not self._finished else self._no_codes()
        self._finished = True
        if self._session is not None:
            self._forget()
        return codes

    def _padded(self) -> npt.NDArray[np.float32]:
        samples = -(-self._filled // self._codec.samples_per_frame) * self._codec.samples_per_frame
        self._chunk[self._filled :] = 0.0
        return self._chunk[:samples]

    def _no_codes(self) -> npt.NDArray[np.uint16]:
        return np.empty((self._codec.codebooks, 0), dtype=np.uint16)

    def _encode(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        engine = self._codec.engine
        if self._session is None:
            self._session = engine.start()
            self._forget = weakref.finalize(self, engine.end, self._session)  # also where the track is given up
        return engine.encode(self._session, pcm[np.newaxis])[0]
