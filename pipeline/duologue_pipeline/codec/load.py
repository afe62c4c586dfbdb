"""Loads the network of a codec onto the device that a spec asks for, pinned by its hash."""

import logging
from functools import partial
from typing import Any, Final

import torch

from duologue_pipeline.codec.engine import Engine
from duologue_pipeline.codec.model_files import Family, choose_files, find_folder, find_weights
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.fetched import fetched_folder, files_sha256

__all__ = ["load_engine", "usable_device"]

LOG: Final = logging.getLogger(__name__)


def load_engine(spec: CodecSpec, *, allow_network: bool = False) -> Engine:
    """Loads Mimi, EnCodec or DAC onto the device that a spec asks for, or onto the CPU, with a word in the log, where there is none.

    Makes torch compute in one thread, for the whole process: scale by processes.

    Args:
        spec: its ``model`` is a folder with ``config.json`` and safetensors weights; a uri of such a folder, which is
            fetched once a machine; or the id of a model on the Hugging Face Hub.
        allow_network: lets a hub id that is not in the local cache be downloaded. A folder never uses the network.

    Raises:
        UsageError: the model is not there, is damaged, is of another kind, or its weights are not those that were pinned.
    """
    torch.set_num_threads(1)
    device = usable_device(spec)
    family, load_model, engine = _kind(spec.name)
    if spec.is_uri:
        folder = fetched_folder(spec.model, partial(choose_files, family), sha256=spec.sha256)
    else:
        folder = find_folder(family, spec.model or family.hub_id, allow_network)
    weights = find_weights(family, folder)
    found = files_sha256(weights)
    if spec.sha256 is not None and spec.sha256 != found:
        raise UsageError(
            f"codec {spec.name}: the weights in {str(folder)!r} have SHA-256 {found}, and {spec.sha256} was pinned; "
            "give the model that was meant, or pin this one if you trust it"
        )
    loaded: Engine = engine(
        load_model(folder, spec.codebooks), codebooks=spec.codebooks, weights_sha256=found, device=device
    )
    return loaded


def _kind(name: str) -> tuple[Family, Any, Any]:
    """Imports a kind of codec: what its files are called, what reads them, and its engine."""
    if name == "mimi":
        from duologue_pipeline.codec.mimi_engine import MimiEngine
        from duologue_pipeline.codec.mimi_weights import MIMI, load_model

        return MIMI, load_model, MimiEngine
    if name == "encodec":
        from duologue_pipeline.codec.encodec import ENCODEC, EncodecEngine
        from duologue_pipeline.codec.encodec import load_model as load_encodec

        return ENCODEC, load_encodec, EncodecEngine
    from duologue_pipeline.codec.dac import DAC, DacEngine
    from duologue_pipeline.codec.dac import load_model as load_dac

    return DAC, load_dac, DacEngine


def usable_device(spec: CodecSpec) -> str:
    """Chooses the device that torch can use; says in the log where a GPU was wanted and is not there."""
    if spec.device == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        level = logging.ERROR if spec.wants_gpu else logging.INFO  # workers log errors only
        LOG.log(level, "codec %s: torch finds no GPU here, so device=%s falls back to the CPU", spec.name, spec.device)
        return "cpu"
    device = "cuda" if spec.device == "auto" else spec.device
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"codec {spec.name}: device={device} was asked for, and this machine has {torch.cuda.device_count()} GPUs, "
            "counted from 0; give device=cuda"
        )
    torch.backends.cudnn.allow_tf32 = False  # on by default for convolutions, with a mantissa of 10 bits
    torch.backends.cudnn.deterministic = True
    return device
