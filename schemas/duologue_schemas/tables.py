"""Defines the columns of a release's Parquet tables, for those who write them and those who read them.

Each column says what it holds in its metadata (key ``description``), which travels into the files, the documentation
and the Croissant card. Columns are not null unless they say so. Speakers appear as their commitments only.
"""

from typing import Final

import pyarrow as pa

from duologue_schemas.crosschecks import MEASURED_FAULTS

__all__ = [
    "DISFLUENCIES",
    "EVENTS",
    "FAULT_MEASURES",
    "INDEX",
    "LATER_COLUMNS",
    "LATER_TABLES",
    "RECORDINGS",
    "SAID_OF_SPEAKERS",
    "SHARD_TABLES",
    "SPEAKERS",
    "TABLES",
    "WITHDRAWN",
    "description",
]

WITHDRAWN: Final = "withdrawn"
"""What stands for a speaker who withdrew and was taken out of a recording, in place of commitment and hash."""

SAID_OF_SPEAKERS: Final = ("role", "age_band", "sex", "dialect", "device")
"""What a manifest may say of who speaks on a track: columns of ``recordings.parquet``, counts on the cards."""


def description(field: pa.Field) -> str:
    """Reads the sentence that says what a column holds."""
    return (field.metadata or {}).get(b"description", b"").decode("utf-8")


def _column(name: str, type_: pa.DataType, text: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, type_, nullable=nullable, metadata={"description": text})


def _per_track(name: str, type_: pa.DataType, text: str, *, nullable: bool = False) -> list[pa.Field]:
    return [
        _column(
            f"{name}_{side}", type_, text.format(track=f"track {side}", speaker=f"speaker {side}"), nullable=nullable
        )
        for side in ("a", "b")
    ]


def _per_direction(name: str, type_: pa.DataType, text: str) -> list[pa.Field]:
    return [
        _column(f"{name}_a_from_b", type_, text.format(other="b", own="a"), nullable=True),
        _column(f"{name}_b_from_a", type_, text.format(other="a", own="b"), nullable=True),
    ]


_FAULTS: Final = {
    "duplicate": ("duplicate_coherence", "How much of one track the other explains as a whole, 0 to 1"),
    "mono_mix": ("mono_mix_coherence", "The same, where the signal on both tracks holds both voices"),
    "over_suppression": ("over_suppression_db", "By how much one side's noise floor drops while the other talks"),
    "swap": ("swap_s", "When the speakers change tracks"),
    "offset": ("offset_s", "By how much track b lies late against track a"),
    "drift": ("drift_ppm", "How fast the clock of track b runs against that of track a"),
    "other_voice_a": ("other_voice_a_share", "Share of the sampled windows of track a with more than one voice"),
    "other_voice_b": ("other_voice_b_share", "Share of the sampled windows of track b with more than one voice"),
    "same_voice": ("same_voice_cosine", "Likeness of the voices of both tracks"),
}

FAULT_MEASURES: Final = {fault: measure for fault, (measure, _) in _FAULTS.items()}
"""Fault -> the name, which ends in the unit, of its measured value. Those after the measured ones are pyannote.audio's."""


def _per_fault() -> list[pa.Field]:
    columns = []
    for fault, (measure, text) in _FAULTS.items():
        asked = "" if fault in MEASURED_FAULTS else " or pyannote.audio was not asked"
        columns += [
            _column(
                f"{fault}_found",
                pa.bool_(),
                f"Whether it was found; null if it cannot be judged{asked}.",
                nullable=True,
            ),
            _column(measure, pa.float64(), f"{text}; null if not measured.", nullable=True),
            _column(f"{fault}_confidence", pa.float64(), "Confidence in what was found, 0 to 1.", nullable=True),
        ]
    return columns


_STRINGS: Final = pa.list_(pa.string())

INDEX: Final = pa.schema(
    [
        _column("key", pa.string(), "The sample's name inside its shard."),
        _column("shard", pa.string(), "Path of the shard that holds it."),
        _column("offset", pa.int64(), "Where its members begin in the shard, in bytes."),
        _column("bytes", pa.int64(), "How many bytes its members take."),
        _column("recording_id", pa.string(), "The recording that it was cut from."),
        _column("segment", pa.int32(), "Which piece of the recording it is, counted from 0."),
        _column("split", pa.string(), "train or validation, or bridge, which is for neither."),
        _column("start_s", pa.float64(), "Where it begins in the conversation."),
        _column("end_s", pa.float64(), "Where it ends in the conversation."),
        _column("frames", pa.int32(), "How many token frames it has."),
        *_per_track("speaker", pa.string(), "Commitment that stands for {speaker}; withdrawn if they were taken out."),
        _column("purposes", _STRINGS, "What both speakers allow."),
        _column("isolation", pa.string(), "Verdict on the recording: pass, warn, fail or undetermined."),
        _column("language", pa.string(), "BCP 47 tag; null where the manifest does not say.", nullable=True),
        _column(
            "overlap_share_of_speech",
            pa.float64(),
            "Seconds of the sample in which both speak over those in which anybody does, 0 to 1; null if nobody does.",
            nullable=True,
        ),
        _column("backchannels", pa.int32(), "Backchannels that begin in the sample, of both speakers."),
        _column("interruptions", pa.int32(), "Interruptions that begin in the sample, by both speakers."),
        _column("words", pa.bool_(), "Whether a word of a transcript begins in the sample."),
    ]
)
"""A row a sample, sorted by shard and offset."""

