"""Writes the audio of a sample as a WAV file: sample for sample, or at another rate with nothing moved in time."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = ["Pcm", "pcm_of", "tracks_of", "write_wav"]

_BITS: Final = {"PCM_24": 24}
_RATES: Final = range(1000, 384_001)


@dataclass(frozen=True, eq=False)
class Pcm:
    """Holds whole samples: int32 [T, speakers], of which the highest bits are used, their rate in Hz and their bits (16 or 24)."""

    samples: npt.NDArray[np.int32]
    rate_hz: int
    bits: int

    @property
    def seconds(self) -> float:
        """Gives the length."""
        return len(self.samples) / self.rate_hz

    def swapped(self) -> "Pcm":
        """Gives the same with the order of the speakers turned round."""
        return replace(self, samples=np.ascontiguousarray(self.samples[:, ::-1]))

    def write(self, path: Path) -> None:
        """Writes a WAV file."""
        buffer = io.BytesIO()  # a disk that is full would be no error inside of soundfile
        soundfile.write(buffer, self.samples, self.rate_hz, format="WAV", subtype=f"PCM_{self.bits}")
        path.write_bytes(buffer.getbuffer())


def write_wav(path: Path, sample: Sample, speakers: Sequence[Speaker], *, rate_hz: int | None = None) -> float:
    """Writes tracks of a sample; see :func:`pcm_of`. Gives how long the file is, in seconds."""
    pcm = pcm_of(sample, speakers, rate_hz=rate_hz)
    pcm.write(path)
    return pcm.seconds


def pcm_of(sample: Sample, speakers: Sequence[Speaker], *, rate_hz: int | None = None) -> Pcm:
    """Decodes tracks of a sample, in this order, to 16 bits, or 24 where the release has them.

    Args:
        sample: one that holds audio.
        speakers: whose tracks.
        rate_hz: the sample rate; that of the release if None.

    Raises:
        UsageError: the sample has no audio, it cannot be decoded, or soxr is not installed and another rate is asked for.
    """
    tracks, found_hz, bits = tracks_of(sample, speakers, rate_hz=rate_hz)
    whole = np.rint(tracks.T * float(1 << (bits - 1)))  # float32 holds 24 bits without a loss
    highest = (1 << (bits - 1)) - 1
    return Pcm(np.clip(whole, -highest - 1, highest).astype(np.int32) << (32 - bits), found_hz, bits)


def tracks_of(
    sample: Sample, speakers: Sequence[Speaker], *, rate_hz: int | None = None
) -> tuple[npt.NDArray[np.float32], int, int]:
    """Decodes tracks of a sample, in this order.

    Returns:
        float32 [speakers, T] in [-1, 1], their rate in Hz, and how many bits a sample of the release has.

    Raises:
        UsageError: as :func:`pcm_of`.
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
            f'the audio is of {found_hz} Hz, and {rate_hz} Hz are asked for; `pip install "duologue[export]"` to resample it'
        ) from None
    resampled: npt.NDArray[np.float32] = soxr.resample(tracks.T, found_hz, rate_hz, quality="HQ").T
    return np.ascontiguousarray(resampled), rate_hz, bits
