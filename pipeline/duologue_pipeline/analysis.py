"""The analysis of one recording, stage by stage: the pure functions applied to decoded audio.

Each function takes what the stage before found and gives the next element of the chain in
:mod:`duologue_pipeline.records`. The Beam stages call them; so can a notebook, on one recording, in a plain loop.
"""

from dataclasses import replace
from typing import Final

from .activity import SAMPLE_RATE_HZ, Vad, VadModel
from .activity_bleed import without_bleed
from .annotation import annotate_conversation
from .asr import Recognizer, transcribe
from .audio import conversation_blocks
from .errors import RejectError
from .ingest import measure_audio
from .isolation import measure_isolation
from .isolation_policy import apply_policy
from .records import (
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
    WordsCheck,
)
from .rules import load_rules
from .second_opinion import Listener, with_second_opinion
from .vocalisations import with_filled_pauses
from .words import read_words
from .words_check import MISFITS, check_words, explain_check

__all__ = ["ISOLATION_RATE_HZ", "annotate", "detect_activity", "find_activity", "ingest", "measure_channels"]

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
        policy: a key of :data:`duologue_pipeline.isolation_policy.ISOLATION_POLICIES`.
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
    rules = load_rules("activity")
    heard = [detector.finish(duration_ms=duration_ms) for detector in detectors]
    a_dbfs, b_dbfs = (detector.levels_dbfs for detector in detectors)
    a = without_bleed(heard[0], a_dbfs, b_dbfs, isolation.a_from_b, rules)
    b = without_bleed(heard[1], b_dbfs, a_dbfs, isolation.b_from_a, rules)
    return Activity(a=tuple(a), b=tuple(b), rules=rules["version"])


def annotate(conversation: Active, *, words: str, recognizer: Recognizer | None = None) -> Annotated:
    """Finds the events of activity and words, counts them, and tags the words.

    Args:
        conversation: with its activity.
        words: the words policy (:data:`duologue_pipeline.words.WORDS_POLICIES`).
        recognizer: hears the words of the tracks that have no transcript; None leaves them without.

    Raises:
        RejectError: a ``words_*`` reason.
    """
    recording, duration_ms = conversation.recording, conversation.audio.duration_ms
    read = dict(
        zip(
            SPEAKERS,
            read_words(recording, policy="optional" if recognizer and words == "required" else words),
            strict=True,
        )
    )
    checks: dict[Speaker, WordsCheck] = {}
    for speaker, own in read.items():
        if own is None:
            continue
        checks[speaker] = check_words(own, conversation.activity, speaker=speaker, duration_ms=duration_ms)
        if checks[speaker].verdict in MISFITS:
            if words == "required":
                raise RejectError("words_mismatch", explain_check(checks[speaker], speaker=speaker))
            read[speaker] = None
    if recognizer is not None and words != "none" and None in read.values():
        heard = transcribe(recording, conversation.activity, recognizer, language=recording.language)
        read = {s: own if own is not None else new for (s, own), new in zip(read.items(), heard, strict=True)}
    wordless = [speaker for speaker in SPEAKERS if read[speaker] is None]
    conversation = replace(
        conversation, activity=with_filled_pauses(recording, conversation.activity, speakers=wordless)
    )
    annotation = annotate_conversation(
        activity=conversation.activity,
        words_a=read["a"],
        words_b=read["b"],
        duration_ms=duration_ms,
        language=recording.language,
    )
    return Annotated(
        **vars(conversation),
        events=annotation.events,
        statistics=annotation.statistics,
        events_rules=annotation.rules["events"],
        words_a=annotation.words_a,
        words_b=annotation.words_b,
        lexicon=annotation.lexicon,
        words_check_a=checks.get("a"),
        words_check_b=checks.get("b"),
    )
