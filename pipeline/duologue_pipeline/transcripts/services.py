"""Reads the answers of AssemblyAI, Google Speech-to-Text and Azure Speech.

- AssemblyAI: ``words[]`` with ``text``, ``start``, ``end`` in whole milliseconds; ``channel`` is a text from ``"1"``. With
  ``multichannel: false`` the ``speaker`` (A, B) is diarization.
- Google: ``results[].alternatives[0].words[]``, times as text (``"1.300s"``) in ``startTime`` or ``startOffset``;
  ``channelTag`` counts from 1. Without it a file is one track; ``speakerTag`` and ``speakerLabel`` are diarization, and a
  diarized answer repeats all words in its last result.
- Azure: batch has ``recognizedPhrases[]`` with ``channel`` from 0 and times in ticks of 100 ns, words in
  ``nBest[0].words[]`` or ``displayWords[]`` where they were asked for; the fast API has ``phrases[]``, in milliseconds.

Sources: assemblyai.com/docs "Multichannel transcription"; cloud.google.com/speech-to-text/docs/multi-channel and the
reference of ``SpeechRecognitionResult`` and ``WordInfo``; learn.microsoft.com "Get batch transcription results" and "Use the
fast transcription API".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.transcripts.model import Separation, Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import as_list, as_mapping, confidence, seconds, text_of, time_pair, whole

__all__ = ["is_assemblyai", "is_azure", "is_google", "read_assemblyai", "read_azure", "read_google"]

_MS: Final = 1e-3
_TICK_S: Final = 1e-7


# --- AssemblyAI -----------------------------------------------------------------------------------------------------


def is_assemblyai(source: Source) -> bool:
    """Tells whether a file holds a transcript of AssemblyAI."""
    document = source.document
    if not isinstance(document, dict) or not isinstance(document.get("words"), list):
        return False
    return {"audio_duration", "audio_url", "acoustic_model", "language_model", "utterances"} & document.keys() != set()


def read_assemblyai(source: Source) -> Transcript:
    """Reads a transcript of AssemblyAI: a stream a channel where it was asked for, else one.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    document, by_channel, voices = source.document, dict[int | None, list[Untimed]](), set[str]()
    for number, each in enumerate(document["words"]):
        at = f"{source.name}: words[{number}]"
        word = as_mapping(each, where=at)
        text = word.get("text")
        if not isinstance(text, str):
            raise TranscriptError(f"{at}: has no text")
        voices |= {text_of(word.get("speaker"))} - {""}
        channel = whole(word.get("channel"))
        if channel is not None and channel < 1:
            raise TranscriptError(f"{at}: found channel {channel}, and AssemblyAI counts from 1")
        times = time_pair(word, where=at, unit_s=_MS)
        key = None if channel is None else channel - 1
        by_channel.setdefault(key, []).append(Untimed(text, *times, confidence(word.get("confidence"))))
    count = whole(document.get("audio_channels"))
    if document.get("multichannel") is True and count is not None and count <= 32:
        for channel in range(count):  # one on which nobody spoke has no words
            by_channel.setdefault(channel, [])
    return _of_channels("assemblyai", source.name, by_channel, voices)


# --- Google ---------------------------------------------------------------------------------------------------------


def is_google(source: Source) -> bool:
    """Tells whether a file holds an answer of Google Speech-to-Text, v1 or v2."""
    results = _google_results(source.document)
    return bool(results) and isinstance(results[0], dict) and "alternatives" in results[0]


