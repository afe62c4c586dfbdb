"""Runs Mimi's network over chunks of several tracks at once, on a CPU or a GPU."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from inspect import signature
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.engine import EngineFacts
from duologue_pipeline.codec.sessions import Session, SessionEngine
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import DynamicCache, MimiModel

__all__ = ["CHUNK_FRAMES", "MimiEngine"]

CHUNK_FRAMES: Final = 25
"""2 s. A shorter chunk costs time (one frame: 4 times as much), a longer one memory (benchmarks/mimi_cost.py)."""

# What transformers calls a transformer's past, in arguments and in outputs: 5.24 renamed it.
_PAST: Final = "cache" if "encoder_cache" in signature(MimiModel.encode).parameters else "past_key_values"

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@dataclass
class _Session(Session):
    """Holds what the network remembers of some tracks, one row each."""

    past: Any = None  # keys and values of the transformer's sliding window
    padding: Any = None  # what the convolutions have seen last


class MimiEngine(SessionEngine[_Session]):
    """Encodes with Mimi, as an :class:`~duologue_pipeline.codec.engine.Engine`.

    Args:
        model: of :func:`duologue_pipeline.codec.mimi_weights.load_model`.
        codebooks: how many of its codebooks to use, the coarsest first.
        weights_sha256: of its weights.
        device: as torch names it.
    """

    def __init__(self, model: Any, *, codebooks: int, weights_sha256: str, device: str = "cpu") -> None:
        config = model.config
        facts = EngineFacts(
            device=device,
            sample_rate_hz=config.sampling_rate,
            frame_rate_hz=config.frame_rate,
            samples_per_frame=config.frame_size,
            codebooks=codebooks,
            cardinality=config.codebook_size,
            weights_sha256=weights_sha256,
            chunk_frames=CHUNK_FRAMES,
        )
        super().__init__(model, facts)

    def _new(self) -> _Session:
        return _Session()

    def _select(self, held: _Session, rows: torch.Tensor) -> _Session:
        if held.past is None:
            return _Session()
        past = copy.copy(held.past)
        past.layers = [copy.copy(layer) for layer in held.past.layers]
        past.batch_select_indices(rows)
        padding = copy.copy(held.padding)
        padding.padding_cache = [columns[rows] for columns in held.padding.padding_cache]
        return _Session(past=past, padding=padding)

    def _encode(self, held: _Session, pcm: torch.Tensor) -> torch.Tensor:
        output = self.model.encode(
            pcm,
            num_quantizers=self._facts.codebooks,
            padding_cache=held.padding,
            use_streaming=True,
            **{f"encoder_{_PAST}": held.past},
        )
        held.past, held.padding = getattr(output, f"encoder_{_PAST}"), output.padding_cache
        # A few columns of each layer's input are kept, as views: of the buffer, which is used again, and of all the
        # activations, which would stay in memory.
        held.padding.padding_cache = [columns.clone() for columns in held.padding.padding_cache]
        codes: torch.Tensor = output.audio_codes
        return codes

    def _decode(self, codes: Codes, pcm: F32) -> None:
        filled = 0
        for chunk in self._decode_chunks(codes):
            pcm[filled : filled + chunk.size] = chunk
            filled += chunk.size

    def _decode_chunks(self, codes: Codes) -> Iterator[F32]:
        """Decodes chunk after chunk, without a seam between them: float32 [T] each.

        ``MimiModel.decode`` can carry on the transformer's past, but not that of the convolutions around it, and would
        put a seam at every chunk. So its three parts are called here, the convolutions with as much of what came
        before as they look back on.
        """
        decoder = self.model.decoder
        reach = _reach(decoder.decoder_seanet)
        past = DynamicCache(config=decoder.config)
        before: torch.Tensor | None = None
        for start in range(0, codes.shape[1], CHUNK_FRAMES):
            lead = min(start, 1)  # upsampling overlaps two neighbouring frames
            chunk = codes[:, start - lead : start + CHUNK_FRAMES].astype(np.int64)
            with torch.inference_mode():
                latents = self.model.quantizer.decode(torch.from_numpy(chunk)[None].to(self._device))
                upsampled = decoder.upsample(latents)[..., lead * decoder.config.latent_stride :]
                hidden = decoder.decoder_transformer(upsampled.transpose(1, 2), use_cache=True, **{_PAST: past})
                states = hidden.last_hidden_state.transpose(1, 2)
                if before is not None:
                    states = torch.cat([before, states], dim=-1)
                before = states[..., -reach:]
                samples = (chunk.shape[1] - lead) * self._facts.samples_per_frame
                pcm: F32 = decoder.decoder_seanet(states)[0, 0, -samples:].cpu().numpy()
            yield pcm


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
