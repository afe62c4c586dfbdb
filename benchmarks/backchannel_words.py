"""Backchannels found from words, against human dialogue acts on Switchboard, per inter-pausal unit.

An IPU is a backchannel to the annotators if every word in it belongs to an act b, bk, bh, b^r or b^m of SwDA, as in
backchannel_switchboard.py. Words without any act are gaps of the alignment between acts and words: the second figure
leaves out the IPUs that hold one. Conversations count by turns into half one and half two.

    python -m benchmarks.backchannel_words CONVERSATIONS.jsonl.gz [RULE=VALUE ...]
"""

import sys
from collections import Counter
from pathlib import Path

from benchmarks.backchannel_switchboard import (
    BACKCHANNEL_ACTS,
    Words,
    activity_of,
    human_backchannels,
    read_conversations,
)
from duologue_pipeline.backchannel_words import backchannel_ipus
from duologue_pipeline.events import join_ipus
from duologue_pipeline.lexicon import load_lexicon
from duologue_pipeline.records import Span, Word
from duologue_pipeline.rules import load_rules


def main(path: Path, changes: dict[str, int]) -> None:
    """Prints precision, recall and F1 of both halves and of all conversations."""
    rules, lexicon = load_rules("backchannel_words") | changes, load_lexicon("en")
    counts: Counter[tuple[int, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for number, (a, b) in enumerate(read_conversations(path)):
        activity = activity_of(a, b)
        for own, other, spans in ((a, b, activity.a), (b, a, activity.b)):
            human = human_backchannels(own, join_ipus(spans, rules["ipu_silence_ms"]))
            found = backchannel_ipus(_words(own), _words(other), lexicon=lexicon, rules=rules)
            for unit in found:
                acts = {word["act"] for word in own[unit.start : unit.end]}
                right = Span(unit.start_ms, unit.end_ms) in human
                counts[number % 2, "right"] += right
                counts[number % 2, "unlabelled"] += "" in acts
                if not right and "" not in acts:
                    said = " ".join(word["word"] for word in own[unit.start : unit.end])
                    wrong[said, " ".join(sorted(acts - BACKCHANNEL_ACTS))] += 1
            counts[number % 2, "found"] += len(found)
            counts[number % 2, "human"] += len(human)
    for halves, label in (((0,), "half 1"), ((1,), "half 2"), ((0, 1), "all")):
        human_count, found_count, right_count, unlabelled = (
            sum(counts[half, name] for half in halves) for name in ("human", "found", "right", "unlabelled")
        )
        print(f"{label}: {found_count} found, {unlabelled} of them with words without an act; {human_count} human")
        print(f"{label}: all IPUs {_figures(right_count, found_count, human_count)}")
        print(f"{label}: IPUs with acts {_figures(right_count, found_count - unlabelled, human_count)}")
    print("most frequent false ones:", ", ".join(f"{said} ({act}) {n}" for (said, act), n in wrong.most_common(8)))


def _words(words: Words) -> list[Word]:
    return [Word(word["word"], word["start_ms"], word["end_ms"]) for word in words]


def _figures(right: int, found: int, human: int) -> str:
    return f"precision {right / found:.3f}, recall {right / human:.3f}, F1 {2 * right / (found + human):.3f}"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), {name: int(value) for name, value in (item.split("=") for item in sys.argv[2:])})
