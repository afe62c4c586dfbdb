"""Compares backchannels found by words with human dialogue acts on Switchboard, for each inter-pausal unit.

An IPU is speech between two silences of 200 ms or more, by the word times. It is a backchannel to the annotators if
every word in it belongs to an act b, bk, bh, b^r or b^m of SwDA. 2.6 % of the words have no act (laughter, gaps between
acts and words), so there are four ways to count:

    acts only    words without an act are left out before IPUs are made and anything is judged;
    acts scored  all words are judged; then those without an act are left out, and the IPUs of the others are counted;
    whole IPUs   all words are judged; an IPU with a word without an act is not counted;
    all IPUs     all words are judged; an IPU with a word without an act is none.

Judges: a list of 13 words (IPUs of at most three words under 1.5 s, all of them in the list), the rules, the rules
without a lexicon (timing alone). Conversations count by turns into half one and half two.

    python -m benchmarks.backchannel_words CONVERSATIONS.jsonl.gz [--folds] [RULE=VALUE ...]

--folds chooses rules and thresholds, and the phrases of the lexicon, on nine tenths of the conversations and measures on
the tenth, ten times, for ten partitions; it compares with the list, and does so for confidences (two CPU minutes). What
has been chosen so counts the main way, "whole IPUs", and then "acts only".
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.backchannel_switchboard import BACKCHANNEL_ACTS, Words, print_calibration, read_conversations
from benchmarks.folds import FOLDS, Counts, compared, cross_validated, held_out, partition
from benchmarks.folds import f1 as f1_of
from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.words.backchannels import BackchannelIpu, backchannel_ipus
from duologue_pipeline.words.lexicon import NO_LEXICON, Lexicon, load_lexicon, normal_form
from duologue_pipeline.words.track import TrackWords, track_words

WORD_LIST = frozenset(
    ("yeah", "uh-huh", "um-hum", "right", "oh", "okay", "really", "sure", "huh", "hm", "yes", "mhm", "mm-hmm")
)
COUNTINGS = ("acts only", "acts scored", "whole IPUs", "all IPUs")
HALVES = ((0,), (1,), (0, 1))
OFF_MS = 10**9
CHOICES: dict[str, tuple[int, ...]] = {
    "own_turn_before_ms": (300, 0),
    "other_silent_before_ms": (2500, OFF_MS),
    "question_before_ms": (1000, 0),
    "answer_words": (1, 0),
}
"""What --folds chooses among, the rules as they are first: 0 and OFF_MS switch a rule off."""
FROM_BOOKS = frozenset(
    [
        "yeah",
        "uh-huh",
        "uh huh",
        "um-hum",
        "mhm",
        "mm-hm",
        "mm-hmm",
        "mm hm",
        "mm hmm",
        "mm",
        "oh",
        "right",
        "okay",
        "ok",
        "alright",
        "all right",
    ]
)
"""The eight response tokens that Gardner 2001 treats, in the spellings of the lexicon: chosen without these conversations."""
LEAST_UNITS = 5
"""A phrase must have been said so often alone, to be chosen for the lexicon."""

Choice = Mapping[str, int]
"""A threshold for each of :data:`CHOICES`."""
Judge = Callable[[Words, Words], set[int]]
"""Gives the places of the words that lie in a backchannel, from the words of the speaker and of the other one."""
Pairs = list[tuple[int, Words, Words]]
"""Number of the conversation, words of the speaker, words of the other one."""


def ipus_of(words: Words, silence_ms: int = 200) -> Iterator[tuple[int, int]]:
    """Gives half-open ranges of the words between silences of at least ``silence_ms``."""
    first, end_ms = 0, 0
    for i, word in enumerate(words):
        if i > first and word["start_ms"] - end_ms >= silence_ms:
            yield first, i
            first, end_ms = i, 0
        end_ms = max(end_ms, word["end_ms"])
    if words:
        yield first, len(words)


def by_word_list(own: Words, other: Words) -> set[int]:
    """Finds backchannels by the rule of the word list."""
    found: set[int] = set()
    for first, last in ipus_of(own):
        short = last - first <= 3 and own[last - 1]["end_ms"] - own[first]["start_ms"] < 1500
        if short and all(normal_form(word["word"]) in WORD_LIST for word in own[first:last]):
            found.update(range(first, last))
    return found


def by_rules(own: Words, other: Words, *, language: str | None, rules: BackchannelWordsRules) -> set[int]:
    """Finds backchannels by duologue's rules."""
    lexicon = load_lexicon(language) if language else NO_LEXICON
    found = backchannel_ipus(track_words(_words(own), lexicon), track_words(_words(other), lexicon), rules=rules)
    return {i for unit in found for i in range(unit.start, unit.end)}


def _words(words: Words) -> list[Word]:
    return [Word(word["word"], word["start_ms"], word["end_ms"]) for word in words]


