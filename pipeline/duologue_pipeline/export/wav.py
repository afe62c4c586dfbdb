"""Writes the audio of a sample as a WAV file, sample for sample."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = ["write_wav"]

_BITS: Final = {"PCM_24": 24}


def write_wav(path: Path, sample: Sample, speakers: Sequence[Speaker]) -> float:
    """Writes tracks of a sample, in this order, at the rate and depth that the release has.

    Args:
        path: the file.
        sample: one that holds audio.
        speakers: whose tracks.

    Returns:
        How long the file is, in seconds.

    Raises:
        UsageError: the sample has no audio, or it cannot be decoded.
    """
    audio = sample.audio
    if audio is None or sample.flac is None:
        raise UsageError(f"{sample.key}: has no audio; make the release with `duologue run ... --include-audio`")
    pcm, rate_hz = audio
    bits = _BITS.get(soundfile.info(io.BytesIO(sample.flac)).subtype, 16)
    tracks = pcm[[SPEAKERS.index(speaker) for speaker in speakers]].T
    whole = np.rint(tracks * float(1 << (bits - 1))).astype(np.int32) << (
        32 - bits
    )  # float32 holds 24 bits without a loss
    with path.open("wb") as handle:
        soundfile.write(handle, whole, rate_hz, format="WAV", subtype=f"PCM_{bits}")
    return int(pcm.shape[1]) / rate_hz
