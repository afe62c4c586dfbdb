"""Reads the tables of NIST and of corpora: CTM, STM, Switchboard's ms98, and the text of Fisher, CallHome and Hub5.

- CTM: ``file channel start duration word [confidence]``, a word a line; ``;;`` begins a comment; of alternatives
  (``<ALT_BEGIN>`` ``<ALT>`` ``<ALT_END>``) the first is taken.
- STM: ``file channel speaker start end [<labels>] text``: utterance times.
- ms98: ``sw2001A-ms98-a-0001 start end word`` (``-word.text``) or an utterance (``-trans.text``).
- Fisher, CallHome, Hub5: ``start end A: text``; a line without times continues the one above. ``A1`` and ``B1`` are other
  people on the same side.

Channels are A and B, 0 and 1, or 1 and 2 (where no line has 0).

Sources: NIST SCTK ``infmts.htm``; Deshmukh et al. 1998 and the README of the ms98 transcriptions; LDC2004T19, LDC97T14 and
LDC2002T43 documentation, as read by kaldi ``egs/fisher_swbd`` and lhotse ``fisher_english.py``, ``callhome_english.py``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from duologue_pipeline.transcripts.model import Separation, Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import tokens_of
from duologue_pipeline.transcripts.switchboard import switchboard_token
from duologue_pipeline.transcripts.values import confidence, letter_channel, seconds, whole

__all__ = ["is_ctm", "is_fisher", "is_ms98", "is_stm", "read_ctm", "read_fisher", "read_ms98", "read_stm"]

_NUMBER: Final = r"-?\d+(?:\.\d*)?|-?\.\d+"
_CTM: Final = re.compile(rf"(\S+)\s+(\S+)\s+({_NUMBER})\s+({_NUMBER})\s+(\S+)(?:\s+(\S+))?(?:\s+\S+){{0,2}}")
_STM: Final = re.compile(rf"(\S+)\s+(\S+)\s+(\S+)\s+({_NUMBER})\s+({_NUMBER})(?:\s+<[^<>]*>)?(?:\s+(.*))?")
_MS98: Final = re.compile(rf"(sw\d{{4,5}})([AB])-ms98-a-(\d+)\s+({_NUMBER})\s+({_NUMBER})\s+(.*)", re.IGNORECASE)
_SIDE: Final = re.compile(rf"({_NUMBER})\s+({_NUMBER})\s+([AB])(\d*)\s*:\s*(.*)")
_HEADERS: Final = ("#", ";;", "*")


# --- CTM ------------------------------------------------------------------------------------------------------------


def is_ctm(source: Source) -> bool:
    """Tells whether a file is a CTM: every line has file, channel, start, duration and one word."""
    rows = [line for _, line in _rows(source) if "<ALT" not in line.upper()][:200]
    return bool(rows) and all(_is_ctm_row(line) for line in rows)


def _is_ctm_row(line: str) -> bool:
    found = _CTM.fullmatch(line)
    return found is not None and (found[6] is None or found[6] == "NA" or bool(re.fullmatch(_NUMBER, found[6])))


def read_ctm(source: Source) -> Transcript:
    """Reads a CTM: a stream for each channel of each file.

    Raises:
        TranscriptError: a line is not as it should be.
    """
    said: dict[tuple[str, str], list[Untimed]] = {}
    alternative = 0
    for number, line in _rows(source):
        where = f"{source.name}:{number}"
        mark = re.search(r"<(ALT(?:_BEGIN|_END)?)>", line, re.IGNORECASE)
        if mark:
            kind = mark[1].upper()
            alternative = {"ALT_BEGIN": 1, "ALT_END": 0}.get(kind, alternative + 1)
            continue
        found = _CTM.fullmatch(line)
        if found is None:
            raise TranscriptError(f"{where}: expected: file channel start duration word [confidence]")
        own = said.setdefault((found[1], found[2]), [])
        if alternative > 1 or found[5] == "@":
            continue
        start_s, length_s = (seconds(text, where=where) for text in (found[3], found[4]))
        assert start_s is not None
        own.append(Untimed(found[5], start_s, round(start_s + (length_s or 0.0), 6), confidence(found[6])))
    words = {key: placed(own, where=source.name) for key, own in said.items()}
    return _by_channel("ctm", words)


# --- STM ------------------------------------------------------------------------------------------------------------


def is_stm(source: Source) -> bool:
    """Tells whether a file is an STM: every line has file, channel, speaker, start and end before its text."""
    rows = [line for _, line in _rows(source)][:200]
    matches = [_STM.fullmatch(line) for line in rows]
    return bool(rows) and all(found is not None and float(found[4]) <= float(found[5]) for found in matches)


def read_stm(source: Source) -> Transcript:
    """Reads an STM with utterance times: a stream for each channel of each file, or each speaker where some share one.

    Raises:
        TranscriptError: a line is not as it should be.
    """
    said: dict[tuple[str, str, str], list[TranscriptWord]] = {}
    ignored = 0
    for number, line in _rows(source):
        where = f"{source.name}:{number}"
        found = _STM.fullmatch(line)
        if found is None:
            raise TranscriptError(f"{where}: expected: file channel speaker start end [<labels>] text")
        text = found[6] or ""
        if text.strip().lower() == "ignore_time_segment_in_scoring":
            ignored += 1
            continue
        start_s, end_s = (seconds(text, where=where) for text in (found[4], found[5]))
        assert start_s is not None
        assert end_s is not None
        own = said.setdefault((found[1], found[2], found[3]), [])
        own += over_utterance(tokens_of(text), start_s, end_s, where=where)
    notes = (f"{ignored} stretches were not transcribed (ignore_time_segment_in_scoring)",) if ignored else ()
    if len({key[:2] for key in said}) == len(said):
        by_channel = _by_channel("stm", {key[:2]: words for key, words in said.items()})
        return Transcript("stm", by_channel.streams, by_channel.separation, notes)
    streams = [Stream(sorted_words(words), name=key[2], recording=key[0]) for key, words in sorted(said.items())]
    return Transcript("stm", tuple(streams), "name", notes)


# --- ms98 -----------------------------------------------------------------------------------------------------------


def is_ms98(source: Source) -> bool:
    """Tells whether a file is one of Switchboard's ms98 transcriptions."""
    rows = [line for _, line in _rows(source)][:50]
    return bool(rows) and all(_MS98.fullmatch(line) for line in rows)


