"""Reads lists of words with their times: moshi-finetune, nu-dialogue, NeMo manifests, SegLST, and duologue's own.

- moshi-finetune: ``{"alignments": [[word, [start, end], "SPEAKER_MAIN"], ...]}``, seconds; of the left channel only.
- nu-dialogue: ``[{"speaker": "A" | "B", "word", "start", "end"}, ...]``, seconds; A is the left channel, B the right one.
- NeMo manifest (JSON Lines): ``audio_filepath``, ``duration``, ``offset``, ``text``: utterance times; the offset is that of
  the utterance in its file. Word times in ``timestamps.word`` (or ``timestamp.word``) count from the offset.
- SegLST: ``[{"session_id", "speaker", "words", "start_time", "end_time"}, ...]``: utterance times, a name a speaker.

Sources: kyutai-labs/moshi-finetune ``annotate.py``; nu-dialogue/moshi-finetune README; NVIDIA NeMo "Dataset Creation" and
``Hypothesis.timestamp``; fgnt/meeteval "SegLST".
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import (
    as_list,
    as_mapping,
    confidence,
    letter_channel,
    seconds,
    text_of,
    time_pair,
)

__all__ = [
    "is_moshi",
    "is_nemo",
    "is_nu_dialogue",
    "is_seglst",
    "read_moshi",
    "read_nemo",
    "read_nu_dialogue",
    "read_seglst",
]


def is_moshi(source: Source) -> bool:
    """Tells whether a file holds the alignments of moshi-finetune."""
    return isinstance(source.document, dict) and isinstance(source.document.get("alignments"), list)


def read_moshi(source: Source) -> Transcript:
    """Reads the alignments of moshi-finetune: the left channel; the user's side has none.

    Raises:
        TranscriptError: an alignment is not as it should be.
    """
    said: dict[str, list[Untimed]] = {}
    for number, item in enumerate(source.document["alignments"]):
        where = f"{source.name}: alignments[{number}]"
        match item:
            case [str(text), [start, end], str(speaker)]:
                times = seconds(start, where=where), seconds(end, where=where)
                said.setdefault(speaker, []).append(Untimed(text, *times))
            case _:
                raise TranscriptError(f'{where}: expected [word, [start, end], "SPEAKER_MAIN"]')
    if len(said) > 1:
        streams = tuple(Stream(sorted_words(placed(said[name], where=source.name)), name=name) for name in sorted(said))
        return Transcript("moshi", streams, "name")
    words = [word for own in said.values() for word in own]
    return Transcript("moshi", (Stream(sorted_words(placed(words, where=source.name)), channel=0),), "channel")


def is_nu_dialogue(source: Source) -> bool:
    """Tells whether a file is a list of words with the letter of their speaker, as nu-dialogue's J-Moshi reads them."""
    return _is_list_with(source, {"speaker", "word", "start", "end"})


def read_nu_dialogue(source: Source) -> Transcript:
    """Reads a list of words of nu-dialogue: A is channel 0, B channel 1.

    Raises:
        TranscriptError: a speaker is neither A nor B, or a time is not as it should be.
    """
    said: dict[int, list[Untimed]] = {0: [], 1: []}
    for number, item in enumerate(source.document):
        where = f"{source.name}: [{number}]"
        word = as_mapping(item, where=where)
        channel = letter_channel(text_of(word.get("speaker")))
        if channel is None:
            raise TranscriptError(f"{where}.speaker: found {word.get('speaker')!r}, expected A or B"[:200])
        times = time_pair(word, where=where)
        said[channel].append(Untimed(text_of(word.get("word")), *times, confidence(word.get("confidence"))))
    streams = tuple(Stream(sorted_words(placed(said[key], where=source.name)), channel=key) for key in sorted(said))
    return Transcript("nu-dialogue", streams, "channel")


def is_nemo(source: Source) -> bool:
    """Tells whether a file is a manifest of NeMo: a JSON object a line, each naming an audio file and its text."""
    document = source.document
    items = document if isinstance(document, list) else [document]
    return bool(items) and all(
        isinstance(item, dict) and "audio_filepath" in item and ("text" in item or "pred_text" in item)
        for item in items
    )


