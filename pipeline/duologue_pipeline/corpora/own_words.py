"""Reads the transcripts that only one corpus or service has: the general formats are in :mod:`duologue_pipeline.transcripts`.

- ``tdf``: Fisher Spanish: ``file channel start end speaker ... text`` parted by tabs; ``;;`` begins a comment.
- ``contact-lens``: Amazon Connect: utterances of ``AGENT`` and ``CUSTOMER`` in milliseconds.
- ``open-yap``: Open Yap: ``{"words": [{"word", "start", "end", "type"}]}`` of one track, seconds.
- ``seamless``: Seamless Interaction: a JSON Lines file of utterances of one track, with words where it has them.

Sources: LDC2010T04 as lhotse ``fisher_spanish.py`` reads it; Amazon Connect "Contact Lens output file"; the cards of the data sets.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.values import as_list, as_mapping, confidence, seconds, text_of, time_pair

__all__ = ["READERS_OF_WORDS"]


def _tdf(source: Source) -> Transcript:
    said: dict[int, list[TranscriptWord]] = {0: [], 1: []}
    for number, line in enumerate(source.text.split("\n"), start=1):
        cells = line.split("\t")
        if not line.strip() or line.startswith(";;") or cells[0].startswith("file;"):
            continue
        where = f"{source.name}:{number}"
        if len(cells) < 8 or cells[1].strip() not in ("0", "1"):
            raise TranscriptError(f"{where}: expected file, channel (0 or 1), start, end, ..., text, parted by tabs")
        start_s, end_s = (seconds(cell, where=where) for cell in cells[2:4])
        assert start_s is not None
        assert end_s is not None
        said[int(cells[1])] += over_utterance(tokens_of(cells[7]), start_s, end_s, where=where)
    return _of_channels("tdf", said)


def _contact_lens(source: Source) -> Transcript:
    document = as_mapping(source.document, where=source.name)
    said: dict[str, list[TranscriptWord]] = {}
    for number, each in enumerate(as_list(document.get("Transcript"), where=source.name)):
        where = f"{source.name}: Transcript[{number}]"
        turn = as_mapping(each, where=where)
        names = ("BeginOffsetMillis", "EndOffsetMillis")
        begun, ended = (seconds(turn.get(name), where=where, unit_s=1e-3) for name in names)
        if begun is None or ended is None:
            raise TranscriptError(f"{where}: has no BeginOffsetMillis or EndOffsetMillis")
        who = text_of(turn.get("ParticipantRole")) or text_of(turn.get("ParticipantId"))
        own = said.setdefault(who, [])
        own += over_utterance(tokens_of(text_of(turn.get("Content"))), begun, ended, where=where)
    streams = tuple(Stream(sorted_words(said[who]), name=who) for who in sorted(said))
    return Transcript("contact-lens", streams, "name")


def _open_yap(source: Source) -> Transcript:
    document = as_mapping(source.document, where=source.name)
    return Transcript("open-yap", (Stream(_timed(document.get("words"), source.name)),), "track")


def _seamless(source: Source) -> Transcript:
    document = source.document
    if isinstance(document, dict):
        document = document.get("metadata:transcript", [document])
    lines = as_list(document, where=source.name)
    words: list[TranscriptWord] = []
    for number, each in enumerate(lines, start=1):
        where = f"{source.name}:{number}"
        said = as_mapping(each, where=where)
        own = as_list(said.get("words"), where=where)
        if own and all(isinstance(word, dict) and word.get("start") is not None for word in own):
            words += _timed(own, where)
        elif tokens := tokens_of(text_of(said.get("transcript", said.get("text")))):
            start_s, end_s = time_pair(said, where=where)
            if start_s is None or end_s is None:
                raise TranscriptError(f"{where}: has text and no start or end")
            words += over_utterance(tokens, start_s, end_s, where=where)
    return Transcript("seamless", (Stream(sorted_words(words)),), "track")


def _timed(items: Any, where: str) -> tuple[TranscriptWord, ...]:
    found = []
    for number, each in enumerate(as_list(items, where=where)):
        at = f"{where}: words[{number}]"
        word = as_mapping(each, where=at)
        text = text_of(word.get("word", word.get("text")))
        found.append(Untimed(text, *time_pair(word, where=at), confidence(word.get("score", word.get("confidence")))))
    return sorted_words(placed(found, where=where))


def _of_channels(kind: str, said: Mapping[int, list[TranscriptWord]]) -> Transcript:
    streams = tuple(Stream(sorted_words(words), channel=channel) for channel, words in sorted(said.items()))
    return Transcript(kind, streams, "channel")


READERS_OF_WORDS: Final[Mapping[str, Callable[[Source], Transcript]]] = {
    "tdf": _tdf,
    "contact-lens": _contact_lens,
    "open-yap": _open_yap,
    "seamless": _seamless,
}
"""The formats of one corpus, by the name that its data file uses."""
