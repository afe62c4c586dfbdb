"""Reads the audio of a recording back from its samples, as one stream for each track at the rate of a codec."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.records import SPEAKERS

__all__ = ["recording_blocks"]

_BLOCK_SAMPLES: Final = 1 << 18

F32 = npt.NDArray[np.float32]


def recording_blocks(flacs: Iterable[tuple[str, bytes]], rate_hz: int) -> Iterator[tuple[F32, F32]]:
    """Decodes the samples of a recording one after the other, in memory that does not grow with their number.

    Args:
        flacs: (key, ``KEY.flac``) of each sample, in order.
        rate_hz: of the codec.

    Yields:
        The next samples of a and b, float32 [T] each, in [-1, 1] at ``rate_hz``.

    Raises:
        DamagedReleaseError: a file cannot be decoded, is not of two tracks, or of another rate than the first.
    """
    resample: list[Callable[[F32, bool], F32]] = []
    native_hz = 0
    for key, flac in flacs:
        try:
            with soundfile.SoundFile(io.BytesIO(flac)) as file:
                native_hz = native_hz or file.samplerate
                if (file.channels, file.samplerate) != (len(SPEAKERS), native_hz):
                    raise ValueError(
                        f"it has {file.channels} tracks at {file.samplerate} Hz, expected {len(SPEAKERS)} at {native_hz} Hz"
                    )
                resample = resample or [_resampler(native_hz, rate_hz) for _ in SPEAKERS]
                while len(block := file.read(_BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                    a, b = (np.ascontiguousarray(track) for track in block.T)
                    yield resample[0](a, False), resample[1](b, False)
        except (soundfile.LibsndfileError, ValueError) as error:
            raise DamagedReleaseError(
                f"{key}.flac cannot be decoded ({error}); the shard is damaged: see `duologue shards verify`"
            ) from None
    nothing = np.zeros(0, np.float32)
    if resample:
        yield resample[0](nothing, True), resample[1](nothing, True)


def _resampler(native_hz: int, rate_hz: int) -> Callable[[F32, bool], F32]:
    """Makes what brings one track to the rate, block by block; told which block is the last."""
    if native_hz == rate_hz:
        return lambda pcm, last: pcm
    stream = soxr.ResampleStream(native_hz, rate_hz, 1, dtype="float32")
    # A resampler rings above full scale where the sound is close to it.
    return lambda pcm, last: np.clip(stream.resample_chunk(pcm, last=last), -1.0, 1.0).astype(np.float32, copy=False)
