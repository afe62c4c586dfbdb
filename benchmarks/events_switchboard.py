"""Counts the events of human conversations by words and by timing: kinds, offsets, the four barge-in latencies.

    python benchmarks/events_switchboard.py CONVERSATIONS.jsonl.gz

Also how many co-completion candidates lie on words of SwDA's act ^2 (collaborative completion), and how many of those
acts are found. The timing is that of the words, without the words.
"""

import argparse
import gzip
import json
import statistics as numbers
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.records import SPEAKERS, Event, Word

LATENCIES = ("stop", "success", "response", "penalty")

Acts = dict[str, list[tuple[int, int, str]]]
"""By speaker when each word is said, and its act."""


def conversations(path: Path) -> Iterator[tuple[dict[str, list[Word]], Acts]]:
    """Reads the words and acts of both sides."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            sides: dict[str, list[dict[str, Any]]] = json.loads(line)["words"]
            words: dict[str, list[Word]] = {}
            acts: Acts = {}
            for speaker, side in zip(SPEAKERS, "AB", strict=True):
                words[speaker] = [
                    Word(each["word"], round(1000 * each["start"]), round(1000 * each["end"])) for each in sides[side]
                ]
                acts[speaker] = [
                    (word.start_ms, word.end_ms, each["act"])
                    for word, each in zip(words[speaker], sides[side], strict=True)
                ]
            yield words, acts


def completions(found: Annotation, acts: Acts) -> Counter[str]:
    """Counts candidates, those that meet a word of the act, the acts, and those that meet a candidate."""
    count = Counter[str]()
    for speaker in SPEAKERS:
        ours = [(e.start_ms, e.end_ms) for e in found.events if e.kind == "co_completion" and e.speaker == speaker]
        theirs = joined(acts[speaker])
        count["found"] += len(ours)
        count["true"] += len(theirs)
        count["right"] += sum(any(s < end and start < e for s, e in theirs) for start, end in ours)
        count["reached"] += sum(any(s < end and start < e for s, e in ours) for start, end in theirs)
    return count


def joined(words: list[tuple[int, int, str]]) -> list[tuple[int, int]]:
    """Joins neighbouring words of the act ^2 to stretches."""
    spans: list[tuple[int, int]] = []
    before = ""
    for start_ms, end_ms, act in words:
        if act == "^2":
            if before == "^2":
                spans[-1] = spans[-1][0], end_ms
            else:
                spans.append((start_ms, end_ms))
        before = act
    return spans


def show(name: str, events: list[Event], hours: float, cpu_s: float) -> None:
    """Prints the figures of one kind of evidence."""
    print(f"\n{name}: {hours:.2f} h, {cpu_s / hours:.2f} CPU s an hour")
    kinds = Counter(event.kind for event in events)
    print("a minute: " + ", ".join(f"{kind} {count / hours / 60:.2f}" for kind, count in kinds.most_common()))
    ftos_ms = [event.fto_ms for event in events if event.kind == "floor_transfer" and event.fto_ms is not None]
    overlapped = sum(ms < 0 for ms in ftos_ms) / len(ftos_ms)
    print(f"floor transfers {len(ftos_ms)}: {overlapped:.1%} overlapped, median {numbers.median(ftos_ms):.0f} ms")
    for kind in ("overlap_between", "overlap_within", "interruption", "backchannel"):
        print(f"{kind}: {dict(Counter(str(event.subtype) for event in events if event.kind == kind).most_common())}")
    barges = [event for event in events if event.kind == "interruption"]
    print(f"interruptions {len(barges)}, floor-taking {sum(event.floor_taking is True for event in barges)}")
    for latency in LATENCIES:
        values = [ms for event in barges if (ms := getattr(event, f"{latency}_latency_ms")) is not None]
        p10, *_, p90 = numbers.quantiles(values, n=10)
        print(f"{latency} latency: {len(values)}, p10 {p10:.0f}, median {numbers.median(values):.0f}, p90 {p90:.0f} ms")


def main(path: Path) -> None:
    """Prints the figures of both kinds of evidence, then those of co-completions."""
    events: dict[str, list[Event]] = {"words": [], "timing": []}
    cpu_s = dict.fromkeys(events, 0.0)
    hours = 0.0
    count = Counter[str]()
    for words, acts in conversations(path):
        started = time.process_time()
        by_words = annotate_conversation(
            activity=None, words_a=words["a"], words_b=words["b"], duration_ms=None, language="en"
        )
        between = time.process_time()
        by_timing = annotate_conversation(
            activity=by_words.activity, words_a=None, words_b=None, duration_ms=None, language=None
        )
        for name, found, seconds in (
            ("words", by_words, between - started),
            ("timing", by_timing, time.process_time() - between),
        ):
            events[name] += found.events
            cpu_s[name] += seconds
        hours += by_words.statistics.duration_ms / 3_600_000
        count += completions(by_words, acts)
    for name, found_events in events.items():
        show(name, found_events, hours, cpu_s[name])
    print(f"\nco-completions: {count['right']} of {count['found']} candidates on words of act ^2, ", end="")
    print(f"{count['reached']} of {count['true']} such acts found")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path, help="reads the conversations from this .jsonl.gz file")
    main(parser.parse_args().conversations)
