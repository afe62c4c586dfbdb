"""From the consent gate to the events: one transform a stage, each over a pure function of its module."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.utils.shared import Shared

from duologue_consent import Snapshot
from duologue_pipeline.activity.vad import VadModel, load_vad
from duologue_pipeline.analysis import annotate, detect_activity, ingest, measure_channels
from duologue_pipeline.consent.gate import check_consent
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES
from duologue_pipeline.isolation.second_opinion import Listener, SecondOpinion
from duologue_pipeline.records import Active, Annotated, ConsentBasis, Consented, Ingested, Measured, Recording
from duologue_pipeline.stages.guard import GuardedDoFn, Split, guarded
from duologue_pipeline.words.asr import AsrModel, Recognizer
from duologue_pipeline.words.files import WORDS_POLICIES

__all__ = ["ConsentGate", "DetectActivity", "FindEvents", "Ingest", "MeasureIsolation"]


class _Stage(beam.PTransform[Any, Any]):
    """A transform that applies one guarded DoFn."""

    output: type

    def __post_init__(self) -> None:
        super().__init__()

    def dofn(self) -> GuardedDoFn:
        raise TypeError(f"{type(self).__name__} has no DoFn")

    def expand(self, elements: PCollection[Any]) -> Split:
        return guarded(elements, "Apply", beam.ParDo(self.dofn()), self.output)


@dataclass(kw_only=True)
class ConsentGate(_Stage):
    """Lets a recording pass if both speakers allow the purpose. No audio has been opened before.

    Args:
        snapshot: the ledger's state, None where there is no ledger: then nothing passes.
        purpose: what the run is for.
        as_of: the moment at which consent must be live.
        ledger_name: for messages.
        include_audio: whether the run writes audio.
        words: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
    """

    snapshot: Snapshot | None
    purpose: str
    as_of: datetime
    ledger_name: str
    include_audio: bool
    words: str

    output = Consented

    def dofn(self) -> GuardedDoFn:
        check = partial(
            check_consent,
            snapshot=self.snapshot,
            purpose=self.purpose,
            as_of=self.as_of,
            ledger_name=self.ledger_name,
            include_audio=self.include_audio,
            words=self.words,
        )
        return _ConsentGate(check)


class _ConsentGate(GuardedDoFn):
    stage = "consent"

    def __init__(self, check: Callable[[Recording], ConsentBasis]) -> None:
        self._check = check

    def work(self, element: Recording) -> Consented:
        basis = self._check(element)
        return Consented(element, basis)


@dataclass(kw_only=True)
class Ingest(_Stage):
    """Decodes both tracks once and measures them."""

    output = Ingested

    def dofn(self) -> GuardedDoFn:
        return _Ingest()


class _Ingest(GuardedDoFn):
    stage = "ingest"

    def work(self, element: Consented) -> Ingested:
        return ingest(element)


@dataclass(kw_only=True)
class MeasureIsolation(_Stage):
    """Measures how well the channels are kept apart.

    Args:
        policy: a key of :data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`.
        second_opinion: what pyannote.audio is asked besides, if anything.
    """

    policy: str
    second_opinion: SecondOpinion | None = None

    output = Measured

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.policy not in ISOLATION_POLICIES:
            raise ValueError(f"policy: expected one of {', '.join(ISOLATION_POLICIES)}, found {self.policy!r}")

    def dofn(self) -> GuardedDoFn:
        return _MeasureIsolation(self.policy, self.second_opinion)


class _MeasureIsolation(GuardedDoFn):
    stage = "isolation"

    def __init__(self, policy: str, second_opinion: SecondOpinion | None) -> None:
        self._policy, self._second_opinion = policy, second_opinion
        self._shared = Shared()
        self._listener: Listener | None = None

    def setup(self) -> None:
        if self._second_opinion is not None:
            self._listener = self._shared.acquire(self._second_opinion.open)

    def work(self, element: Ingested) -> Measured:
        return measure_channels(element, policy=self._policy, listener=self._listener)


@dataclass(kw_only=True)
class DetectActivity(_Stage):
    """Finds when each speaker is heard."""

    output = Active

    def dofn(self) -> GuardedDoFn:
        return _DetectActivity()


class _DetectActivity(GuardedDoFn):
    stage = "activity"

    def __init__(self) -> None:
        self._shared = Shared()
        self._model: VadModel

    def setup(self) -> None:
        self._model = self._shared.acquire(load_vad)

    def work(self, element: Measured) -> Active:
        return detect_activity(element, self._model)


@dataclass(kw_only=True)
class FindEvents(_Stage):
    """Finds the interaction events and attaches the words.

    Args:
        words: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        asr: the recogniser for tracks without a transcript, if any.
    """

    words: str
    asr: AsrModel | None = None

    output = Annotated

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.words not in WORDS_POLICIES:
            raise ValueError(f"words: expected one of {', '.join(WORDS_POLICIES)}, found {self.words!r}")

    def dofn(self) -> GuardedDoFn:
        return _FindEvents(self.words, self.asr)


class _FindEvents(GuardedDoFn):
    stage = "words"
    done = "analysed"

    def __init__(self, words: str, asr: AsrModel | None) -> None:
        self._words, self._asr = words, asr
        self._shared = Shared()
        self._recognizer: Recognizer | None = None

    def setup(self) -> None:
        if self._asr is not None:
            self._recognizer = self._shared.acquire(self._asr.open)

    def work(self, element: Active) -> Annotated:
        return annotate(element, words=self._words, recognizer=self._recognizer)
