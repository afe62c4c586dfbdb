"""Where a speaker goes back: reparanda and their repairs, from words alone (Shriberg 1994; Heeman & Allen 1999).

The words of a speaker are looked at without edit terms. At each place between two of them (the interruption point) the
longest reparandum that one of these signs shows is taken:

- **fragment**: a word broken off, and what is said again after it: ``the of- | the arresting officer``;
- **repetition**: up to four words said twice, unless twice is once with emphasis (``very very``);
- **retrace**: the first word is said again where the last one before could not end a phrase: ``in the | in a``,
  ``i was | i am``;
- **contraction**: the same first word with and without its verb: ``i | i'm``, ``that | that's``;
- **abandoned**: two function words that never follow each other: ``the | of``, ``i | they``.

The last three need the word classes of the lexicon's grammar. Precision is preferred to recall: a retrace that is also
good grammar ("i think i") is left alone.

For the languages of :mod:`duologue_pipeline.words.repair_model` its probabilities add what these signs do not show. Words in a row
of at least ``model_word_probability`` are a reparandum if a silence or an edit term follows, or the last of them has
``model_interruption_probability``:

- **rewording**: the repair has a word of the reparandum again: ``an aggressive military | an aggression oriented military``;
- **restart**: it has none: ``he | she was late``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from duologue_pipeline.records import Word
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.lexicon import Lexicon, is_fragment
from duologue_pipeline.words.repair_model import MODEL_LANGUAGES, reparandum_probabilities
from duologue_pipeline.words.track import TrackWords

__all__ = ["Repair", "find_repairs"]

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


@dataclass(frozen=True)
class Repair:
    """Half-open ranges of word indices; ``sign`` is one of those in the module's description.

    The reparandum is ``[start, interruption)`` but for the edit terms in it, the repair ``[resumption, end)``, empty
    where nothing takes the reparandum's place. Between the two lie edit terms only: the interregnum.
    """

    sign: str
    start: int
    interruption: int
    resumption: int
    end: int


def find_repairs(track: TrackWords, edit: Sequence[bool], *, rules: DisfluencyRules) -> list[Repair]:
    """Finds at most one repair for each interruption point.

    Args:
        track: the words of one speaker.
        edit: whether each is an edit term, or not a word at all.
        rules: the rule set ``disfluency``.

    Returns:
        In order of the interruption point. Where a restart is restarted they share words.
    """
    words, lexicon = track.words, track.lexicon
    kept = [i for i, skip in enumerate(edit) if not skip]
    text = [track.normals[i] for i in kept]
    repairs: dict[int, Repair] = {}
    for at in range(1, len(kept)):
        before, after = kept[at - 1], kept[at]
        gap_ms = words[after].start_ms - words[before].end_ms
        if gap_ms > rules.restart_max_gap_ms:
            continue
        where = "edit" if after > before + 1 else "pause" if gap_ms > rules.pause_ms else "adjacent"
        found = _Point(text, at, where, lexicon, rules).longest()
        if found:
            sign, length, repeated = found
            end = kept[at + repeated - 1] + 1 if repeated else after
            repairs[before + 1] = Repair(sign, kept[at - length], before + 1, after, end)
    known = {i for repair in repairs.values() for i in range(repair.start, repair.interruption)}
    for repair in _learned(words, kept, text, lexicon, rules):
        other = repairs.get(repair.interruption)
        new = any(i not in known for i in range(repair.start, repair.interruption) if not edit[i])
        if new and (other is None or repair.start < other.start):
            repairs[repair.interruption] = repair
    return [repairs[at] for at in sorted(repairs)]


def _learned(
    words: Sequence[Word], kept: Sequence[int], text: Sequence[str], lexicon: Lexicon, rules: DisfluencyRules
) -> list[Repair]:
    enough = rules.model_interruption_probability
    if lexicon.name not in MODEL_LANGUAGES or enough > 1:
        return []
    gaps_ms = [words[after].start_ms - words[before].end_ms for before, after in pairwise(kept)]
    begins = [True, *(gap_ms > rules.model_max_gap_ms for gap_ms in gaps_ms)]
    after_edit = [i > before + 1 for before, i in zip([-1, *kept], kept, strict=False)]
    likely = reparandum_probabilities(text, after_edit, begins, full_forms=lexicon.full_forms)
    found, start = [], 0
    for at in range(1, len(kept)):
        if likely[start] < rules.model_word_probability or begins[at]:
            start = at
        elif likely[at] < rules.model_word_probability:
            heard = after_edit[at] or gaps_ms[at - 1] > rules.pause_ms
            if heard or likely[at - 1] >= enough:
                repeated = _words_of_repair(text[start:at], text[at:])
                sign, end = ("rewording", kept[at + repeated - 1] + 1) if repeated else ("restart", kept[at])
                found.append(Repair(sign, kept[start], kept[at - 1] + 1, kept[at], end))
            start = at
    return found


def _words_of_repair(reparandum: Sequence[str], after: Sequence[str]) -> int:
    """Up to the last word of the reparandum that is said again in its order, as far as the reparandum is long."""
    rest, count = list(reparandum), 0
    for number, word in enumerate(after[: len(reparandum) + 1], start=1):
        if word in rest:
            rest, count = rest[rest.index(word) + 1 :], number
    return count


@dataclass(frozen=True)
class _Point:
    """One interruption point: ``text[at - 1]`` was said, ``text[at]`` comes next."""

    text: Sequence[str]
    at: int
    where: str
    lexicon: Lexicon
    rules: DisfluencyRules

    def longest(self) -> tuple[str, int, int] | None:
        """Sign, words of the reparandum and words of the repair of the longest; the first sign where they tie."""
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
                if not self.lexicon.emphatic.issuperset(self.text[self.at - length : self.at]):
                    found.append(("repetition", length, length))
            elif repeated and self._is_retrace(length, repeated, first, last):
                found.append(("retrace", length, min(length, len(self.text) - self.at)))
            elif not repeated and self._same_start(length) and self._is_contraction(length, first, last):
                found.append(("contraction", length, min(length, len(self.text) - self.at)))
        return found

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
        """How many of the ``length`` words before are said again, from the first on."""
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
