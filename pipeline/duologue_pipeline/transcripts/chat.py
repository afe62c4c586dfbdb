"""Reads CHAT, the format of TalkBank: a stream a participant (``*ANN:``), bullets of time in milliseconds.

The main line is read as it stands, for the words that libraries drop are the labels: ``&-uh`` (filler), ``&+w`` (fragment),
``I [/]`` (said again), ``&=laughs``. A ``%wor`` tier with a bullet at each word gives word times; else the times are those of
the utterance.

Source: MacWhinney, "Tools for Analyzing Talk, Part 1: The CHAT Transcription Format" (talkbank.org/0info/manuals/CHAT.html),
chapters 7 to 9. Own code: rustling 0.9 and pylangacq leave fillers, fragments and repetitions out of their tokens.
"""

import re
from collections.abc import Iterator
from typing import Final

from duologue_pipeline.transcripts.model import Stream, Transcript, TranscriptError, TranscriptWord
from duologue_pipeline.transcripts.place import Untimed, over_utterance, placed, sorted_words
from duologue_pipeline.transcripts.source import Source
from duologue_pipeline.transcripts.spoken import UNHEARD, UNHEARD_MARKS, Token, bare

__all__ = ["is_chat", "read_chat"]

_BULLET: Final = re.compile(r"\x15_?(\d+)_(\d+)_?-?\x15")
_TURN: Final = re.compile(r"\*([A-Za-z0-9_-]{1,8}):\s*(.*)", re.DOTALL)
_ENDS: Final = re.compile(r"^[+.?!/\"<>^,:„‡]+$|^\+[./?!\"^,<+~=]+.*$")
_CODE: Final = re.compile(r"\[[^\[\]]*\]")
_WORD_TIME: Final = re.compile(r"(\S+)\s+\x15(\d+)_(\d+)\x15")


def is_chat(source: Source) -> bool:
    """Tells whether a file is CHAT."""
    return (bool(re.match(r"@(UTF8|Begin|Loc|PID)", source.head)) and "@Participants:" in source.head) or (
        source.head.startswith("@UTF8") and "@Begin" in source.head
    )


def read_chat(source: Source) -> Transcript:
    """Reads CHAT: a stream a participant; utterances without a bullet lie between those of the same person.

    Raises:
        TranscriptError: no utterance has a time.
    """
    said: dict[str, list[TranscriptWord]] = {}
    pending: dict[str, list[list[Token]]] = {}
    ends_s: dict[str, float] = {}
    untimed, backwards = 0, 0
    turns = list(_turns(source))
    if turns and not any(_BULLET.search(line) for _, _, line, _ in turns):
        raise TranscriptError(f"{source.name}: no utterance has a time; link the transcript to its audio (CLAN) first")
    for number, who, line, word_tier in turns:
        where = f"{source.name}:{number}"
        own = said.setdefault(who, [])
        bullets = _BULLET.findall(line)
        tokens = _tokens(_BULLET.sub(" ", line))
        if not bullets:
            pending.setdefault(who, []).append(tokens)
            continue
        start_s, end_s = int(bullets[0][0]) / 1000, int(bullets[-1][1]) / 1000
        if end_s < start_s:
            backwards += 1
            pending.setdefault(who, []).append(tokens)
            continue
        untimed += len(pending.get(who, ()))
        own += _between(pending.pop(who, []), ends_s.get(who, 0.0), start_s, where)
        ends_s[who] = max(ends_s.get(who, 0.0), end_s)
        timed = _word_times(word_tier)
        if timed:
            own += _with_times(tokens, timed, start_s, end_s, where)
        else:
            own += over_utterance(tokens, start_s, end_s, where=where)
    for who, left in pending.items():
        untimed += len(left)
        said[who] += _between(left, ends_s.get(who, 0.0), ends_s.get(who, 0.0), source.name)
    notes = (
        [f"{untimed} utterances have no time of their own and lie between those of their speaker"] if untimed else []
    )
    if backwards:
        notes.append(f"{backwards} bullets end before they begin and are not used")
    streams = tuple(Stream(sorted_words(said[who]), name=who) for who in sorted(said))
    return Transcript("chat", streams, "track" if len(streams) == 1 else "name", tuple(notes))


def _between(utterances: list[list[Token]], first_s: float, last_s: float, where: str) -> list[TranscriptWord]:
    """Places the words of utterances without times, in order; the other person's times say nothing about them."""
    tokens = [token for utterance in utterances for token in utterance]
    words = over_utterance(tokens, min(first_s, last_s), last_s, where=where)
    return [TranscriptWord(w.word, w.start_s, w.end_s, None, "interpolated", w.marks) for w in words]


def _turns(source: Source) -> Iterator[tuple[int, str, str, str]]:
    """Gives each main line with its number, who speaks, and the ``%wor`` tier below it; continuation lines are joined."""
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(source.text.split("\n"), start=1):
        if line.startswith("\t") and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        elif line.strip():
            lines.append((number, line.strip()))
    for place, (number, line) in enumerate(lines):
        turn = _TURN.fullmatch(line)
        if turn is None:
            continue
        word_tier = ""
        for _, below in lines[place + 1 :]:
            if not below.startswith("%"):
                break
            if below.startswith("%wor:"):
                word_tier = below.partition(":")[2]
        yield number, turn[1], turn[2], word_tier


def _tokens(text: str) -> list[Token]:
    """Takes a main line apart: what is said stays, codes in brackets, terminators and overlap marks go."""
    text = re.sub(r"\[= ?![^\]]*laugh[^\]]*\]|\[=! ?laugh[^\]]*\]", " &=laughs ", text)
    text = re.sub(r"\(\.+\)|\(\d+(?:\.\d*)?\)", " ", _CODE.sub(" ", text))
    text = re.sub(r"[<>⌈⌉⌊⌋↑↓→↗↘∆∇°≋≡∙∬ϋ“”]", " ", text)
    found = []
    for part in text.split():
        token = _token(part)
        if token is not None:
            found.append(token)
    return found


def _token(part: str) -> Token | None:
    if _ENDS.match(part) or part.startswith("0"):
        return None
    if part.startswith("&="):
        return bare(part)
    if part in ("xxx", "yyy", "www"):
        return Token(UNHEARD, UNHEARD_MARKS)
    if part.startswith(("&-", "&~")):
        return bare(part[2:])
    if part.startswith("&+"):
        return bare(f"{part[2:]}-")
    word = re.sub(r"@[a-z:$]+.*$", "", part)
    word = word.replace("(", "").replace(")", "").replace("_", " ").replace("ː", "").replace(":", "")
    return bare(word.lstrip("&"))


def _word_times(tier: str) -> list[tuple[str, float, float]]:
    return [(word, int(start) / 1000, int(end) / 1000) for word, start, end in _WORD_TIME.findall(tier)]


def _with_times(
    tokens: list[Token], timed: list[tuple[str, float, float]], start_s: float, end_s: float, where: str
) -> list[TranscriptWord]:
    """Gives the tokens of a main line the times of its ``%wor`` tier, in order; others lie between their neighbours."""
    rest = [(spoken, first, last) for word, first, last in timed if (spoken := _token(word)) is not None]
    items: list[Untimed] = []
    at = 0
    for token in tokens:
        match = next((k for k in range(at, min(at + 3, len(rest))) if rest[k][0].word == token.word), None)
        if match is None:
            items.append(Untimed(token.word, None, None))
        else:
            items.append(Untimed(token.word, rest[match][1], max(rest[match][1:])))
            at = match + 1
    return placed(items, start_s=start_s, end_s=end_s, where=where)