RECORDINGS: Final = pa.schema(
    [
        _column("recording_id", pa.string(), "The recording."),
        _column("split", pa.string(), "train or validation, or bridge, which is for neither."),
        _column("shard", pa.string(), "Path of the shard that holds its samples."),
        _column("samples", pa.int32(), "How many samples were cut from it."),
        _column("duration_s", pa.float64(), "Length of the conversation."),
        _column("language", pa.string(), "BCP 47 tag; null where the manifest does not say.", nullable=True),
        _column("setting", pa.string(), "How it was recorded, as the manifest says.", nullable=True),
        _column("corpus", pa.string(), "The corpus it comes from, as the manifest says.", nullable=True),
        _column("license", pa.string(), "Its licence, as the manifest says.", nullable=True),
        _column("route", pa.string(), "How it was obtained, as the manifest says.", nullable=True),
        _column(
            "synthetic",
            pa.bool_(),
            "Whether the voices are made by a program, as the manifest says, or its route; null where it is unknown.",
            nullable=True,
        ),
        _column("topic", pa.string(), "What it is about, as the manifest says.", nullable=True),
        _column("register", pa.string(), "How formal it is, as the manifest says.", nullable=True),
        _column(
            "started_at", pa.string(), "When it began (RFC 3339), as the manifest says; or the day.", nullable=True
        ),
        _column(
            "started_before",
            pa.string(),
            "Where only an interval is known: it began between started_at and this; null where started_at says all.",
            nullable=True,
        ),
        *_per_track("speaker", pa.string(), "Commitment that stands for {speaker}; withdrawn if they were taken out."),
        *_per_track("jurisdiction", pa.string(), "Where {speaker} was (ISO 3166).", nullable=True),
        *_per_track("role", pa.string(), "What {speaker} is, as the manifest says.", nullable=True),
        *_per_track("age_band", pa.string(), "How old {speaker} was, as the manifest says.", nullable=True),
        *_per_track("sex", pa.string(), "Sex or gender of {speaker}, as the manifest says.", nullable=True),
        *_per_track("dialect", pa.string(), "How {speaker} speaks the language, as the manifest says.", nullable=True),
        *_per_track("device", pa.string(), "What {track} was recorded with, as the manifest says.", nullable=True),
        *_per_track("words", pa.bool_(), "Whether {track} has a transcript."),
        *_per_track("sample_rate_hz", pa.int32(), "Sample rate of the file of {track}."),
        *_per_track(
            "delay_known",
            pa.bool_(),
            "Whether it is known where {track} begins; false for an MP3 that does not name the delay of its encoder.",
        ),
        *_per_track("bandwidth_hz", pa.int32(), "How high the sound of {track} really reaches."),
        _column("left_out_a_s", pa.float64(), "Seconds of track a before the conversation, by a negative offset_s."),
        _column("left_out_b_s", pa.float64(), "Seconds of track b before the conversation, by a negative offset_s."),
        _column("gain_db", pa.float64(), "By how much both tracks were turned to fit full scale; 0 where they did."),
        *_per_track("peak_dbfs", pa.float64(), "The highest sample of {track} in its file."),
        *_per_track("level_dbfs", pa.float64(), "The level of {track} in its file, without direct current."),
        *_per_track("clipped_share", pa.float64(), "Share of clipped samples of {track}, 0 to 1."),
        *_per_track("digital_silence_share", pa.float64(), "Share of digital silence of {track}, 0 to 1."),
        *_per_track(
            "samples_sha256",
            pa.string(),
            "Hash of the decoded samples of {track} without the zeros around them; withdrawn if they were taken out.",
        ),
        _column(
            "same_audio",
            _STRINGS,
            "The other recordings of the run that hold the audio of one of its tracks: none, unless they were asked for.",
        ),
        _column("isolation", pa.string(), "Verdict: pass, warn, fail or undetermined."),
        *_per_direction(
            "bleed_db",
            pa.float64(),
            "Level of {other}'s voice in {own}'s track; null where none was seen above the floor.",
        ),
        *_per_direction(
            "floor_db",
            pa.float64(),
            "Lowest level of {other}'s voice that would have been seen; null without evidence.",
        ),
        *_per_direction("lag_ms", pa.float64(), "Delay of {other}'s voice in {own}'s track."),
        *_per_direction("coherence", pa.float64(), "Share of {own}'s track that {other}'s explains, 0 to 1."),
        *_per_direction("solo_s", pa.float64(), "Seconds in which only {other} speaks: the evidence."),
        *_per_fault(),
        _column("speech_a_s", pa.float64(), "Seconds in which speaker a speaks."),
        _column("speech_b_s", pa.float64(), "Seconds in which speaker b speaks."),
        _column("overlap_s", pa.float64(), "Seconds in which both speak."),
        _column("overlap_share_of_time", pa.float64(), "overlap_s over duration_s; null if that is 0.", nullable=True),
        _column(
            "overlap_share_of_speech",
            pa.float64(),
            "overlap_s over the seconds in which anybody speaks; null if nobody does.",
            nullable=True,
        ),
        _column("ftos_s", pa.list_(pa.float64()), "Every floor-transfer offset, sorted; negative is overlap."),
        _column("ftos_a_s", pa.list_(pa.float64()), "Those of the transfers to speaker a."),
        _column("ftos_b_s", pa.list_(pa.float64()), "Those of the transfers to speaker b."),
        _column(
            "kinds",
            pa.list_(
                pa.struct(
                    [("kind", pa.string()), ("speaker", pa.string()), ("events", pa.int32()), ("seconds", pa.float64())]
                )
            ),
            "Events of each kind and speaker: how many, and how long together.",
        ),
        *_per_track("words_given", pa.int32(), "Words in the word file of {track}; null without one.", nullable=True),
        *_per_track(
            "words_outside",
            pa.int32(),
            "How many of them lie before or after the audio of {track}, and were left out.",
            nullable=True,
        ),
        *_per_track(
            "words_check",
            pa.string(),
            "How the transcript of {track} lies to its speech: fits, shifted, wrong_track, outside (of the audio) or "
            "invalid (no readable transcript; then it was not used), or undetermined; null where none was given.",
            nullable=True,
        ),
        _column("words_shift_a_s", pa.float64(), "By how much the words of track a come late.", nullable=True),
        _column("words_shift_b_s", pa.float64(), "By how much the words of track b come late.", nullable=True),
        *_per_track(
            "words_heard",
            pa.int32(),
            "Words that a recogniser heard on {track}; null where none was asked.",
            nullable=True,
        ),
        *_per_track(
            "words_invented",
            pa.int32(),
            "How many of them lie where nobody speaks on {track}, or were doubted, and were left out.",
            nullable=True,
        ),
        *_per_track("said_words", pa.int32(), "Words of {speaker}; null without a transcript.", nullable=True),
        _column(
            "word_tags",
            pa.list_(pa.struct([("tag", pa.string()), ("speaker", pa.string()), ("words", pa.int32())])),
            "How many words of each speaker carry a tag, e.g. filler.",
        ),
        *_per_track("turns", pa.int32(), "Turns of {speaker}."),
        *_per_track("backchannels", pa.int32(), "Backchannels of {speaker}."),
        *_per_track("interruptions", pa.int32(), "Interruptions by {speaker}."),
        _column("pauses", pa.int32(), "Silences between two IPUs of the same speaker."),
        _column("gaps", pa.int32(), "Floor transfers with silence between."),
        _column("overlaps_between", pa.int32(), "Overlaps that change the floor."),
        _column("overlaps_within", pa.int32(), "Overlaps that do not change the floor."),
        _column("purposes", _STRINGS, "What both speakers allow."),
    ]
)
"""A row a recording, sorted by shard and recording_id."""

