"""Compares backchannels and turn-taking found by timing alone with human dialogue acts on Switchboard.

Speech activity is made from the word times of each side. An IPU is a backchannel to the annotators if every word in it
belongs to an act b, bk, bh, b^r or b^m of SwDA. 2.6 % of the words have no act, so there are three ways to count: an IPU
with such a word is not counted (the main one); it is none; these words are left out before anything is judged.

    python -m benchmarks.backchannel_switchboard CONVERSATIONS.jsonl.gz [--folds] [RULE=VALUE ...]

RULE=VALUE tries another threshold, e.g. timing_max_ms=900. --folds chooses the thresholds on nine tenths of the
conversations and measures on the tenth, ten times, for ten partitions, and does so for confidences (a CPU minute).
"""

import argparse
import gzip
import itertools
import json
import statistics as numbers
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folds import FOLDS, PARTITIONS, Counts, calibration_error, cross_validated, f1, held_out, partition
from duologue_pipeline.events.counts import conversation_statistics
from duologue_pipeline.events.figures import overlap_share_of_speech
from duologue_pipeline.events.find import find_events, join_ipus
from duologue_pipeline.events.floor import read_floor
from duologue_pipeline.records import SPEAKERS, Activity, Span, Speaker, Statistics
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.backchannel_words import BackchannelWordsRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.words.lexicon import NO_LEXICON
from duologue_pipeline.words.track import track_words

BACKCHANNEL_ACTS = {"b", "bk", "bh", "b^r", "b^m"}

CHOICES = {
    "timing_max_ms": (650, 750, 800),
    "timing_lone_before_ms": (600, 1000),
    "timing_other_spoke_ms": (0, 500, 700),
}

Words = list[dict[str, Any]]
Judged = tuple[bool, tuple[str, float]]
"""Whether people agree with a backchannel, its cell in the table of confidences, and the confidence there."""


@dataclass(frozen=True)
class Call:
    """Holds a conversation: when each speaker is heard, the IPUs of backchannel acts alone, and those not counted."""

    activity: Activity
    human: Mapping[Speaker, set[Span]]
    uncounted: Mapping[Speaker, set[Span]]

    @property
    def duration_ms(self) -> int:
        """Gives the end of the last word."""
        return max(span.end_ms for span in (*self.activity.a, *self.activity.b))


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


def acts_of(words: Words, ipus: list[Span]) -> dict[Span, set[str]]:
    """Gives the acts of the words in each IPU."""
    acts: dict[Span, set[str]] = {}
    waiting = iter([*words, {"start_ms": sys.maxsize}])
    word = next(waiting)
    for ipu in ipus:
        acts[ipu] = set()
        while word["start_ms"] < ipu.end_ms:
            acts[ipu].add(word["act"])
            word = next(waiting)
    return acts


def make_call(a: Words, b: Words, silence_ms: int, *, count_all: bool) -> Call:
    """Makes a conversation from the words of its sides; unless ``count_all``, IPUs with words without an act are not counted."""
    activity = activity_of(a, b)
    sides = zip(SPEAKERS, (a, b), (activity.a, activity.b), strict=True)
    acts = {speaker: acts_of(words, join_ipus(spans, silence_ms)) for speaker, words, spans in sides}
    return Call(
        activity,
        {s: {ipu for ipu, found in of.items() if found <= BACKCHANNEL_ACTS} for s, of in acts.items()},
        {s: {ipu for ipu, found in of.items() if "" in found and not count_all} for s, of in acts.items()},
    )


def judged(calls: Sequence[Call], rules: BackchannelWordsRules) -> list[list[Judged]]:
    """Gives of each conversation whether people agree with each backchannel found, and which it is."""
    wordless = {speaker: track_words(None, NO_LEXICON) for speaker in SPEAKERS}
    events = load_rules(EventsRules)
    return [
        [
            (ipu.span in call.human[ipu.speaker], (str(ipu.confidence), ipu.confidence))
            for ipu in read_floor(
                call.activity, wordless, duration_ms=call.duration_ms, rules=events, backchannels=rules
            )
            if ipu.role == "backchannel" and ipu.span not in call.uncounted[ipu.speaker]
        ]
        for call in calls
    ]


def counts_of(calls: Sequence[Call], rules: BackchannelWordsRules) -> Counts:
    """Counts the backchannels of people, of the machine, and of both in each conversation, [conversations, 3]."""
    found = judged(calls, rules)
    people = [sum(len(spans) for spans in call.human.values()) for call in calls]
    return np.array([[n, len(of), sum(right for right, _ in of)] for n, of in zip(people, found, strict=True)])


