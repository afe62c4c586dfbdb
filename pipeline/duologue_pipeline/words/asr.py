"""Recognises the words of speakers who have no transcript, behind one interface that any recogniser can have.

The recogniser hears only what voice activity found, in pieces (:mod:`duologue_pipeline.ingest.pieces`) that begin and
end in silence. So none is longer than the 30 s that Whisper takes, memory does not grow with the recording, and
silence, in which recognisers invent words, is not heard at all. Times are put back onto the conversation's clock.

The recogniser that a run uses is that of :mod:`duologue_pipeline.words.asr_checkpoint`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.pieces import heard_pieces
from duologue_pipeline.records import SPEAKERS, Activity, Recording, Span, Speaker, Word

__all__ = ["RATE_HZ", "Recognizer", "SpokenWord", "transcribe", "with_heard_words"]

RATE_HZ: Final = 16_000
"""Recognisers take 16 kHz."""

Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpokenWord:
    """Holds a recognised word with its times in seconds from the beginning of the piece that was heard."""

    word: str
    start_s: float
    end_s: float


class Recognizer(Protocol):
    """Makes words of sound, whatever the model."""

    def words(self, pcm: Pcm, *, language: str | None) -> Sequence[SpokenWord]:
        """Recognises the words of a piece of speech.

        Args:
            pcm: float32 [T] in [-1, 1] at :data:`RATE_HZ`.
            language: a BCP 47 tag, None if unknown.

        Returns:
            The words with their times, in the order in which they are said.
        """
        ...


def with_heard_words(
    recording: Recording,
    activity: Activity,
    words: Mapping[Speaker, tuple[Word, ...] | None],
    recognizer: Recognizer,
) -> dict[Speaker, tuple[Word, ...] | None]:
    """Recognises the words of those who have none; the tracks of others are not listened to.

    Args:
        recording: whose tracks are decoded once more, if anybody has no words.
        activity: when each speaker is heard; nothing else is listened to.
        words: of each speaker, on the conversation's clock; None for who has none.
        recognizer: the model.

    Returns:
        The words of both speakers.

    Raises:
        RejectError: as :func:`transcribe`.
    """
    wordless = [speaker for speaker in SPEAKERS if words[speaker] is None]
    if not wordless:
        return dict(words)
    heard = transcribe(recording, activity, recognizer, language=recording.language, speakers=wordless)
    return {s: new if words[s] is None else words[s] for s, new in zip(SPEAKERS, heard, strict=True)}


def transcribe(
    recording: Recording,
    activity: Activity,
    recognizer: Recognizer,
    *,
    language: str | None,
    speakers: Collection[Speaker] = SPEAKERS,
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Recognises the words of the speakers in the tracks of a recording.

    Args:
        recording: whose tracks are decoded once more.
        activity: when each speaker is heard; nothing else is listened to.
        recognizer: the model.
        language: a BCP 47 tag, None if unknown.
        speakers: who is listened to.

    Returns:
        The words of ``a`` and of ``b`` in order of time, on the conversation's clock; none of who is not listened to.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    words: dict[Speaker, list[Word]] = {speaker: [] for speaker in SPEAKERS}
    speech = {speaker: getattr(activity, speaker) for speaker in speakers}
    for speaker, piece, pcm in heard_pieces(recording, speech, rate_hz=RATE_HZ):
        words[speaker].extend(_placed(recognizer.words(pcm, language=language), piece))
    a, b = (tuple(sorted(own, key=lambda word: (word.start_ms, word.end_ms))) for own in words.values())
    return a, b


def _placed(spoken: Sequence[SpokenWord], piece: Span) -> Iterator[Word]:
    """Puts words onto the conversation's clock, each inside its piece."""
    for item in spoken:
        start_ms = min(piece.end_ms, piece.start_ms + max(0, round(item.start_s * 1000)))
        end_ms = min(piece.end_ms, max(start_ms, piece.start_ms + round(item.end_s * 1000)))
        yield Word(item.word, start_ms, end_ms)
