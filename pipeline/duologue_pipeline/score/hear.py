"""Hears an item: finds the events of its two files by the very steps that label a recording.

A model may say nothing at all, which is an answer: the steps of a recording refuse a silent track, so such an output is given no
activity here, and the user's side is found alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from duologue_pipeline.activity.network import VadModel
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad
from duologue_pipeline.conversation import annotate_recording
from duologue_pipeline.errors import RejectError
from duologue_pipeline.events.annotation import Annotation, annotate_conversation, annotation_of
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.read.files import recording_of_files
from duologue_pipeline.records import Activity, Recording, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.score.facts import Conversation
from duologue_pipeline.score.items import Item
from duologue_pipeline.words.files import read_words

__all__ = ["Heard", "hear_item"]

_SILENT: Final = ("audio_all_zero", "audio_too_quiet")


@dataclass(frozen=True)
class Heard:
    """Holds an item and what was heard in it; the user is speaker ``a``, the model ``b``.

    Attributes:
        item: which it is.
        conversation: with its events.
        activity: when each is heard.
        words: of the model's transcript, in order of time, whether or not they fit the audio; None without one.
        words_fit: whether events were made of them.
        isolation: the verdict on the two files, ``silent`` where the model says nothing.
    """

    item: Item
    conversation: Conversation
    activity: Activity
    words: tuple[Word, ...] | None
    words_fit: bool
    isolation: str


def hear_item(item: Item, vad: Callable[[], VadModel], *, with_words: bool = True) -> Heard:
    """Finds the events of an item.

    Args:
        item: its files are decoded.
        vad: loads the voice activity detector.
        with_words: whether its transcripts are read; without, timing alone decides.

    Raises:
        RejectError: a file cannot be used, with the reason that a run would give.
    """
    words_policy = "optional" if with_words else "none"
    recording = recording_of_files(
        str(item.input),
        str(item.output),
        language=item.language,
        words_a=None if item.input_words is None else str(item.input_words),
        words_b=None if item.output_words is None else str(item.output_words),
    )
    recording = replace(recording, recording_id=item.name)
    try:
        found = annotate_recording(recording, words=words_policy, vad=vad)
    except RejectError as error:
        if error.reason not in _SILENT or error.values.get("track") != "b":
            raise
        annotation, verdict = _with_silent_model(recording, vad, words_policy), "silent"
    else:
        annotation, verdict = annotation_of(found), found.isolation.verdict
    _, said = read_words(recording, policy=words_policy)
    activity, statistics = annotation.activity, annotation.statistics
    return Heard(
        item=item,
        conversation=Conversation(
            name=item.name,
            group=item.group,
            language=item.language,
            model="b",
            duration_ms=statistics.duration_ms,
            speech_ms={"a": statistics.speech_a_ms, "b": statistics.speech_b_ms},
            overlap_ms=statistics.overlap_ms,
            events=annotation.events,
        ),
        activity=activity,
        words=None if said is None else tuple(sorted(said, key=lambda word: (word.start_ms, word.end_ms))),
        words_fit=annotation.words_b is not None,
        isolation=verdict,
    )


def _with_silent_model(recording: Recording, vad: Callable[[], VadModel], words_policy: str) -> Annotation:
    """Annotates the user of a recording whose other track is silent: the user's file is decoded in the place of both.

    Of words that a transcript ascribes to the silent model no event is made.
    """
    words_a, words_b = read_words(recording, policy=words_policy)
    alone = replace(recording, b=replace(recording.a, words_uri=None))
    detector, samples = Vad(vad()), 0
    for block, _ in conversation_blocks(alone, rate_hz=SAMPLE_RATE_HZ):
        detector.push(block)
        samples += len(block)
    duration_ms = samples * 1000 // SAMPLE_RATE_HZ
    heard = detector.finish(duration_ms=duration_ms)
    activity = Activity(a=tuple(heard), b=(), rules=load_rules(ActivityRules).version)
    return annotate_conversation(
        activity=activity,
        words_a=words_a,
        words_b=None if words_b is None else (),
        duration_ms=duration_ms,
        language=recording.language,
    )
