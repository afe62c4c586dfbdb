"""Leaves out of a track's activity what is only the other speaker, heard in this track as bleed.

Isolation has measured how loud and how late the other one comes over. Where a track is no louder than that copy would
make it, nobody needs to be speaking in it; where it is louder, somebody does, be it softly and under the other's voice.
The comparison is of levels every 10 ms, so a stretch that is part copy, part answer keeps the answer.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.bands import HOP_MS, LOWEST_DBFS
from duologue_pipeline.activity.runs import runs_of
from duologue_pipeline.records import BleedReport, Span
from duologue_pipeline.rules.activity import ActivityRules

__all__ = ["without_bleed"]

_Floats = npt.NDArray[np.float32]
_Flags = npt.NDArray[np.bool_]


def without_bleed(
    spans: Sequence[Span],
    levels_dbfs: _Floats,
    other_dbfs: _Floats,
    bleed: BleedReport,
    rules: ActivityRules,
) -> list[Span]:
    """Leaves out speech in which a track is no louder than the other speaker's copy in it.

    Args:
        spans: the track's activity, sorted and disjoint.
        levels_dbfs: float32 [H] in dBFS, at least -120: its level every 10 ms.
        other_dbfs: float32 [H'], the same of the other track.
        bleed: the other one in this track, as isolation has measured it.
        rules: the rule set ``activity``.

    Returns:
        Spans, sorted and disjoint; ``spans`` where no bleed was found, or so much that levels cannot tell the speakers
        apart (above ``bleed_max_db``).
    """
    if bleed.bleed_db is None or bleed.bleed_db > rules.bleed_max_db or not spans:
        return list(spans)
    explained = levels_dbfs <= _copy_dbfs(other_dbfs, levels_dbfs.size, bleed, rules) + rules.bleed_margin_db
    kept: list[Span] = []
    for span in spans:
        first, last = span.start_ms // HOP_MS, min(-(-span.end_ms // HOP_MS), levels_dbfs.size)
        own = _own_speech(explained[first:last], rules)
        for start, end in runs_of(own):
            cut = Span(max((first + start) * HOP_MS, span.start_ms), min((first + end) * HOP_MS, span.end_ms))
            if cut.duration_ms >= rules.min_speech_ms:
                kept.append(cut)
    return kept


def _copy_dbfs(other_dbfs: _Floats, hops: int, bleed: BleedReport, rules: ActivityRules) -> _Floats:
    """Estimates the level of the other speaker's copy in this track, room and all: float32 [hops] in dBFS."""
    lag_hops = round((bleed.lag_ms or 0) / HOP_MS)
    first = max(lag_hops - 1, 0)  # levels look 10 ms around
    source = np.full(hops, LOWEST_DBFS, np.float32)
    decay_db = rules.bleed_decay_db_per_s * HOP_MS / 1000
    for hop in range(first, lag_hops + 2 + rules.bleed_tail_ms // HOP_MS):
        late = other_dbfs[: max(hops - hop, 0)] - decay_db * max(hop - lag_hops - 1, 0)
        np.maximum(source[hop : hop + late.size], late, out=source[hop : hop + late.size])
    return source + _bleed_db(bleed, hops)


def _bleed_db(bleed: BleedReport, hops: int) -> _Floats:
    """Interpolates the level of the copy relative to its source from where it was measured: float32 [hops] in dB."""
    points = [
        (point.start_ms + point.end_ms, point.bleed_db) for point in bleed.over_time if point.bleed_db is not None
    ]
    if not points:
        return np.full(hops, bleed.bleed_db, np.float32)
    twice_ms, levels_db = zip(*points, strict=True)
    return np.interp(2 * HOP_MS * np.arange(hops), twice_ms, levels_db).astype(np.float32)


def _own_speech(explained: _Flags, rules: ActivityRules) -> _Flags:
    """Tells which hops of a stretch are the speaker's own: bool [hops].

    Own speech dips below the copy between its syllables: only long dips are cut out.
    """
    own = ~explained
    own = _without_runs(own, rules.bleed_blip_ms // HOP_MS, ends=True)
    return ~_without_runs(~own, rules.bleed_dip_ms // HOP_MS, ends=False)


def _without_runs(flags: _Flags, shorter_than: int, *, ends: bool) -> _Flags:
    """Clears runs of True shorter than a length; with ``ends``, also those that touch an end."""
    cleared = flags.copy()
    for start, end in runs_of(flags):
        if end - start < shorter_than and (ends or (start > 0 and end < flags.size)):
            cleared[start:end] = False
    return cleared