def read_ms98(source: Source) -> Transcript:
    """Reads a word or a trans file of ms98: one side; a file with several words a line has utterance times.

    Raises:
        TranscriptError: a line is not as it should be.
    """
    rows = []
    for number, line in _rows(source):
        found = _MS98.fullmatch(line)
        if found is None:
            raise TranscriptError(f"{source.name}:{number}: expected: sw2001A-ms98-a-0001 start end word")
        rows.append((number, found))
    by_word = sum(" " in found[6].strip() for _, found in rows) == 0
    said: dict[tuple[str, str], list[TranscriptWord]] = {}
    for number, found in rows:
        where = f"{source.name}:{number}"
        start_s, end_s = (seconds(text, where=where) for text in (found[4], found[5]))
        assert start_s is not None
        assert end_s is not None
        own = said.setdefault((found[1], found[2].upper()), [])
        tokens = [token for part in found[6].split() if (token := switchboard_token(part)) is not None]
        if end_s < start_s:
            raise TranscriptError(f"{where}: ends at {end_s:g} s, before it begins ({start_s:g} s)")
        if by_word:
            own += [TranscriptWord(token.word, start_s, end_s, marks=token.marks) for token in tokens]
        else:
            own += over_utterance(tokens, start_s, end_s, where=where)
    return _by_channel("ms98", said)


# --- Fisher, CallHome, Hub5 -----------------------------------------------------------------------------------------


def is_fisher(source: Source) -> bool:
    """Tells whether a file has lines ``start end A: text``."""
    rows = [line for _, line in _rows(source)][:50]
    return (
        bool(rows)
        and bool(_SIDE.fullmatch(rows[0]))
        and sum(bool(_SIDE.fullmatch(line)) for line in rows) * 2 > len(rows)
    )


