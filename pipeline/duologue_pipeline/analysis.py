"""The analysis of one recording, stage by stage: the pure functions applied to decoded audio.

Each function takes what the stage before found and gives the next element of the chain in
:mod:`duologue_pipeline.records`. The Beam stages call them; so can a notebook, on one recording, in a plain loop.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from duologue_pipeline.activity.bleed import without_bleed
from duologue_pipeline.activity.filled_pauses import with_filled_pauses
from duologue_pipeline.activity.vad import SAMPLE_RATE_HZ, Vad, VadModel
from duologue_pipeline.errors import RejectError
from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.isolation.policy import apply_policy
from duologue_pipeline.isolation.second_opinion import Listener, with_second_opinion
from duologue_pipeline.records import (
    SPEAKERS,
    Active,
    Activity,
    Annotated,
    Consented,
    Ingested,
    IsolationReport,
    Measured,
    Recording,
    Speaker,
    Word,
)
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from duologue_pipeline.words.asr import Recognizer, with_heard_words
from duologue_pipeline.words.check import MISFITS, explain_check, fitting_words
from duologue_pipeline.words.files import read_words

__all__ = [
    "ISOLATION_RATE_HZ",
    "annotate",
    "detect_activity",
    "find_activity",
    "ingest",
    "label",
    "measure_channels",
]

ISOLATION_RATE_HZ: Final = 8000
"""Bleed is measured on the telephone band, which every recording has."""


def ingest(conversation: Consented) -> Ingested:
    """Decodes and measures both tracks.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    return Ingested(**vars(conversation), audio=measure_audio(conversation.recording))


def measure_channels(
    conversation: Ingested, *, policy: str = "refuse-fail", listener: Listener | None = None
) -> Measured:
    """Measures the isolation of the two channels.

    Args:
        conversation: whose audio has been found usable.
        policy: a key of :data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`.
        listener: pyannote.audio's models, where a second opinion is wanted.

    Raises:
        RejectError: an ``isolation_*`` reason.
    """
    blocks = conversation_blocks(conversation.recording, rate_hz=ISOLATION_RATE_HZ)
    report = measure_isolation(blocks, sample_rate_hz=ISOLATION_RATE_HZ)
    if listener is not None:
        report = with_second_opinion(
            report, listener.ask(conversation.recording, report, duration_ms=conversation.audio.duration_ms)
        )
    apply_policy(conversation.recording, report, policy=policy)
    return Measured(**vars(conversation), isolation=report)


def detect_activity(conversation: Measured, model: VadModel) -> Active:
    """Finds when each speaker is heard."""
    activity = find_activity(
        conversation.recording,
        isolation=conversation.isolation,
        duration_ms=conversation.audio.duration_ms,
        model=model,
    )
    return Active(**vars(conversation), activity=activity)


def find_activity(recording: Recording, *, isolation: IsolationReport, duration_ms: int, model: VadModel) -> Activity:
    """Finds when each speaker of a recording is heard in person, not as bleed.

    Args:
        recording: whose tracks are decoded.
        isolation: how much of each speaker is in the other's track.
        duration_ms: of the conversation.
        model: the voice activity detector.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    detectors = Vad(model), Vad(model)
    for blocks in conversation_blocks(recording, rate_hz=SAMPLE_RATE_HZ):
        for detector, block in zip(detectors, blocks, strict=True):
            detector.push(block)
    rules = load_rules(ActivityRules)
    heard = [detector.finish(duration_ms=duration_ms) for detector in detectors]
    a_dbfs, b_dbfs = (detector.levels_dbfs for detector in detectors)
    a = without_bleed(heard[0], a_dbfs, b_dbfs, isolation.a_from_b, rules)
    b = without_bleed(heard[1], b_dbfs, a_dbfs, isolation.b_from_a, rules)
    return Activity(a=tuple(a), b=tuple(b), rules=rules.version)


def annotate(conversation: Active, *, words: str, recognizer: Recognizer | None = None) -> Annotated:
    """Finds the events of activity and words, counts them, and tags the words.

    Args:
        conversation: with its activity.
        words: the words policy (:data:`duologue_pipeline.words.files.WORDS_POLICIES`).
        recognizer: hears the words of the tracks that have no transcript; None leaves them without.

    Raises:
        RejectError: a ``words_*`` reason.
    """
    recording, duration_ms = conversation.recording, conversation.audio.duration_ms
    a, b = read_words(recording, policy="optional" if recognizer and words == "required" else words)
    read, checks = fitting_words({"a": a, "b": b}, conversation.activity, duration_ms=duration_ms)
    for speaker, check in checks.items():
        if words == "required" and check.verdict in MISFITS:
            raise RejectError("words_mismatch", explain_check(check, speaker=speaker))
    if recognizer is not None and words != "none":
        read = with_heard_words(recording, conversation.activity, read, recognizer)
    annotation = label(recording, conversation.activity, read, duration_ms=duration_ms)
    return Annotated(
        **vars(replace(conversation, activity=annotation.activity)),
        events=annotation.events,
        statistics=annotation.statistics,
        events_rules=annotation.rules["events"],
        words_a=annotation.words_a,
        words_b=annotation.words_b,
        lexicon=annotation.lexicon,
        words_check_a=checks.get("a"),
        words_check_b=checks.get("b"),
    )


def label(
    recording: Recording, activity: Activity, words: Mapping[Speaker, tuple[Word, ...] | None], *, duration_ms: int
) -> Annotation:
    """Labels a conversation by its activity and words, and by the sound of those who have no words.

    Args:
        recording: whose tracks are decoded once more for the filled pauses of those without words.
        activity: when each speaker is heard.
        words: of each, on the conversation's clock; None for who has none.
        duration_ms: of the conversation.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    wordless = [speaker for speaker in SPEAKERS if words[speaker] is None]
    return annotate_conversation(
        activity=with_filled_pauses(recording, activity, speakers=wordless),
        words_a=words["a"],
        words_b=words["b"],
        duration_ms=duration_ms,
        language=recording.language,
    )
