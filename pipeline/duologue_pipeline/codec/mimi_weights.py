"""Loads the weights of Mimi, and refuses a model that is not Mimi as its users know it."""

from pathlib import Path
from typing import Any, Final

from duologue_pipeline.codec.model_files import Family, read_model, unlike
from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import MimiConfig, MimiModel

__all__ = ["MIMI", "load_model"]

MIMI: Final = Family("mimi", "kyutai/mimi")

# What makes tokens Mimi's, and what streaming and chunked decoding build on.
_CONFIG: Final = {
    "sampling_rate": 24_000,
    "frame_rate": 12.5,
    "frame_size": 1920,
    "audio_channels": 1,
    "use_causal_conv": True,
    "pad_mode": "constant",
    "trim_right_ratio": 1.0,
}


def load_model(folder: Path, codebooks: int) -> Any:
    """Loads the ``MimiModel`` in ``folder``, checked and ready to compute.

    Args:
        folder: with ``config.json`` and safetensors weights.
        codebooks: how many will be used.

    Raises:
        UsageError: the model is damaged, is not Mimi, or has not so many codebooks.
    """
    return read_model(MIMI, folder, (MimiConfig, MimiModel), lambda config: _check_config(folder, config, codebooks))


def _check_config(folder: Path, config: Any, codebooks: int) -> None:
    """Refuses a model that is not Mimi as its users know it, or that cannot be streamed."""
    for name, expected in _CONFIG.items():
        if (found := getattr(config, name)) != expected:
            raise unlike(MIMI, folder, name, found, repr(expected))
    if config.codebook_size > 65_536:
        raise unlike(MIMI, folder, "codebook_size", config.codebook_size, "at most 65536")
    for half in "encoder_config", "decoder_config":
        if getattr(config, half) is None:
            raise unlike(MIMI, folder, half, None, "one half beside the other")
    fewest, most = config.num_semantic_quantizers, config.num_quantizers
    if not fewest <= codebooks <= most:
        raise UsageError(
            f"codec mimi: {codebooks} codebooks asked for, expected {fewest} to {most}, which the model in "
            f"{str(folder)!r} has."
        )
