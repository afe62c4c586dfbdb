"""Defines what every importer gives: the streams of a transcript, and their words with times in seconds.

A stream is what one microphone or one tier holds. Which of the two tracks of a conversation it is, is told by the file (a
channel) or by a person (the name of a tier), never by who speaks first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["MARKS", "TIMINGS", "Separation", "Stream", "Timing", "Transcript", "TranscriptError", "TranscriptWord"]

Timing = Literal["word", "interpolated", "utterance"]

TIMINGS: Final[tuple[Timing, ...]] = ("word", "interpolated", "utterance")
"""Where the times of a word come from: the transcript times the word; its neighbours; the utterance that holds it."""

MARKS: Final = ("laughter", "noise", "partial", "unsure")
"""What a transcript may say of a word: laughter or said laughing, a sound that is no speech, broken off, not surely heard."""

Separation = Literal["track", "channel", "name", "diarized"]
"""What keeps the streams apart: nothing (one file a track), channels, names of tiers or people, or a machine's guess."""


class TranscriptError(ValueError):
    """Reports that a transcript cannot be used; the message says what was found, where, and what to do."""


@dataclass(frozen=True)
class TranscriptWord:
    """Holds one word: ``0 <= start_s <= end_s``, in seconds from the first sample of its audio file.

    ``marks`` are any of :data:`MARKS`, in that order. ``confidence`` is in [0, 1], None where the transcript gives none.
    """

    word: str
    start_s: float
    end_s: float
    confidence: float | None = None
    timing: Timing = "word"
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stream:
    """Holds the words of one channel, tier or file.

    Attributes:
        words: in order of start and end.
        channel: counted from 0, where the file numbers them (or writes A and B); None where it does not.
        name: of the tier or the person as the file says it, ``""`` where it says none.
        recording: what the file calls the recording, where it may hold several; else ``""``.
        transcribed: stretches ``(start_s, end_s)`` that were transcribed; None where the file does not say: then all was.
    """

    words: Sequence[TranscriptWord]
    channel: int | None = None
    name: str = ""
    recording: str = ""
    transcribed: Sequence[tuple[float, float]] | None = None

    @property
    def timing(self) -> Timing:
        """Names the timing of most of the words; ``word`` where there are none."""
        counts = {timing: sum(word.timing == timing for word in self.words) for timing in TIMINGS}
        return max(TIMINGS, key=lambda timing: counts[timing])

    @property
    def label(self) -> str:
        """Names the stream for a message: its name, or its channel."""
        return self.name or ("" if self.channel is None else f"channel {self.channel}")


@dataclass(frozen=True)
class Transcript:
    """Holds what one file says.

    Attributes:
        format: a key of :data:`duologue_pipeline.transcripts.formats.FORMATS`.
        streams: sorted by recording, channel and name.
        separation: what keeps them apart.
        notes: sentences about what was left out or guessed, for whoever imports.
    """

    format: str
    streams: Sequence[Stream]
    separation: Separation
    notes: Sequence[str] = ()
