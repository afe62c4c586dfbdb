"""Defines the interface that every codec implements."""

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Codec", "StreamEncoder", "silence_tokens"]

_SILENCE_S: Final = 10
_STEADY_S: Final = 2


class StreamEncoder(Protocol):
    """Encodes one track block by block, to the same codes as one pass over the whole track."""

    def push(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        """Encodes the next samples of the track.

        Args:
            pcm: float32 [T] in [-1, 1] at the codec's ``sample_rate_hz``; T may be anything, also 0.

        Returns:
            uint16 [codebooks, F], each below its cardinality: the frames that are complete now (F may be 0).
        """
        ...

    def finish(self) -> npt.NDArray[np.uint16]:
        """Ends the track and fills its last frame up with zeros.

        Returns:
            uint16 [codebooks, F], each below its cardinality: the frames still owed. Over all calls a track of T
            samples gives ``ceil(T / samples_per_frame)`` frames.
        """
        ...


class Codec(Protocol):
    """Encodes mono PCM into residual codebook indices (codes), and decodes codes into PCM.

    Attributes:
        name: as in ``--codec`` and in every output, e.g. ``mimi``.
        sample_rate_hz: of the PCM it takes and gives.
        frame_rate_hz: token frames a second, e.g. 12.5.
        samples_per_frame: ``sample_rate_hz / frame_rate_hz``, an integer.
        codebooks: how many indices make a frame, the coarsest first.
        cardinalities: entries of each codebook, at most 65,536 each.
        weights_sha256: lower-case hex over the weights, so that a release says what made its tokens.
        quality: one sentence on what the codec is fit for, with measured figures where there are any; goes on cards.
    """

    name: str
    sample_rate_hz: int
    frame_rate_hz: float
    samples_per_frame: int
    codebooks: int
    cardinalities: tuple[int, ...]
    weights_sha256: str
    quality: str

    def encoder(self) -> StreamEncoder:
        """Starts the encoding of a new track."""
        ...

    def decode(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
        """Decodes frames of codes into audio.

        Args:
            codes: uint16 [codebooks, F], each below its cardinality.

        Returns:
            float32 [F * samples_per_frame] in [-1, 1] at ``sample_rate_hz``.

        Raises:
            ValueError: the shape or a value does not fit the codec.
        """
        ...


def silence_tokens(codec: Codec) -> tuple[int, ...] | None:
    """Finds the codes of long digital silence: the frame that the codec settles on within ten seconds.

    Returns:
        One index a codebook; None where the last two of the ten seconds are not all the same frame.
    """
    encoder = codec.encoder()
    second = np.zeros(codec.sample_rate_hz, np.float32)
    codes = np.concatenate([*(encoder.push(second) for _ in range(_SILENCE_S)), encoder.finish()], axis=1)
    steady = codes[:, -round(_STEADY_S * codec.frame_rate_hz) :]
    return tuple(steady[:, -1].tolist()) if (steady == steady[:, -1:]).all() else None