def judged(pairs: Pairs, judge: Judge, counting: str) -> Iterator[tuple[int, Words, bool]]:
    """Gives each IPU that counts: number of its conversation, its words, whether it is judged a backchannel."""
    for number, own, other in pairs:
        if counting == "acts only":
            own, other = _with_acts(own), _with_acts(other)
        found = judge(own, other)
        places = [i for i, word in enumerate(own) if counting != "acts scored" or word["act"]]
        counted = [own[i] for i in places]
        for first, last in ipus_of(counted):
            if counting != "whole IPUs" or all(word["act"] for word in counted[first:last]):
                yield number, counted[first:last], found.issuperset(places[first:last])


def _with_acts(words: Words) -> Words:
    return [word for word in words if word["act"]]


def is_backchannel(ipu: Words) -> bool:
    """Says whether the annotators take an IPU for a backchannel."""
    return all(word["act"] in BACKCHANNEL_ACTS for word in ipu)


def f1(pairs: Pairs, judge: Judge, counting: str) -> dict[tuple[int, ...], tuple[float, float, float]]:
    """Gives F1, precision and recall of both halves and of all."""
    counts = Counter((number % 2, is_backchannel(ipu), found) for number, ipu, found in judged(pairs, judge, counting))
    figures: dict[tuple[int, ...], tuple[float, float, float]] = {}
    for halves in HALVES:
        right, missed, wrong = (
            sum(counts[half, human, found] for half in halves)
            for human, found in ((True, True), (True, False), (False, True))
        )
        found = max(right + wrong, 1)
        figures[halves] = (2 * right / (2 * right + missed + wrong), right / found, right / (right + missed))
    return figures


def main(path: Path, changes: dict[str, Any], folds: bool) -> None:
    """Prints F1 of each judge by each way to count, and what is found in error most often."""
    pairs = read_pairs(path)
    rules = replace(load_rules(BackchannelWordsRules), **changes)
    words = partial(by_rules, language="en", rules=rules)
    judges: dict[str, Judge] = {
        "13 words": by_word_list,
        "rules": words,
        "timing": partial(by_rules, language=None, rules=rules),
    }
    for (name, judge), counting in itertools.product(judges.items(), COUNTINGS):
        by_half = f1(pairs, judge, counting)
        shown = ", ".join("F1 {:.3f} (P {:.3f}, R {:.3f})".format(*by_half[halves]) for halves in HALVES)
        print(f"{name}, {counting}: half 1, half 2, all: {shown}")
    _print_errors(pairs, words)
    if folds:
        for counting in ("whole IPUs", "acts only"):
            _print_folds(pairs, rules, counting)


def read_pairs(path: Path) -> Pairs:
    """Reads every conversation twice, with either side as the speaker."""
    return [(number, *pair) for number, (a, b) in enumerate(read_conversations(path)) for pair in ((a, b), (b, a))]


def _print_errors(pairs: Pairs, judge: Judge) -> None:
    wrong: Counter[str] = Counter()
    acts: Counter[str] = Counter()
    for _, ipu, found in judged(pairs, judge, "acts only"):
        if found and not is_backchannel(ipu):
            act = "/".join(sorted({word["act"] for word in ipu}))
            acts[act] += 1
            wrong[f"{' '.join(word['word'] for word in ipu)} ({act})"] += 1
    print("found in error, acts only, by act:", ", ".join(f"{act} {n}" for act, n in acts.most_common(8)))
    print("most frequent:", ", ".join(f"{said} {n}" for said, n in wrong.most_common(8)))


@dataclass(frozen=True)
class Side:
    """Holds the words of a speaker and of the other one, and of each IPU that counts whether people call it one."""

    number: int
    own: TrackWords
    other: TrackWords
    people: Mapping[tuple[int, int], bool]


def sides_of(pairs: Pairs, counting: str) -> list[Side]:
    """Prepares the words of each speaker for many judges."""
    sides = []
    lexicon = load_lexicon("en")
    for number, own, other in pairs:
        if counting == "acts only":
            own, other = _with_acts(own), _with_acts(other)
        people = {
            (first, last): is_backchannel(own[first:last])
            for first, last in ipus_of(own)
            if all(word["act"] for word in own[first:last])
        }
        sides.append(Side(number, track_words(_words(own), lexicon), track_words(_words(other), lexicon), people))
    return sides


def found_by(side: Side, lexicon: Lexicon, rules: BackchannelWordsRules) -> list[BackchannelIpu]:
    """Gives the backchannels found that count."""
    found = backchannel_ipus(replace(side.own, lexicon=lexicon), side.other, rules=rules)
    return [unit for unit in found if (unit.start, unit.end) in side.people]


