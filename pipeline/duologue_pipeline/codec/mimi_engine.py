"""Runs Mimi's network over chunks of several tracks at once, on a CPU or a GPU."""

import copy
import logging
import math
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from inspect import signature
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from duologue_pipeline.codec.engine import EngineFacts
from duologue_pipeline.codec.mimi_weights import (
    HUB_ID,
    choose_files,
    find_folder,
    find_weights,
    load_model,
)
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.fetched import fetched_folder, files_sha256
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import DynamicCache, MimiModel

__all__ = ["CHUNK_FRAMES", "MimiEngine", "load_engine", "usable_device"]

LOG: Final = logging.getLogger(__name__)

CHUNK_FRAMES: Final = 25
"""2 s. A shorter chunk costs time (one frame: 4 times as much), a longer one memory (benchmarks/mimi_cost.py)."""

_FORGOTTEN_S: Final = 3600.0
"""How long a session stays that nobody asks for any more: that of a process which was killed."""

_NUMBER_BITS: Final = 62

# What transformers calls a transformer's past, in arguments and in outputs: 5.24 renamed it.
_PAST: Final = "cache" if "encoder_cache" in signature(MimiModel.encode).parameters else "past_key_values"

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@dataclass
class _Session:
    """Holds what the network remembers of some tracks, one row each."""

    past: Any = None  # keys and values of the transformer's sliding window
    padding: Any = None  # what the convolutions have seen last
    asked_at: float = 0.0


class MimiEngine:
    """Encodes with Mimi, as an :class:`~duologue_pipeline.codec.engine.Engine`.

    Args:
        model: of :func:`duologue_pipeline.codec.mimi_weights.load_model`.
        codebooks: how many of its codebooks to use, the coarsest first.
        weights_sha256: of its weights.
        device: as torch names it.
    """

    def __init__(self, model: Any, *, codebooks: int, weights_sha256: str, device: str = "cpu") -> None:
        self.model = model.to(device)
        self._device = device
        self._lock = threading.Lock()
        # On a GPU one computation at a time; on CPUs a process may have several threads that encode.
        self._turn: AbstractContextManager[Any] = nullcontext() if device == "cpu" else threading.Lock()
        self._sessions: dict[int, _Session] = {}
        config = model.config
        self._facts = EngineFacts(
            device=device,
            sample_rate_hz=config.sampling_rate,
            frame_rate_hz=config.frame_rate,
            samples_per_frame=config.frame_size,
            codebooks=codebooks,
            cardinality=config.codebook_size,
            weights_sha256=weights_sha256,
        )

    def facts(self) -> EngineFacts:
        """Says what the engine is."""
        return self._facts

    def start(self) -> int:
        """Begins a session: tracks that are encoded together from their first samples on. Gives its number."""
        with self._lock:
            now = time.monotonic()
            self._sessions = {
                number: session for number, session in self._sessions.items() if now - session.asked_at < _FORGOTTEN_S
            }
            return self._add(_Session())

    def fork(self, session: int, rows: list[int]) -> int:
        """Begins a session that goes on with some rows of another, in the order given; the other stays as it is.

        Raises:
            ConnectionError: this engine has no such session: it was lost with the process that held it.
        """
        held = self._held(session)
        if held.past is None:
            return self.start()
        with self._turn:
            index = torch.tensor(rows, device=self._device)
            past = copy.copy(held.past)
            past.layers = [copy.copy(layer) for layer in held.past.layers]
            past.batch_select_indices(index)
            padding = copy.copy(held.padding)
            padding.padding_cache = [columns[index] for columns in held.padding.padding_cache]
        with self._lock:
            return self._add(_Session(past, padding))

    def end(self, session: int) -> None:
        """Forgets a session."""
        with self._lock:
            self._sessions.pop(session, None)

    def encode(self, session: int, pcm: F32) -> Codes:
        """Encodes the next chunk of every track of a session.

        Args:
            session: of :meth:`start` or :meth:`fork`; its number of tracks is that of its first chunk.
            pcm: float32 [tracks, T] in [-1, 1], T a multiple of ``samples_per_frame``. Only a track's last chunk may be
                shorter than :data:`CHUNK_FRAMES` frames, if its codes are to be those of any other way to encode it.

        Returns:
            uint16 [tracks, codebooks, F], each below the cardinality.

        Raises:
            ConnectionError: this engine has no such session: it was lost with the process that held it.
        """
        held = self._held(session)
        with self._turn, torch.inference_mode():
            held.asked_at = time.monotonic()
            output = self.model.encode(
                torch.from_numpy(pcm)[:, None].to(self._device, self.model.dtype),
                num_quantizers=self._facts.codebooks,
                padding_cache=held.padding,
                use_streaming=True,
                **{f"encoder_{_PAST}": held.past},
            )
            held.past, held.padding = getattr(output, f"encoder_{_PAST}"), output.padding_cache
            # A few columns of each layer's input are kept, as views: of the buffer, which is used again, and of all the
            # activations, which would stay in memory.
            held.padding.padding_cache = [columns.clone() for columns in held.padding.padding_cache]
            codes: Codes = output.audio_codes.cpu().numpy().astype(np.uint16)
            return codes

    def decode(self, codes: Codes) -> F32:
        """Decodes frames of codes into audio, in memory that does not grow with their number (beyond the result).

        Args:
            codes: uint16 [codebooks, F], each below the cardinality.

        Returns:
            float32 [F * samples_per_frame] in [-1, 1]: that of ``MimiModel.decode`` up to rounding, clipped.
        """
        pcm = np.empty(codes.shape[1] * self._facts.samples_per_frame, dtype=np.float32)
        filled = 0
        with self._turn:
            for chunk in self._decode_chunks(codes):
                pcm[filled : filled + chunk.size] = chunk
                filled += chunk.size
        return np.clip(pcm, -1.0, 1.0, out=pcm)

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

    def _add(self, session: _Session) -> int:
        session.asked_at = time.monotonic()
        # Drawn, not counted: where the process that held the engine has died, another engine must not know the numbers of its
        # sessions, or a track would go on in the state of another.
        number = secrets.randbits(_NUMBER_BITS)
        self._sessions[number] = session
        return number

    def _held(self, number: int) -> _Session:
        with self._lock:
            session = self._sessions.get(number)
        if session is None:
            raise ConnectionError(
                "session lost: the process that held the codec's model has ended; encode the track again"
            )
        return session


