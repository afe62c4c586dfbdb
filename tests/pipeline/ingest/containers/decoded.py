"""Decodes a file as a track is decoded, and measures how late its sound comes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.track_file import TrackFile

F32 = npt.NDArray[np.float32]


def first_channel(path: Path) -> F32:
    """The first channel of a file, decoded in blocks."""
    file = TrackFile(path, path.name)
    blocks = []
    while len(block := file.read(10_000)):
        blocks.append(block[:, 0])
    file.close()
    return np.concatenate(blocks)


def lag(found: F32, sound: F32) -> int:
    """By how many samples ``found`` comes late."""
    size = min(len(found), len(sound))
    spectrum = np.fft.rfft(found[:size], 2 * size) * np.conj(np.fft.rfft(sound[:size], 2 * size))
    peak = int(np.argmax(np.abs(np.fft.irfft(spectrum))))
    return peak if peak < size else peak - 2 * size
