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

    python -m benchmarks.backchannel_words CONVERSATIONS.jsonl.gz [--choose] [RULE=VALUE ...]

--choose picks the three context thresholds on one half and measures on the other (two and a half CPU minutes).
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.backchannel_switchboard import BACKCHANNEL_ACTS, Words, read_conversations
from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.words.backchannels import backchannel_ipus
from duologue_pipeline.words.lexicon import NO_LEXICON, load_lexicon, normal_form
from duologue_pipeline.words.track import track_words

WORD_LIST = frozenset(
    ("yeah", "uh-huh", "um-hum", "right", "oh", "okay", "really", "sure", "huh", "hm", "yes", "mhm", "mm-hmm")
)
COUNTINGS = ("acts only", "acts scored", "whole IPUs", "all IPUs")
HALVES = ((0,), (1,), (0, 1))
CHOICES = {
    "own_turn_before_ms": (250, 500, 1000),
    "own_turn_after_ms": (100, 250, 500),
    "other_silent_before_ms": (1000, 1500, 2500),
}

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


def main(path: Path, changes: dict[str, Any], choose: bool) -> None:
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
    if choose:
        _print_chosen(pairs, rules)


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


def _print_chosen(pairs: Pairs, rules: BackchannelWordsRules) -> None:
    names: Sequence[str] = tuple(CHOICES)
    for counting in ("acts only", "whole IPUs"):
        tried = []
        for values in itertools.product(*CHOICES.values()):
            choice: dict[str, Any] = dict(zip(names, values, strict=True))
            rule_set = replace(rules, **choice)
            tried.append((values, f1(pairs, partial(by_rules, language="en", rules=rule_set), counting)))
        for half in (0, 1):
            values, figures = max(tried, key=lambda each: each[1][half,][0])
            chosen = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
            print(f"{counting}: chosen on half {half + 1} ({chosen}), F1 on the other {figures[1 - half,][0]:.3f}")


def _change(text: str) -> tuple[str, int]:
    name, value = text.split("=")
    return name, int(value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path, help="reads the conversations from this .jsonl.gz file")
    parser.add_argument("changes", nargs="*", type=_change, metavar="RULE=VALUE", help="tries another threshold")
    parser.add_argument("--choose", action="store_true", help="picks thresholds on one half, measures on the other")
    options = parser.parse_intermixed_args()
    main(options.conversations, dict(options.changes), options.choose)
