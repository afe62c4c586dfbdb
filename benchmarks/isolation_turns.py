"""Measures on human conversations how well turns alone show that a track is late, and what the stated confidence is worth.

    python benchmarks/isolation_turns.py conversations.jsonl.gz

The file holds one conversation a line, ``words[side] = [{word, start, end, ...}]`` in seconds (its README says whose).
Speech frames are made from the word times; the second side is moved by each offset, and each conversation is cut: three times
30, 60 and 120 s, and whole. A conversation also comes with answers that take longer, by one speaker or by both: where
the floor goes over to one who is slow, everything after it is put off, by .3 to .8 s on average, another time for each answer.

Prints what is found, and how often a stated confidence is right: by the rules as they are (development), and with the two
numbers that make it fitted to the other four fifths of the conversations (cross-validated). There one case in ten has an offset,
three in ten have slow answers, and each cut counts as much.
"""

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from duologue_pipeline.isolation.offset import Evidence, judge, too_little, weigh
from duologue_pipeline.records import FaultReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules

OFFSETS_S = (0.0, 0.5, 0.7, 1.0, 2.0, 3.0, 4.5)
CUTS_S = (30, 60, 120, 0)
"""0 is the whole conversation."""

SLOW = {"usual": (), "a slow": (0,), "b slow": (1,), "both slow": (0, 1)}
SHARES = {"usual": 0.7, "a slow": 0.1, "b slow": 0.1, "both slow": 0.1}
OFFSET_SHARE = 0.1
FOLDS = 5
STATED = (0.0, 0.5, 0.7, 0.9, 0.98, 1.01)

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
Spans = list[list[tuple[float, float]]]


@dataclass(frozen=True)
class Case:
    """Holds a cut of a conversation, what was done to it, and what the turns tell; ``evidence`` is None with too little."""

    number: int
    pace: str
    moved_s: float
    cut_s: int
    evidence: Evidence | None
    report: FaultReport


def slowed(spans: Spans, slow: Sequence[int], rng: np.random.Generator) -> Spans:
    """Puts off what follows each answer of a slow speaker, and the answer: gamma-distributed, of the same mean throughout."""
    mean_s = rng.uniform(0.3, 0.8)
    put_off_s, last_s, later = 0.0, [-9.0, -9.0], [[], []]  # type: tuple[float, list[float], Spans]
    for start_s, end_s, side in sorted((*span, side) for side, own in enumerate(spans) for span in own):
        answers = start_s - last_s[side] > 0.2 and last_s[1 - side] > last_s[side]
        if side in slow and answers and start_s >= last_s[1 - side] - 0.3:
            put_off_s += rng.gamma(4, mean_s / 4)
        later[side].append((start_s + put_off_s, end_s + put_off_s))
        last_s[side] = max(last_s[side], end_s)
    return later


def speech_frames(spans: Spans, moved_s: float, rules: IsolationRules) -> Bools:
    """Marks the frames in which each side speaks, bool [2, frames]; the second side is ``moved_s`` late."""
    frame_s, join_s = rules.level_frame_ms / 1000, rules.turn_join_ms / 1000
    early_s = max(0.0, -moved_s)
    length_s = max(end_s for own in spans for _, end_s in own) + abs(moved_s)
    speaks = np.zeros((2, int(length_s / frame_s) + 2), np.bool_)
    for side, own in enumerate(spans):
        shift_s, last_s = early_s + (moved_s if side else 0.0), -1.0
        for start_s, end_s in sorted(own):
            joined_s = last_s if 0 <= start_s - last_s < join_s else start_s
            speaks[side, round((joined_s + shift_s) / frame_s) : round((end_s + shift_s) / frame_s)] = True
            last_s = max(last_s, end_s)
    return speaks


def cuts(speaks: Bools, cut_s: int, rules: IsolationRules) -> Iterator[Bools]:
    """Cuts three times so many seconds out of a conversation, or gives it whole."""
    size = round(cut_s * 1000 / rules.level_frame_ms)
    if not size:
        yield speaks
        return
    for first in np.linspace(100, max(speaks.shape[1] - size - 100, 100), 3).astype(int):
        if speaks.shape[1] - first >= 0.95 * size:
            yield speaks[:, first : first + size]


def judge_all(conversations: list[dict[str, list[dict[str, Any]]]], rules: IsolationRules) -> Iterator[Case]:
    """Judges every cut of every conversation at every pace and offset."""
    for number, words in enumerate(conversations):
        spans = [[(word["start"], word["end"]) for word in words[side]] for side in sorted(words)]
        rng = np.random.default_rng(number)
        for pace, slow in SLOW.items():
            paced = slowed(spans, slow, rng)
            for moved_s in sorted({sign * offset_s for offset_s in OFFSETS_S for sign in (1, -1)}):
                speaks = speech_frames(paced, moved_s, rules)
                for cut_s in CUTS_S:
                    for part in cuts(speaks, cut_s, rules):
                        evidence = None if too_little(part, rules) else weigh(part, rules)
                        report = judge(evidence, rules) if evidence else FaultReport(None)
                        yield Case(number, pace, moved_s, cut_s, evidence, report)


