"""Counts the turn-taking of one conversation: milliseconds of speech and overlap, events of each kind, words and tags.

All counts are integers, so nothing is lost when they are added up (:mod:`duologue_pipeline.events.totals`).
"""

from collections import Counter
from collections.abc import Sequence

from duologue_pipeline.records import SPEAKERS, Activity, Event, KindTotal, Span, Statistics, TaggedWord, TagTotal

__all__ = ["conversation_statistics"]


def conversation_statistics(
    activity: Activity,
    events: Sequence[Event],
    *,
    duration_ms: int,
    words_a: Sequence[TaggedWord] | None = None,
    words_b: Sequence[TaggedWord] | None = None,
) -> Statistics:
    """Counts the turn-taking of one conversation from its activity, its events and its words.

    Speech and overlap are those of the activity itself: an inter-pausal unit also holds silences under 200 ms, which
    are not counted as speech here.

    Args:
        activity: when each speaker is heard: spans sorted and disjoint.
        events: of the same conversation (:func:`duologue_pipeline.events.find.find_events`), in any order.
        duration_ms: the length of the conversation.
        words_a: of speaker ``a``, None where there is no transcript.
        words_b: of speaker ``b``.

    Returns:
        The counts; times in milliseconds.
    """
    count: Counter[tuple[str, str]] = Counter()
    length_ms: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.kind == "filler" and event.source == "activity":
            continue  # a candidate that stands for a fifth of the fillers at best: to be looked at, not to be counted
        count[event.kind, event.speaker] += 1
        length_ms[event.kind, event.speaker] += event.end_ms - event.start_ms
    tags = Counter(
        (tag, speaker)
        for speaker, words in zip(SPEAKERS, (words_a, words_b), strict=True)
        for word in words or ()
        for tag in word.tags
    )
    ftos_a_ms, ftos_b_ms = (
        tuple(sorted(e.fto_ms for e in events if (e.kind, e.speaker) == ("floor_transfer", s) and e.fto_ms is not None))
        for s in SPEAKERS
    )
    return Statistics(
        duration_ms=duration_ms,
        speech_a_ms=sum(span.duration_ms for span in activity.a),
        speech_b_ms=sum(span.duration_ms for span in activity.b),
        overlap_ms=_overlap_ms(activity.a, activity.b),
        ftos_a_ms=ftos_a_ms,
        ftos_b_ms=ftos_b_ms,
        kinds=tuple(KindTotal(*key, count[key], length_ms[key]) for key in sorted(count)),
        words_a=None if words_a is None else len(words_a),
        words_b=None if words_b is None else len(words_b),
        tags=tuple(TagTotal(*key, tags[key]) for key in sorted(tags)),
    )


def _overlap_ms(a: Sequence[Span], b: Sequence[Span]) -> int:
    total_ms = i = j = 0
    while i < len(a) and j < len(b):
        total_ms += max(0, min(a[i].end_ms, b[j].end_ms) - max(a[i].start_ms, b[j].start_ms))
        if a[i].end_ms <= b[j].end_ms:
            i += 1
        else:
            j += 1
    return total_ms