def load_engine(spec: CodecSpec, *, allow_network: bool = False) -> MimiEngine:
    """Loads Mimi onto the device that a spec asks for, or onto the CPU, with a word in the log, where there is none.

    Makes torch compute in one thread, for the whole process: scale by processes.

    Args:
        spec: its ``model`` is a folder with ``config.json`` and safetensors weights; a uri of such a folder, which is
            fetched once a machine; or the id of a model on the Hugging Face Hub.
        allow_network: lets a hub id that is not in the local cache be downloaded. A folder never uses the network.

    Raises:
        UsageError: the model is not there, is damaged, is not Mimi, or its weights are not those that were pinned.
    """
    torch.set_num_threads(1)
    device = usable_device(spec)
    if spec.is_uri:
        folder = fetched_folder(spec.model, choose_files, sha256=spec.sha256)
    else:
        folder = find_folder(spec.model or HUB_ID, allow_network)
    weights = find_weights(folder)
    found = files_sha256(weights)
    if spec.sha256 is not None and spec.sha256 != found:
        raise UsageError(
            f"codec mimi: the weights in {str(folder)!r} have SHA-256 {found}, and {spec.sha256} was pinned; "
            "give the model that was meant, or pin this one if you trust it"
        )
    return MimiEngine(load_model(folder, spec.codebooks), codebooks=spec.codebooks, weights_sha256=found, device=device)


def usable_device(spec: CodecSpec) -> str:
    """Chooses the device that torch can use; says in the log where a GPU was wanted and is not there."""
    if spec.device == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        level = logging.ERROR if spec.wants_gpu else logging.INFO  # workers log errors only
        LOG.log(level, "codec mimi: torch finds no GPU here, so device=%s falls back to the CPU", spec.device)
        return "cpu"
    device = "cuda" if spec.device == "auto" else spec.device
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        raise UsageError(
            f"codec mimi: device={device} was asked for, and this machine has {torch.cuda.device_count()} GPUs, "
            "counted from 0; give device=cuda"
        )
    torch.backends.cudnn.allow_tf32 = False  # on by default for convolutions, with a mantissa of 10 bits
    torch.backends.cudnn.deterministic = True
    return device


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
