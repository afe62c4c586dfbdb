"""Tiny models of the other codecs with random weights, which tests save and load as real ones; no weights can be had offline."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel


def make_encodec(folder: Path, **changes: Any) -> Path:
    """Saves an EnCodec of 24 kHz, 75 frames a second, 32 codebooks of 1,024 (as many as its rates say) and narrow layers."""
    torch.manual_seed(0)
    model: Any = EncodecModel(EncodecConfig(**({"num_filters": 2, "hidden_size": 16} | changes)))
    random = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith(".embed"):  # untrained codebooks are all zero, and every code with them
            buffer.copy_(0.2 * torch.randn(buffer.shape, generator=random))
    last = model.encoder.layers[-1].conv  # of untrained ones all sounds come out nearly alike
    with torch.inference_mode():
        latents = model.encoder(torch.from_numpy(make_noise(24_000))[None, None])[0]
    gain = 0.5 / latents.std(-1).mean()
    last.bias.data.sub_(latents.mean(-1)).mul_(gain)
    last.parametrizations.weight.original0.data.mul_(gain)
    model.decoder.layers[-1].conv.parametrizations.weight.original0.data.mul_(0.05)  # untrained ones are far too loud
    model.save_pretrained(folder)
    return folder


def make_dac(folder: Path, **changes: Any) -> Path:
    """Saves a DAC of 16 kHz with strides as published (an odd one among them), 4 codebooks of 64 and narrow layers."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "encoder_hidden_size": 4,
        "decoder_hidden_size": 32,
        "downsampling_ratios": [2, 4, 5, 8],
        "n_codebooks": 4,
        "codebook_size": 64,
        "codebook_dim": 4,
        "sampling_rate": 16_000,
    }
    model: Any = DacModel(DacConfig(**(sizes | changes)))
    for name, parameter in model.named_parameters():  # untrained ones are so small that all sounds are alike
        if name.endswith("weight") and "codebook" not in name:
            parameter.data.mul_(5.0 if "encoder" in name or "in_proj" in name else 1.5)
    model.save_pretrained(folder)
    return folder


def make_noise(samples: int) -> npt.NDArray[np.float32]:
    """Gives noise that swells and fades: float32 [samples] in [-1, 1]."""
    random = np.random.default_rng(2)
    loudness = np.abs(np.sin(np.arange(samples) / 9000))
    return np.clip(0.3 * loudness * random.standard_normal(samples), -1, 1).astype(np.float32)


def encode_in_pieces(codec: Codec, pcm: npt.NDArray[np.float32], cuts: list[int]) -> npt.NDArray[np.uint16]:
    """Encodes a track that comes in pieces."""
    encoder = codec.encoder()
    codes = [encoder.push(piece) for piece in np.split(pcm, sorted(cuts))]
    return np.concatenate([*codes, encoder.finish()], axis=1)
