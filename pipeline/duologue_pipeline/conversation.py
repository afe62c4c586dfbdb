"""Annotates one conversation from its tracks: the steps from audio to labels, in one order for all who take them.

:func:`analysis_steps` lists the steps. The run makes a Beam stage of each (:mod:`duologue_pipeline.pipeline`);
:func:`annotate_recording` takes them one after the other, for the command line and for notebooks::

    from duologue_pipeline.conversation import annotate_recording
    from duologue_pipeline.read.files import recording_of_files

    report = annotate_recording(recording_of_files("agent.wav", "caller.wav", language="en-US"))
    report.isolation.verdict, report.events

Each step takes an element of the chain in :mod:`duologue_pipeline.records` and gives the next one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from duologue_pipeline.activity.detect import detect_activity
from duologue_pipeline.activity.filled_pauses import with_filled_pauses
from duologue_pipeline.activity.laughter import Scorer, with_laughter
from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.ingest.delay import most_delay_ms
from duologue_pipeline.ingest.measure import ingest_recording
from duologue_pipeline.ingest.usable import shared_span, track_span
from duologue_pipeline.isolation.measure import measure_recording
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES, apply_policy
from duologue_pipeline.isolation.second_opinion import Listener
from duologue_pipeline.records import Active, Annotated, Ingested, Measured, Recording, Span, Speaker, Word, Worded
from duologue_pipeline.words.asr import Recognizer
from duologue_pipeline.words.files import WORDS_POLICIES
from duologue_pipeline.words.find import find_words, written_words

__all__ = [
    "AnalysisStep",
    "activity_stage",
    "analysis_steps",
    "annotate_recording",
    "events_stage",
    "ingest_stage",
    "isolation_stage",
    "laughter_stage",
    "words_stage",
]


@dataclass(frozen=True, kw_only=True)
class AnalysisStep:
    """Names one step from the audio to the labels.

    Attributes:
        name: the word of its stage.
        doing: what it does, as a person is told while they wait.
        work: gives the element of the next step from one of the last and, where there is one, the model.
        output: the type that it gives.
        model: loads what the work needs; None where it needs nothing.
    """

    name: str
    doing: str
    work: Callable[..., Any]
    output: type
    model: Callable[[], Any] | None = None


def analysis_steps(
    *,
    words: str,
    isolation_policy: str,
    vad: Callable[[], VadModel] = load_vad,
    listener: Callable[[], Listener] | None = None,
    recognizer: Callable[[], Recognizer] | None = None,
    laughter: Callable[[], Scorer] | None = None,
) -> tuple[AnalysisStep, ...]:
    """Lists the steps from a recording to its labels, in order.

    Args:
        words: the words policy (:data:`duologue_pipeline.words.files.WORDS_POLICIES`).
        isolation_policy: which verdicts are refused (:data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`).
        vad: loads the voice activity detector.
        listener: loads pyannote.audio's models, where a second opinion on the isolation is wanted.
        recognizer: loads what hears the words of the tracks that have none; None leaves them without.
        laughter: loads what hears the laughter of those whose words are not known; without it that step is not there.

    Raises:
        ValueError: there is no such policy.
    """
    if words not in WORDS_POLICIES:
        raise ValueError(f"words: expected one of {', '.join(WORDS_POLICIES)}, found {words!r}")
    if isolation_policy not in ISOLATION_POLICIES:
        raise ValueError(
            f"isolation_policy: expected one of {', '.join(ISOLATION_POLICIES)}, found {isolation_policy!r}"
        )
    isolate = partial(isolation_stage, policy=isolation_policy)
    find = partial(words_stage, policy=words)
    listening = AnalysisStep(
        name="laughter", doing="listening for laughter", work=laughter_stage, output=Worded, model=laughter
    )
    finding = "finding words" if recognizer is None else "recognising words"
    return (
        AnalysisStep(name="ingest", doing="reading the audio", work=ingest_stage, output=Ingested),
        AnalysisStep(
            name="isolation",
            doing="measuring the isolation of the tracks",
            work=isolate,
            output=Measured,
            model=listener,
        ),
        AnalysisStep(name="activity", doing="finding speech", work=activity_stage, output=Active, model=vad),
        AnalysisStep(name="words", doing=finding, work=find, output=Worded, model=recognizer),
        *([listening] if laughter else []),
        AnalysisStep(name="events", doing="labelling", work=events_stage, output=Annotated),
    )


def annotate_recording(
    recording: Recording,
    *,
    words: str = "optional",
    isolation_policy: str = "keep",
    vad: Callable[[], VadModel] = load_vad,
    listener: Callable[[], Listener] | None = None,
    recognizer: Callable[[], Recognizer] | None = None,
    laughter: Callable[[], Scorer] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Annotated:
    """Annotates one recording: measures its audio and isolation, finds activity and words, labels the events.

    Args:
        recording: whose tracks and word files are read; :func:`duologue_pipeline.read.files.recording_of_files` makes
            one of files. It need not have passed the consent gate: then nothing of it can be written to a release.
        words, isolation_policy, vad, listener, recognizer, laughter: as for :func:`analysis_steps`.
        tell: is told each step in words before it is done, and ``""`` at the end.

    Returns:
        Everything that was found: ``audio``, ``isolation``, ``activity``, ``words_a`` and ``words_b`` with their
        checks, ``events``, ``statistics``.

    Raises:
        RejectError: the recording cannot be used; with the reason that a run would give.
        ValueError: there is no such policy.
    """
    steps = analysis_steps(
        words=words,
        isolation_policy=isolation_policy,
        vad=vad,
        listener=listener,
        recognizer=recognizer,
        laughter=laughter,
    )
    element: Any = recording
    with keeping():
        written_words(
            recording, policy=words, will_be_heard=recognizer is not None
        )  # a fault is told before the long work
        for step in steps:
            tell(step.doing)
            element = step.work(element, *([step.model()] if step.model else []))
    tell("")
    annotated: Annotated = element
    return annotated


# --- the steps ------------------------------------------------------------------------------------------------------


def ingest_stage(recording: Recording) -> Ingested:
    """Decodes and measures both tracks of a recording.

    From here on they are turned down if they go over full scale, and it is known when the sound of their files begins.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    return ingest_recording(recording)


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
    recording, audio = conversation.recording, conversation.audio
    spans = track_span(recording.a, audio.a), track_span(recording.b, audio.b)
    activity = replace(activity, a=_within(activity.a, spans[0]), b=_within(activity.b, spans[1]))
    return Active(**vars(conversation), activity=activity)


def _within(heard: Sequence[Span], there: Span) -> tuple[Span, ...]:
    """Cuts what is heard of a speaker to the time in which their track is there: a detector lags at the edges."""
    cut = (Span(max(span.start_ms, there.start_ms), min(span.end_ms, there.end_ms)) for span in heard)
    return tuple(span for span in cut if span.start_ms < span.end_ms)


def words_stage(conversation: Active, recognizer: Recognizer | None = None, *, policy: str) -> Worded:
    """Finds the words of both speakers, and the filled pauses of those who have none.

    Raises:
        RejectError: a ``words_*`` reason.
    """
    recording, activity = conversation.recording, conversation.activity
    given = written_words(recording, policy=policy, will_be_heard=recognizer is not None, bear_faults=True)
    audio, duration_ms = conversation.audio, conversation.audio.duration_ms
    spans: dict[Speaker, Span] = {"a": track_span(recording.a, audio.a), "b": track_span(recording.b, audio.b)}
    delays_ms: dict[Speaker, int] = {
        "a": most_delay_ms(audio.a.sample_rate_hz, known=audio.a.delay_known),
        "b": most_delay_ms(audio.b.sample_rate_hz, known=audio.b.delay_known),
    }
    found = find_words(
        recording,
        activity,
        given,
        recognizer,
        policy=policy,
        audio=spans,
        duration_ms=duration_ms,
        delays_ms=delays_ms,
    )
    activity = with_filled_pauses(recording, activity, speakers=found.wordless)
    return Worded(
        **vars(replace(conversation, activity=activity)),
        words_a=found.words["a"],
        words_b=found.words["b"],
        words_check_a=found.checks.get("a"),
        words_check_b=found.checks.get("b"),
        transcribed_a=found.transcribed["a"],
        transcribed_b=found.transcribed["b"],
        heard_a=found.heard_words("a"),
        heard_b=found.heard_words("b"),
        invented_a=found.invented_words("a"),
        invented_b=found.invented_words("b"),
    )


def laughter_stage(conversation: Worded, score: Scorer) -> Worded:
    """Finds the laughter of those whose words are not known.

    Raises:
        RejectError: the audio cannot be read any more.
    """
    words: dict[Speaker, Sequence[Word] | None] = {"a": conversation.words_a, "b": conversation.words_b}
    wordless = [speaker for speaker, own in words.items() if own is None]
    activity = with_laughter(conversation.recording, conversation.activity, wordless, score)
    return replace(conversation, activity=activity)


def events_stage(conversation: Worded) -> Annotated:
    """Finds the events of activity and words, counts them, and tags the words."""
    annotation = annotate_conversation(
        activity=conversation.activity,
        words_a=conversation.words_a,
        words_b=conversation.words_b,
        duration_ms=conversation.audio.duration_ms,
        language=conversation.recording.language,
        transcribed={"a": conversation.transcribed_a, "b": conversation.transcribed_b},
        shared=shared_span(conversation.recording, conversation.audio),
    )
    known = vars(conversation) | {
        "activity": annotation.activity,
        "words_a": annotation.words_a,
        "words_b": annotation.words_b,
    }
    return Annotated(
        **known,
        events=annotation.events,
        statistics=annotation.statistics,
        events_rules=annotation.rules["events"],
        lexicon=annotation.lexicon,
    )
