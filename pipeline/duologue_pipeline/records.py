"""Defines every element that travels through the pipeline, in the order in which it comes into being.

The way of a recording is a chain of dataclasses, each the one before plus what the stage found out::

    Recording -> Consented -> Ingested -> Measured -> Active -> Worded -> Annotated -> Tokenized

What cannot go on becomes a :class:`Rejected`. All are frozen and small: audio, codes and other arrays never travel,
the paths they are read from do. Speaker ``a`` is the first track of the manifest, ``b`` the second, everywhere.

Time inside is an integer count of milliseconds (``*_ms``) on the conversation's own clock, which starts where the
manifest's offsets put zero; seconds (``*_s``) appear only at the edges. Levels are dB, rates Hz.

The module is long because it is one page, read from top to bottom: the first that a newcomer reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = [
    "FAULTS",
    "SPEAKERS",
    "SPLITS",
    "Active",
    "Activity",
    "Annotated",
    "AudioReport",
    "BleedPoint",
    "BleedReport",
    "ConsentBasis",
    "Consented",
    "Event",
    "FaultReport",
    "GrantRef",
    "HeardWords",
    "Ingested",
    "IsolationReport",
    "KindTotal",
    "Measured",
    "Recording",
    "Rejected",
    "Source",
    "Span",
    "Speaker",
    "SpeakerConsent",
    "Statistics",
    "TagTotal",
    "TaggedWord",
    "Tokenized",
    "Track",
    "TrackReport",
    "Vocalisation",
    "Word",
    "Worded",
    "WordsCheck",
    "WordsVerdict",
    "WrittenShard",
    "WrittenTable",
]

Speaker = Literal["a", "b"]

SPEAKERS: Final[tuple[Speaker, Speaker]] = ("a", "b")

SPLITS: Final[tuple[str, str, str]] = ("train", "validation", "bridge")
"""The parts of a release. No speaker is in both of the first two; the third is what lies between them, and is for neither."""


# --- read -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Track:
    """Holds one speaker's track as the manifest names it (duologue_schemas/recording.schema.json).

    ``uri`` and ``words_uri`` are absolute: the reader of the manifest has resolved them against its folder.
    ``offset_s`` is where the track's first sample lies on the conversation's clock: positive means that the track
    started late (silence is put before it), negative that it started early (its beginning is left out).
    ``words_channel`` is which stream of its transcript is the track's: a channel counted from 0, or a name.
    ``role`` is what the speaker is in the conversation, ``role_prompt`` the text that tells a model to be it; ``age_band``, ``sex`` and
    ``dialect`` say of the speaker, ``device`` of the microphone, what the manifest says.
    """

    speaker_id: str
    uri: str = field(repr=False)
    channel: int = 0
    offset_s: float = 0.0
    jurisdiction: str | None = None
    words_uri: str | None = field(default=None, repr=False)
    words_channel: str | None = field(default=None, repr=False, kw_only=True)
    role: str | None = None
    role_prompt: str | None = None
    age_band: str | None = field(default=None, kw_only=True)
    sex: str | None = field(default=None, kw_only=True)
    dialect: str | None = field(default=None, kw_only=True)
    device: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Source:
    """Says where a recording comes from, as the manifest has it."""

    corpus: str | None = None
    license: str | None = None
    route: str | None = None


@dataclass(frozen=True)
class Recording:
    """Holds one line of the manifest: a conversation of exactly two tracks.

    ``started_at`` is when it began: a moment or a date, RFC 3339; with ``started_before`` it began between the two.
    ``synthetic`` tells whether the voices are made by a program; None where it is not known. ``gain_db`` is not of the manifest: ingest sets it where a track goes over full scale. Whoever decodes the tracks turns
    both by as much, at most 0 dB.
    """

    recording_id: str
    a: Track
    b: Track
    language: str | None = None
    started_at: str | None = None
    setting: str | None = None
    topic: str | None = None
    register: str | None = None
    source: Source = field(default_factory=Source)
    gain_db: float = 0.0
    synthetic: bool | None = None
    started_before: str | None = field(default=None, kw_only=True)

    @property
    def tracks(self) -> tuple[Track, Track]:
        """Gives both tracks, ``a`` first."""
        return self.a, self.b


@dataclass(frozen=True)
class Rejected:
    """Stands for a recording (or a manifest line) that goes no further: a line of ``rejected.jsonl``.

    ``recording_id`` is None where the manifest line is too broken to have one. ``reason`` is a key of
    :data:`duologue_pipeline.errors.REASONS`; ``detail`` says what was found and what to do, for the one who runs the
    pipeline only; ``values`` are what of it is published.
    """

    recording_id: str | None
    stage: str
    reason: str
    detail: str
    values: Mapping[str, int | float | str] = field(default_factory=dict)


# --- consent gate ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GrantRef:
    """Points to the ledger event that lets a speaker's track be used for one purpose."""

    purpose: str
    event_sha256: str
    granted_at: str
    expires_at: str | None = None


