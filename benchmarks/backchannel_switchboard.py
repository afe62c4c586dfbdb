"""Compares backchannels and turn-taking found by timing alone with human dialogue acts on Switchboard.

Speech activity is made from the word times of each side. An IPU is a backchannel to the annotators if every word in it
belongs to an act b, bk, bh, b^r or b^m of SwDA. 2.6 % of the words have no act, so there are two ways to count: all
words, where an IPU with such a word is none; and with these words left out before anything is judged. Conversations
count by turns into half one and half two.

    python benchmarks/backchannel_switchboard.py CONVERSATIONS.jsonl.gz [--choose] [RULE=VALUE ...]

RULE=VALUE tries another threshold, e.g. backchannel_max_ms=900. --choose picks the thresholds of backchannels on one
half and measures on the other (two CPU minutes).
"""

import argparse
import gzip
import itertools
import json
import statistics as numbers
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.figures import overlap_share_of_speech
from duologue_pipeline.events.find import find_events, join_ipus
from duologue_pipeline.events.floor import read_floor
from duologue_pipeline.records import SPEAKERS, Activity, Span, Speaker, Statistics
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.words.lexicon import NO_LEXICON
from duologue_pipeline.words.track import track_words

BACKCHANNEL_ACTS = {"b", "bk", "bh", "b^r", "b^m"}

CHOICES = {
    "backchannel_max_ms": (700, 800),
    "backchannel_lone_before_ms": (500, 600, 800, 1000, 1200),
    "backchannel_lone_after_ms": (200, 300, 500),
    "backchannel_resume_ms": (2000, 3000),
}

Words = list[dict[str, Any]]


@dataclass(frozen=True)
class Call:
    """Holds a conversation: when each speaker is heard, and the IPUs that hold nothing but backchannel acts."""

    activity: Activity
    human: Mapping[Speaker, set[Span]]

    @property
    def duration_ms(self) -> int:
        """Gives the end of the last word."""
        return max(span.end_ms for span in (*self.activity.a, *self.activity.b))


@dataclass(frozen=True)
class Score:
    """Counts the backchannels of people, of the machine, and of both."""

    true: int = 0
    found: int = 0
    both: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.true + other.true, self.found + other.found, self.both + other.both)

    @property
    def f1(self) -> float:
        """Gives the harmonic mean of precision and recall."""
        return 2 * self.both / (self.true + self.found)


