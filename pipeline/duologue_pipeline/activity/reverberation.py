"""Keeps the tail of a room out of speech: what only dies away as the room does is nobody's speech.

In a room sound goes on after the speaker has stopped, and speech would seem to end late. So it is measured from the
track itself how fast its room lets sound die away, and how far each moment stands above such a tail.

The tail falls in each band by about the same decibels a second (60 dB in T60). The speech before it decides what that
tail may be: no louder than the loudest moment so far, let down by the room's decay (the exponential model of late
reverberation, Polack 1988; Lebart, Boucher & Denbigh 2001, *A new method based on spectral subtraction for speech
dereverberation*, Acta Acustica 87). What stands above that line was said just now; what does not may have been said
before.

How fast the room decays is told from the track itself: nothing in a room can fall faster, so the steepest straight
falls at the ends of speech are the room's (after Ratnam et al. 2003, *Blind estimation of reverberation time*, JASA
114). In a dry track they are rare, or slow because the voice itself fades; it is left as it is.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.bands import HOP_MS
from duologue_pipeline.rules.activity import ActivityRules

__all__ = ["above_the_tail", "room_decay"]

_Floats = npt.NDArray[np.float32]

_ENDS_AT_ONCE: Final = 64
_ENOUGH_DB: Final = 60.0  # above the tail: more, as where nothing was said before, counts no more


def room_decay(levels_dbfs: _Floats, runs: Sequence[tuple[int, int]], rules: ActivityRules) -> float | None:
    """Measures how fast sound dies away in the room of a track.

    Args:
        levels_dbfs: float32 [H] in dBFS, the track's level every 10 ms.
        runs: its stretches of speech, ``(first hop, hop after the last)``.
        rules: the rule set ``activity``.

    Returns:
        dB a second; None where too few stretches end in a straight fall of that slope, or it is so slow that voices
        fade like that.
    """
    steep, ends = _falls(levels_dbfs, runs, rules.room_first_look_ms // HOP_MS, rules) if runs else ([], 0)
    if not steep:
        return None
    decay_db = float(np.percentile(steep, rules.room_steep_percentile))
    agreeing = int(np.sum(np.abs(np.log(np.divide(steep, decay_db))) < np.log(rules.room_alike_ratio)))
    if agreeing < max(rules.room_min_share * ends, rules.room_min_falls):
        return None
    shortest, longest = rules.room_fall_min_ms // HOP_MS, rules.room_fall_max_ms // HOP_MS
    hops = min(max(int(rules.room_fall_db / decay_db), shortest), longest)
    followed, _ = _falls(levels_dbfs, runs, hops, rules)
    if followed:
        decay_db = float(np.percentile(followed, rules.room_steep_percentile))
    decay_db_per_s = decay_db * 1000 / HOP_MS / rules.room_too_steep_ratio
    return decay_db_per_s if decay_db_per_s >= rules.room_min_decay_db_per_s else None


def _falls(
    levels_dbfs: _Floats, runs: Sequence[tuple[int, int]], hops: int, rules: ActivityRules
) -> tuple[list[float], int]:
    """Finds the steepest straight fall at each end of speech, in dB a hop, and counts the ends looked at."""
    if levels_dbfs.size <= hops:
        return [], 0
    place = np.arange(hops) - (hops - 1) / 2
    lowest = float(np.percentile(levels_dbfs, rules.room_noise_percentile)) + rules.room_above_noise_db
    reach = np.arange(-(rules.room_before_end_ms // HOP_MS), rules.room_after_end_ms // HOP_MS)
    slowest_db = rules.room_fall_min_db_per_s * HOP_MS / 1000
    everywhere = np.lib.stride_tricks.sliding_window_view(levels_dbfs, hops)
    found: list[float] = []
    ends = 0
    for some in range(0, len(runs), _ENDS_AT_ONCE):
        first = np.array([end for _, end in runs[some : some + _ENDS_AT_ONCE]])[:, np.newaxis] + reach
        inside = (first >= 0) & (first < len(everywhere))
        windows = everywhere[np.clip(first, 0, len(everywhere) - 1)]
        slopes = windows @ place / (place @ place)
        rest = windows - windows.mean(axis=2, keepdims=True) - slopes[:, :, np.newaxis] * place
        on_line = np.square(rest).mean(axis=2) < rules.room_straight_db**2
        straight = inside & on_line & (slopes < -slowest_db) & (windows[:, :, -1] > lowest)
        steepest = np.where(straight, slopes, 0).min(axis=1)
        found += (-steepest[steepest < 0]).tolist()
        ends += int(np.sum(inside.sum(axis=1) > 1))
    return found, ends


def above_the_tail(
    power: _Floats, noise: npt.NDArray[np.floating[Any]], decay_db_per_s: float, rules: ActivityRules
) -> _Floats:
    """Measures how far each hop stands above what may be left in the room of what was said before.

    Args:
        power: float32 [H, B], at least 0: that of each band every 10 ms; a full-scale sine has .5.
        noise: float [B], the power of the noise in each band.
        decay_db_per_s: of :func:`room_decay`.
        rules: the rule set ``activity``.

    Returns:
        float32 [H] in units of ``room_scale_db``: the mean of the bands that stand out farthest, below 0 in a tail.
    """
    lag = rules.room_lag_ms // HOP_MS
    levels_db = 10 * np.log10(np.maximum(power, 1e-13))
    fallen_db = (decay_db_per_s * HOP_MS / 1000 * np.arange(len(power), dtype=np.float32))[:, np.newaxis]
    loudest = np.maximum.accumulate(levels_db + fallen_db, axis=0)
    above_db = np.full_like(levels_db, np.inf)
    above_db[lag:] = levels_db[lag:] + fallen_db[lag:] - loudest[: len(power) - lag] - rules.room_margin_db
    above_db[power <= noise * 10 ** (rules.edge_speech_snr_db / 10)] = rules.room_no_speech_db
    best = min(rules.room_best_bands, power.shape[1])
    mean: _Floats = np.partition(np.minimum(above_db, _ENOUGH_DB), -best, axis=1)[:, -best:].mean(axis=1)
    return (mean / rules.room_scale_db).astype(np.float32)
