"""Implements the embedded codec: Mimi's token geometry, with weights in the package, for trying things out.

It takes part wherever a codec is asked for (24 kHz, 12.5 frames a second, 8 codebooks of 2048) and needs no download,
no torch and no accelerator. A frame's log band powers are projected to a latent vector, which eight residual
codebooks quantise (residual vector quantisation as in SoundStream, Zeghidour et al. 2021, with several
candidates kept per stage); a small network that also sees the neighbouring frames brings back the band powers,
and phases are made up. What is said stays intelligible; voices do not stay natural. How well, in
figures: :attr:`EmbeddedCodec.quality` and docs/codec.md.

Equal codes whatever the blocks. Floating-point sums depend on the shapes in which they are computed, so (1) a frame's
latent vector is computed alone, always in the same shapes, and rounded to integers, and (2) the search over codebooks
of integers is exact in float32 in any shape, because every sum stays below 2**23.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.embedded_bands import BANDS, STEP_SAMPLES, STEPS_PER_FRAME, log_bands, synthesise

__all__ = ["EmbeddedCodec"]

WEIGHTS_FILE: Final = "embedded-1.npz"
WEIGHTS_SHA256: Final = "2b79987ec69370f0e28cd20af558a7181aafe8ba4df47627c497d3175b8249ad"

_CODEBOOKS: Final = 8
_ENTRIES: Final = 2048
_FRAME_SAMPLES: Final = STEP_SAMPLES * STEPS_PER_FRAME
_CANDIDATES: Final = 2  # kept per stage of the search; one would cost .002 of STOI, four gain .0015
_SEARCH_FRAMES: Final = 128  # searched at a time: 2 MB of scores
_LATENT_LIMIT: Final = 2000.0  # of a latent vector's length, for exact sums; speech stays well below
_LATENT_UNIT: Final = np.float32(0.01)  # what one step of the integer grid is to the decoder's network

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class _Weights:
    """Holds everything that training found; D is the size of a latent vector.

    Layers are (weight [in, out], bias [out]): ``encoder`` is one, ``decoder`` has a linear one from the frame itself,
    then three in a row from the frame and its two neighbours. ``codebooks`` float32 [8, 2048, D] holds integers;
    ``scored`` float32 [8, D + 1, 2048] the same transposed, and as the last row minus half of each squared length.
    """

    encoder: tuple[F32, F32]
    decoder: Sequence[tuple[F32, F32]]
    codebooks: F32
    scored: F32


@cache
def _weights() -> _Weights:
    data = files(__package__).joinpath("weights", WEIGHTS_FILE).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        raise RuntimeError(
            f"{WEIGHTS_FILE} of the embedded codec is damaged: expected sha256 {WEIGHTS_SHA256}, found {found}. "
            "Install duologue again."
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:

        def layer(name: str) -> tuple[F32, F32]:
            return arrays[f"{name}_weight"].astype(np.float32), arrays[f"{name}_bias"].astype(np.float32)

        # Each book is stored as int8 times a power of two of its own: the first reach far, the last are fine.
        codebooks = arrays["codebooks"].astype(np.float32) * np.exp2(arrays["codebook_log2"])[:, None, None]
        half_squares = (codebooks**2).sum(2) / 2
        return _Weights(
            encoder=layer("encoder"),
            decoder=[layer(f"decoder_{name}") for name in ("linear", "1", "2", "3")],
            codebooks=codebooks,
            scored=np.concatenate([codebooks.transpose(0, 2, 1), -half_squares[:, None]], axis=1),
        )


def _bands(latents: F32) -> F32:
    """Decodes latent vectors on the integer grid, float32 [F, D], to log band powers, float32 [5 F, BANDS]."""
    x = latents * _LATENT_UNIT
    padded = np.pad(x, ((1, 1), (0, 0)), mode="edge")
    hidden = np.concatenate([padded[:-2], padded[1:-1], padded[2:]], axis=1)
    (linear, bias), *layers, (last, last_bias) = _weights().decoder
    for weight, offset in layers:
        hidden = np.maximum(hidden @ weight + offset, 0)
    out: F32 = x @ linear + bias + (hidden @ last + last_bias)
    return out.reshape(-1, BANDS)


def _latent(pcm: F32) -> F32:
    """Projects one frame and the step before it, float32 [1920 + 384], to integers in float32 [D]."""
    weight, bias = _weights().encoder
    latent = log_bands(pcm).reshape(BANDS * STEPS_PER_FRAME) @ weight + bias
    length = float(np.linalg.norm(latent.astype(np.float64)))
    return np.rint(latent * np.float32(min(1.0, _LATENT_LIMIT / max(length, 1.0))))


def _search(latents: F32) -> Codes:
    """Finds codes whose entries add up to about the latent vectors: float32 [F, D] to uint16 [8, F].

    Of all beginnings of a code, the best ``_CANDIDATES`` are kept at each stage. With the rest r, an entry c lowers the
    squared error by 2 r.c - c.c, so what is summed and compared is r.c - c.c / 2.
    """
    weights, count = _weights(), len(latents)
    rows = np.arange(count)[:, None]
    rest = np.concatenate([latents, np.ones((count, 1), np.float32)], axis=1)[:, None]  # the 1 picks up -c.c / 2
    score = np.zeros((count, 1), np.float32)
    chosen = np.zeros((count, 1, 0), np.uint16)
    for stage in range(_CODEBOOKS):
        gains = (rest.reshape(-1, rest.shape[2]) @ weights.scored[stage]).reshape(count, -1, _ENTRIES)
        first = gains.argmax(2)[..., None]
        first_gain = np.take_along_axis(gains, first, 2)
        np.put_along_axis(gains, first, -np.inf, 2)
        second = gains.argmax(2)[..., None]  # of one parent no more than two can be among the best two
        entry = np.concatenate([first, second], 2).reshape(count, -1)
        gain = np.concatenate([first_gain, np.take_along_axis(gains, second, 2)], 2)
        total = (score[..., None] + gain).reshape(count, -1)
        best = np.argsort(-total, axis=1, kind="stable")[:, : 1 if stage == _CODEBOOKS - 1 else _CANDIDATES]
        parent, entry, score = best // 2, entry[rows, best], total[rows, best]
        rest = rest[rows, parent]
        rest[..., :-1] -= weights.codebooks[stage][entry]
        chosen = np.concatenate([chosen[rows, parent], entry[..., None].astype(np.uint16)], axis=2)
    return chosen[:, 0].T


class _Encoder:
    """Encodes one track; keeps the samples of the unfinished frame and the step before it."""

    def __init__(self) -> None:
        self._pending: F32 = np.zeros(STEP_SAMPLES, np.float32)

    def push(self, pcm: F32) -> Codes:
        """Encodes the next samples, float32 [T] in [-1, 1] at 24 kHz, to uint16 [8, F]: the frames complete now.

        Raises:
            ValueError: ``pcm`` is not one-dimensional, or not finite.
        """
        if pcm.ndim != 1:
            raise ValueError(f"pcm must be one track, float32 [T]; found shape {list(pcm.shape)}")
        if not np.isfinite(pcm).all():
            raise ValueError("pcm holds NaN or infinite samples")
        pending = np.concatenate([self._pending, pcm.astype(np.float32, copy=False)])
        frames = (len(pending) - STEP_SAMPLES) // _FRAME_SAMPLES
        self._pending = pending[frames * _FRAME_SAMPLES :].copy()
        codes = np.empty((_CODEBOOKS, frames), np.uint16)
        for start in range(0, frames, _SEARCH_FRAMES):
            stop = min(start + _SEARCH_FRAMES, frames)
            begins = range(start * _FRAME_SAMPLES, stop * _FRAME_SAMPLES, _FRAME_SAMPLES)
            latents = [_latent(pending[begin : begin + STEP_SAMPLES + _FRAME_SAMPLES]) for begin in begins]
            codes[:, start:stop] = _search(np.stack(latents))
        return codes

    def finish(self) -> Codes:
        """Ends the track, fills its last frame up with zeros, and gives uint16 [8, 0 or 1]."""
        owed = len(self._pending) - STEP_SAMPLES
        return self.push(np.zeros(-owed % _FRAME_SAMPLES, np.float32))


class EmbeddedCodec:
    """Encodes and decodes with no download and no torch, for trying things out; Mimi is for training.

    It follows :class:`duologue_pipeline.codec.base.Codec`. Weights are read on first use (RuntimeError where the file
    is damaged) and shared by all instances of a process.
    """

    name: str = "embedded"
    sample_rate_hz: int = 24_000
    frame_rate_hz: float = 12.5
    samples_per_frame: int = _FRAME_SAMPLES
    codebooks: int = _CODEBOOKS
    cardinalities: tuple[int, ...] = (_ENTRIES,) * _CODEBOOKS
    weights_sha256: str = WEIGHTS_SHA256
    quality: str = (
        "The embedded codec is for trying things out with no download; Mimi is for training. Speech stays intelligible "
        "(STOI 0.83 on average and 0.82 at the lowest over four 8 kHz telephone tracks, 0.89 over four held-out voices); "
        "the harmonics of a voice are mostly lost, so voices do not sound natural."
    )

    def encoder(self) -> _Encoder:
        """Starts the encoding of a new track."""
        return _Encoder()

    def decode(self, codes: Codes) -> F32:
        """Decodes frames of codes into audio, always the same for the same codes.

        Args:
            codes: uint16 [8, F], each below 2048.

        Returns:
            float32 [F * 1920] in [-1, 1] at 24 kHz.

        Raises:
            ValueError: the shape, the type or a value does not fit the codec.
        """
        if codes.ndim != 2 or codes.shape[0] != _CODEBOOKS:
            raise ValueError(f"codes must have shape [{_CODEBOOKS}, F]; found {list(codes.shape)}")
        if codes.dtype.kind not in "ui":
            raise ValueError(f"codes must be integers; found {codes.dtype}")
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < _ENTRIES:
            raise ValueError(f"codes must be 0 to {_ENTRIES - 1}; found {int(codes.min())} to {int(codes.max())}")
        if codes.shape[1] == 0:
            return np.zeros(0, np.float32)
        entries = _weights().codebooks[np.arange(_CODEBOOKS)[:, None], codes]
        return synthesise(_bands(entries.sum(0)))
