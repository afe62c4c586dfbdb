"""The annotation of one conversation, from activity, from words, or from both: what every way in shares.

The run (duologue_pipeline.analysis) and the command ``duologue annotate`` call :func:`annotate_conversation`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from duologue_pipeline.disfluency import tag_words
from duologue_pipeline.events import find_events
from duologue_pipeline.lexicon import Lexicon, load_lexicon
from duologue_pipeline.records import Activity, Event, Span, Statistics, TaggedWord, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.statistics import conversation_statistics

__all__ = ["Annotation", "annotate_conversation"]


@dataclass(frozen=True)
class Annotation:
    """All that is known about a conversation; words stand in the order in which they came, None where there are none.

    ``rules`` has the version of every rule set that was used, ``lexicon`` the name of the lexicon (``none``: the
    language has none, and words tell little).
    """

    activity: Activity
    words_a: Sequence[TaggedWord] | None
    words_b: Sequence[TaggedWord] | None
    events: Sequence[Event]
    statistics: Statistics
    rules: Mapping[str, str]
    lexicon: str
    language: str | None


def annotate_conversation(
    *,
    activity: Activity | None,
    words_a: Sequence[Word] | None,
    words_b: Sequence[Word] | None,
    duration_ms: int | None,
    language: str | None,
) -> Annotation:
    """Tags the words, finds the events and counts them.

    Args:
        activity: when each speaker is heard; made from the words if None.
        words_a: of speaker ``a``, on the conversation's clock, in any order; None if there are none.
        words_b: of speaker ``b``.
        duration_ms: of the conversation; where the last speech or word ends if None.
        language: a BCP 47 tag, which chooses the lexicon.

    Raises:
        ValueError: there are neither activity nor words.
    """
    if activity is None and words_a is None and words_b is None:
        raise ValueError("there are neither activity nor words to annotate; give one of them")
    lexicon = load_lexicon(language)
    if activity is None:
        activity = Activity(a=_speech(words_a or ()), b=_speech(words_b or ()), rules="words")
    if duration_ms is None:
        duration_ms = max((span.end_ms for span in (*activity.a, *activity.b)), default=0)
    events = find_events(activity, duration_ms=duration_ms)
    return Annotation(
        activity=activity,
        words_a=_tagged(words_a, words_b, lexicon),
        words_b=_tagged(words_b, words_a, lexicon),
        events=tuple(events),
        statistics=conversation_statistics(activity, events, duration_ms=duration_ms),
        rules={name: load_rules(name)["version"] for name in ("events", "disfluency", "backchannel_words")},
        lexicon=lexicon.name,
        language=language,
    )


def _speech(words: Sequence[Word]) -> list[Span]:
    """The time that words take, joined where they touch."""
    spans: list[Span] = []
    for word in sorted(words, key=lambda word: (word.start_ms, word.end_ms)):
        start_ms, end_ms = max(word.start_ms, 0), word.end_ms
        if start_ms >= end_ms:
            continue
        if spans and start_ms <= spans[-1].end_ms:
            spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, end_ms))
        else:
            spans.append(Span(start_ms, end_ms))
    return spans


def _tagged(
    own: Sequence[Word] | None, other: Sequence[Word] | None, lexicon: Lexicon
) -> tuple[TaggedWord, ...] | None:
    if own is None:
        return None
    order = sorted(range(len(own)), key=lambda i: (own[i].start_ms, own[i].end_ms))
    others = None if other is None else sorted(other, key=lambda word: (word.start_ms, word.end_ms))
    tags = dict(zip(order, tag_words([own[i] for i in order], lexicon=lexicon, words_other=others), strict=True))
    return tuple(TaggedWord(**vars(word), tags=tags[i]) for i, word in enumerate(own))
