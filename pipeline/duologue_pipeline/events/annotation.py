"""Annotates one conversation from activity, from words, or from both; every way in comes through here.

The run and the command ``duologue annotate`` come here through :mod:`duologue_pipeline.conversation`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.find import check_activity, events_of_floor
from duologue_pipeline.events.floor import Ipu, read_floor
from duologue_pipeline.events.ipus import join_ipus
from duologue_pipeline.events.timed import is_timed, timed_disfluencies, timed_places, timed_words
from duologue_pipeline.records import SPEAKERS, Activity, Annotated, Event, Span, Speaker, Statistics, TaggedWord, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.rules.vocalisations import VocalisationsRules
from duologue_pipeline.words.disfluency import TAGS, WordTags, tags_and_disfluencies
from duologue_pipeline.words.lexicon import load_lexicon
from duologue_pipeline.words.track import track_words

__all__ = ["Annotation", "annotate_conversation", "annotation_of"]

_RULES_OF_WORDS: Final = (EventsRules, DisfluencyRules, BackchannelWordsRules)
_RULES_OF_SOUND: Final = (ActivityRules, VocalisationsRules)


@dataclass(frozen=True)
class Annotation:
    """Holds all labels of a conversation; words stand in the order in which they came, None where there are none.

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
    transcribed: Mapping[Speaker, Sequence[Span] | None] = MappingProxyType({}),
    shared: Span | None = None,
) -> Annotation:
    """Annotates a conversation: tags the words, finds the events and counts them.

    Args:
        activity: when each speaker is heard; made from the words if None.
        words_a: of speaker ``a``, on the conversation's clock, in any order; None if there are none.
        words_b: of speaker ``b``.
        duration_ms: the length of the conversation; None takes the end of the last speech or word.
        language: a BCP 47 tag, which chooses the lexicon.
        transcribed: of each speaker the stretches that were written down; None or missing where all was.
        shared: the part in which both tracks are there; None is all. Outside of it nobody answers, and that is no event.

    Words without times of their own are tagged and counted, and no event is made of them.

    Raises:
        ValueError: there are neither activity nor words with times of their own, or the activity is impossible
            (:func:`duologue_pipeline.events.find.check_activity`).
    """
    if activity is None and words_a is None and words_b is None:
        raise ValueError("there are neither activity nor words to annotate; give one of them")
    given: dict[Speaker, Sequence[Word] | None] = {"a": words_a, "b": words_b}
    orders = {speaker: _order(given[speaker] or ()) for speaker in SPEAKERS}
    words = {speaker: None if own is None else [own[i] for i in orders[speaker]] for speaker, own in given.items()}
    if (
        activity is None
        and not any(is_timed(word) for own in given.values() for word in own or ())
        and any(given.values())
    ):
        raise ValueError(
            "no word has a time of its own, and there is no activity to say when somebody speaks; give the audio"
        )
    heard = activity or Activity(a=_speech(words["a"]), b=_speech(words["b"]), rules="words")
    if duration_ms is None:
        ends = [span.end_ms for span in (*heard.a, *heard.b)]
        duration_ms = max([*ends, *(word.end_ms for own in words.values() for word in own or ())], default=0)
    lexicon, rules = load_lexicon(language), load_rules(EventsRules)
    if activity is not None:
        check_activity(activity, duration_ms=duration_ms)
    tracks = {speaker: track_words(own, lexicon) for speaker, own in words.items()}
    timed = {speaker: timed_words(track) for speaker, track in tracks.items()}
    ipus = read_floor(activity, timed, duration_ms=duration_ms, rules=rules)
    read = {speaker: tags_and_disfluencies(tracks[speaker]) for speaker in SPEAKERS}
    events = events_of_floor(
        ipus,
        activity=activity,
        words=timed,
        disfluencies={speaker: timed_disfluencies(found, tracks[speaker]) for speaker, (_, found) in read.items()},
        rules=rules,
        transcribed=transcribed,
        shared=shared,
    )
    tagged = {
        speaker: _tagged(speaker, given[speaker], orders[speaker], ipus, read[speaker][0]) for speaker in SPEAKERS
    }
    return Annotation(
        activity=heard,
        words_a=tagged["a"],
        words_b=tagged["b"],
        events=tuple(events),
        statistics=conversation_statistics(
            heard, events, duration_ms=duration_ms, words_a=tagged["a"], words_b=tagged["b"]
        ),
        rules=rule_versions((*_RULES_OF_WORDS, *(_RULES_OF_SOUND if activity else ()))),
        lexicon=lexicon.name,
        language=language,
    )


def annotation_of(conversation: Annotated) -> Annotation:
    """Takes the labels out of what is known about a conversation."""
    return Annotation(
        activity=conversation.activity,
        words_a=conversation.words_a,
        words_b=conversation.words_b,
        events=conversation.events,
        statistics=conversation.statistics,
        rules=rule_versions((*_RULES_OF_WORDS, *_RULES_OF_SOUND)),
        lexicon=conversation.lexicon,
        language=conversation.recording.language,
    )


def _order(words: Sequence[Word]) -> list[int]:
    return sorted(range(len(words)), key=lambda i: (words[i].start_ms, words[i].end_ms))


def _speech(words: Sequence[Word] | None) -> list[Span]:
    """Joins the time that words take where they touch; only times of their own count."""
    spans = [Span(max(word.start_ms, 0), word.end_ms) for word in words or () if is_timed(word)]
    return join_ipus([span for span in spans if span.start_ms < span.end_ms], 1)


def _tagged(
    speaker: Speaker,
    given: Sequence[Word] | None,
    order: Sequence[int],
    ipus: Sequence[Ipu],
    spoken: Sequence[WordTags],
) -> tuple[TaggedWord, ...] | None:
    """Gives the words as they came, each with its tags; ``backchannel`` is one where its IPU is a backchannel."""
    if given is None:
        return None
    tags = [set(each) for each in spoken]
    timed = timed_places([given[i] for i in order])
    for ipu in ipus:
        if ipu.speaker == speaker and ipu.role == "backchannel":
            for i in range(ipu.unit.first, ipu.unit.last):
                tags[timed[i]].add("backchannel")
    by_place = dict(zip(order, tags, strict=True))
    return tuple(
        TaggedWord(**vars(word) | {"tags": tuple(t for t in TAGS if t in by_place[i])}) for i, word in enumerate(given)
    )
