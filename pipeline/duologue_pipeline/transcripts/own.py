"""Reads and writes words files of duologue itself (schemas/words.schema.json): a list of words, or an object around it.

The object says where the times come from (``timing``) and which stretches were transcribed; a list alone has word times
everywhere, and all of its track was transcribed.
"""

from typing import Any

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_schemas import iter_faults

__all__ = ["is_of_both", "is_words_file", "read_words_file", "words_document"]


def is_of_both(document: Any) -> bool:
    """Tells whether a JSON document holds the words of both speakers, as ``{"a": [words], "b": [words]}``, or of one so."""
    return isinstance(document, dict) and bool(document) and document.keys() <= {"a", "b"}


def is_words_file(source: Source) -> bool:
    """Tells whether a file is a words file of duologue."""
    document = source.document
    words = document.get("words") if isinstance(document, dict) else document
    if isinstance(document, dict) and document.get("schema") == "words/1.0":
        return True
    return (
        isinstance(words, list)
        and bool(words)
        and isinstance(words[0], dict)
        and {"start_s", "end_s"} <= words[0].keys()
    )


def read_words_file(source: Source) -> Transcript:
    """Reads a words file: one stream, that of its track.

    Raises:
        TranscriptError: it does not follow its schema.
    """
    document = source.document
    faults = [str(fault) for fault in iter_faults("words", document)]
    if faults:
        raise TranscriptError(f"{source.name}: {'; '.join(faults[:3])}")
    whole = document if isinstance(document, dict) else {"timing": "word", "words": document}
    words = [
        TranscriptWord(
            item["word"],
            item["start_s"],
            item["end_s"],
            item.get("confidence"),
            item.get("timing", whole["timing"]),
            tuple(item.get("marks", ())),
        )
        for item in whole["words"]
    ]
    spans = [(span["start_s"], span["end_s"]) for span in whole["transcribed"]] if "transcribed" in whole else None
    return Transcript("words", (Stream(sorted_words(words), transcribed=spans),), "track")


def words_document(stream: Stream, *, source: str) -> dict[str, Any]:
    """Writes a stream as the document of a words file.

    Args:
        stream: of one track.
        source: the format that it was read from.
    """
    timing = stream.timing
    words = []
    for word in stream.words:
        item: dict[str, Any] = {"word": word.word, "start_s": word.start_s, "end_s": word.end_s}
        if word.confidence is not None:
            item["confidence"] = word.confidence
        if word.timing != timing:
            item["timing"] = word.timing
        if word.marks:
            item["marks"] = list(word.marks)
        words.append(item)
    document: dict[str, Any] = {"schema": "words/1.0", "timing": timing, "source": source}
    if stream.transcribed is not None:
        document["transcribed"] = [{"start_s": start_s, "end_s": end_s} for start_s, end_s in stream.transcribed]
    return {**document, "words": words}
