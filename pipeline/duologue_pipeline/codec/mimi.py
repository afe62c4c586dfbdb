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
from collections.abc import Iterator
from fractions import Fraction
from inspect import signature
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.base import StreamEncoder
from duologue_pipeline.codec.mimi_weights import HUB_ID, files_sha256, find_folder, find_weights, load_model
from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import DynamicCache, MimiModel

__all__ = ["MimiCodec"]

# 2 s. A shorter chunk costs time (one frame: 4 times as much), a longer one memory (benchmarks/mimi_cost.py).
_CHUNK_FRAMES: Final = 25

# What transformers calls a transformer's past, in arguments and in outputs: 5.24 renamed it.
_PAST: Final = "cache" if "encoder_cache" in signature(MimiModel.encode).parameters else "past_key_values"


class MimiCodec:
    """Encodes and decodes with Mimi, as a :class:`~duologue_pipeline.codec.base.Codec`.

    Makes torch compute in one thread, for the whole process: scale by processes.

    Args:
        model: a folder with ``config.json`` and safetensors weights, or the id of a model on the Hugging Face hub.
        codebooks: how many of the model's codebooks to use, the coarsest first.
        allow_network: lets a hub id that is not in the local cache be downloaded. A folder never uses the network.
        device: where torch computes, ``cpu`` or ``cuda``.

    Raises:
        UsageError: the model is not there, is damaged or is not Mimi, or the device is not there.
    """

    name = "mimi"

    def __init__(
        self,
        model: str = HUB_ID,
        *,
        codebooks: int = 8,
        allow_network: bool = False,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        _prepare_torch(device)
        folder = find_folder(model, allow_network)
        weights = find_weights(folder)
        self._model = load_model(folder, codebooks).to(device)
        self._device = device
        config = self._model.config
        self.sample_rate_hz: int = config.sampling_rate
        self.frame_rate_hz: float = config.frame_rate
        self.samples_per_frame: int = config.frame_size
        self.codebooks = codebooks
        self.cardinalities: tuple[int, ...] = (config.codebook_size,) * codebooks
        self.weights_sha256 = files_sha256(weights)
        bits_per_s = self.frame_rate_hz * codebooks * math.log2(config.codebook_size)
        self.quality = (
            f"Mimi (arXiv:2410.00037), the codec that Moshi is trained on, at {bits_per_s / 1000:g} kbit/s: fit for "
            "training. How good it sounds depends on the weights given; it was not measured here."
        )

    def encoder(self) -> StreamEncoder:
        """Starts the encoding of a new track.

        Frames come out 25 at a time: up to two seconds are held back until ``finish``.
        """
        return _MimiEncoder(self)

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
        pcm = np.empty(codes.shape[1] * self.samples_per_frame, dtype=np.float32)
        filled = 0
        for chunk in self._decode_chunks(codes):
            pcm[filled : filled + chunk.size] = chunk
            filled += chunk.size
        return np.clip(pcm, -1.0, 1.0, out=pcm)

    def _decode_chunks(self, codes: npt.NDArray[np.uint16]) -> Iterator[npt.NDArray[np.float32]]:
        """Decodes chunk after chunk, without a seam between them: float32 [T] each.

        ``MimiModel.decode`` can carry on the transformer's past, but not that of the convolutions around it, and would
        put a seam at every chunk. So its three parts are called here, the convolutions with as much of what came
        before as they look back on.
        """
        decoder = self._model.decoder
        reach = _reach(decoder.decoder_seanet)
        past = DynamicCache(config=decoder.config)
        before: torch.Tensor | None = None
        for start in range(0, codes.shape[1], _CHUNK_FRAMES):
            lead = min(start, 1)  # upsampling overlaps two neighbouring frames
            chunk = codes[:, start - lead : start + _CHUNK_FRAMES].astype(np.int64)
            with torch.inference_mode():
                latents = self._model.quantizer.decode(torch.from_numpy(chunk)[None].to(self._device))
                upsampled = decoder.upsample(latents)[..., lead * decoder.config.latent_stride :]
                hidden = decoder.decoder_transformer(upsampled.transpose(1, 2), use_cache=True, **{_PAST: past})
                states = hidden.last_hidden_state.transpose(1, 2)
                if before is not None:
                    states = torch.cat([before, states], dim=-1)
                before = states[..., -reach:]
                samples = (chunk.shape[1] - lead) * self.samples_per_frame
                pcm: npt.NDArray[np.float32] = decoder.decoder_seanet(states)[0, 0, -samples:].cpu().numpy()
            yield pcm


class _MimiEncoder:
    """Encodes one track chunk by chunk."""

    def __init__(self, codec: MimiCodec) -> None:
        self._codec = codec
        self._chunk = np.zeros(_CHUNK_FRAMES * codec.samples_per_frame, dtype=np.float32)
        self._filled = 0
        self._past: Any = None  # keys and values of the transformer's sliding window
        self._padding: Any = None  # what the convolutions have seen last
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
        self._finished = True
        if not self._filled:
            return self._no_codes()
        samples = -(-self._filled // self._codec.samples_per_frame) * self._codec.samples_per_frame
        self._chunk[self._filled :] = 0.0
        self._filled = 0
        return self._encode(self._chunk[:samples])

    def _no_codes(self) -> npt.NDArray[np.uint16]:
        return np.empty((self._codec.codebooks, 0), dtype=np.uint16)

    def _encode(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        values = torch.from_numpy(pcm)[None, None].to(self._codec._device)
        with torch.inference_mode():
            output = self._codec._model.encode(
                values,
                num_quantizers=self._codec.codebooks,
                padding_cache=self._padding,
                use_streaming=True,
                **{f"encoder_{_PAST}": self._past},
            )
        self._past, self._padding = getattr(output, f"encoder_{_PAST}"), output.padding_cache
        # A few columns of each layer's input are kept, as views: of the buffer, which is used again, and of all the
        # activations, which would stay in memory.
        self._padding.padding_cache = [columns.clone() for columns in self._padding.padding_cache]
        codes: npt.NDArray[np.uint16] = output.audio_codes[0].cpu().numpy().astype(np.uint16)
        return codes


def _prepare_torch(device: str) -> None:
    torch.set_num_threads(1)
    if device == "cuda":
        if not torch.cuda.is_available():
            raise UsageError("codec mimi: the device 'cuda' was asked for, and torch finds none. Use 'cpu'.")
        torch.backends.cudnn.allow_tf32 = False  # on by default for convolutions, with a mantissa of 10 bits
        torch.backends.cudnn.deterministic = True


def _reach(stack: torch.nn.Module) -> int:
    """Counts how many earlier frames, at its input's rate, a stack of causal convolutions looks back on."""
    reach, rate = Fraction(0), 1
    for layer in stack.modules():  # in the order in which they are applied
        if isinstance(layer, torch.nn.ConvTranspose1d):
            rate *= layer.stride[0]
            reach += Fraction(layer.kernel_size[0] - 1, rate)
        elif isinstance(layer, torch.nn.Conv1d):
            reach += Fraction((layer.kernel_size[0] - 1) * layer.dilation[0], rate)
    return math.ceil(reach)
