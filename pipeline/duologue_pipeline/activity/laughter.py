"""Finds laughter by its sound, for a speaker whose words are not known, where the user names a network that knows it.

They are candidates with a low confidence; a transcript tells of laughter itself. What they are worth stands in
docs/annotation.md. Only what counts as speech is listened to: laughter without voice, which the activity leaves out, is not
found.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.activity.runs import runs_of
from duologue_pipeline.activity.yamnet import WINDOW
from duologue_pipeline.ingest.pieces import heard_pieces
from duologue_pipeline.records import Activity, Recording, Span, Speaker, Vocalisation
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.laughter import LaughterRules

__all__ = ["RATE_HZ", "Scorer", "laughs", "with_laughter"]

RATE_HZ: Final = 16_000

F32 = npt.NDArray[np.float32]
Scorer = Callable[[F32], float]
"""Tells how much a window (float32 [WINDOW] in [-1, 1] at :data:`RATE_HZ`) is like laughter, in [0, 1]."""


def with_laughter(recording: Recording, activity: Activity, speakers: Sequence[Speaker], score: Scorer) -> Activity:
    """Listens to a recording once more for the laughter of some speakers.

    Args:
        recording: whose tracks are decoded; not at all if there are no ``speakers``.
        activity: when each speaker is heard; nothing else is listened to.
        speakers: those whose words are not known.
        score: the network.

    Returns:
        The activity with the candidates as vocalisations, in order of time; a filled pause that meets one is none.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    if not speakers:
        return activity
    rules = load_rules(LaughterRules)
    spans = {s: getattr(activity, s) for s in speakers}
    found: dict[Speaker, list[Vocalisation]] = {s: [] for s in speakers}
    for s, piece, pcm in heard_pieces(recording, spans, rate_hz=RATE_HZ):
        for laugh in laughs(pcm, piece, spans[s], score, rules):
            if found[s] and found[s][-1].end_ms >= laugh.start_ms:  # a piece ends in the middle of it
                laugh = replace(laugh, start_ms=found[s].pop().start_ms)
            found[s].append(laugh)
    return replace(
        activity,
        vocalisations_a=_merged(activity.vocalisations_a, found.get("a", [])),
        vocalisations_b=_merged(activity.vocalisations_b, found.get("b", [])),
    )


def _merged(known: Sequence[Vocalisation], laughter: Sequence[Vocalisation]) -> tuple[Vocalisation, ...]:
    apart = (
        each
        for each in known
        if all(each.end_ms <= laugh.start_ms or laugh.end_ms <= each.start_ms for laugh in laughter)
    )
    return tuple(sorted([*apart, *laughter], key=lambda each: each.start_ms))


def laughs(
    pcm: F32, piece: Span, spans: Sequence[Span], score: Scorer, rules: LaughterRules | None = None
) -> list[Vocalisation]:
    """Finds the laughter in a piece of speech.

    Windows follow one another every ``hop_ms``; beyond the ends of the piece they hold silence. Neighbours that hold laughter are
    one laugh, cut to what counts as speech.

    Args:
        pcm: float32 [T] in [-1, 1] at :data:`RATE_HZ`.
        piece: where it lies on the conversation's clock.
        spans: when the speaker speaks; what lies outside of the piece is ignored.
        score: the network.
        rules: the rule set ``laughter``, the packaged one if None.

    Returns:
        In order of time, disjoint; the confidence is that of the rules.
    """
    rules = load_rules(LaughterRules) if rules is None else rules
    power = float(np.mean(np.square(pcm))) if pcm.size else 0.0
    if power == 0:
        return []
    level = pcm * np.float32(10 ** (rules.level_dbfs / 20) / power**0.5)
    padded = np.pad(level, WINDOW // 2)
    hop = rules.hop_ms * RATE_HZ // 1000
    scores = np.array([score(padded[at : at + WINDOW]) for at in range(0, pcm.size + 1, hop)])
    found = []
    for first, end in runs_of(scores >= rules.score_min):
        start_ms = piece.start_ms + first * rules.hop_ms - rules.marked_ms // 2
        end_ms = piece.start_ms + (end - 1) * rules.hop_ms + rules.marked_ms // 2
        met = [
            span
            for span in spans
            if span.start_ms < min(end_ms, piece.end_ms) and max(start_ms, piece.start_ms) < span.end_ms
        ]
        if not met:
            continue
        start_ms = max(start_ms, piece.start_ms, met[0].start_ms)
        end_ms = min(end_ms, piece.end_ms, met[-1].end_ms)
        if end_ms - start_ms >= rules.min_ms:
            found.append(Vocalisation("laughter", start_ms, end_ms, rules.confidence))
    return found
