"""Measures how well transcripts on the wrong track, or with shifted times, are found.

    python benchmarks/words_check.py CONVERSATIONS.jsonl.gz

Takes the word times of human conversations (one JSON a line: ``words`` of each side). The activity they are held
against is made of the same words with other edges: each stretch moves by up to 80 ms at either end, one in ten is
missed, and stretches of noise are added, about one a minute.
"""

import argparse
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from duologue_pipeline.records import Activity, Span, Word
from duologue_pipeline.words.check import check_words

SHIFTS_MS = (0, 100, -100, 300, -300, 310, -310, 400, -400, 600, -600, 1000, -1000, 3000, -3000)


def read(path: Path) -> list[tuple[list[Word], list[Word]]]:
    """Reads the words of both sides of each conversation."""
    with gzip.open(path, "rt") as lines:
        sides = [list(json.loads(line)["words"].values()) for line in lines]
    return [(_words(a), _words(b)) for a, b in sides]


def _words(side: list[dict[str, Any]]) -> list[Word]:
    return [Word(w["word"], round(w["start"] * 1000), round(w["end"] * 1000)) for w in side]


def heard(words: list[Word], rng: random.Random, duration_ms: int) -> list[Span]:
    """Makes spans of speech from the words, as a detector might have heard them."""
    joined: list[list[int]] = []
    for word in sorted(words, key=lambda w: w.start_ms):
        if joined and word.start_ms - joined[-1][1] < 200:
            joined[-1][1] = max(joined[-1][1], word.end_ms)
        else:
            joined.append([word.start_ms, word.end_ms])
    spans = [(s + rng.randint(-80, 80), e + rng.randint(-80, 80)) for s, e in joined if rng.random() > 0.1]
    for _ in range(duration_ms // 60_000):
        start = rng.randrange(duration_ms)
        spans.append((start, start + rng.randint(200, 1500)))
    return [Span(s, e) for s, e in sorted(spans) if e > s]


def main() -> None:
    """Prints how often each verdict is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    parser.add_argument(
        "--minutes", type=float, default=0, help="takes only the first so many minutes of each conversation"
    )
    arguments = parser.parse_args()
    rng = random.Random(1)
    rows: dict[str, Counter[str]] = {}
    errors_ms = []
    for pair in read(arguments.conversations):
        duration_ms = max(word.end_ms for side in pair for word in side) + 500
        if arguments.minutes:
            duration_ms = min(duration_ms, round(arguments.minutes * 60_000))
        a, b = ([word for word in side if word.end_ms <= duration_ms] for side in pair)
        activity = Activity(heard(a, rng, duration_ms), heard(b, rng, duration_ms), "jittered")
        for shift_ms in SHIFTS_MS:
            moved = [Word(w.word, w.start_ms + shift_ms, w.end_ms + shift_ms) for w in a]
            check = check_words(moved, activity, speaker="a", duration_ms=duration_ms)
            rows.setdefault(f"shifted by {shift_ms} ms", Counter())[check.verdict] += 1
            if check.shift_ms is not None:
                errors_ms.append(abs(check.shift_ms - shift_ms))
        check = check_words(b, activity, speaker="a", duration_ms=duration_ms)
        rows.setdefault("words of b on a's track", Counter())[check.verdict] += 1
        rng_words = [Word(w.word, duration_ms - w.end_ms, duration_ms - w.start_ms) for w in a]
        check = check_words(rng_words, activity, speaker="a", duration_ms=duration_ms)
        rows.setdefault("another conversation (a's, run backwards)", Counter())[check.verdict] += 1
    for name, verdicts in rows.items():
        print(f"{name:45}", ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common()))
    errors_ms.sort()
    print(
        f"error of the shift: median {errors_ms[len(errors_ms) // 2]} ms, p95 {errors_ms[len(errors_ms) * 95 // 100]} ms"
    )


if __name__ == "__main__":
    main()
