"""Gaps, overlaps and floor-transfer offsets in the most naive way: one array cell a millisecond, walked from the left.

Shares nothing with duologue_pipeline.events.find but the definitions. Who is only listening is taken from its events.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from duologue_pipeline.records import Event, Span

Stretch = tuple[str, int, int]
"""Speaker, first millisecond, the one after the last."""


@dataclass
class NaiveTurns:
    """What the arrays show."""

    ftos_ms: list[int] = field(default_factory=list)
    gaps: list[Stretch] = field(default_factory=list)
    between: list[Stretch] = field(default_factory=list)
    within: list[tuple[int, int]] = field(default_factory=list)


def raster(spans: Sequence[Span], duration_ms: int) -> npt.NDArray[np.bool_]:
    """bool [duration_ms]: whether one of the spans covers the millisecond."""
    cells = np.zeros(duration_ms, bool)
    for span in spans:
        cells[span.start_ms : span.end_ms] = True
    return cells


def without_short_silences(cells: npt.NDArray[np.bool_], silence_ms: int) -> npt.NDArray[np.bool_]:
    """Fills silences between speech that are shorter than ``silence_ms``."""
    filled = cells.copy()
    for start, end in runs(~cells):
        if start > 0 and end < cells.size and end - start < silence_ms:
            filled[start:end] = True
    return filled


def runs(cells: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The stretches of True."""
    padded = np.concatenate([[False], cells, [False]]).astype(np.int8)
    steps = np.diff(padded)
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def listening(events: Sequence[Event]) -> set[Stretch]:
    """The inter-pausal units that are no part of a turn."""
    return {(e.speaker, e.start_ms, e.end_ms) for e in events if e.kind == "ipu" and e.subtype != "turn"}


def naive_turns(a: Sequence[Span], b: Sequence[Span], events: Sequence[Event], duration_ms: int) -> NaiveTurns:
    """Walks the milliseconds; ``a`` and ``b`` are when each is heard."""
    found = NaiveTurns()
    listens = listening(events)
    heard = {name: without_short_silences(raster(spans, duration_ms), 200) for name, spans in (("a", a), ("b", b))}
    holding = {name: np.zeros(duration_ms, bool) for name in "ab"}
    for name, cells in heard.items():
        for start, end in runs(cells):
            holding[name][start:end] = (name, start, end) not in listens
    onsets = {name: {start for start, _ in runs(holding[name])} for name in "ab"}
    changing = np.zeros(duration_ms, bool)
    holder = ""
    for onset_ms in sorted(onsets["a"] | onsets["b"]):
        beginning = [name for name in "ab" if onset_ms in onsets[name]]
        # Who holds the floor goes first; whoever begins with the holder then takes it in overlap.
        name = next((name for name in beginning if name != holder), holder)
        if holder and name != holder:
            before = holding[holder]
            if before[onset_ms]:
                end_ms = onset_ms
                while end_ms < duration_ms and before[end_ms]:
                    end_ms += 1
                found.between.append((name, onset_ms, end_ms))
                changing[onset_ms:end_ms] = True
            else:
                end_ms = onset_ms
                while not before[end_ms - 1]:
                    end_ms -= 1
                if end_ms < onset_ms:
                    found.gaps.append((name, end_ms, onset_ms))
            found.ftos_ms.append(onset_ms - end_ms)
        holder = name
    found.within = runs(heard["a"] & heard["b"] & ~changing)
    return found
