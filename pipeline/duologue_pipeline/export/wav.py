"""Writes the audio of a sample as a WAV file: sample for sample, or at another rate with nothing moved in time."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = ["tracks_of", "write_wav"]

_BITS: Final = {"PCM_24": 24}
_RATES: Final = range(1000, 384_001)


def write_wav(path: Path, sample: Sample, speakers: Sequence[Speaker], *, rate_hz: int | None = None) -> float:
    """Writes tracks of a sample, in this order, with 16 bits, or 24 where the release has them.

    Args:
        path: the file.
        sample: one that holds audio.
        speakers: whose tracks.
        rate_hz: the sample rate; that of the release if None.

    Returns:
        How long the file is, in seconds.

    Raises:
        UsageError: the sample has no audio, it cannot be decoded, or soxr is not installed and another rate is asked for.
    """
    tracks, found_hz, bits = tracks_of(sample, speakers, rate_hz=rate_hz)
    whole = np.rint(tracks.T * float(1 << (bits - 1)))  # float32 holds 24 bits without a loss
    highest = (1 << (bits - 1)) - 1
    pcm = np.clip(whole, -highest - 1, highest).astype(np.int32) << (32 - bits)
    with path.open("wb") as handle:
        soundfile.write(handle, pcm, found_hz, format="WAV", subtype=f"PCM_{bits}")
    return len(pcm) / found_hz


def tracks_of(
    sample: Sample, speakers: Sequence[Speaker], *, rate_hz: int | None = None
) -> tuple[npt.NDArray[np.float32], int, int]:
    """Decodes tracks of a sample, in this order.

    Returns:
        float32 [speakers, T] in [-1, 1], their rate in Hz, and how many bits a sample of the release has.

    Raises:
        UsageError: as :func:`write_wav`.
    """
    audio = sample.audio
    if audio is None or sample.flac is None:
        raise UsageError(f"{sample.key}: has no audio; make the release with `duologue run ... --include-audio`")
    pcm, found_hz = audio
    bits = _BITS.get(soundfile.info(io.BytesIO(sample.flac)).subtype, 16)
    tracks = np.ascontiguousarray(pcm[[SPEAKERS.index(speaker) for speaker in speakers]])
    if rate_hz is None or rate_hz == found_hz:
        return tracks, found_hz, bits
    if rate_hz not in _RATES:
        raise UsageError(f"a sample rate of {rate_hz} Hz: expected {_RATES[0]} to {_RATES[-1]}")
    try:
        import soxr
    except ModuleNotFoundError:
        raise UsageError(
            f'the audio is of {found_hz} Hz, and {rate_hz} Hz are asked for; `pip install "duologue[pipeline]"` to resample it'
        ) from None
    resampled: npt.NDArray[np.float32] = soxr.resample(tracks.T, found_hz, rate_hz, quality="HQ").T
    return np.ascontiguousarray(resampled), rate_hz, bits
