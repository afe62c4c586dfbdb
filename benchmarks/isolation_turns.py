"""Measures on human conversations how well turns alone show that a track is late, by how far one side is moved.

    python benchmarks/isolation_turns.py conversations.jsonl.gz

The file holds one conversation a line, ``words[side] = [{word, start, end, ...}]`` in seconds (its README says whose).
Speech frames are made from the word times; one side is moved by each offset, either way.
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.isolation.offset import find_offset
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules

OFFSETS_S = (0.0, 0.5, 0.7, 1.0, 3.0)


def speech_frames(words: dict[str, list[dict[str, Any]]], moved_s: float) -> npt.NDArray[np.bool_]:
    """Marks the frames in which each side speaks, bool [2, frames]; the second side is ``moved_s`` late."""
    rules = load_rules(IsolationRules)
    frame_s, join_s = rules.level_frame_ms / 1000, rules.turn_join_ms / 1000
    sides = [words[name] for name in sorted(words)]
    early_s = max(0.0, -moved_s)
    end_s = max(word["end"] for side in sides for word in side) + abs(moved_s)
    speaks = np.zeros((2, int(end_s / frame_s) + 2), np.bool_)
    for number, side in enumerate(sides):
        shift_s = early_s + (moved_s if number else 0.0)
        last_s = -1.0
        for word in sorted(side, key=lambda word: word["start"]):
            start_s = last_s if 0 <= word["start"] - last_s < join_s else word["start"]
            speaks[number, round((start_s + shift_s) / frame_s) : round((word["end"] + shift_s) / frame_s)] = True
            last_s = max(last_s, word["end"])
    return speaks


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    path = parser.parse_args().conversations
    rules = load_rules(IsolationRules)
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        conversations = [json.loads(line)["words"] for line in handle]
    print("| moved by, either way | offset found | value off by, median | p90 |")
    print("|---|---|---|---|")
    for offset_s in OFFSETS_S:
        moves = sorted({offset_s, -offset_s})
        reports = [(move, find_offset(speech_frames(words, move), rules)) for words in conversations for move in moves]
        errors = [abs(report.value - move) for move, report in reports if report.found and report.value is not None]
        found = sum(report.found is True for _, report in reports)
        off = f"{np.median(errors):.2f} s | {np.percentile(errors, 90):.2f} s" if errors else " | "
        print(f"| {offset_s:g} s | {found} of {len(reports)} | {off} |")


if __name__ == "__main__":
    main()