def read_fisher(source: Source) -> Transcript:
    """Reads a transcript of Fisher, CallHome or Hub5: both sides, with utterance times.

    The stretch from the first to the last utterance is what was transcribed: of CallHome's half hours it is ten minutes.

    Raises:
        TranscriptError: a line is not as it should be.
    """
    utterances: list[tuple[str, re.Match[str], list[str]]] = []
    others: set[str] = set()
    for number, line in _rows(source):
        found = _SIDE.fullmatch(line)
        if found is not None:
            if found[4]:
                others.add(found[3] + found[4])
            utterances.append((f"{source.name}:{number}", found, [found[5]]))
        elif utterances:
            utterances[-1][2].append(line)
        else:
            raise TranscriptError(f"{source.name}:{number}: expected: start end A: text")
    said: dict[tuple[str, str], list[TranscriptWord]] = {("", "A"): [], ("", "B"): []}
    ends: list[float] = []
    backwards = 0
    for where, found, texts in utterances:
        start_s, end_s = seconds(found[1], where=where), seconds(found[2], where=where)
        assert start_s is not None
        assert end_s is not None
        if end_s < start_s:
            backwards += 1  # a slip of the transcriber: its time cannot be known
            continue
        ends += [start_s, end_s]
        said["", found[3]] += over_utterance(tokens_of(_plain(" ".join(texts))), start_s, end_s, where=where)
    notes = []
    if others:
        notes.append(f"other people speak on a side ({', '.join(sorted(others))}); their words stand with that side's")
    if backwards:
        notes.append(f"{backwards} utterances end before they begin and are left out")
    span = ((min(ends), max(ends)),) if ends else ()
    found_all = _by_channel("fisher", said)
    streams = tuple(Stream(each.words, each.channel, each.name, each.recording, span) for each in found_all.streams)
    return Transcript("fisher", streams, "channel", tuple(notes))


def _plain(text: str) -> str:
    """Takes away marks of CallHome and Hub5 that are no sound: ``%um`` is a filler, ``&Name`` a name, ``+w+`` a word."""
    text = re.sub(r"<contraction[^<>]*>|</?[A-Za-z_]+[^<>]*>|</?$", " ", text)
    text = re.sub(r"(?<!\S)%(?=[A-Za-z])", "", text)
    text = re.sub(r"(?<!\S)[&+*@^](?=[A-Za-z])", "", text)
    return re.sub(r"(?<=[A-Za-z])[+*](?!\S)", "", text)


# --- all ------------------------------------------------------------------------------------------------------------


def _rows(source: Source) -> Iterator[tuple[int, str]]:
    """Gives the lines that hold something, with their numbers; comments are left out."""
    for number, line in enumerate(source.lines, start=1):
        if line.strip() and not line.lstrip().startswith(_HEADERS):
            yield number, line.strip()


def _by_channel(kind: str, said: Mapping[tuple[str, str], Sequence[TranscriptWord]]) -> Transcript:
    """Makes a stream of each channel of each file; the channels are numbered by what is written in the whole file."""
    labels = {channel for _, channel in said}
    numbers = {label: letter_channel(label) for label in labels}
    if all(number is None for number in numbers.values()):
        found = {label: whole(label) for label in labels}
        from_one = 0 not in found.values() and 2 in found.values()
        numbers = {label: None if number is None else number - from_one for label, number in found.items()}
    single = len(labels) == 1 and next(iter(numbers.values())) in (None, 0, 1) and not _is_letter(labels)
    streams = [
        Stream(sorted_words(words), None if single else numbers[channel], "" if single else channel, file)
        for (file, channel), words in said.items()
    ]
    streams.sort(key=lambda each: (each.recording, each.channel is None, each.channel or 0, each.name))
    kept: Separation = "track" if single else "name" if None in numbers.values() else "channel"
    return Transcript(kind, tuple(streams), kept)


def _is_letter(labels: set[str]) -> bool:
    """Tells whether the only channel is named with a letter, which says on which side of the call it is."""
    return letter_channel(next(iter(labels))) is not None
