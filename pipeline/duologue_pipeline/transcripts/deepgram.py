"""Reads the answers of Deepgram: ``results.channels[i].alternatives[0].words[]``, times in seconds, channels from 0.

``metadata.channels`` 1 means that the audio was mixed down or had one channel. ``speaker`` is diarization. The word is
``punctuated_word`` where there is one, as the service writes it for reading, else ``word``.

Source: developers.deepgram.com/docs/multichannel, docs/utterances and the reference of ``POST /v1/listen``.
"""

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError
from duologue_pipeline.transcripts.place import Untimed, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.values import as_list, as_mapping, confidence, time_pair

__all__ = ["is_deepgram", "read_deepgram"]


def is_deepgram(source: Source) -> bool:
    """Tells whether a file holds an answer of Deepgram."""
    document = source.document
    results = document.get("results") if isinstance(document, dict) else None
    channels = results.get("channels") if isinstance(results, dict) else None
    return isinstance(channels, list) and all(isinstance(each, dict) and "alternatives" in each for each in channels)


def read_deepgram(source: Source) -> Transcript:
    """Reads an answer of Deepgram: a stream a channel.

    Raises:
        TranscriptError: times or fields are not as they should be.
    """
    streams, voices = [], set[int]()
    for channel, item in enumerate(source.document["results"]["channels"]):
        where = f"{source.name}: channels[{channel}]"
        alternatives = as_list(item.get("alternatives"), where=where)
        best = as_mapping(alternatives[0] if alternatives else None, where=where)
        said = []
        for place, each in enumerate(as_list(best.get("words"), where=where)):
            at = f"{where}.words[{place}]"
            word = as_mapping(each, where=at)
            text = word.get("punctuated_word") or word.get("word")
            if not isinstance(text, str):
                raise TranscriptError(f"{at}: has no word")
            if isinstance(word.get("speaker"), int):
                voices.add(word["speaker"])
            said.append(Untimed(text, *time_pair(word, where=at), confidence(word.get("confidence"))))
        if not said and isinstance(best.get("transcript"), str) and best["transcript"].strip():
            raise TranscriptError(f"{where}: has a transcript and no words; keep the words of the answer")
        streams.append(Stream(sorted_words(placed(said, where=where)), channel=channel))
    single = len(streams) == 1
    diarized = single and len(voices) > 1
    return Transcript("deepgram", tuple(streams), "diarized" if diarized else "track" if single else "channel")