@dataclass(frozen=True)
class SpeakerConsent:
    """Holds one speaker's part of a :class:`ConsentBasis`; ``commitment`` stands for the speaker in every output."""

    commitment: str
    grants: Sequence[GrantRef]


@dataclass(frozen=True)
class ConsentBasis:
    """Says what let a recording pass the gate, and travels with it into every sample's metadata.

    ``forms`` are those that both speakers granted, in the words of :class:`duologue_consent.Form`: nothing else may be written.
    ``uses`` are all that they allow, for any purpose, as :mod:`duologue_pipeline.consent.coverage` names them; they are counted only.
    """

    purpose: str
    ledger_id: str
    forms: Sequence[str]
    a: SpeakerConsent
    b: SpeakerConsent
    uses: Sequence[str] = field(default=(), kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Consented(Recording):
    """Is a recording whose speakers both allow the purpose of the run: only such a one may be written."""

    consent: ConsentBasis


# --- ingest ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrackReport:
    """Reports what decoding one track from beginning to end showed.

    ``samples_sha256`` is over the decoded samples as little-endian float32 without the zeros around them, before offset and
    resampling (:class:`duologue_pipeline.ingest.content_hash.ContentHash`).
    ``level_dbfs`` is without the direct current ``dc``. ``clipped_share`` counts samples at full scale, or at the lower
    level at which the sound is cut off. ``digital_silence_share`` counts frames of one value.
    ``bandwidth_hz`` is the highest frequency whose mean power in louder frames is within 60 dB of the strongest.
    ``delay_known`` says whether the first sample lies where it was recorded; it is False for an MP3 that does not name
    the delay of its encoder.
    """

    sample_rate_hz: int
    samples: int
    samples_sha256: str
    peak_dbfs: float
    level_dbfs: float
    dc: float
    clipped_share: float
    digital_silence_share: float
    bandwidth_hz: int
    delay_known: bool = True


@dataclass(frozen=True)
class AudioReport:
    """Reports on both tracks of a recording; ``duration_ms`` is that of the conversation, offsets applied.

    ``gain_db`` is by how much both tracks are turned so that neither goes over full scale, 0 where none does.
    """

    duration_ms: int
    a: TrackReport
    b: TrackReport
    gain_db: float = 0.0


@dataclass(frozen=True)
class Ingested:
    """Holds a recording whose audio has been decoded once from beginning to end and found usable."""

    recording: Recording
    audio: AudioReport

    @property
    def consent(self) -> ConsentBasis:
        """What let the recording pass the gate; whoever writes anything of a recording takes it from here.

        Raises:
            ValueError: the recording has not passed the gate, so nothing of it may be written.
        """
        if isinstance(self.recording, Consented):
            return self.recording.consent
        raise ValueError(
            f"{self.recording.recording_id}: has not passed the consent gate; nothing of it may be written"
        )


# --- isolation ------------------------------------------------------------------------------------------------------

FAULTS: Final = ("duplicate", "mono_mix", "over_suppression", "swap", "offset", "drift")
"""The faults that an :class:`IsolationReport` speaks of, in this order."""


@dataclass(frozen=True, order=True)
class Span:
    """Marks a half-open stretch of time ``[start_ms, end_ms)`` on the conversation's clock."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        """Gives the length in milliseconds."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class BleedPoint:
    """Reports the bleed within one stretch of a recording; its fields are those of :class:`BleedReport`."""

    start_ms: int
    end_ms: int
    bleed_db: float | None
    floor_db: float | None
    lag_ms: float | None
    coherence: float


@dataclass(frozen=True)
class BleedReport:
    """Reports how much of the *other* speaker is heard in a track, from stretches where only the other one speaks.

    ``bleed_db`` is the level of the coherent copy relative to the source in its own track (median over blocks), None
    where there is no evidence of a copy above ``floor_db``; ``floor_db`` is the lowest level that would have been
    seen, None without evidence. ``lag_ms`` is the copy's delay, ``coherence`` in [0, 1] the median share of the
    track's power that the other explains, ``solo_s`` the seconds of evidence. ``spans`` are those seconds, at most
    200 stretches: neighbours are joined where there would be more. ``over_time`` has a point for each group of them.
    """

    bleed_db: float | None
    floor_db: float | None
    lag_ms: float | None
    coherence: float | None
    solo_s: float
    spans: Sequence[Span] = ()
    over_time: Sequence[BleedPoint] = ()


@dataclass(frozen=True)
class FaultReport:
    """Reports whether a recording has one of :data:`FAULTS`.

    ``found`` is None where it could not be judged. ``value`` is what was measured, None where nothing could be:
    ``duplicate`` and ``mono_mix`` the share of one track that the other explains; ``over_suppression`` the dB by which
    one side's noise floor drops while the other talks; ``swap`` the second in which the speakers change tracks;
    ``offset`` the seconds by which b lies late against a; ``drift`` how fast b's clock runs against a's, in ppm.
    ``confidence`` in [0, 1] is that of ``found``, 0 where it is None. ``detail`` is one short sentence, ``""`` where
    there is nothing to say.
    """

    found: bool | None
    value: float | None = None
    confidence: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class IsolationReport:
    """Reports how well the tracks keep the speakers apart: bleed in both directions, and other faults.

    ``a_from_b`` is b's voice in a's track. ``verdict`` is pass, warn, fail or undetermined. ``faults`` has a
    :class:`FaultReport` for each of :data:`FAULTS`.
    """

    verdict: str
    a_from_b: BleedReport
    b_from_a: BleedReport
    faults: Mapping[str, FaultReport]
    rules: str

    @property
    def duplicate(self) -> bool:
        """Tells whether both tracks are one signal, be it of one voice or of two (``mono_mix``)."""
        return self.faults["duplicate"].found is True


@dataclass(frozen=True)
class Measured(Ingested):
    """Holds a recording whose channels have been checked against each other."""

    isolation: IsolationReport


# --- activity -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vocalisation:
    """Marks what the signal alone suggests a sound to be: ``filler``, ``laughter`` or ``breath``; low confidence."""

    kind: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True)