EVENTS: Final = pa.schema(
    [
        _column("recording_id", pa.string(), "The recording."),
        _column("split", pa.string(), "train or validation, or bridge, which is for neither."),
        _column("kind", pa.string(), "What happens, e.g. backchannel."),
        _column("subtype", pa.string(), "More on it, e.g. continuer, where evidence tells.", nullable=True),
        _column("speaker", pa.string(), "a or b: who does it, or who takes the floor."),
        _column(
            "addressee",
            pa.string(),
            "What the other one does at its onset: speaking, pausing, silent, backchannelling or laughing.",
            nullable=True,
        ),
        _column("start_s", pa.float64(), "When it begins in the conversation."),
        _column("end_s", pa.float64(), "When it ends in the conversation."),
        _column("fto_s", pa.float64(), "Floor-transfer offset, where the kind has one.", nullable=True),
        _column("floor_taking", pa.bool_(), "Whether an interruption takes the floor.", nullable=True),
        _column(
            "take_over",
            pa.bool_(),
            "Whether a turn, backchannel or interruption has more than three words or lasts more than a second.",
            nullable=True,
        ),
        *(
            _column(f"{name}_latency_s", pa.float64(), f"Of an interruption: {text}.", nullable=True)
            for name, text in {
                "response": "from the end of its turn to the next turn of who was interrupted",
                "stop": "from its onset until the other one is silent, if it takes the floor",
                "success": "the same, if that is at most 1.5 s",
                "penalty": "the same, or to the end of the other's turn if it does not take the floor",
            }.items()
        ),
        *(
            _column(f"{part}_{edge}_s", pa.float64(), f"Of a disfluency: when its {part} {text}.", nullable=True)
            for part in ("reparandum", "interregnum", "repair")
            for edge, text in (("start", "begins"), ("end", "ends"))
        ),
        _column("confidence", pa.float64(), "0 to 1."),
        _column("source", pa.string(), "The evidence: activity, words or both."),
        _column("rules", pa.string(), "Version of the rule set of the events."),
    ]
)
"""A row an event, sorted by its recording's shard, recording_id, start_s, end_s, kind and speaker."""