def read_google(source: Source) -> Transcript:
    """Reads an answer of Google Speech-to-Text: a stream a channel where channels were recognised apart, else one.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    results = [as_mapping(each, where=f"{source.name}: results") for each in _google_results(source.document)]
    tags = {whole(_first(result, "channelTag", "channel_tag")) for result in results}
    by_channel: dict[int | None, list[Untimed]] = {}
    voices: set[str] = set()
    diarized = any(_speaker(word) for result in results for word in _google_words(result, source.name))
    if diarized and len(results) > 1 and tags <= {None, 0}:
        results = results[-1:]  # which repeats the words of all others, with their speakers
    for number, result in enumerate(results):
        tag = whole(_first(result, "channelTag", "channel_tag"))
        key = None if not tag else tag - 1
        own = by_channel.setdefault(key, [])
        words = _google_words(result, source.name)
        for place, word in enumerate(words):
            at = f"{source.name}: results[{number}].words[{place}]"
            text = word.get("word")
            if not isinstance(text, str):
                raise TranscriptError(f"{at}: has no word")
            voices |= {_speaker(word)} - {""}
            start = _first(word, "startTime", "startOffset", "start_time", "start_offset")
            end = _first(word, "endTime", "endOffset", "end_time", "end_offset")
            start = "0s" if start is None and end is not None else start  # protobuf leaves out what is zero
            times = seconds(start, where=at), seconds(end, where=at)
            own.append(Untimed(text, *times, confidence(word.get("confidence")) or None))
        if not words and _google_text(result):
            raise TranscriptError(
                f"{source.name}: results[{number}] has a transcript and no words; recognise with enableWordTimeOffsets"
            )
    return _of_channels("google", source.name, by_channel, voices)


def _google_results(document: Any) -> Sequence[Any]:
    if not isinstance(document, dict):
        return ()
    response = document.get("response", document)
    found = response.get("results") if isinstance(response, dict) else None
    return found if isinstance(found, list) else ()


def _google_best(result: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    alternatives = as_list(result.get("alternatives"), where=f"{name}: alternatives")
    return as_mapping(alternatives[0] if alternatives else None, where=f"{name}: alternatives[0]")


def _google_words(result: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    words = as_list(_google_best(result, name).get("words"), where=f"{name}: words")
    return [as_mapping(word, where=f"{name}: words") for word in words]


def _google_text(result: Mapping[str, Any]) -> str:
    return text_of(_google_best(result, "").get("transcript"))


def _speaker(word: Mapping[str, Any]) -> str:
    found = _first(word, "speakerTag", "speakerLabel", "speaker_tag", "speaker_label")
    return str(found) if found else ""


# --- Azure ----------------------------------------------------------------------------------------------------------


def is_azure(source: Source) -> bool:
    """Tells whether a file holds an answer of Azure Speech: of the batch or of the fast interface."""
    document = source.document
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("recognizedPhrases"), list) or (
        isinstance(document.get("phrases"), list) and "combinedPhrases" in document
    )


def read_azure(source: Source) -> Transcript:
    """Reads an answer of Azure Speech: a stream a channel; phrases without words have utterance times.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    document, name = source.document, source.name
    batch = "recognizedPhrases" in document
    found: dict[int, list[TranscriptWord]] = {}
    voices: set[str] = set()
    without = 0
    for number, each in enumerate(document["recognizedPhrases" if batch else "phrases"]):
        where = f"{name}: phrases[{number}]"
        phrase = as_mapping(each, where=where)
        channel = whole(phrase.get("channel")) or 0
        own = found.setdefault(channel, [])
        voices |= {str(phrase["speaker"])} if whole(phrase.get("speaker")) is not None else set()
        best = as_list(phrase.get("nBest"), where=where) if batch else [phrase]
        first = as_mapping(best[0] if best else None, where=where)
        read = _ticks if batch else _milliseconds
        items = as_list(first.get("words") or first.get("displayWords"), where=where)
        said = []
        for place, item in enumerate(items):
            at = f"{where}.words[{place}]"
            word = as_mapping(item, where=at)
            text = _first(word, "word", "displayText", "text")
            if not isinstance(text, str):
                raise TranscriptError(f"{at}: has no word")
            said.append(Untimed(text, *read(word, at), confidence(word.get("confidence"))))
        start_s, end_s = read(phrase, where)
        if said:
            own += placed(said, start_s=start_s, end_s=end_s, where=where)
            continue
        tokens = tokens_of(text_of(_first(first, "lexical", "display", "text")))
        if tokens:
            if start_s is None or end_s is None:
                raise TranscriptError(f"{where}: has text and no times")
            own += over_utterance(tokens, start_s, end_s, where=where)
            without += 1
    notes = [f"{without} phrases have no words: ask for wordLevelTimestampsEnabled"] if without else []
    streams = tuple(Stream(sorted_words(found[key]), channel=key) for key in sorted(found))
    if len(streams) == 1 and not streams[0].channel:
        return Transcript("azure", streams, "diarized" if len(voices) > 1 else "track", tuple(notes))
    return Transcript("azure", streams, "channel", tuple(notes))


def _ticks(item: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    start_s = seconds(item.get("offsetInTicks"), where=f"{where}.offsetInTicks", unit_s=_TICK_S)
    length_s = seconds(item.get("durationInTicks"), where=f"{where}.durationInTicks", unit_s=_TICK_S)
    return start_s, _sum(start_s, length_s)


def _milliseconds(item: Mapping[str, Any], where: str) -> tuple[float | None, float | None]:
    start_s = seconds(item.get("offsetMilliseconds"), where=f"{where}.offsetMilliseconds", unit_s=_MS)
    length_s = seconds(item.get("durationMilliseconds"), where=f"{where}.durationMilliseconds", unit_s=_MS)
    return start_s, _sum(start_s, length_s)


# --- all ------------------------------------------------------------------------------------------------------------


def _of_channels(
    kind: str, name: str, by_channel: Mapping[int | None, Sequence[Untimed]], voices: set[str]
) -> Transcript:
    """Makes a stream of each channel; words without a channel beside some that have one are an error."""
    numbered = sorted(key for key in by_channel if key is not None)
    if numbered and by_channel.get(None):
        raise TranscriptError(f"{name}: {len(by_channel[None])} words name no channel, and others do; recognise again")
    place: Callable[[int | None], tuple[TranscriptWord, ...]] = lambda key: sorted_words(
        placed(by_channel[key], where=f"{name}: {'the words' if key is None else f'channel {key}'}")
    )
    if numbered:
        return Transcript(kind, tuple(Stream(place(key), channel=key) for key in numbered), "channel")
    separation: Separation = "diarized" if len(voices) > 1 else "track"
    return Transcript(kind, (Stream(place(None)),) if by_channel else (Stream(()),), separation)


def _first(item: Mapping[str, Any], *names: str) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)


def _sum(start_s: float | None, length_s: float | None) -> float | None:
    return None if start_s is None or length_s is None else round(start_s + length_s, 6)