def counts_of(sides: Sequence[Side], lexicon: Lexicon, rules: BackchannelWordsRules, choice: Choice) -> Counts:
    """Counts the backchannels of people, of the rules, and of both in each conversation, [conversations, 3]."""
    counts = np.zeros((1 + max(side.number for side in sides), 3), dtype=np.int64)
    thresholds: dict[str, Any] = {name: value for name, value in choice.items() if name != "answer_words"}
    rules = replace(rules, **thresholds)
    if not choice.get("answer_words", 1):
        lexicon = replace(lexicon, answers=frozenset())
    for side in sides:
        found = found_by(side, lexicon, rules)
        right = sum(side.people[unit.start, unit.end] for unit in found)
        counts[side.number] += (sum(side.people.values()), len(found), right)
    return counts


def with_phrases(lexicon: Lexicon, phrases: AbstractSet[str]) -> Lexicon:
    """Gives the lexicon with these phrases alone; those that it lacks are acknowledgements."""
    wanted = {tuple(normal_form(word) for word in phrase.split()) for phrase in phrases}
    kinds = {kind: lexicon.backchannels[kind] & wanted for kind in ("acknowledgement", "continuer", "reaction")}
    kinds["acknowledgement"] |= wanted - frozenset().union(*kinds.values())
    return replace(lexicon, backchannels=kinds)


def said_alone(sides: Sequence[Side]) -> frozenset[str]:
    """Finds the phrases that make up an IPU at least :data:`LEAST_UNITS` times, more often than not a backchannel."""
    often: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for side in sides:
        for (first, last), human in side.people.items():
            phrase = " ".join(side.own.normals[first:last])
            often[phrase] += 1
            right[phrase] += human
    return frozenset(phrase for phrase, n in often.items() if n >= LEAST_UNITS and 2 * right[phrase] > n)


def _print_folds(pairs: Pairs, rules: BackchannelWordsRules, counting: str) -> None:
    sides = sides_of(pairs, counting)
    lexicon = load_lexicon("en")
    conversations = 1 + max(side.number for side in sides)
    by_list = np.zeros((conversations, 3), dtype=np.int64)
    for number, ipu, found in judged(pairs, by_word_list, counting):
        by_list[number] += (is_backchannel(ipu), found, is_backchannel(ipu) and found)
    print(f"\n{counting}: 13 words F1 {f1_of(by_list.sum(0)):.4f}")
    choices = [dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())]
    measured = {}
    chosen_rules: list[int] = []
    for name, known in (("lexicon", lexicon), ("phrases from books", with_phrases(lexicon, FROM_BOOKS))):
        counts = np.stack([counts_of(sides, known, rules, choice) for choice in choices])
        print("{}, {}: cross-validated F1 {:.4f} ({:.4f} to {:.4f})".format(counting, name, *cross_validated(counts)))
        measured[name], chosen = held_out(counts, 0)
        chosen_rules = chosen_rules or chosen
        best, times = Counter(chosen).most_common(1)[0]
        print(f"{counting}, {name}: {times} of {FOLDS} folds choose {choices[best]}")
        for rule, values in CHOICES.items():
            kept = [place for place, choice in enumerate(choices) if choice[rule] == values[0]]
            without = [place for place, choice in enumerate(choices) if choice[rule] in (0, OFF_MS)]
            on, off = cross_validated(counts[kept])[0], cross_validated(counts[without])[0]
            print(f"{counting}, {name}: {rule} {values[0]} {on:.4f}, off {off:.4f}")
    fold = partition(conversations, 0)
    measured["phrases of the other folds"] = np.zeros_like(by_list)
    for held in range(FOLDS):
        train, test = ([side for side in sides if (fold[side.number] == held) == here] for here in (False, True))
        known = with_phrases(lexicon, said_alone(train))
        tested = counts_of(test, known, rules, choices[chosen_rules[held]])
        measured["phrases of the other folds"][: len(tested)] += tested
    measured["as they are"] = counts_of(sides, lexicon, rules, {})
    for name, counts in measured.items():
        print(f"{counting}, {name}: F1 {f1_of(counts.sum(0)):.4f}, against 13 words {compared(counts, by_list)}")
    found_in = [
        [
            (side.people[unit.start, unit.end], (f"{unit.type} {unit.confidence}", unit.confidence))
            for side in sides
            if side.number == number
            for unit in found_by(side, lexicon, rules)
        ]
        for number in range(conversations)
    ]
    print_calibration(counting, found_in)


def _change(text: str) -> tuple[str, int]:
    name, value = text.split("=")
    return name, int(value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path, help="reads the conversations from this .jsonl.gz file")
    parser.add_argument("changes", nargs="*", type=_change, metavar="RULE=VALUE", help="tries another threshold")
    parser.add_argument("--folds", action="store_true", help="chooses on nine tenths, measures on the tenth")
    options = parser.parse_intermixed_args()
    main(options.conversations, dict(options.changes), options.folds)