SPEAKERS: Final = pa.schema(
    [
        _column("speaker", pa.string(), "The speaker's commitment."),
        _column(
            "conversations", pa.int32(), "Conversations with the speaker, but those whose other speaker was taken out."
        ),
        _column("duration_s", pa.float64(), "How long they are."),
        _column("speech_s", pa.float64(), "The speaker's own speech in them."),
        _column("speech_share", pa.float64(), "Share of it in all speech.", nullable=True),
        _column("quieter_share", pa.float64(), "Share in all speech of whoever of the two speaks less.", nullable=True),
        _column("overlap_s", pa.float64(), "Time in which both speak."),
        _column("overlap_share_of_time", pa.float64(), "Share of it in the duration.", nullable=True),
        _column("overlap_share_of_speech", pa.float64(), "Share of it in the time with any speech.", nullable=True),
        _column("floor_transfers", pa.int64(), "Times that the speaker took the floor."),
        _column("overlapped_transfers_share", pa.float64(), "Share of those that begin in overlap.", nullable=True),
        *(
            _column(f"fto_p{p}_s", pa.float64(), f"Floor-transfer offset, percentile {p}.", nullable=True)
            for p in (5, 10, 25, 50, 75, 90, 95)
        ),
        _column("backchannels_per_minute", pa.float64(), "Backchannels of the speaker a minute.", nullable=True),
        _column(
            "kinds",
            pa.list_(
                pa.struct([("kind", pa.string()), ("events", pa.int64()), ("seconds", pa.float64())]),
            ),
            "The speaker's events: how many of each kind, and how long together.",
        ),
        _column("words", pa.int64(), "Words that the speaker said, of those with a transcript."),
        _column(
            "word_tags",
            pa.list_(pa.struct([("tag", pa.string()), ("words", pa.int64())])),
            "How many of them carry each tag.",
        ),
        _column(
            "disfluencies_per_100_words",
            pa.float64(),
            "Disfluencies per 100 words, over the tracks with a transcript.",
            nullable=True,
        ),
    ]
)
"""A row a speaker, sorted by commitment."""

TABLES: Final[dict[str, pa.Schema]] = {"index": INDEX, "recordings": RECORDINGS, "events": EVENTS, "speakers": SPEAKERS}
"""The tables of a release and their columns; ``index`` lies in ``index.parquet``, or in the files of the folder ``index/``."""

SHARD_TABLES: Final = ("index", "recordings", "events")
"""The tables of which each shard has its own rows; those of the others belong to the release as a whole."""

DISFLUENCIES: Final = ("filler", "hesitation", "repetition", "false_start", "self_correction")
"""The kinds of events that are disfluencies."""

LATER_TABLES: Final = frozenset({"speakers"})
"""The tables that the first releases do not have."""

LATER_COLUMNS: Final[dict[str, frozenset[str]]] = {
    "index": frozenset({"overlap_share_of_speech", "backchannels", "interruptions", "words"}),
    "recordings": frozenset(
        {"gain_db", "same_audio", "synthetic", "started_before"}
        | {
            f"{name}_{side}"
            for name in ("delay_known", "words_given", "words_outside", "words_heard", "words_invented")
            for side in "ab"
        }
        | {f"{name}_{side}" for name in SAID_OF_SPEAKERS for side in "ab"}
        | {f"left_out_{side}_s" for side in "ab"}
    ),
    "events": frozenset(),
    "speakers": frozenset(),
}
"""Table -> its columns that the first releases do not have; whoever reads, checks or withdraws from such a one does without."""