def read_nemo(source: Source) -> Transcript:
    """Reads a manifest of NeMo: a stream for each audio file that it names, by its name, or its path where two have one name.

    Raises:
        TranscriptError: a line has no times, or they are not as they should be.
    """
    document = source.document if isinstance(source.document, list) else [source.document]
    said: dict[str, list[TranscriptWord]] = {}
    names = _names_of_audio(str(item["audio_filepath"]) for item in document)
    for number, item in enumerate(document, start=1):
        where = f"{source.name}:{number}"
        offset_s = seconds(item.get("offset", 0), where=f"{where}: offset") or 0.0
        length_s = seconds(item.get("duration"), where=f"{where}: duration")
        own = said.setdefault(names[str(item["audio_filepath"])], [])
        timed = _nemo_words(item, where, offset_s)
        if timed:
            own += placed(timed, where=where)
        elif tokens := tokens_of(text_of(item.get("text", item.get("pred_text")))):
            if length_s is None:
                raise TranscriptError(f"{where}: has text and no duration")
            own += over_utterance(tokens, offset_s, round(offset_s + length_s, 6), where=where)
    streams = tuple(Stream(sorted_words(said[name]), recording=name) for name in sorted(said))
    return Transcript("nemo", streams, "track")


def _names_of_audio(paths: Iterable[str]) -> dict[str, str]:
    """Names audio files by their names without suffix; by their paths where a folder a side holds files of one name."""
    files = {path: PurePosixPath(path.replace("\\", "/")) for path in paths}
    counts = Counter(file.stem for file in set(files.values()))
    return {path: file.stem if counts[file.stem] == 1 else str(file.with_suffix("")) for path, file in files.items()}


def _nemo_words(item: Mapping[str, Any], where: str, offset_s: float) -> list[Untimed]:
    stamps = item.get("timestamps", item.get("timestamp"))
    words = as_list(stamps.get("word") if isinstance(stamps, dict) else None, where=where)
    found = []
    for place, each in enumerate(words):
        at = f"{where}: timestamps.word[{place}]"
        word = as_mapping(each, where=at)
        start_s, end_s = (seconds(word.get(name), where=at) for name in ("start", "end"))
        shifted = [None if time is None else round(time + offset_s, 6) for time in (start_s, end_s)]
        found.append(Untimed(text_of(word.get("word")), *shifted))
    return found


def is_seglst(source: Source) -> bool:
    """Tells whether a file is a SegLST: a list of segments with words, speaker and times."""
    return _is_list_with(source, {"session_id", "speaker", "words"})


def read_seglst(source: Source) -> Transcript:
    """Reads a SegLST: a stream for each speaker of each session, with utterance times.

    Raises:
        TranscriptError: a segment has no times, or they are not as they should be.
    """
    said: dict[tuple[str, str], list[TranscriptWord]] = {}
    for number, item in enumerate(source.document):
        where = f"{source.name}: [{number}]"
        segment = as_mapping(item, where=where)
        own = said.setdefault((str(segment.get("session_id")), str(segment.get("speaker"))), [])
        times = [seconds(segment.get(name), where=f"{where}.{name}") for name in ("start_time", "end_time")]
        tokens = tokens_of(text_of(segment.get("words")))
        if tokens and (times[0] is None or times[1] is None):
            raise TranscriptError(f"{where}: has words and no start_time or end_time")
        if times[0] is not None and times[1] is not None:
            own += over_utterance(tokens, times[0], times[1], where=where)
    streams = tuple(
        Stream(sorted_words(said[key]), letter_channel(key[1]), name=key[1], recording=key[0]) for key in sorted(said)
    )
    return Transcript("seglst", streams, "name")


def _is_list_with(source: Source, names: set[str]) -> bool:
    document = source.document
    return (
        bool(document) and isinstance(document, list) and isinstance(document[0], dict) and names <= document[0].keys()
    )
