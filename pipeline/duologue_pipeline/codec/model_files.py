"""Finds and reads the files of the codecs that run through ``transformers``: a folder, a uri, or the local cache of the hub."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.fetched import Fetch

__all__ = ["Family", "check_codebooks", "choose_files", "find_folder", "find_weights", "read_model", "unlike"]

_PIECE: Final = re.compile(r"model-[A-Za-z0-9-]+\.safetensors")


@dataclass(frozen=True)
class Family:
    """Names a kind of codec: as in ``--codec``, and where its published weights are."""

    name: str
    hub_id: str

    @property
    def remedy(self) -> str:
        """Says in two sentences how to come by a model."""
        return (
            f"Download it once with `hf download {self.hub_id} --local-dir models/{self.name}`, then give "
            f"`--codec {self.name}:models/{self.name}`."
        )


def find_folder(family: Family, model: str, allow_network: bool) -> Path:
    """Finds the folder of a model: the one named, or that of a hub id in the local cache.

    Args:
        family: the kind of codec.
        model: a folder, or the id of a model on the Hugging Face hub.
        allow_network: lets a hub id that is not in the local cache be downloaded.

    Raises:
        UsageError: there is no such folder, and no such model in the cache or on the hub.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if model.count("/") != 1 or model.startswith(("/", ".", "~")):
        raise UsageError(f"codec {family.name}: there is no folder {model!r}. {family.remedy}")
    try:
        # Code and pickles, which a repository may hold too, are left where they are.
        wanted = ["config.json", "model*.safetensors", "model.safetensors.index.json"]
        return Path(snapshot_download(model, allow_patterns=wanted, local_files_only=not allow_network))
    except (OSError, ValueError) as error:
        found = "the Hugging Face hub gave none" if allow_network else "the local Hugging Face cache holds none"
        raise UsageError(
            f"codec {family.name}: {model!r} is not a folder, and {found} of that name. {family.remedy}"
        ) from error


def find_weights(family: Family, folder: Path) -> list[Path]:
    """Finds the weight files that transformers reads: one, or the numbered pieces of one.

    Raises:
        UsageError: the folder lacks ``config.json`` or weights.
    """
    whole = folder / "model.safetensors"
    weights = [whole] if whole.is_file() else sorted(folder.glob("model-*.safetensors"))
    for found, what in ((folder / "config.json").is_file(), "config.json"), (bool(weights), "model.safetensors"):
        if not found:
            raise UsageError(f"codec {family.name}: the folder {str(folder)!r} holds no {what}. {family.remedy}")
    return weights


def choose_files(family: Family, fetch: Fetch) -> list[Path]:
    """Fetches what a model needs, for :func:`duologue_pipeline.models.fetched.fetched_folder`, and gives its weights.

    Raises:
        UsageError: there is no ``config.json``, or there are no weights.
    """
    if fetch("config.json") is None:
        raise UsageError(f"codec {family.name}: the model's address holds no config.json. {family.remedy}")
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
        raise UsageError(f"codec {family.name}: the model's address holds no model.safetensors. {family.remedy}")
    return found


def read_model(family: Family, folder: Path, classes: tuple[Any, Any], check: Callable[[Any], None]) -> Any:
    """Reads the model in a folder, checked and ready to compute in float32.

    Args:
        family: the kind of codec.
        folder: with ``config.json`` and safetensors weights.
        classes: of transformers, for the configuration and for the model.
        check: raises UsageError for a configuration that will not do.

    Raises:
        UsageError: the model is damaged, of another kind, or lacks weights.
    """
    config_class, model_class = classes
    try:
        model_type = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if model_type != family.name:
            raise unlike(family, folder, "model_type", model_type, repr(family.name))
        config = config_class.from_pretrained(folder, local_files_only=True)
        check(config)
        loaded: Any = model_class.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        fault = " ".join(str(error).split()).rstrip(".")  # in one line
        raise UsageError(
            f"codec {family.name}: the model in {str(folder)!r} cannot be read: {fault}. {family.remedy}"
        ) from error
    model, report = loaded
    # transformers fills what a file lacks with random numbers, and their tokens with it.
    missing = sorted(report["missing_keys"])
    if missing:
        raise UsageError(
            f"codec {family.name}: the weights in {str(folder)!r} lack {missing[0]} ({len(missing)} missing in all). "
            f"{family.remedy}"
        )
    return model.eval()


def check_codebooks(family: Family, folder: Path, entries: int, *, asked: int, has: int) -> None:
    """Makes sure that the codebooks of a model can be used.

    Args:
        family: the kind of codec.
        folder: of the model.
        entries: of each codebook.
        asked: how many codebooks are to be used; :data:`~duologue_pipeline.codec.spec.ALL` for all.
        has: how many there are.

    Raises:
        UsageError: there are fewer, or they have too many entries for 16 bits.
    """
    if entries > 65_536:
        raise unlike(family, folder, "codebook_size", entries, "at most 65536")
    if asked > has:
        raise UsageError(
            f"codec {family.name}: {asked} codebooks asked for, expected 1 to {has}, which the model in {str(folder)!r} has."
        )


def unlike(family: Family, folder: Path, what: str, found: object, expected: str) -> UsageError:
    """Says what in a ``config.json`` is not as this kind of codec has it."""
    return UsageError(
        f"codec {family.name}: {what} in {str(folder / 'config.json')!r} is {found!r}, expected {expected}. {family.remedy}"
    )
