"""Groups the words of a sample by what is said in one go, so that every word lies in one group.

A group made of turns alone would lose the words of backchannels, one made of stretches of speech some words at their edges. So
each word goes to the backchannel or the turn of its speaker in which it begins; what begins in neither stands in groups of its
own.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.sides import milliseconds
from duologue_pipeline.views.spans import activity_spans, event_spans
from duologue_pipeline.views.text_row import stands_apart
from duologue_pipeline.views.words import SpokenWord

__all__ = ["Unit", "UnitKind", "spoken_units", "untold_units"]

UnitKind = Literal["turn", "backchannel", "other"]

_PAUSE_MS: Final = 1000
"""Words outside of turns and backchannels that are so far apart are not one group."""


class Unit(NamedTuple):
    """Holds what a speaker says in one go.

    Attributes:
        speaker: who.
        kind: ``turn``, ``backchannel``, or ``other``: words that begin in neither.
        start_ms: from 0 on.
        end_ms: later than the start, and not after the sample.
        words: in their order; empty where nothing is known of them.
        text: the words with one space between; in Japanese and Chinese, which are written without, with nothing between.
    """

    speaker: Speaker
    kind: UnitKind
    start_ms: int
    end_ms: int
    words: Sequence[SpokenWord]
    text: str


def spoken_units(sample: Sample, words: Mapping[Speaker, Sequence[SpokenWord]], *, end_ms: int) -> list[Unit]:
    """Groups words.

    Args:
        sample: whose words they are.
        words: speaker -> words by their start, as an account gives them.
        end_ms: where the sample ends.

    Returns:
        Units by start, end and speaker; each word is in one. A unit lasts from its first word to the end of its last one, cut at
        the sample's end, and at least a millisecond.
    """
    units, between = [], " " if stands_apart(sample) else ""
    for speaker in SPEAKERS:
        spans: list[tuple[int, int, UnitKind]] = [
            (start, end, kind)
            for kind in ("backchannel", "turn")  # a backchannel goes before the turn that it may lie in
            for start, end in event_spans(sample, kind, speaker)
        ]
        group: list[SpokenWord] = []
        within = last_ms = -1
        for word in words[speaker]:
            found = next((i for i, (start, end, _) in enumerate(spans) if start <= word.start_ms < end), -1)
            if group and (found != within or (found < 0 and word.start_ms - last_ms > _PAUSE_MS)):
                units.append(_unit(speaker, "other" if within < 0 else spans[within][2], group, end_ms, between))
                group = []
            group.append(word)
            within, last_ms = found, max(last_ms, milliseconds(word.end_s))
        if group:
            units.append(_unit(speaker, "other" if within < 0 else spans[within][2], group, end_ms, between))
    return sorted(units, key=lambda unit: (unit.start_ms, unit.end_ms, unit.speaker))


def untold_units(sample: Sample, speaker: Speaker, *, end_ms: int) -> list[Unit]:
    """Lists when a speaker says something of whom there is no transcript: turns and backchannels, or else all activity."""
    found: list[tuple[int, int, UnitKind]] = [
        (start, end, kind) for kind in ("turn", "backchannel") for start, end in event_spans(sample, kind, speaker)
    ] or [(start, end, "other") for start, end in activity_spans(sample, speaker)]
    cut = sorted((max(0, start), min(end, end_ms), kind) for start, end, kind in found)
    return [Unit(speaker, kind, start, end, (), "") for start, end, kind in cut if start < end]


def _unit(speaker: Speaker, kind: UnitKind, words: list[SpokenWord], end_ms: int, between: str) -> Unit:
    start_ms = min(words[0].start_ms, end_ms - 1)
    end = min(max(milliseconds(word.end_s) for word in words), end_ms)
    return Unit(speaker, kind, start_ms, max(end, start_ms + 1), words, between.join(word.text for word in words))
