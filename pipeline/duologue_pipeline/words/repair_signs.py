"""Finds the signs of word order that a speaker goes back at a place between two words, the interruption point.

Words are those without edit terms. The signs (Shriberg 1994; Heeman & Allen 1999):

- **fragment**: a word broken off, and what is said again after it: ``the of- | the arresting officer``;
- **repetition**: up to four words said twice, unless twice is once with emphasis (``very very``);
- **retrace**: the first word is said again where the last one before could not end a phrase: ``in the | in a``,
  ``i was | i am``;
- **contraction**: the same first word with and without its verb: ``i | i'm``, ``that | that's``;
- **abandoned**: two function words that never follow each other: ``the | of``, ``i | they``.

The last three need the word classes of the lexicon's grammar. Precision is preferred to recall: a retrace that is also
good grammar ("i think i") is left alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.lexicon import Lexicon, is_fragment

__all__ = ["longest_sign"]

_CLASSES: Final = ("complement_taker", "pronoun", "subject", "determiner", "preposition", "conjunction", "auxiliary")

# (class of the word said again, class of the last word before) of a retrace; the second cannot end a phrase here.
_RETRACE_TWO: Final = frozenset(
    {
        ("pronoun", "pronoun"),
        ("determiner", "determiner"),
        ("preposition", "preposition"),
        ("preposition", "determiner"),
        ("conjunction", "complement_taker"),
        ("conjunction", "pronoun"),
        ("subject", "pronoun"),
        ("auxiliary", "auxiliary"),
    }
)
_RETRACE_TWO_AT_PAUSE: Final = frozenset({("determiner", "open"), ("pronoun", "preposition")})
_CANNOT_END: Final = frozenset({"pronoun", "subject", "auxiliary", "preposition", "determiner"})


def longest_sign(
    text: Sequence[str], at: int, where: str, lexicon: Lexicon, *, rules: DisfluencyRules
) -> tuple[str, int, int] | None:
    """Finds the longest reparandum that a sign shows at one interruption point.

    Args:
        text: normal forms of the words of a speaker without edit terms.
        at: the place of the first word after the interruption point.
        where: what lies between the two words: ``edit`` terms, a ``pause``, or nothing (``adjacent``).
        lexicon: of their language.
        rules: the rule set ``disfluency``.

    Returns:
        The sign, how many words the reparandum has and how many the repair; the first sign where two are as long.
    """
    return _Point(text, at, where, lexicon, rules).longest()


@dataclass(frozen=True)
class _Point:
    """Stands for one interruption point: ``text[at - 1]`` was said, ``text[at]`` comes next."""

    text: Sequence[str]
    at: int
    where: str
    lexicon: Lexicon
    rules: DisfluencyRules

    def longest(self) -> tuple[str, int, int] | None:
        """Finds the sign with the longest reparandum, as :func:`longest_sign` gives it."""
        found = [*self._fragment(), *self._said_again(), *self._abandoned()]
        return max(found, key=lambda each: each[1], default=None)

    def _fragment(self) -> list[tuple[str, int, int]]:
        if not is_fragment(self.text[self.at - 1]):
            return []
        found = [("fragment", 1, 1)]
        for length in range(2, min(self.rules.restart_max_words, self.at) + 1):
            if self._same_start(length) and (length == 2 or self._class(self.text[self.at]) != "open"):
                found.append(("fragment", length, min(length, len(self.text) - self.at)))
        return found

    def _said_again(self) -> list[tuple[str, int, int]]:
        found = []
        last, first = self._class(self.text[self.at - 1]), self._class(self.text[self.at])
        for length in range(1, min(self.rules.restart_max_words, self.at) + 1):
            repeated = self._repeated(length)
            if repeated == length:
                if not self._on_purpose(self.text[self.at - length : self.at]):
                    found.append(("repetition", length, length))
            elif repeated and self._is_retrace(length, repeated, first, last):
                found.append(("retrace", length, min(length, len(self.text) - self.at)))
            elif not repeated and self._same_start(length) and self._is_contraction(length, first, last):
                found.append(("contraction", length, min(length, len(self.text) - self.at)))
        return found

    def _on_purpose(self, twice: Sequence[str]) -> bool:
        """Tells whether words are said twice for emphasis, or are one word that the transcript cuts (``ど ん ど ん``)."""
        emphatic, joined = self.lexicon.emphatic, "".join(twice)
        if emphatic.issuperset(twice):
            return True
        return not self.lexicon.spaces and (
            not emphatic.isdisjoint((joined, joined * 2)) or (len(joined) == len(twice) <= 2 and _is_kana(joined))
        )

    def _is_retrace(self, length: int, repeated: int, first: str, last: str) -> bool:
        broken = self.where != "adjacent"
        if set(self.text[self.at - length : self.at]) == {self.text[self.at]}:
            return False  # "i i | i think": a repetition of the last "i"; the first was found one point before
        if length > 2 and repeated > 1:
            return last in ("determiner", "fragment") or (broken and last in _CANNOT_END)
        if last == "fragment":
            return length < 4
        if first == "open":
            return length < 4 and broken and last in _CANNOT_END and self.text[self.at] not in self.lexicon.emphatic
        match length:
            case 2:
                at_pause = self.where == "pause" and (first, last) in _RETRACE_TWO_AT_PAUSE
                return (first, last) in _RETRACE_TWO or at_pause
            case 3:
                pronouns = (first, last) == ("pronoun", "pronoun") and not broken
                return (first, last) == ("determiner", "determiner") or pronouns
            case _:
                determiner = (first, last) == ("pronoun", "determiner") and self.where != "edit"
                return determiner or ((first, last) == ("pronoun", "auxiliary") and broken)

    def _is_contraction(self, length: int, first: str, last: str) -> bool:
        if length == 1:
            return first in ("pronoun", "subject", "determiner")
        may_end = last == "open" and self.where == "pause"
        return length == 2 and first == "pronoun" and (may_end or last in ("pronoun", "preposition", "auxiliary"))

    def _abandoned(self) -> list[tuple[str, int, int]]:
        before, after = self.text[self.at - 1], self.text[self.at]
        if self._full(before) == self._full(after):
            return []
        classes = self.lexicon.word_classes
        for (first, then), where in self.lexicon.abandoned.items():
            if before in classes[first] and after in classes[then] and (where == "any" or self.where in where):
                return [("abandoned", 1, 0)]
        return []

    def _repeated(self, length: int) -> int:
        """Counts how many of the ``length`` words before are said again, from the first on."""
        count = 0
        while (
            count < length
            and self.at + count < len(self.text)
            and self.text[self.at - length + count] == self.text[self.at + count]
        ):
            count += 1
        return count

    def _same_start(self, length: int) -> bool:
        return self._full(self.text[self.at - length]) == self._full(self.text[self.at])

    def _full(self, text: str) -> str:
        return self.lexicon.full_forms.get(text, text)

    def _class(self, text: str) -> str:
        if is_fragment(text):
            return "fragment"
        classes = self.lexicon.word_classes
        return next((name for name in _CLASSES if text in classes.get(name, ())), "open")


def _is_kana(text: str) -> bool:
    return all("\u3041" <= letter <= "\u309f" or letter == "ー" for letter in text)
