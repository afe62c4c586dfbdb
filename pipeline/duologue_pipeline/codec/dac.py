"""Runs the Descript Audio Codec (Kumar et al. 2023, https://arxiv.org/abs/2306.06546) through ``transformers.DacModel``.

Published are models of 16 kHz (50 frames a second, 12 codebooks), 24 kHz (75, 32) and 44.1 kHz (44,100 / 512 = 86.1328125, 9),
of 1,024 entries each. Frames are counted in samples, so a rate that is no whole number is exact.

Its convolutions look as far ahead as back, and remember nothing. So each chunk is computed together with the frames before and
after it that its codes hang on: they are those of one pass of ``DacModel.encode`` but for what is nearly a tie.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.engine import EngineFacts
from duologue_pipeline.codec.model_files import Family, check_codebooks, read_model
from duologue_pipeline.codec.sessions import Session, SessionEngine
from duologue_pipeline.codec.spec import ALL
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import DacConfig, DacModel

__all__ = ["DAC", "DacEngine", "load_model"]

DAC: Final = Family("dac", "descript/dac_24khz")

_CHUNK_S: Final = 2


class DacEngine(SessionEngine[Session]):
    """Encodes with DAC, as an :class:`~duologue_pipeline.codec.engine.Engine`; its sessions hold nothing.

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
            codebooks=config.n_codebooks if codebooks == ALL else codebooks,
            cardinality=config.codebook_size,
            weights_sha256=weights_sha256,
            chunk_frames=_CHUNK_S * config.sampling_rate // config.hop_length,
            context_frames=math.ceil(_reach(model.encoder.modules()) / config.hop_length),
        )
        super().__init__(model, facts)
        self._decoder_context = math.ceil(_reach(model.decoder.modules()))

    def _new(self) -> Session:
        return Session()

    def _select(self, held: Session, rows: torch.Tensor) -> Session:
        return Session()

    def _encode(self, held: Session, pcm: torch.Tensor) -> torch.Tensor:
        codes: torch.Tensor = self.model.encode(pcm, n_quantizers=self._facts.codebooks).audio_codes
        return codes

    def _decode(self, codes: npt.NDArray[np.uint16], pcm: npt.NDArray[np.float32]) -> None:
        frames, size, context = self._facts.chunk_frames, self._facts.samples_per_frame, self._decoder_context
        for start in range(0, codes.shape[1], frames):
            stop = min(start + frames, codes.shape[1])
            first = max(0, start - context)
            window = torch.from_numpy(codes[:, first : stop + context].astype(np.int64)).to(self._device)
            made = self.model.decode(audio_codes=window[None]).audio_values[0].cpu().numpy()
            # Where a stride is odd (24 kHz) the model gives some samples less than there were: those of the end.
            kept = made[(start - first) * size : (stop - first) * size]
            pcm[start * size : start * size + kept.size] = kept
            pcm[start * size + kept.size : stop * size] = 0.0


def load_model(folder: Path, codebooks: int) -> Any:
    """Loads the ``DacModel`` in a folder, checked and ready to compute.

    Args:
        folder: with ``config.json`` and safetensors weights.
        codebooks: how many will be used; :data:`~duologue_pipeline.codec.spec.ALL` for all.

    Raises:
        UsageError: the model is damaged, is not DAC, or has not so many codebooks.
    """

    def check(config: Any) -> None:
        check_codebooks(DAC, folder, config.codebook_size, asked=codebooks, has=config.n_codebooks)

    return read_model(DAC, folder, (DacConfig, DacModel), check)


def _reach(layers: Iterable[torch.nn.Module]) -> Fraction:
    """Counts how many columns, at their input's rate, convolutions that follow each other look back on or ahead, whichever is more."""
    back, ahead, rate = Fraction(0), Fraction(0), Fraction(1)  # rate: columns there for each one of the input
    for layer in layers:
        if isinstance(layer, torch.nn.ConvTranspose1d):
            rate *= layer.stride[0]
            kernel, pad = layer.kernel_size[0], int(layer.padding[0])
            back += (kernel - 1 - pad + layer.stride[0]) / rate
            ahead += (pad + layer.stride[0]) / rate
        elif isinstance(layer, torch.nn.Conv1d):
            span, pad = (layer.kernel_size[0] - 1) * layer.dilation[0], int(layer.padding[0])
            back += pad / rate
            ahead += (span - pad) / rate
            rate /= layer.stride[0]
    return max(back, ahead)
