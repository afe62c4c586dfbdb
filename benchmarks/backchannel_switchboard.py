"""Backchannels and turn-taking found from timing alone, against human dialogue acts on Switchboard.

Speech activity is made from the word times of each side. An IPU is a backchannel to the annotators if every word in it
belongs to an act b, bk, bh, b^r or b^m of SwDA. The thresholds of rules/events.json were tuned on these conversations,
so the figures describe the rules; they do not predict another corpus.

    python benchmarks/backchannel_switchboard.py CONVERSATIONS.jsonl.gz [RULE=VALUE ...]

RULE=VALUE tries another threshold, e.g. backchannel_max_ms=800.
"""

import gzip
import json
import statistics as numbers
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from duologue_pipeline.events import find_events, join_ipus
from duologue_pipeline.records import SPEAKERS, Activity, Span, Statistics
from duologue_pipeline.rules import load_rules
from duologue_pipeline.statistics import conversation_statistics, overlap_share_of_speech

BACKCHANNEL_ACTS = {"b", "bk", "bh", "b^r", "b^m"}

Words = list[dict[str, Any]]


def read_conversations(path: Path) -> list[tuple[Words, Words]]:
    """The words of both sides of every conversation, those without duration left out."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        conversations = [json.loads(line)["words"] for line in lines]
    return [(_timed(words["A"]), _timed(words["B"])) for words in conversations]


def _timed(words: Words) -> Words:
    timed = [word | {"start_ms": round(word["start"] * 1000), "end_ms": round(word["end"] * 1000)} for word in words]
    return sorted((word for word in timed if word["start_ms"] < word["end_ms"]), key=lambda word: word["start_ms"])


def activity_of(a: Words, b: Words) -> Activity:
    """Speech activity from word times."""
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
    """The IPUs that hold nothing but backchannel acts."""
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


def main(path: Path, changes: dict[str, int]) -> None:
    """Prints precision, recall and F1 per IPU, and the turn-taking figures of all conversations."""
    rules = load_rules("events") | changes
    true = found = both = ipu_count = in_silence = 0
    counted: list[Statistics] = []
    for a, b in read_conversations(path):
        activity = activity_of(a, b)
        duration_ms = max(span.end_ms for span in (*activity.a, *activity.b))
        events = find_events(activity, duration_ms=duration_ms, rules=rules)
        counted.append(conversation_statistics(activity, events, duration_ms=duration_ms))
        for speaker, words, spans in zip(SPEAKERS, (a, b), (activity.a, activity.b), strict=True):
            ipus = join_ipus(spans, rules["ipu_silence_ms"])
            human = human_backchannels(words, ipus)
            machine = {Span(e.start_ms, e.end_ms) for e in events if (e.kind, e.speaker) == ("backchannel", speaker)}
            ipu_count += len(ipus)
            true, found, both = true + len(human), found + len(machine), both + len(human & machine)
            in_silence += sum(not _meets(ipu, activity.b if speaker == "a" else activity.a) for ipu in human)
    print(
        f"conversations {len(counted)}, IPUs {ipu_count}, human backchannels {true} ({in_silence / true:.1%} in silence)"
    )
    print(f"backchannels: precision {both / found:.3f}, recall {both / true:.3f}, F1 {2 * both / (found + true):.3f}")
    print_turn_taking(counted)


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
    for name in ("turns", "backchannels", "interruptions"):
        count = sum(getattr(each, f"{name}_a") + getattr(each, f"{name}_b") for each in counted)
        print(f"{name} a minute {count / minutes:.2f}")


def _meets(ipu: Span, other: Sequence[Span]) -> bool:
    return any(span.start_ms < ipu.end_ms and ipu.start_ms < span.end_ms for span in other)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), {name: int(value) for name, value in (item.split("=") for item in sys.argv[2:])})
