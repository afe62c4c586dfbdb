"""Annotates one conversation from its tracks: in one call from Python, or stage by stage as the run does.

:func:`annotate_recording` is what the command line and notebooks call::

    report = annotate_recording(recording_of_files("agent.wav", "caller.wav", language="en-US"))
    report.isolation.verdict, report.annotation.events

The stages of the run (:mod:`duologue_pipeline.pipeline`) are the same steps one by one. Each takes an element of the chain
in :mod:`duologue_pipeline.records` and gives the next one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from duologue_pipeline.activity.detect import detect_activity
from duologue_pipeline.activity.filled_pauses import with_filled_pauses
from duologue_pipeline.activity.vad import VadModel, load_vad
from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.isolation.measure import measure_recording
from duologue_pipeline.isolation.policy import apply_policy
from duologue_pipeline.isolation.second_opinion import Listener
from duologue_pipeline.records import (
    Active,
    Annotated,
    AudioReport,
    Consented,
    Ingested,
    IsolationReport,
    Measured,
    Recording,
    Speaker,
    Worded,
    WordsCheck,
)
from duologue_pipeline.words.asr import Recognizer
from duologue_pipeline.words.find import find_words, written_words

__all__ = [
    "ConversationReport",
    "activity_stage",
    "annotate_recording",
    "events_stage",
    "ingest_stage",
    "isolation_stage",
    "words_stage",
]


@dataclass(frozen=True, kw_only=True)
class ConversationReport:
    """Holds the measurements and the labels of one conversation.

    Attributes:
        audio: the levels of both tracks, and the duration.
        isolation: how well they are kept apart, and what else is wrong with them.
        annotation: activity, words, events and statistics, with the rules that they were made by.
        words_checks: speaker -> how the written words lie to the activity, of who has some.
    """

    audio: AudioReport
    isolation: IsolationReport
    annotation: Annotation
    words_checks: Mapping[Speaker, WordsCheck]


def annotate_recording(
    recording: Recording,
    *,
    words: str = "optional",
    isolation_policy: str = "keep",
    vad: VadModel | None = None,
    recognizer: Recognizer | None = None,
    listener: Listener | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> ConversationReport:
    """Annotates one recording: measures its audio and isolation, finds activity and words, labels the events.

    Args:
        recording: whose tracks and word files are read; made from files by
            :func:`duologue_pipeline.read.files.recording_of_files`.
        words: the words policy (:data:`duologue_pipeline.words.files.WORDS_POLICIES`).
        isolation_policy: which verdicts are refused (:data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`).
        vad: the voice activity detector; None loads Silero's.
        recognizer: hears the words of the tracks that have none; None leaves them without.
        listener: pyannote.audio's models for a second opinion on the isolation; None goes without.
        tell: is told each step in words before it is done, and ``""`` at the end.

    Raises:
        RejectError: the recording cannot be used; with the reason that a run would give.
    """
    given = written_words(recording, policy=words, recognizer=recognizer)
    tell("reading the audio")
    audio = measure_audio(recording)
    tell("measuring the isolation of the tracks")
    isolation = measure_recording(recording, listener, duration_ms=lambda: audio.duration_ms)
    apply_policy(recording, isolation, policy=isolation_policy)
    tell("finding speech")
    activity = detect_activity(recording, isolation, vad or load_vad(), duration_ms=audio.duration_ms)
    if recognizer is not None:
        tell("recognising words")
    found = find_words(recording, activity, given, recognizer, policy=words, duration_ms=audio.duration_ms)
    tell("labelling")
    annotation = annotate_conversation(
        activity=with_filled_pauses(recording, activity, speakers=found.wordless),
        words_a=found.words["a"],
        words_b=found.words["b"],
        duration_ms=audio.duration_ms,
        language=recording.language,
    )
    tell("")
    return ConversationReport(audio=audio, isolation=isolation, annotation=annotation, words_checks=found.checks)


# --- the stages of a run --------------------------------------------------------------------------------------------


def ingest_stage(conversation: Consented) -> Ingested:
    """Decodes and measures both tracks.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    return Ingested(**vars(conversation), audio=measure_audio(conversation.recording))


def isolation_stage(
    conversation: Ingested, listener: Listener | None = None, *, policy: str = "refuse-fail"
) -> Measured:
    """Measures how well the tracks are kept apart, and refuses what the policy refuses.

    Raises:
        RejectError: an ``isolation_*`` reason.
    """
    audio = conversation.audio
    report = measure_recording(conversation.recording, listener, duration_ms=lambda: audio.duration_ms)
    apply_policy(conversation.recording, report, policy=policy)
    return Measured(**vars(conversation), isolation=report)


def activity_stage(conversation: Measured, vad: VadModel) -> Active:
    """Finds when each speaker is heard."""
    duration_ms = conversation.audio.duration_ms
    activity = detect_activity(conversation.recording, conversation.isolation, vad, duration_ms=duration_ms)
    return Active(**vars(conversation), activity=activity)


def words_stage(conversation: Active, recognizer: Recognizer | None = None, *, policy: str) -> Worded:
    """Finds the words of both speakers, and the filled pauses of those who have none.

    Raises:
        RejectError: a ``words_*`` reason.
    """
    recording, activity = conversation.recording, conversation.activity
    given = written_words(recording, policy=policy, recognizer=recognizer)
    duration_ms = conversation.audio.duration_ms
    found = find_words(recording, activity, given, recognizer, policy=policy, duration_ms=duration_ms)
    activity = with_filled_pauses(recording, activity, speakers=found.wordless)
    return Worded(
        **vars(replace(conversation, activity=activity)),
        words_a=found.words["a"],
        words_b=found.words["b"],
        words_check_a=found.checks.get("a"),
        words_check_b=found.checks.get("b"),
    )


def events_stage(conversation: Worded) -> Annotated:
    """Finds the events of activity and words, counts them, and tags the words."""
    annotation = annotate_conversation(
        activity=conversation.activity,
        words_a=conversation.words_a,
        words_b=conversation.words_b,
        duration_ms=conversation.audio.duration_ms,
        language=conversation.recording.language,
    )
    return Annotated(
        **{
            **vars(conversation),
            "activity": annotation.activity,
            "words_a": annotation.words_a,
            "words_b": annotation.words_b,
        },
        events=annotation.events,
        statistics=annotation.statistics,
        events_rules=annotation.rules["events"],
        lexicon=annotation.lexicon,
    )
