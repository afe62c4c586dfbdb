"""Reads what the programs around Whisper write: one file a track, words in segments, times in seconds.

- openai-whisper, stable-ts, whisper-ctranslate2, faster-whisper: ``segments[].words[]`` with ``word`` (a leading blank),
  ``start``, ``end``, ``probability``.
- whisper-timestamped: ``text`` and ``confidence`` instead.
- WhisperX: ``word``, ``score``, ``start?``, ``end?``, ``speaker?``. Numbers and signs come without times
  (m-bain/whisperX#792); ``speaker`` is diarization, and no channel.

Segments without words have utterance times: the program was not asked for word times.

Sources: openai/whisper ``transcribe.py`` and ``timing.py``; linto-ai/whisper-timestamped README, "Example output";
SYSTRAN/faster-whisper ``transcribe.py`` (``Word``); m-bain/whisperX ``types.py``, ``alignment.py``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import as_list, as_mapping, confidence, seconds, text_of

__all__ = ["is_whisper", "is_whisperx", "read_whisper"]


def is_whisper(source: Source) -> bool:
    """Tells whether a file holds segments as Whisper's programs write them, WhisperX among them; none where nobody speaks."""
    document = source.document
    if isinstance(document, dict) and document.get("segments") == []:
        return isinstance(document.get("text"), str) or document.get("word_segments") == []
    segments = _segments(document)
    return bool(segments) and isinstance(segments[0], dict) and "text" in segments[0] and "start" in segments[0]


def is_whisperx(source: Source) -> bool:
    """Tells whether a file is of WhisperX: it lists all words once more, or scores them."""
    if not is_whisper(source):
        return False
    document = source.document
    words = [word for segment in _segments(document)[:50] if isinstance(segment, dict) for word in _words(segment)[:50]]
    scored = any(isinstance(word, dict) and "score" in word for word in words)
    return scored or (isinstance(document, dict) and "word_segments" in document)


def read_whisper(source: Source) -> Transcript:
    """Reads a file of Whisper, whisper-timestamped, faster-whisper or WhisperX: one stream, that of its track.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    words: list[TranscriptWord] = []
    untimed, voices = 0, set[str]()
    for number, item in enumerate(_segments(source.document)):
        where = f"{source.name}: segments[{number}]"
        segment = as_mapping(item, where=where)
        start_s = seconds(segment.get("start"), where=f"{where}.start")
        end_s = seconds(segment.get("end"), where=f"{where}.end")
        said = [_untimed(each, f"{where}.words[{place}]") for place, each in enumerate(_words(segment))]
        voices |= {text_of(each.get("speaker")) for each in (segment, *_words(segment)) if isinstance(each, dict)} - {
            ""
        }
        if said:
            words += placed(said, start_s=start_s, end_s=end_s, where=where)
        elif tokens := tokens_of(text_of(segment.get("text"))):
            if start_s is None or end_s is None:
                raise TranscriptError(f"{where}: has text and no times; recognise again with --word_timestamps True")
            words += over_utterance(tokens, start_s, end_s, where=where)
            untimed += 1
    notes = []
    if untimed:
        notes.append(f"{untimed} segments have no word times: recognise with --word_timestamps True to have them")
    diarized = len(voices) > 1
    if diarized:
        notes.append(f"{len(voices)} speakers were told apart by machine; who speaks is told by the track alone")
    kind = "whisperx" if is_whisperx(source) else "whisper"
    return Transcript(kind, (Stream(sorted_words(words)),), "diarized" if diarized else "track", tuple(notes))


def _segments(document: Any) -> Sequence[Any]:
    """Gives the list of segments: that of the document, or the document itself (segments as a program dumps them)."""
    found = document.get("segments") if isinstance(document, dict) else document
    return found if isinstance(found, list) else ()


def _words(segment: Mapping[str, Any]) -> Sequence[Any]:
    return as_list(segment.get("words"), where="words")


def _untimed(item: object, where: str) -> Untimed:
    word = as_mapping(item, where=where)
    text = word.get("word", word.get("text"))
    if not isinstance(text, str):
        raise TranscriptError(f"{where}: has neither word nor text")
    sure = next((word[name] for name in ("probability", "confidence", "score") if name in word), None)
    return Untimed(
        text,
        seconds(word.get("start"), where=f"{where}.start"),
        seconds(word.get("end"), where=f"{where}.end"),
        confidence(sure),
    )
