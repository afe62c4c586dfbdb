"""Finds where a speaker goes back: what is taken back, and what is said in its place, from words alone.

What is taken back is the reparandum, what takes its place the repair (Shriberg 1994). The words of a speaker are looked
at without edit terms. Between two of them, at the interruption point, the longest reparandum that a sign of word order
shows is taken (:mod:`duologue_pipeline.words.repair_signs`).

For the languages of :mod:`duologue_pipeline.words.repair_model` its probabilities add what these signs do not show.
Words in a row of at least ``model_word_probability`` are a reparandum. They show one of two more signs:

- **rewording**: the repair has a word of the reparandum again:
  ``an aggressive military | an aggression oriented military``;
- **restart**: it has none: ``he | she was late``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from duologue_pipeline.records import Word
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.lexicon import Lexicon
from duologue_pipeline.words.on_purpose import is_on_purpose
from duologue_pipeline.words.repair_model import MODEL_LANGUAGES, reparandum_probabilities
from duologue_pipeline.words.repair_signs import longest_sign
from duologue_pipeline.words.track import TrackWords

__all__ = ["Repair", "find_repairs"]


@dataclass(frozen=True)
class Repair:
    """Holds one repair as half-open ranges of word indices, and the sign that shows it.

    The reparandum is ``[start, interruption)`` but for the edit terms in it, the repair ``[resumption, end)``, empty
    where nothing takes the reparandum's place. Between the two lie edit terms only: the interregnum. ``sign`` is one of
    this module's or of :mod:`duologue_pipeline.words.repair_signs`.
    """

    sign: str
    start: int
    interruption: int
    resumption: int
    end: int


def find_repairs(track: TrackWords, edit: Sequence[bool], *, rules: DisfluencyRules) -> list[Repair]:
    """Finds the places where a speaker goes back, at most one repair for each interruption point.

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
        where = _where(after > before + 1, gap_ms, rules)
        found = longest_sign(text, at, where, lexicon, rules=rules)
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
    enough = rules.model_word_probability
    if lexicon.name not in MODEL_LANGUAGES or enough > 1:
        return []
    gaps_ms = [words[after].start_ms - words[before].end_ms for before, after in pairwise(kept)]
    begins = [True, *(gap_ms > rules.model_max_gap_ms for gap_ms in gaps_ms)]
    after_edit = [i > before + 1 for before, i in zip([-1, *kept], kept, strict=False)]
    likely = reparandum_probabilities(text, after_edit, begins, full_forms=lexicon.full_forms)
    found, start = [], 0
    for at in range(1, len(kept)):
        if likely[start] < enough or begins[at]:
            start = at
        elif likely[at] < enough:
            where = _where(after_edit[at], gaps_ms[at - 1], rules)
            if is_on_purpose(text, start, at, where, lexicon):
                start = at
                continue
            repeated = _words_of_repair(text[start:at], text[at:])
            sign, end = ("rewording", kept[at + repeated - 1] + 1) if repeated else ("restart", kept[at])
            found.append(Repair(sign, kept[start], kept[at - 1] + 1, kept[at], end))
            start = at
    return found


def _where(after_edit: bool, gap_ms: int, rules: DisfluencyRules) -> str:
    return "edit" if after_edit else "pause" if gap_ms > rules.pause_ms else "adjacent"


def _words_of_repair(reparandum: Sequence[str], after: Sequence[str]) -> int:
    """Counts the words of a repair: up to the last word of the reparandum that is said again in its order."""
    rest, count = list(reparandum), 0
    for number, word in enumerate(after[: len(reparandum) + 1], start=1):
        if word in rest:
            rest, count = rest[rest.index(word) + 1 :], number
    return count
