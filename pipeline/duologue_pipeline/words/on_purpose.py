"""Tells what a speaker says again on purpose from what they take back.

Four things look like a repair and are none:

- **emphasis**: ``very very``, ``thank you thank you`` (the lexicon's ``emphatic``), what goes on and on, said three times
  or more: ``talked and talked and talked``, and one word that a transcript without spaces cuts: ``ど ん ど ん``;
- **numbers**: ``four four seven``, ``a hundred | a hundred and ten``;
- **spelled letters**: ``a a r o n``;
- **a list**: three or more phrases that begin alike and end in other words: ``a bed | a desk, a chair``.

An edit term between the two makes a repair of all but emphasis.
"""

from collections.abc import Sequence
from typing import Final

from duologue_pipeline.words.lexicon import Lexicon

__all__ = ["is_on_purpose"]

_PHRASE_WORDS: Final = 5
"""The most words of an item of a list, its ``and`` among them."""
_GOES_ON_TIMES: Final = 3
"""So often is a word said in a row that goes on and on."""
_ROW_WORDS: Final = 16
"""So far a row of spelled letters, or of words said again, is followed; its beginning tells what it is."""


def is_on_purpose(text: Sequence[str], start: int, at: int, where: str, lexicon: Lexicon) -> bool:
    """Tells whether ``text[start:at]`` stands before ``text[at:]`` on purpose, so that nothing is taken back.

    Args:
        text: normal forms of the words of a speaker without edit terms.
        start: the place of the first word that would be taken back.
        at: the place of the first word after the interruption point.
        where: what lies at that point: ``edit`` terms, a ``pause``, or nothing (``adjacent``).
        lexicon: of their language; one without ``number`` and ``coordinator`` among its classes knows no numbers, no letters, no
            lists, nothing that goes on and on.
    """
    phrase, broken = list(text[start:at]), where == "edit"
    if not broken and _goes_on(text, start, at, lexicon):
        return True
    if phrase == list(text[at : at + len(phrase)]) or set(phrase) == {text[at]}:
        around = [*text[max(0, start - 1) : start], *text[at + len(phrase) : at + len(phrase) + 1]]
        return _is_emphatic(phrase, around, lexicon) or (not broken and _is_told(text, start, at, lexicon))
    return not broken and (_is_told(text, start, at, lexicon) or _is_item(text, start, at, lexicon))


def _is_emphatic(phrase: Sequence[str], around: Sequence[str], lexicon: Lexicon) -> bool:
    """Tells whether a phrase is one that is said twice; ``around`` shows whether the transcript cuts words into letters."""
    if lexicon.emphatic.issuperset(phrase) or " ".join(phrase) in lexicon.emphatic:
        return True
    if not lexicon.spaces:
        word = "".join(phrase)
        return not lexicon.emphatic.isdisjoint((word, word * 2)) or (
            len(word) == len(phrase) <= 2
            and _is_kana(word)
            and (len(word) == 2 or any(len(each) == 1 for each in around))
        )
    return False


def _goes_on(text: Sequence[str], start: int, at: int, lexicon: Lexicon) -> bool:
    """Tells whether the words stand in a row as ``grew and grew and grew``: one word three times, joined by another."""
    first, last = at - 1, at
    while first > 0 and first + 1 < len(text) and text[first - 1] == text[first + 1] and at - first < _ROW_WORDS:
        first -= 1
    while last + 1 < len(text) and last > 0 and text[last + 1] == text[last - 1] and last - at < _ROW_WORDS:
        last += 1
    row, coordinators = text[first : last + 1], _words("coordinator", lexicon)
    said = {word for word in row if word not in coordinators}
    if len(said) != 1 or coordinators.isdisjoint(row) or first > start:
        return False
    word = said.pop()
    told = _is_open(word, lexicon) or word in _words("preposition", lexicon)  # "on and on and on", not "and i and i"
    return told and row.count(word) >= _GOES_ON_TIMES


def _is_told(text: Sequence[str], start: int, at: int, lexicon: Lexicon) -> bool:
    """Tells whether these words are numbers or spelled letters, with no more than "a" or "and" among them."""
    if not _words("number", lexicon):
        return False  # French "l' l'homme": a letter is a word there
    told = [
        text[i] in _words("number", lexicon) or text[i].isdecimal() or _is_spelled(text, i) for i in range(start, at)
    ]
    between = {"a", *_words("coordinator", lexicon)}
    return any(told) and all(yes or text[i] in between for i, yes in zip(range(start, at), told, strict=True))


def _is_spelled(text: Sequence[str], i: int) -> bool:
    """Tells whether a word is a letter; "a" and "i" are where a letter that is no word stands in the same row."""
    first = last = i
    while first > 0 and i - first < _ROW_WORDS and _is_letter(text[first - 1]):
        first -= 1
    while last + 1 < len(text) and last - i < _ROW_WORDS and _is_letter(text[last + 1]):
        last += 1
    return _is_letter(text[i]) and any(letter not in ("a", "i") for letter in text[first : last + 1])


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()


def _is_item(text: Sequence[str], start: int, at: int, lexicon: Lexicon) -> bool:
    """Tells whether the words are an item of a list: a whole phrase, and a third one that begins alike is near."""
    if at - start < 2 or text[start] != text[at] or not _is_open(text[at - 1], lexicon):
        return False
    for step in range(2, _PHRASE_WORDS + 1):
        for here in (at + step, start - step):
            if not 0 <= here < len(text) or text[here] != text[at]:
                continue
            end = text[(max(here, start)) - 1]
            if end != text[at - 1] and (_is_open(end, lexicon) or end in _words("coordinator", lexicon)):
                return True
    return False


def _is_open(word: str, lexicon: Lexicon) -> bool:
    """Tells whether a word is in no class of the grammar but perhaps a number."""
    return not any(word in words for name, words in lexicon.word_classes.items() if name != "number")


def _words(name: str, lexicon: Lexicon) -> frozenset[str]:
    return lexicon.word_classes.get(name, frozenset())


def _is_kana(text: str) -> bool:
    return all("\u3041" <= letter <= "\u309f" or letter == "ー" for letter in text)
