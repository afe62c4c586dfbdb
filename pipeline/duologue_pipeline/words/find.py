"""Finds the words of both speakers: read from their files, held against the audio, or recognised.

Words that cannot be a speaker's are left out. A speaker who then has none is listened to, if there is a recogniser.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from duologue_pipeline.errors import RejectError, Value
from duologue_pipeline.records import Activity, HeardWords, Recording, Span, Speaker, Word, WordsCheck
from duologue_pipeline.words.asr import Recognizer, recognised_words
from duologue_pipeline.words.check import MISFITS, explain_check, fitting_words
from duologue_pipeline.words.files import Transcripts, read_transcripts

__all__ = ["FoundWords", "find_words", "require_fitting", "written_words"]


@dataclass(frozen=True)
class FoundWords:
    """Holds the words of both speakers of a conversation, and how they fit the audio.

    Attributes:
        words: of each speaker, on the conversation's clock; None for who has none.
        checks: speaker -> how the written words lie to the activity, of who has some.
        transcribed: the stretches that were written down; None where all of the track was, or it was listened to.
        heard: what a recogniser heard, of who was listened to.
    """

    words: Mapping[Speaker, Sequence[Word] | None]
    checks: Mapping[Speaker, WordsCheck]
    transcribed: Mapping[Speaker, Sequence[Span] | None]
    heard: Mapping[Speaker, HeardWords]

    @property
    def wordless(self) -> tuple[Speaker, ...]:
        """Lists the speakers of whom no word has a time of its own."""
        return tuple(
            speaker
            for speaker, words in self.words.items()
            if words is None or (words and all(word.timing != "word" for word in words))
        )

    def heard_words(self, speaker: Speaker) -> int | None:
        """Counts the words that a recogniser heard of a speaker; None where it was not asked."""
        return self.heard[speaker].given if speaker in self.heard else None

    def invented_words(self, speaker: Speaker) -> int | None:
        """Counts those of them that nobody said; None where it was not asked."""
        return self.heard[speaker].invented if speaker in self.heard else None


def written_words(
    recording: Recording, *, policy: str, will_be_heard: bool = False, bear_faults: bool = False
) -> Transcripts:
    """Reads the word files of both tracks, in the order in which the words stand there.

    Args:
        recording: whose tracks may have a ``words_uri``.
        policy: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        will_be_heard: whether a recogniser hears those without; then a track without a file is no fault.
        bear_faults: whether a transcript that cannot be used costs its words alone, where words are not required.

    Raises:
        RejectError: ``words_missing`` or ``words_invalid``.
    """
    asked = "optional" if will_be_heard and policy == "required" else policy
    return read_transcripts(recording, policy=asked, bear_faults=bear_faults and policy != "required")


def find_words(
    recording: Recording,
    activity: Activity,
    written: Transcripts,
    recognizer: Recognizer | None = None,
    *,
    policy: str,
    audio: Mapping[Speaker, Span],
    duration_ms: int,
    delays_ms: Mapping[Speaker, int] = MappingProxyType({}),
) -> FoundWords:
    """Leaves out written words that lie outside of a track or cannot be a speaker's, and recognises the words of those who then have none.

    Args:
        recording: whose tracks are decoded where words are recognised.
        activity: when each speaker is heard.
        written: from :func:`written_words`.
        recognizer: hears the words of the tracks that have none; None leaves them without.
        policy: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        audio: where the audio of each track lies on the conversation's clock.
        duration_ms: of the conversation.
        delays_ms: the most by which each track may lie late, for those whose delay is not known.

    Raises:
        RejectError: ``words_outside``, ``words_mismatch`` or ``words_missing`` where words are required, or an ``audio_*``
            reason.
    """
    words, checks = fitting_words(written.words, activity, audio=audio, duration_ms=duration_ms, delays_ms=delays_ms)
    checks |= {speaker: WordsCheck("invalid", detail=fault) for speaker, fault in written.faults.items()}
    require_fitting(checks, policy=policy)
    heard: Mapping[Speaker, HeardWords] = {}
    if recognizer is not None and policy != "none":
        heard = recognised_words(recording, activity, words, recognizer)
        unheard = [speaker for speaker, said in words.items() if said is None and speaker not in heard]
        if unheard and policy == "required":
            raise RejectError(
                "words_missing",
                f"speaker {' and '.join(unheard)}: no words, and --asr does not know the language {recording.language}; name a "
                "model that does, add words_uri to the manifest, or run with --words optional",
            )
    return FoundWords(
        words=words | {speaker: found.words for speaker, found in heard.items()},
        checks=checks,
        transcribed={s: None if s in heard else spans for s, spans in written.transcribed.items()},
        heard=heard,
    )


def require_fitting(checks: Mapping[Speaker, WordsCheck], *, policy: str) -> None:
    """Refuses a recording of which words cannot be their speaker's, where words are required.

    Args:
        checks: of both speakers, as far as they have words.
        policy: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.

    Raises:
        RejectError: ``words_outside`` or ``words_mismatch``.
    """
    for speaker, check in checks.items():
        if policy == "required" and check.verdict in MISFITS:
            reason = "words_outside" if check.verdict == "outside" else "words_mismatch"
            values: dict[str, Value] = {"track": speaker, "words": check.given, "outside": check.outside}
            if check.shift_ms is not None:
                values |= {"verdict": check.verdict, "shift_s": check.shift_ms / 1000}
            raise RejectError(reason, explain_check(check, speaker=speaker), values)