def main(path: Path, changes: dict[str, Any], folds: bool) -> None:
    """Prints F1 of backchannels by each way to count, and the turn-taking figures of all conversations."""
    rules = replace(load_rules(BackchannelWordsRules), **changes)
    conversations = read_conversations(path)
    known = [(_with_acts(a), _with_acts(b)) for a, b in conversations]
    countings = {
        "their IPUs are not counted": [
            make_call(a, b, rules.ipu_silence_ms, count_all=False) for a, b in conversations
        ],
        "their IPUs count as none": [make_call(a, b, rules.ipu_silence_ms, count_all=True) for a, b in conversations],
        "words without act left out": [make_call(a, b, rules.ipu_silence_ms, count_all=True) for a, b in known],
    }
    for name, calls in countings.items():
        true, found, both = (counts := counts_of(calls, rules)).sum(0)
        print(
            f"{name}: {true} backchannels, F1 {f1(counts.sum(0)):.3f} "
            f"(precision {both / found:.3f}, recall {both / true:.3f})"
        )
    counted = []
    for call in countings["their IPUs count as none"]:
        events = find_events(call.activity, duration_ms=call.duration_ms)
        counted.append(conversation_statistics(call.activity, events, duration_ms=call.duration_ms))
    _print_in_silence(countings["their IPUs count as none"])
    print_turn_taking(counted)
    if folds:
        for name, calls in countings.items():
            _print_cross_validated(name, calls, rules)


def _print_cross_validated(name: str, calls: Sequence[Call], rules: BackchannelWordsRules) -> None:
    choices: list[dict[str, Any]] = [
        dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
    ]
    counts = np.stack([counts_of(calls, replace(rules, **choice)) for choice in choices])
    print("{}: cross-validated F1 {:.3f} ({:.3f} to {:.3f})".format(name, *cross_validated(counts)))
    chosen = Counter(place for seed in range(PARTITIONS) for place in held_out(counts, seed)[1])
    for place, times in chosen.most_common(3):
        print(f"{name}: {times} of {PARTITIONS * FOLDS} times {choices[place]}: {f1(counts[place].sum(0)):.3f} on all")
    print_calibration(name, judged(calls, rules))


def _with_acts(words: Words) -> Words:
    return [word for word in words if word["act"]]


def _print_in_silence(calls: Sequence[Call]) -> None:
    silent = total = 0
    for call in calls:
        for speaker, other in zip(SPEAKERS, (call.activity.b, call.activity.a), strict=True):
            total += len(call.human[speaker])
            silent += sum(not _meets(ipu, other) for ipu in call.human[speaker])
    print(f"human backchannels in silence: {silent / total:.1%}")


def print_calibration(name: str, found: Sequence[Sequence[Judged]]) -> None:
    """Prints how often people agree in each cell, and the error of confidences measured on the other folds."""
    every = [each for of in found for each in of]
    for cell in sorted({cell for _, cell in every}):
        right = [agreed for agreed, of in every if of == cell]
        print(f"{name}: confidence of {cell[0]}: {sum(right) / len(right):.3f} of {len(right)}")
    rights, stated = [right for right, _ in every], [cell[1] for _, cell in every]
    fold = partition(len(found), 0)
    elsewhere: list[float] = []
    for number, of in enumerate(found):
        others = [each for at, each_of in enumerate(found) if fold[at] != fold[number] for each in each_of]
        shares = {cell: float(np.mean([right for right, at in others if at == cell])) for cell in {c for _, c in of}}
        elsewhere += [round(20 * shares[cell]) / 20 for _, cell in of]
    mean = float(np.mean(rights))
    for which, confidence in (("as they are", stated), ("cross-validated", elsewhere), ("one", [mean] * len(rights))):
        brier = np.mean((np.array(rights) - np.array(confidence)) ** 2)
        error = calibration_error([cell[0] for _, cell in every], confidence, rights)
        print(f"{name}: confidences {which}: calibration error {error:.3f}, Brier score {brier:.3f}")


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
    parser.add_argument("--folds", action="store_true", help="chooses thresholds on nine tenths, measures on the tenth")
    options = parser.parse_intermixed_args()
    main(options.conversations, dict(options.changes), options.folds)
