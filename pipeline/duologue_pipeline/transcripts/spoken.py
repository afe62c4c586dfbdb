"""Turns the tokens of a transcript into words with marks, in the spelling that the lexicons know.

A token that is punctuation alone is no word. Laughter and noise become tokens in square brackets (``[laughter]``), a word
that is broken off ends with a hyphen, and brackets that say "not surely heard" become a mark.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.transcripts.model import MARKS

__all__ = ["UNHEARD", "UNHEARD_MARKS", "Token", "bare", "tokens_of", "without_brackets"]

UNHEARD: Final = "[unintelligible]"
"""The token that says: somebody speaks, and nobody can tell the words."""
UNHEARD_MARKS: Final = ("noise", "unsure")
"""Its marks."""

_LAUGHS: Final = re.compile(r"^(laugh|chuckl|giggl|lach|risa|rire|笑)", re.IGNORECASE)
_SIGNS: Final = re.compile(r"^[\W_]+$")
_NAMED: Final = re.compile(r"\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>|\(\(|\)\)|&=\S+")
_BROKEN: Final = re.compile(r"\w-+[.,;?!…]*$")
_UNSURE: Final = re.compile(r"\(\((.*?)\)\)([.,;:?!…]*)")
_NOISES: Final = re.compile(
    r"^(noise|vocalized|breath|cough|sneeze|sniff|sigh|lipsmack|smack|mn|music|click|static|beep|background|unin|silence|"
    r"pause|crosstalk|inaudible|unintelligible|applause|ring|tone|sound|throat|yawn|whistl|swallow|inhal|exhal|groan)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    """Holds one word of a text before it has a time; ``marks`` are any of :data:`MARKS`, in that order."""

    word: str
    marks: tuple[str, ...] = ()


def bare(text: str, *, marks: Iterable[str] = ()) -> Token | None:
    """Makes one word of one token of a transcript; None for punctuation, and for what says that nothing is said.

    Args:
        text: the token; blanks around it do not count.
        marks: what is known of it already.
    """
    token = without_brackets(Token(text.strip(), tuple(marks)))
    word, found = token.word, set(token.marks)
    if re.fullmatch(r"[\[{<(].*[\]}>)]|&=\S+", word) and not word.startswith("(("):
        inner = word.strip("[]{}<>()/&= ").removeprefix("=")
        laughing = re.fullmatch(r"\[laughter-(.+)\]", word, re.IGNORECASE)
        if laughing:
            return Token(word, _ordered(found | {"laughter"}))
        if inner.lower() in ("silence", "pause", "", "sil", "sp"):
            return None
        if _LAUGHS.match(inner):
            return Token("[laughter]", _ordered(found | {"laughter"}))
        if _NOISES.match(inner):
            return Token(f"[{inner.lower()}]", _ordered(found | {"noise"}))
        return Token(word, _ordered(found))
    if not word or (_SIGNS.match(word) and not word.startswith("[")):
        return None
    if _BROKEN.search(word):
        found.add("partial")
    return Token(word, _ordered(found))


def without_brackets(token: Token) -> Token:
    """Takes a word out of ``(( ))`` and marks it ``unsure``; every other one stays as it is.

    ``(( ))`` with nothing in it is an unheard word (``[unintelligible]``).
    """
    found = _UNSURE.fullmatch(token.word.strip())
    if not found:
        return token
    if not found[1].strip():
        return Token(UNHEARD, _ordered({*token.marks, *UNHEARD_MARKS}))
    return Token(found[1].strip() + found[2], _ordered({*token.marks, "unsure"}))


def tokens_of(text: str) -> list[Token]:
    """Takes the text of an utterance apart into its words.

    Words within ``(( ))`` and ``<UNSURE> </UNSURE>`` are marked ``unsure``; ``(())`` with nothing in it is an unheard word
    (``[unintelligible]``). A mark in brackets stays one token, also where it has blanks.
    """
    return list(_tokens(text))


def _tokens(text: str) -> Iterator[Token]:
    unsure, at, since = False, 0, 0
    for found in [*_NAMED.finditer(text), None]:
        piece = text[at:] if found is None else text[at : found.start()]
        for part in piece.split():
            token = bare(part, marks=("unsure",) if unsure else ())
            if token is not None:
                since += 1
                yield token
        if found is None:
            return
        at = found.end()
        mark = found[0]
        inner = mark.strip("<>").strip().upper()
        if mark == "((" or inner == "UNSURE":
            unsure, since = True, 0
        elif mark == "))" or inner == "/UNSURE":
            if unsure and not since:
                yield Token(UNHEARD, UNHEARD_MARKS)
            unsure = False
        elif inner in ("UNIN/", "INAUDIBLE_SPEECH/"):
            yield Token(UNHEARD, UNHEARD_MARKS)
        else:
            token = bare(mark, marks=("unsure",) if unsure else ())
            if token is not None:
                since += 1
                yield token


def _ordered(marks: set[str]) -> tuple[str, ...]:
    return tuple(mark for mark in MARKS if mark in marks)
