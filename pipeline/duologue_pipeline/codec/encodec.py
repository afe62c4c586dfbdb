"""Runs EnCodec (Défossez et al. 2022, https://arxiv.org/abs/2210.13438) through ``transformers.EncodecModel``.

The causal model of 24 kHz: 75 frames a second, up to 32 codebooks of 1,024 entries, .75 kbit/s each. The one of 48 kHz is
stereo, normalises each second by its loudness and looks ahead; it is refused.

``EncodecModel.encode`` takes a track at once. Here its layers are gone through chunk by chunk, each with what it has seen
last (:mod:`.encodec_layers`), which gives the same codes but for what is nearly a tie.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.encodec_layers import Memory, run_layers
from duologue_pipeline.codec.engine import EngineFacts
from duologue_pipeline.codec.model_files import Family, check_codebooks, read_model, unlike
from duologue_pipeline.codec.sessions import Session, SessionEngine
from duologue_pipeline.codec.spec import ALL
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import EncodecConfig, EncodecModel

__all__ = ["ENCODEC", "EncodecEngine", "load_model"]

ENCODEC: Final = Family("encodec", "facebook/encodec_24khz")

_CHUNK_S: Final = 2

# What streaming builds on.
_CONFIG: Final = {
    "audio_channels": 1,
    "normalize": False,
    "chunk_length_s": None,
    "use_causal_conv": True,
    "norm_type": "weight_norm",
    "trim_right_ratio": 1.0,
}


@dataclass
class _Session(Session):
    memory: Memory = field(default_factory=Memory)


class EncodecEngine(SessionEngine[_Session]):
    """Encodes with EnCodec, as an :class:`~duologue_pipeline.codec.engine.Engine`.

    Args:
        model: of :func:`load_model`.
        codebooks: how many of its codebooks to use, the coarsest first; all where it is
            :data:`~duologue_pipeline.codec.spec.ALL`.
        weights_sha256: of its weights.
        device: as torch names it.
    """

    def __init__(self, model: Any, *, codebooks: int, weights_sha256: str, device: str = "cpu") -> None:
        config = model.config
        facts = EngineFacts(
            device=device,
            sample_rate_hz=config.sampling_rate,
            frame_rate_hz=config.sampling_rate / config.hop_length,
            samples_per_frame=config.hop_length,
            codebooks=config.num_quantizers if codebooks == ALL else codebooks,
            cardinality=config.codebook_size,
            weights_sha256=weights_sha256,
            chunk_frames=_CHUNK_S * config.sampling_rate // config.hop_length,
        )
        super().__init__(model, facts)

    def _new(self) -> _Session:
        return _Session()

    def _select(self, held: _Session, rows: torch.Tensor) -> _Session:
        return _Session(memory=held.memory.select(rows))

    def _encode(self, held: _Session, pcm: torch.Tensor) -> torch.Tensor:
        rest = run_layers(self.model.encoder.layers, pcm, held.memory)
        codes = []
        for layer in self.model.quantizer.layers[: self._facts.codebooks]:
            codes.append(layer.encode(rest))
            rest = rest - layer.decode(codes[-1])
        return torch.stack(codes, dim=1)

    def _decode(self, codes: npt.NDArray[np.uint16], pcm: npt.NDArray[np.float32]) -> None:
        memory, frames, size = Memory(), self._facts.chunk_frames, self._facts.samples_per_frame
        for start in range(0, codes.shape[1], frames):
            chunk = torch.from_numpy(codes[:, start : start + frames].astype(np.int64)).to(self._device)
            latents = self.model.quantizer.decode(chunk[:, None])
            made = run_layers(self.model.decoder.layers, latents, memory)[0, 0].cpu().numpy()
            pcm[start * size : start * size + made.size] = made


def load_model(folder: Path, codebooks: int) -> Any:
    """Loads the ``EncodecModel`` in a folder, checked and ready to compute.

    Args:
        folder: with ``config.json`` and safetensors weights.
        codebooks: how many will be used; :data:`~duologue_pipeline.codec.spec.ALL` for all.

    Raises:
        UsageError: the model is damaged, is not EnCodec's causal one, or has not so many codebooks.
    """

    def check(config: Any) -> None:
        for name, expected in _CONFIG.items():
            if (found := getattr(config, name)) != expected:
                raise unlike(ENCODEC, folder, name, found, repr(expected))
        check_codebooks(ENCODEC, folder, config.codebook_size, asked=codebooks, has=config.num_quantizers)

    return read_model(ENCODEC, folder, (EncodecConfig, EncodecModel), check)
