"""Holds a page against the one that its release makes now: every letter, and the sound by how it sounds.

Another version of an encoder writes the same sound in other bytes, so sound is decoded and compared with that of the release.
"""

import io
import re
from base64 import b64decode
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["same_page"]

_SOUND: Final = re.compile(rb'"data:audio/[a-z0-9]+;base64,([^"]*)"')
_SILENCE: Final = 1e-3
_LEAST_LIKENESS: Final = 0.5


def same_page(found: bytes, made: bytes) -> bool:
    """Tells whether a page says and sounds like the one that was made.

    Args:
        found: the page as it lies there.
        made: the page that the release makes now.
    """
    if found == made:
        return True
    ours, theirs = _SOUND.split(made), _SOUND.split(found)
    if len(ours) != len(theirs) or ours[::2] != theirs[::2]:
        return False
    try:
        return all(
            _sounds_like(b64decode(sound, validate=True), b64decode(wanted, validate=True))
            for sound, wanted in zip(theirs[1::2], ours[1::2], strict=True)
        )
    except (ValueError, soundfile.LibsndfileError):
        return False


def _sounds_like(found: bytes, wanted: bytes) -> bool:
    if found == wanted:
        return True
    theirs, ours = _decoded(found), _decoded(wanted)
    return theirs.shape == ours.shape and all(_alike(track, own) for track, own in zip(theirs.T, ours.T, strict=True))


def _decoded(data: bytes) -> npt.NDArray[np.float64]:
    samples: npt.NDArray[np.float64] = soundfile.read(io.BytesIO(data), always_2d=True)[0]
    return samples


def _alike(found: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> bool:
    theirs, ours = (float(np.sqrt(np.mean(np.square(each)))) if each.size else 0.0 for each in (found, wanted))
    if min(theirs, ours) < _SILENCE:
        return max(theirs, ours) < 2 * _SILENCE
    return float(np.mean(found * wanted)) > _LEAST_LIKENESS * theirs * ours
