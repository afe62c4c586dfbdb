"""Takes the room out of where speech ends: what only dies away as the room does is nobody's speech.

A room goes on after the speaker has stopped, each band falling by about the same decibels a second (60 dB in T60). The speech
before it decides what that tail may be: no louder than the loudest moment so far, let down by the room's decay (the
exponential model of late reverberation, Polack 1988; Lebart, Boucher & Denbigh 2001, *A new method based on spectral
subtraction for speech dereverberation*, Acta Acustica 87). What stands above that line was said just now; what does not may
have been said before.

How fast the room decays is told from the track itself: nothing in a room can fall faster, so the steepest straight
falls at the ends of speech are the room's (after Ratnam et al. 2003, *Blind estimation of reverberation time*, JASA 114). In a
dry track they are rare, or slow because the voice itself fades; it is left as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.bands import HOP_MS

__all__ = ["above_the_tail", "room_decay"]

_Floats = npt.NDArray[np.float32]

_FIRST_LOOK: Final = 10  # hops of a straight fall, before its slope is known
_FALL_DB: Final = 22.0  # how deep one is then followed
_SHORTEST: Final = 7  # hops
_LONGEST: Final = 22
_STRAIGHT_DB: Final = 1.3  # RMS about the line
_SLOWEST_DB: Final = 0.6  # a hop
_NOISE_PERCENTILE: Final = 10.0
_ABOVE_NOISE_DB: Final = 5.0  # the end of a fall: noise bends it
_BEFORE: Final = 30  # hops around an end in which a fall may begin
_AFTER: Final = 10
_STEEP_PERCENTILE: Final = 75.0
_LEAST: Final = 4  # ends that agree
_ALIKE: Final = 1.25  # slopes that differ by less
_TOO_STEEP: Final = 1.2  # by so much what is found is too steep: the direct sound goes first
_NO_SPEECH_DB: Final = -6.0  # what a band that is not above the noise counts


def room_decay(levels_dbfs: _Floats, runs: Sequence[tuple[int, int]], rules: Mapping[str, Any]) -> float | None:
    """How fast sound dies away in the room of a track.

    Args:
        levels_dbfs: float32 [H].
        runs: its stretches of speech, ``(first hop, hop after the last)``.
        rules: the rule set ``activity``.

    Returns:
        dB a second; None where too few stretches end in a straight fall of that slope, or it is so slow that voices fade
        like that.
    """
    steep, ends = _falls(levels_dbfs, runs, _FIRST_LOOK) if runs else ([], 0)
    if not steep:
        return None
    decay_db = float(np.percentile(steep, _STEEP_PERCENTILE))
    agreeing = int(np.sum(np.abs(np.log(np.divide(steep, decay_db))) < np.log(_ALIKE)))
    if agreeing < max(rules["room_min_share"] * ends, _LEAST):
        return None
    hops = min(max(int(_FALL_DB / decay_db), _SHORTEST), _LONGEST)
    followed, _ = _falls(levels_dbfs, runs, hops)
    if followed:
        decay_db = float(np.percentile(followed, _STEEP_PERCENTILE))
    decay_db_per_s = decay_db * 1000 / HOP_MS / _TOO_STEEP
    return decay_db_per_s if decay_db_per_s >= rules["room_min_decay_db_per_s"] else None


def _falls(levels_dbfs: _Floats, runs: Sequence[tuple[int, int]], hops: int) -> tuple[list[float], int]:
    """The steepest straight fall at each end, in dB a hop; and how many ends were looked at."""
    place = np.arange(hops) - (hops - 1) / 2
    lowest = float(np.percentile(levels_dbfs, _NOISE_PERCENTILE)) + _ABOVE_NOISE_DB
    found: list[float] = []
    ends = 0
    for _, end in runs:
        part = levels_dbfs[max(0, end - _BEFORE) : end + _AFTER + hops - 1]
        if part.size <= hops:
            continue
        ends += 1
        windows = np.lib.stride_tricks.sliding_window_view(part, hops)
        slopes = windows @ place / (place @ place)
        rest = windows - windows.mean(axis=1, keepdims=True) - slopes[:, np.newaxis] * place
        straight = (
            (np.square(rest).mean(axis=1) < _STRAIGHT_DB**2) & (slopes < -_SLOWEST_DB) & (windows[:, -1] > lowest)
        )
        if straight.any():
            found.append(-float(slopes[straight].min()))
    return found, ends


def above_the_tail(
    power: _Floats, noise: npt.NDArray[np.floating[Any]], decay_db_per_s: float, rules: Mapping[str, Any]
) -> _Floats:
    """How far each hop stands above what may be left in the room of what was said before.

    Args:
        power: float32 [H, B], in bands.
        noise: float [B], that of the noise.
        decay_db_per_s: of :func:`room_decay`.
        rules: the rule set ``activity``.

    Returns:
        float32 [H] in units of ``room_scale_db``: the mean of the bands that stand out farthest, below 0 in a tail.
    """
    lag = rules["room_lag_ms"] // HOP_MS
    levels_db = 10 * np.log10(np.maximum(power, 1e-13))
    fallen_db = (decay_db_per_s * HOP_MS / 1000 * np.arange(len(power), dtype=np.float32))[:, np.newaxis]
    loudest = np.maximum.accumulate(levels_db + fallen_db, axis=0)
    above_db = np.full_like(levels_db, np.inf)
    above_db[lag:] = levels_db[lag:] + fallen_db[lag:] - loudest[: len(power) - lag] - rules["room_margin_db"]
    above_db[power <= noise * 10 ** (rules["edge_speech_snr_db"] / 10)] = _NO_SPEECH_DB
    best = min(rules["room_best_bands"], power.shape[1])
    mean: _Floats = np.partition(np.minimum(above_db, 60), -best, axis=1)[:, -best:].mean(axis=1)
    return (mean / rules["room_scale_db"]).astype(np.float32)
