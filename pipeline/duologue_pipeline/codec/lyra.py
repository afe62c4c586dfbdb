"""Runs Lyra v2 (SoundStream, Zeghidour et al. 2021, https://arxiv.org/abs/2107.03312) from its TensorFlow Lite files.

16 kHz speech as 50 frames a second. Its quantiser is a residual one of 46 codebooks of 16 entries; what is sent is the first
16, 30 or 46 of them, 3.2, 6 or 9.2 kbit/s, the first codebook in the most significant bits, and to the decoder an entry that
was not sent is -1 (google/lyra@1486761, ``lyra/residual_vector_quantizer.cc``). Any number of codebooks works here.

The interpreters carry what the network remembers, and ``reset_all_variables`` does not make them forget all of it. So each track
gets interpreters of its own, made of the same bytes in some milliseconds, which compute in one thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.names import is_remote
from duologue_pipeline.models.fetched import Fetch, fetched_folder, files_sha256

__all__ = ["LyraCodec"]

_FRAME: Final = 320
_STAGES: Final = 46
_ENTRIES: Final = 16
_NOT_SENT: Final = -1

_ENCODER: Final = "soundstream_encoder.tflite"
_QUANTIZER: Final = "quantizer.tflite"
_DECODER: Final = "lyragan.tflite"
_FILES: Final = (_ENCODER, _QUANTIZER, _DECODER)

_REMEDY: Final = (
    f"Give a folder with {', '.join(_FILES[:-1])} and {_FILES[-1]}, as google/lyra has in lyra/model_coeffs."
)

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


class LyraCodec:
    """Encodes and decodes with Lyra v2, as a :class:`~duologue_pipeline.codec.base.Codec`.

    Args:
        model: a folder with its three files, or a uri of one, which is fetched once a machine.
        codebooks: how many of its 46 codebooks to use, the coarsest first.
        sha256: what the files must hash to; None where anything will do.

    Raises:
        UsageError: ai-edge-litert is not installed, or the model is not there, is damaged, is not Lyra, or another one
            than was pinned.
    """

    name: str = "lyra"
    sample_rate_hz: int = 16_000
    frame_rate_hz: float = 50.0
    samples_per_frame: int = _FRAME

    def __init__(self, model: str, *, codebooks: int = 16, sha256: str | None = None) -> None:
        if not 1 <= codebooks <= _STAGES:
            raise UsageError(f"codec lyra: {codebooks} codebooks asked for, expected 1 to {_STAGES}, which it has.")
        self.codebooks = codebooks
        self.cardinalities: tuple[int, ...] = (_ENTRIES,) * codebooks
        files = _files(model, sha256)
        self.weights_sha256 = files_sha256(files)
        if sha256 is not None and sha256 != self.weights_sha256:
            raise UsageError(
                f"codec lyra: the files in {model!r} have SHA-256 {self.weights_sha256}, and {sha256} was pinned; "
                "give the model that was meant, or pin this one if you trust it"
            )
        self._content = {file.name: file.read_bytes() for file in files}
        self._interpreter = _interpreters()
        self.quality = (
            f"Lyra v2 (SoundStream, arXiv:2107.03312) at {200 * codebooks / 1000:g} kbit/s, a codec for telephony at 16 kHz: "
            "speech stays intelligible, and what a model learns from its tokens was not measured here."
        )
        _check(self, model)

    def encoder(self) -> "_Encoder":
        """Starts the encoding of a new track."""
        return _Encoder(self)

    def decode(self, codes: Codes) -> F32:
        """Decodes frames of codes into audio, always the same for the same codes.

        Args:
            codes: uint16 [codebooks, F], each below 16.

        Returns:
            float32 [F * 320] in [-1, 1] at 16 kHz.

        Raises:
            ValueError: the shape, the type or a value does not fit the codec.
        """
        if codes.ndim != 2 or codes.shape[0] != self.codebooks or codes.dtype != np.uint16:
            raise ValueError(f"codes are {codes.dtype} {list(codes.shape)}, expected uint16 [{self.codebooks}, F]")
        if codes.size and int(codes.max()) >= _ENTRIES:
            raise ValueError(f"a code is {int(codes.max())}, expected below {_ENTRIES}")
        dequantise = self.load(_QUANTIZER).get_signature_runner("decode")
        synthesise = _plain(self.load(_DECODER))
        pcm = np.empty(codes.shape[1] * _FRAME, np.float32)
        indices = np.full((_STAGES, 1, 1), _NOT_SENT, np.int32)
        for frame in range(codes.shape[1]):
            indices[: self.codebooks, 0, 0] = codes[:, frame]
            features = dequantise(encoding_indices=indices)["output_0"]
            pcm[frame * _FRAME : (frame + 1) * _FRAME] = synthesise(features)
        return np.clip(pcm, -1.0, 1.0, out=pcm)

    def load(self, name: str) -> Any:
        """Makes an interpreter of one of the files; a new one remembers nothing."""
        interpreter = self._interpreter(model_content=self._content[name], num_threads=1)
        interpreter.allocate_tensors()
        return interpreter


class _Encoder:
    """Encodes one track frame by frame; keeps the samples of the unfinished frame."""

    def __init__(self, codec: LyraCodec) -> None:
        self._codebooks = codec.codebooks
        self._analyse = _plain(codec.load(_ENCODER))
        self._quantise = codec.load(_QUANTIZER).get_signature_runner("encode")
        self._pending: F32 = np.zeros(0, np.float32)
        self._finished = False

    def push(self, pcm: F32) -> Codes:
        """Encodes the next samples, float32 [T] in [-1, 1] at 16 kHz, to uint16 [codebooks, F]: the frames complete now.

        Raises:
            ValueError: ``pcm`` has another shape or dtype.
            RuntimeError: the track has been finished.
        """
        if pcm.ndim != 1 or pcm.dtype != np.float32:
            raise ValueError(f"pcm is {pcm.dtype} {list(pcm.shape)}, expected float32 [T]")
        if self._finished:
            raise RuntimeError("this track is finished; start the next one with codec.encoder()")
        pending = np.concatenate([self._pending, pcm])
        frames = len(pending) // _FRAME
        self._pending = pending[frames * _FRAME :].copy()
        codes = np.empty((self._codebooks, frames), np.uint16)
        wanted = np.array(self._codebooks, np.int32)
        for frame in range(frames):
            features = self._analyse(pending[np.newaxis, frame * _FRAME : (frame + 1) * _FRAME])
            found = self._quantise(input_frames=features, num_quantizers=wanted)["output_0"]
            codes[:, frame] = found[: self._codebooks, 0, 0]
        return codes

    def finish(self) -> Codes:
        """Ends the track, fills its last frame up with zeros, and gives uint16 [codebooks, 0 or 1]."""
        owed = np.zeros(0 if self._finished else -len(self._pending) % _FRAME, np.float32)
        if self._finished:
            return np.empty((self._codebooks, 0), np.uint16)
        codes = self.push(owed)
        self._finished = True
        return codes


def _plain(interpreter: Any) -> Callable[[F32], F32]:
    """Makes a function of an interpreter with one input and one output."""
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(values: F32) -> F32:
        interpreter.set_tensor(source["index"], values)
        interpreter.invoke()
        found: F32 = interpreter.get_tensor(target["index"])
        return found

    return run


def _files(model: str, sha256: str | None) -> list[Path]:
    """Finds the three files, in the order in which they are hashed."""
    if is_remote(model):

        def choose(fetch: Fetch) -> list[Path]:
            found = [fetch(name) for name in _FILES]
            if missing := [name for name, path in zip(_FILES, found, strict=True) if path is None]:
                raise UsageError(f"codec lyra: the model's address holds no {missing[0]}. {_REMEDY}")
            return [path for path in found if path is not None]

        folder = fetched_folder(model, choose, sha256=sha256)
    else:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise UsageError(f"codec lyra: there is no folder {model!r}. {_REMEDY}")
    files = [folder / name for name in _FILES]
    if missing := [file.name for file in files if not file.is_file()]:
        raise UsageError(f"codec lyra: the folder {model!r} holds no {missing[0]}. {_REMEDY}")
    return files


def _interpreters() -> Any:
    """Imports the class that runs TensorFlow Lite files."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UsageError(
            f'codec lyra: ai-edge-litert cannot be loaded ({error}); install it with `pip install "duologue[lyra]"`'
        ) from None
    return Interpreter


def _check(codec: LyraCodec, model: str) -> None:
    """Encodes and decodes one frame of silence, so that files that are not Lyra's are refused before any work is done."""
    try:
        codes = codec.encoder().push(np.zeros(_FRAME, np.float32))
        codec.decode(codes)
    except (ValueError, RuntimeError, KeyError, IndexError, TypeError) as error:
        fault = " ".join(str(error).split())[:300].rstrip(".")
        raise UsageError(f"codec lyra: the files in {model!r} are not those of Lyra v2 ({fault}). {_REMEDY}") from None