class Activity:
    """Says when each speaker is heard, and what some of the sounds may be.

    The spans of a speaker are sorted, disjoint and not touching.
    """

    a: Sequence[Span]
    b: Sequence[Span]
    rules: str
    vocalisations_a: Sequence[Vocalisation] = ()
    vocalisations_b: Sequence[Vocalisation] = ()


@dataclass(frozen=True)
class Active(Measured):
    """Holds a recording with voice activity per track."""

    activity: Activity


# --- words ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """Holds a word of a transcript with its times on the conversation's clock.

    ``timing`` says where they come from: ``word``, ``interpolated`` (its neighbours) or ``utterance``; events are made of the
    first alone. ``marks`` are what the transcript says of it (:data:`duologue_pipeline.transcripts.model.MARKS`).
    """

    word: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    timing: str = field(default="word", kw_only=True)
    marks: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class TaggedWord(Word):
    """Holds a word with its tags (:data:`duologue_pipeline.words.disfluency.TAGS`, in that order)."""

    tags: tuple[str, ...] = ()


WordsVerdict = Literal["fits", "shifted", "wrong_track", "outside", "invalid", "undetermined"]


@dataclass(frozen=True)
class WordsCheck:
    """Reports how well the words of one track fit its activity (duologue_pipeline.words.check).

    ``agreement`` in [-1, 1] is the correlation with the track's own activity as the times are, ``best_agreement`` the
    highest within the shifts tried and ``shift_ms`` where it is: positive where the words come late.
    ``agreement_other`` is the highest with the other track. All are None where there is too little to compare.
    ``given`` is how many words there were, ``outside`` how many of them lie before or after the audio of the track: these
    are left out, and where they are most of the words, the verdict is ``outside``. ``invalid`` is a transcript that could not
    be read. ``detail`` says more, for the one who runs the pipeline only.
    """

    verdict: WordsVerdict
    agreement: float | None = None
    best_agreement: float | None = None
    shift_ms: int | None = None
    agreement_other: float | None = None
    given: int = 0
    outside: int = 0
    detail: str = ""


@dataclass(frozen=True)
class HeardWords:
    """Holds the words that a recogniser heard on a track, and how many there were before the invented ones were left out."""

    words: tuple[Word, ...]
    given: int

    @property
    def invented(self) -> int:
        """Counts those that were left out (:mod:`duologue_pipeline.words.heard`)."""
        return self.given - len(self.words)


@dataclass(frozen=True)
class Worded(Active):
    """Holds a recording with its words on the conversation's clock, None for a speaker who has none.

    Words that do not fit the audio by ``words_check_a`` or ``words_check_b`` (None: nothing to check) have been left
    out, and so have those that lie outside of it. The activity of a speaker without words has the filled pauses that the signal suggests.
    ``transcribed_a`` and ``transcribed_b`` are the stretches that somebody wrote down, sorted and disjoint; None is all.
    ``heard_a`` and ``heard_b`` are how many words a recogniser heard, and ``invented_a`` and ``invented_b`` how many of them
    nobody said: these are left out. All four are None where none was asked.
    """

    words_a: Sequence[Word] | None
    words_b: Sequence[Word] | None
    words_check_a: WordsCheck | None
    words_check_b: WordsCheck | None
    transcribed_a: Sequence[Span] | None = field(default=None, kw_only=True)
    transcribed_b: Sequence[Span] | None = field(default=None, kw_only=True)
    heard_a: int | None = field(default=None, kw_only=True)
    heard_b: int | None = field(default=None, kw_only=True)
    invented_a: int | None = field(default=None, kw_only=True)
    invented_b: int | None = field(default=None, kw_only=True)


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """Marks one thing that happens between the speakers (kinds and definitions: duologue_pipeline.events.find).

    ``speaker`` is ``a`` or ``b``: whoever does it; for a gap or a floor transfer, whoever takes the floor.
    ``fto_ms`` (floor-transfer offset: negative in overlap) is set for floor transfers, gaps and between-speaker
    overlaps. ``floor_taking`` is set for interruptions. ``confidence`` is in [0, 1]; ``source`` is ``activity``,
    ``words`` or ``both``. ``subtype`` tells more where evidence does. ``addressee`` is the state of the other speaker
    at the onset: ``speaking``, ``pausing``, ``silent``, ``backchannelling`` or ``laughing``. ``take_over`` says whether
    it has more than three words or lasts more than a second. ``rules`` is the version of the rule set that made it.

    The four latencies belong to interruptions and are defined in duologue_pipeline.events.latencies.
    ``reparandum``, ``interregnum`` and ``repair`` are the parts of a disfluency (Shriberg 1994).
    """

    kind: str
    speaker: str
    start_ms: int
    end_ms: int
    fto_ms: int | None = None
    floor_taking: bool | None = None
    confidence: float = 1.0
    source: str = "activity"
    subtype: str | None = None
    addressee: str | None = None
    take_over: bool | None = None
    rules: str = ""
    response_latency_ms: int | None = None
    stop_latency_ms: int | None = None
    success_latency_ms: int | None = None
    penalty_latency_ms: int | None = None
    reparandum: Span | None = None
    interregnum: Span | None = None
    repair: Span | None = None


@dataclass(frozen=True)
class KindTotal:
    """Counts the events of a kind that a speaker has, and how long they last together."""

    kind: str
    speaker: str
    events: int
    duration_ms: int


@dataclass(frozen=True)
class TagTotal:
    """Counts the words of a speaker that carry a tag."""

    tag: str
    speaker: str
    words: int


@dataclass(frozen=True)
class Statistics:
    """Sums up the turn-taking of one conversation in exact counts of milliseconds, events and words.

    Shares are made of them at the edges.
    ``speech_a_ms + speech_b_ms - overlap_ms`` is the time in which anybody speaks. ``ftos_a_ms`` are the offsets of the
    floor transfers to ``a``, sorted; ``kinds`` and ``tags`` are sorted and hold what occurs. ``words_a`` is how many
    words ``a`` says, None where there is no transcript.
    """

    duration_ms: int
    speech_a_ms: int
    speech_b_ms: int
    overlap_ms: int
    ftos_a_ms: Sequence[int] = ()
    ftos_b_ms: Sequence[int] = ()
    kinds: Sequence[KindTotal] = ()
    words_a: int | None = None
    words_b: int | None = None
    tags: Sequence[TagTotal] = ()

    def events(self, kind: str, speaker: str | None = None) -> int:
        """Counts the events of a kind, of one speaker or of both."""
        return sum(x.events for x in self.kinds if x.kind == kind and speaker in (None, x.speaker))


@dataclass(frozen=True)
class Annotated(Worded):
    """Holds a recording with its events, and tags on its words.

    ``lexicon`` is the name of the lexicon that was used, ``none`` where the language has none.
    """

    words_a: Sequence[TaggedWord] | None
    words_b: Sequence[TaggedWord] | None
    events: Sequence[Event]
    statistics: Statistics
    events_rules: str
    lexicon: str = "none"


# --- tokens and shards ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tokenized:
    """Says where the samples of a recording lie in the staging folder, ready to be joined into a shard.

    ``part_uri`` holds the tar members of all its samples, ``rows_uri`` their rows for the tables. ``speakers`` are the
    commitments of a and b, ``lists`` those lists of the samples that hold anything, sorted. Nothing of it depends on other
    recordings but ``same_audio``, found later: the other recordings of the run that hold the audio of a track of it, sorted.
    """

    recording_id: str
    part_uri: str
    rows_uri: str
    speakers: tuple[str, str]
    language: str | None
    statistics: Statistics
    lists: tuple[str, ...] = ()
    same_audio: tuple[str, ...] = ()


@dataclass(frozen=True)
class WrittenTable:
    """Describes one Parquet file of a table; ``path`` is that in the release, e.g. ``index/train-00000.parquet``."""

    path: str
    rows: int
    sha256: str
    bytes: int


@dataclass(frozen=True)
class WrittenShard:
    """Describes a finished shard file, and its file of each table, that all lie ready.

    ``summary`` is the :class:`duologue_pipeline.shards.summary.Summary` of its rows, None where it was taken out.
    """

    name: str
    split: str
    sha256: str
    bytes: int
    samples: int
    duration_ms: int
    tables: tuple[WrittenTable, ...]
    summary: Any = None