def weights_of(cases: Sequence[Case]) -> F64:
    """Weighs cases so that each pace and each cut has its share, and one in ten has an offset: float64 [cases]."""
    counted: dict[tuple[str, int, bool], int] = defaultdict(int)
    kinds = [(case.pace, case.cut_s, case.moved_s != 0) for case in cases]
    for kind in kinds:
        counted[kind] += 1
    shares = [SHARES[pace] * (OFFSET_SHARE if moved else 1 - OFFSET_SHARE) for pace, _, moved in kinds]
    weights = np.array([share / counted[kind] for share, kind in zip(shares, kinds, strict=True)])
    return weights / weights.sum()


def fit(cases: Sequence[Case]) -> tuple[float, float]:
    """Fits slope and constant of the confidence, by the greatest likelihood."""
    weights, moved = weights_of(cases), np.array([case.moved_s != 0 for case in cases])
    ratios = np.array([case.evidence.log_ratio for case in cases if case.evidence])

    def loss(numbers: F64) -> float:
        odds = numbers[0] * ratios + numbers[1]
        return float((weights * np.logaddexp(0, np.where(moved, -odds, odds))).sum())

    slope, constant = minimize(loss, [1.0, -1.0]).x
    return float(slope), float(constant)


def refitted(case: Case, numbers: tuple[float, float], rules: IsolationRules) -> Case:
    """Judges a case again with another slope and constant."""
    if case.evidence is None:
        return case
    other = replace(rules, offset_log_odds_slope=numbers[0], offset_log_odds=numbers[1])
    return replace(case, report=judge(case.evidence, other))


def right(case: Case) -> bool:
    """Says whether a statement holds: that there is no offset, or that this track is the late one."""
    value_s = case.report.value or 0.0
    return case.moved_s * value_s > 0 if case.report.found else case.moved_s == 0


def print_found(cases: Sequence[Case]) -> None:
    """Prints how many are found, unknown and none, and how exact what is found is."""
    print(
        "| answers | offset | "
        + " | ".join(f"{cut_s} s" if cut_s else "whole" for cut_s in CUTS_S)
        + " | value off by, whole |"
    )
    print("|---|---|" + "---|" * (len(CUTS_S) + 1))
    for pace in SLOW:
        for offset_s in OFFSETS_S:
            cells = []
            for cut_s in CUTS_S:
                some = [c for c in cases if (c.pace, abs(c.moved_s), c.cut_s) == (pace, offset_s, cut_s)]
                shares = [sum(c.report.found is found for c in some) / len(some) for found in (True, None, False)]
                cells.append(" / ".join(f"{100 * share:.1f}" for share in shares))
            off_s = [abs(c.report.value - c.moved_s) for c in some if c.report.found and c.report.value is not None]
            cells.append(f"{np.median(off_s):.2f} s" if offset_s and off_s else "")
            print(f"| {pace} | {offset_s:g} s | {' | '.join(cells)} |")


def print_reliability(name: str, cases: Sequence[Case]) -> None:
    """Prints for what is found, and what is none, how often it is right where so much confidence is stated."""
    weights = weights_of(cases)
    print(f"\n{name}\n\n| says | confidence | stated | right | statements |\n|---|---|---|---|---|")
    for says, found in (("yes", True), ("no", False)):
        for low, high in pairwise(STATED):
            some = [i for i, c in enumerate(cases) if c.report.found is found and low <= c.report.confidence < high]
            if some:
                stated = np.average([cases[i].report.confidence for i in some], weights=weights[some])
                share = np.average([right(cases[i]) for i in some], weights=weights[some])
                print(f"| {says} | {low:g} to {min(high, 1):g} | {stated:.3f} | {share:.3f} | {len(some)} |")
    sure = [c for c in cases if not c.moved_s and c.report.confidence >= 0.9]
    print(f"\nwithout an offset, of {len(sure)} statements of .9 and more {sum(not right(c) for c in sure)} are wrong")


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    path = parser.parse_args().conversations
    rules = load_rules(IsolationRules)
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        conversations = [json.loads(line)["words"] for line in handle]
    cases = list(judge_all(conversations, rules))
    print("found / unknown / none, in per cent\n")
    print_found(cases)
    print_reliability("development", cases)
    judged = [case for case in cases if case.evidence]
    held_out = []
    for fold in range(FOLDS):
        numbers = fit([case for case in judged if case.number % FOLDS != fold])
        print(f"\nfold {fold}: slope {numbers[0]:.2f}, constant {numbers[1]:.2f}", end="")
        held_out += [refitted(case, numbers, rules) for case in cases if case.number % FOLDS == fold]
    print("\nall: slope {:.2f}, constant {:.2f}".format(*fit(judged)))
    print_reliability("cross-validated", held_out)


if __name__ == "__main__":
    main()
