"""Recognises the words of speakers who have no transcript, behind one interface that any recogniser can have.

The recogniser hears only what voice activity found, in pieces (:mod:`duologue_pipeline.ingest.pieces`) that begin and
end in silence. So none is longer than the 30 s that Whisper takes, and silence, in which recognisers invent words, is
hardly heard. It gets the pieces of a track in groups, so that memory does not grow with the recording; the groups follow
from the recording alone, so that what is heard does not depend on who works on it. Times are put back onto the
conversation's clock, and held against the activity (:mod:`duologue_pipeline.words.heard`).

The recognisers that a run uses are those of :mod:`duologue_pipeline.words.asr_checkpoint`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.pieces import heard_pieces
from duologue_pipeline.records import SPEAKERS, Activity, HeardWords, Recording, Span, Speaker, Word
from duologue_pipeline.words.heard import words_in_activity

__all__ = ["GROUP_S", "RATE_HZ", "Recognizer", "SpokenWord", "add_word", "recognised_words", "transcribe"]

RATE_HZ: Final = 16_000
"""Recognisers take 16 kHz."""

GROUP_S: Final = 240
"""Pieces of at most this many seconds together are given to a recogniser at once; a single piece is never longer."""

_JOINS: Final = ("-", "'", "\u2019", "\u2010")

Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpokenWord:
    """Holds a recognised word with its times in seconds from the beginning of the piece that was heard.

    ``confidence`` is in [0, 1], None where the recogniser gives none. ``doubted`` says that the recogniser itself takes it
    for no speech.
    """

    word: str
    start_s: float
    end_s: float
    confidence: float | None = None
    doubted: bool = False


def add_word(words: list[SpokenWord], text: str, start_s: float, end_s: float, **more: Any) -> None:
    """Adds what a recogniser calls a word to those of its piece.

    What begins with a hyphen or an apostrophe and without a blank belongs to the word before it (``Uh``, ``-huh``), and punctuation
    alone is no word.

    Args:
        words: of the piece so far.
        text: as the recogniser writes it, with the blank before it.
        start_s, end_s: as in :class:`SpokenWord`.
        more: its other fields.
    """
    if words and text[:1] in _JOINS and any(map(str.isalnum, text)):
        before = words[-1]
        words[-1] = replace(before, word=before.word + text.rstrip(), end_s=max(before.end_s, end_s))
    elif any(map(str.isalnum, text)):
        words.append(SpokenWord(text.strip(), start_s, end_s, **more))


class Recognizer(Protocol):
    """Makes words of sound, whatever the model."""

    def knows(self, language: str | None) -> bool:
        """Tells whether the model can hear a language (a BCP 47 tag, None if unknown)."""
        ...

    def words(self, pieces: Sequence[Pcm], *, language: str | None) -> Sequence[Sequence[SpokenWord]]:
        """Recognises the words of pieces of one speaker's speech.

        Args:
            pieces: float32 [T] in [-1, 1] each, at :data:`RATE_HZ`, in order of time.
            language: a BCP 47 tag, None if unknown.

        Returns:
            The words of each piece with their times, in the order in which they are said.
        """
        ...


def recognised_words(
    recording: Recording,
    activity: Activity,
    words: Mapping[Speaker, tuple[Word, ...] | None],
    recognizer: Recognizer,
) -> dict[Speaker, HeardWords]:
    """Recognises the words of those who have none; the tracks of others are not listened to.

    Args:
        recording: whose tracks are decoded once more, if anybody has no words.
        activity: when each speaker is heard; nothing else is listened to.
        words: of each speaker, on the conversation's clock; None for who has none.
        recognizer: the model.

    Returns:
        What was heard, of each who has none; nothing where the model does not know the language.

    Raises:
        RejectError: as :func:`transcribe`.
    """
    wordless = [speaker for speaker in SPEAKERS if words[speaker] is None]
    if not wordless or not recognizer.knows(recording.language):
        return {}
    return transcribe(recording, activity, recognizer, language=recording.language, speakers=wordless)


def transcribe(
    recording: Recording,
    activity: Activity,
    recognizer: Recognizer,
    *,
    language: str | None,
    speakers: Collection[Speaker] = SPEAKERS,
) -> dict[Speaker, HeardWords]:
    """Recognises the words of the speakers in the tracks of a recording.

    Args:
        recording: whose tracks are decoded once more.
        activity: when each speaker is heard; nothing else is listened to.
        recognizer: the model.
        language: a BCP 47 tag, None if unknown.
        speakers: who is listened to.

    Returns:
        The words of each who is listened to, in the order in which they are said, on the conversation's clock.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    heard: dict[Speaker, list[tuple[Word, bool]]] = {speaker: [] for speaker in SPEAKERS if speaker in speakers}
    speech = {speaker: getattr(activity, speaker) for speaker in heard}
    waiting: dict[Speaker, list[tuple[Span, Pcm]]] = {speaker: [] for speaker in heard}

    def hear(speaker: Speaker) -> None:
        group, waiting[speaker] = waiting[speaker], []
        said = recognizer.words([pcm for _, pcm in group], language=language) if group else ()
        for (piece, _), spoken in zip(group, said, strict=True):
            heard[speaker].extend(_placed(spoken, piece))

    for speaker, piece, pcm in heard_pieces(recording, speech, rate_hz=RATE_HZ):
        if sum(each.size for _, each in waiting[speaker]) + pcm.size > GROUP_S * RATE_HZ:
            hear(speaker)
        waiting[speaker].append((piece, pcm))
    for speaker in heard:
        hear(speaker)
    return {
        speaker: words_in_activity([word for word, _ in own], [doubt for _, doubt in own], speech[speaker])
        for speaker, own in heard.items()
    }


def _placed(spoken: Sequence[SpokenWord], piece: Span) -> Iterator[tuple[Word, bool]]:
    """Puts words onto the conversation's clock, each inside its piece, and says of each whether it is doubted."""
    for item in spoken:
        start_ms = min(piece.end_ms, piece.start_ms + max(0, round(item.start_s * 1000)))
        end_ms = min(piece.end_ms, max(start_ms, piece.start_ms + round(item.end_s * 1000)))
        confidence = None if item.confidence is None else round(item.confidence, 3)
        yield Word(item.word, start_ms, end_ms, confidence), item.doubted
