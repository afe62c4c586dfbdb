"""Finds what the other speaker does while something happens: the state of the addressee at the onset of each event.

``laughing``, ``backchannelling``, ``speaking``, ``pausing`` (silent between two IPUs of the own turn) or ``silent``.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from duologue_pipeline.events.floor import Ipu
from duologue_pipeline.records import SPEAKERS, Event, Span

__all__ = ["with_addressee"]


def with_addressee(events: Sequence[Event], ipus: Sequence[Ipu], turns: Sequence[Sequence[Ipu]]) -> Iterable[Event]:
    """Adds to each event the state of the other speaker at its onset; the first that fits counts."""
    states: dict[str, list[tuple[str, list[Span]]]] = {}
    for speaker in SPEAKERS:
        own = [ipu for ipu in ipus if ipu.speaker == speaker]
        laughs = [Span(e.start_ms, e.end_ms) for e in events if e.kind == "laughter" and e.speaker == speaker]
        states[speaker] = [
            ("laughing", sorted(laughs)),
            ("backchannelling", [ipu.span for ipu in own if ipu.role == "backchannel"]),
            ("speaking", [ipu.span for ipu in own if ipu.role != "backchannel"]),
            (
                "pausing",
                [
                    Span(before.span.end_ms, after.span.start_ms)
                    for turn in turns
                    for before, after in pairwise(turn)
                    if before.speaker == speaker
                ],
            ),
        ]
    for event in events:
        other = "b" if event.speaker == "a" else "a"
        at = (state for state, spans in states[other] if _covers(spans, event.start_ms))
        yield replace(event, addressee=next(at, "silent"))


def _covers(spans: Sequence[Span], at_ms: int) -> bool:
    """Tells whether a moment lies in one of the spans, which are sorted and disjoint."""
    at = bisect_right(spans, at_ms, key=lambda span: span.start_ms) - 1
    return at >= 0 and at_ms < spans[at].end_ms
