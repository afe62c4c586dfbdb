"""Reads what the speech recognition pipeline of transformers writes, and Full-Duplex-Bench reads: chunks with their times.

``{"text", "chunks": [{"text", "timestamp": [start, end]}, ...]}`` in seconds, one file a track. Asked for word times a chunk is a
word, else a phrase. The end of a chunk is null where the audio ended first.

Sources: huggingface/transformers ``pipelines/automatic_speech_recognition.py`` (``return_timestamps``);
DanielLin94144/Full-Duplex-Bench ``v1_v1.5/get_transcript/asr.py``, which writes ``output.json``.
"""

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import as_mapping, seconds, text_of

__all__ = ["is_chunks", "read_chunks"]


def is_chunks(source: Source) -> bool:
    """Tells whether a file holds chunks with times."""
    document = source.document
    chunks = document.get("chunks") if isinstance(document, dict) else None
    return isinstance(chunks, list) and all(isinstance(each, dict) and "timestamp" in each for each in chunks[:50])


def read_chunks(source: Source) -> Transcript:
    """Reads chunks: one stream, that of its track. A chunk of several words is a phrase, whose words share its time.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    words: list[TranscriptWord] = []
    single: list[Untimed] = []
    phrases = 0
    for number, item in enumerate(source.document["chunks"]):
        where = f"{source.name}: chunks[{number}]"
        chunk = as_mapping(item, where=where)
        stamp = chunk.get("timestamp")
        if not isinstance(stamp, list) or len(stamp) != 2:
            raise TranscriptError(f"{where}.timestamp: expected [start, end] in seconds, found {str(stamp)[:60]!r}")
        start_s, end_s = (seconds(each, where=f"{where}.timestamp") for each in stamp)
        tokens = tokens_of(text_of(chunk.get("text")))
        if not tokens:
            continue
        if start_s is None:
            raise TranscriptError(f"{where}.timestamp: has no start; recognise again with word times")
        if len(tokens) == 1:
            single.append(Untimed(text_of(chunk.get("text")), start_s, start_s if end_s is None else end_s))
            continue
        if end_s is None:
            raise TranscriptError(f"{where}.timestamp: a phrase without an end; recognise again with word times")
        words += over_utterance(tokens, start_s, end_s, where=where)
        phrases += 1
    words += placed(single, where=source.name)
    notes = (f"{phrases} chunks are phrases: recognise with return_timestamps='word' to have word times",)
    return Transcript("chunks", (Stream(sorted_words(words)),), "track", notes if phrases else ())
