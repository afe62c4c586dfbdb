"""Finds and loads the weights of Mimi, and refuses a model that is not Mimi as its users know it."""

import json
import re
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.fetched import Fetch
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import MimiConfig, MimiModel

__all__ = ["HUB_ID", "choose_files", "find_folder", "find_weights", "load_model"]

HUB_ID: Final = "kyutai/mimi"

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

_PIECE: Final = re.compile(r"model-[A-Za-z0-9-]+\.safetensors")

_REMEDY: Final = (
    f"Download it once with `hf download {HUB_ID} --local-dir models/mimi`, then give `--codec mimi:models/mimi`."
)


def find_folder(model: str, allow_network: bool) -> Path:
    """Finds the folder of a model: the one named, or that of a hub id in the local cache.

    Args:
        model: a folder, or the id of a model on the Hugging Face hub.
        allow_network: lets a hub id that is not in the local cache be downloaded.

    Raises:
        UsageError: there is no such folder, and no such model in the cache or on the hub.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.count("/") != 1 or model.startswith(("/", ".", "~")):
        raise UsageError(f"codec mimi: there is no folder {model!r}. {_REMEDY}")
    try:
        # Code and pickles, which a repository may hold too, are left where they are.
        wanted = ["config.json", "model*.safetensors", "model.safetensors.index.json"]
        return Path(snapshot_download(model, allow_patterns=wanted, local_files_only=not allow_network))
    except (OSError, ValueError) as error:
        found = "the Hugging Face hub gave none" if allow_network else "the local Hugging Face cache holds none"
        raise UsageError(f"codec mimi: {model!r} is not a folder, and {found} of that name. {_REMEDY}") from error


def find_weights(folder: Path) -> list[Path]:
    """Finds the weight files that transformers reads: one, or the numbered pieces of one.

    Raises:
        UsageError: the folder lacks ``config.json`` or weights.
    """
    whole = folder / "model.safetensors"
    weights = [whole] if whole.is_file() else sorted(folder.glob("model-*.safetensors"))
    for found, what in ((folder / "config.json").is_file(), "config.json"), (bool(weights), "model.safetensors"):
        if not found:
            raise UsageError(f"codec mimi: the folder {str(folder)!r} holds no {what}. {_REMEDY}")
    return weights


def choose_files(fetch: Fetch) -> list[Path]:
    """Fetches what a model needs, for :func:`duologue_pipeline.models.fetched.fetched_folder`, and gives its weights.

    Raises:
        UsageError: there is no ``config.json``, or there are no weights.
    """
    if fetch("config.json") is None:
        raise UsageError(f"codec mimi: the model's address holds no config.json. {_REMEDY}")
    if (whole := fetch("model.safetensors")) is not None:
        return [whole]
    index = fetch("model.safetensors.index.json")
    try:
        named = {} if index is None else json.loads(index.read_bytes())["weight_map"]
        names = sorted({name for name in named.values() if _PIECE.fullmatch(name)})
    except (ValueError, TypeError, KeyError, AttributeError):
        names = []
    pieces = [fetch(name) for name in names]
    found = [piece for piece in pieces if piece is not None]
    if not pieces or len(found) < len(pieces):
        raise UsageError(f"codec mimi: the model's address holds no model.safetensors. {_REMEDY}")
    return found


def load_model(folder: Path, codebooks: int) -> Any:
    """Loads the ``MimiModel`` in ``folder``, checked and ready to compute.

    Args:
        folder: with ``config.json`` and safetensors weights.
        codebooks: how many will be used.

    Raises:
        UsageError: the model is damaged, is not Mimi, or has not so many codebooks.
    """
    try:
        model_type = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if model_type != "mimi":
            raise _not_mimi(folder, "model_type", model_type, "'mimi'")
        config = MimiConfig.from_pretrained(folder, local_files_only=True)
        _check_config(folder, config, codebooks)
        loaded: Any = MimiModel.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        fault = " ".join(str(error).split()).rstrip(".")  # in one line
        raise UsageError(f"codec mimi: the model in {str(folder)!r} cannot be read: {fault}. {_REMEDY}") from error
    model, report = loaded
    # transformers fills what a file lacks with random numbers, and their tokens with it.
    missing = sorted(report["missing_keys"])
    if missing:
        raise UsageError(
            f"codec mimi: the weights in {str(folder)!r} lack {missing[0]} ({len(missing)} missing in all). {_REMEDY}"
        )
    return model.eval()


def _check_config(folder: Path, config: Any, codebooks: int) -> None:
    """Refuses a model that is not Mimi as its users know it, or that cannot be streamed."""
    for name, expected in _CONFIG.items():
        if (found := getattr(config, name)) != expected:
            raise _not_mimi(folder, name, found, repr(expected))
    if config.codebook_size > 65_536:
        raise _not_mimi(folder, "codebook_size", config.codebook_size, "at most 65536")
    for half in "encoder_config", "decoder_config":
        if getattr(config, half) is None:
            raise _not_mimi(folder, half, None, "one half beside the other")
    fewest, most = config.num_semantic_quantizers, config.num_quantizers
    if not fewest <= codebooks <= most:
        raise UsageError(
            f"codec mimi: {codebooks} codebooks asked for, expected {fewest} to {most}, which the model in "
            f"{str(folder)!r} has."
        )


def _not_mimi(folder: Path, what: str, found: object, expected: str) -> UsageError:
    return UsageError(
        f"codec mimi: {what} in {str(folder / 'config.json')!r} is {found!r}, expected {expected}. {_REMEDY}"
    )