def read_conversations(path: Path) -> list[tuple[Words, Words]]:
    """Reads the words of both sides of every conversation, without those that have no duration."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        conversations = [json.loads(line)["words"] for line in lines]
    return [(_timed(words["A"]), _timed(words["B"])) for words in conversations]


def _timed(words: Words) -> Words:
    timed = [word | {"start_ms": round(word["start"] * 1000), "end_ms": round(word["end"] * 1000)} for word in words]
    return sorted((word for word in timed if word["start_ms"] < word["end_ms"]), key=lambda word: word["start_ms"])


def activity_of(a: Words, b: Words) -> Activity:
    """Makes speech activity from word times."""
    return Activity(a=_speech(a), b=_speech(b), rules="words")


def _speech(words: Words) -> list[Span]:
    spans: list[Span] = []
    for word in words:
        if spans and word["start_ms"] <= spans[-1].end_ms:
            spans[-1] = Span(spans[-1].start_ms, max(spans[-1].end_ms, word["end_ms"]))
        else:
            spans.append(Span(word["start_ms"], word["end_ms"]))
    return spans


def human_backchannels(words: Words, ipus: list[Span]) -> set[Span]:
    """Finds the IPUs that hold nothing but backchannel acts."""
    found = set()
    waiting = iter([*words, {"start_ms": sys.maxsize}])
    word = next(waiting)
    for ipu in ipus:
        acts = []
        while word["start_ms"] < ipu.end_ms:
            acts.append(word["act"])
            word = next(waiting)
        if set(acts) <= BACKCHANNEL_ACTS:
            found.add(ipu)
    return found


def make_call(a: Words, b: Words, silence_ms: int) -> Call:
    """Makes a conversation from the words of its sides."""
    activity = activity_of(a, b)
    sides = zip(SPEAKERS, (a, b), (activity.a, activity.b), strict=True)
    return Call(activity, {s: human_backchannels(words, join_ipus(spans, silence_ms)) for s, words, spans in sides})


def scores(calls: Sequence[Call], rules: EventsRules) -> tuple[Score, Score]:
    """Scores both halves of the conversations."""
    halves = [Score(), Score()]
    wordless = {speaker: track_words(None, NO_LEXICON) for speaker in SPEAKERS}
    for number, call in enumerate(calls):
        roles = read_floor(call.activity, wordless, duration_ms=call.duration_ms, rules=rules)
        for speaker in SPEAKERS:
            machine = {ipu.span for ipu in roles if ipu.role == "backchannel" and ipu.speaker == speaker}
            human = call.human[speaker]
            halves[number % 2] += Score(len(human), len(machine), len(human & machine))
    return halves[0], halves[1]


def main(path: Path, changes: dict[str, Any], choose: bool) -> None:
    """Prints F1 of backchannels by both ways to count, and the turn-taking figures of all conversations."""
    rules = replace(load_rules(EventsRules), **changes)
    silence_ms = rules.ipu_silence_ms
    conversations = read_conversations(path)
    countings = {
        "all words": [make_call(a, b, silence_ms) for a, b in conversations],
        "words without act left out": [make_call(_with_acts(a), _with_acts(b), silence_ms) for a, b in conversations],
    }
    for name, calls in countings.items():
        half_1, half_2 = scores(calls, rules)
        both = half_1 + half_2
        print(
            f"{name}: {both.true} backchannels, F1 half 1 {half_1.f1:.3f}, half 2 {half_2.f1:.3f}, all {both.f1:.3f} "
            f"(precision {both.both / both.found:.3f}, recall {both.both / both.true:.3f})"
        )
    counted = []
    for call in countings["all words"]:
        events = find_events(call.activity, duration_ms=call.duration_ms, rules=rules)
        counted.append(conversation_statistics(call.activity, events, duration_ms=call.duration_ms))
    _print_in_silence(countings["all words"])
    print_turn_taking(counted)
    if choose:
        for name, calls in countings.items():
            _print_chosen(name, calls, rules)


def _with_acts(words: Words) -> Words:
    return [word for word in words if word["act"]]


def _print_in_silence(calls: Sequence[Call]) -> None:
    silent = total = 0
    for call in calls:
        for speaker, other in zip(SPEAKERS, (call.activity.b, call.activity.a), strict=True):
            total += len(call.human[speaker])
            silent += sum(not _meets(ipu, other) for ipu in call.human[speaker])
    print(f"human backchannels in silence: {silent / total:.1%}")


def _print_chosen(name: str, calls: Sequence[Call], rules: EventsRules) -> None:
    tried = []
    for values in itertools.product(*CHOICES.values()):
        choice: dict[str, Any] = dict(zip(CHOICES, values, strict=True))
        tried.append((choice, scores(calls, replace(rules, **choice))))
    for half in (0, 1):
        choice, figures = max(tried, key=lambda each: each[1][half].f1)
        chosen = ", ".join(f"{rule} {value}" for rule, value in choice.items())
        print(f"{name}: chosen on half {half + 1} ({chosen}), F1 on the other {figures[1 - half].f1:.3f}")


def print_turn_taking(counted: list[Statistics]) -> None:
    """Prints the figures that are compared with the human reference."""
    ftos_ms = [fto_ms for each in counted for fto_ms in (*each.ftos_a_ms, *each.ftos_b_ms)]
    overlap_ms = sum(each.overlap_ms for each in counted)
    anybody_ms = sum(each.speech_a_ms + each.speech_b_ms - each.overlap_ms for each in counted)
    per_call = numbers.quantiles([overlap_share_of_speech(each) or 0.0 for each in counted], n=20)
    print(f"overlap: {overlap_ms / anybody_ms:.2%} of speech; per call p5 {per_call[0]:.1%}, p95 {per_call[-1]:.1%}")
    overlapped = sum(fto_ms < 0 for fto_ms in ftos_ms) / len(ftos_ms)
    print(f"floor transfers {len(ftos_ms)}: {overlapped:.1%} overlapped, median FTO {numbers.median(ftos_ms):.0f} ms")
    minutes = sum(each.duration_ms for each in counted) / 60_000
    for name in ("turn", "backchannel", "interruption"):
        print(f"{name}s a minute {sum(each.events(name) for each in counted) / minutes:.2f}")


def _meets(ipu: Span, other: Sequence[Span]) -> bool:
    return any(span.start_ms < ipu.end_ms and ipu.start_ms < span.end_ms for span in other)


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
