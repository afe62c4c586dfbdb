"""Disfluency tags against the repair tags of Switchboard's heldout conversations, word by word.

The file has a word a line (reference, start, end, word, part of speech, tags) and a line ``Speaker: ID`` before each side;
``<rms`` and ``<rm`` mark reparandum words, ``<e/`` edit terms. Only the words and their times are given to the rules.
Conversations count by turns into half one and half two.

    python benchmarks/disfluency_heldout.py HELDOUT.tsv.gz [RULE=VALUE ...]
"""

import gzip
import sys
from collections import Counter
from pathlib import Path

from duologue_pipeline.disfluency import find_disfluencies, tag_words
from duologue_pipeline.lexicon import load_lexicon
from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules

CLASSES = {
    "reparandum": (("<rm",), ("reparandum",)),
    "edit term": (("<e/",), ("edit_term",)),
    "both": (("<rm", "<e/"), ("reparandum", "edit_term")),
}


def read_sides(path: Path) -> list[tuple[list[Word], list[str]]]:
    """The words of each side with the tags that people gave them."""
    sides: list[tuple[list[Word], list[str]]] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("Speaker"):
                sides.append(([], []))
            elif len(fields) == 6:
                word = fields[3].replace("$unc$", "")  # marks words that the corpus's own lexicon lacks
                sides[-1][0].append(Word(word, round(float(fields[1]) * 1000), round(float(fields[2]) * 1000)))
                sides[-1][1].append(fields[5])
    return sides


def main(path: Path, changes: dict[str, int]) -> None:
    """Prints precision, recall and F1 of each class in both halves and in all conversations."""
    rules, lexicon = load_rules("disfluency") | changes, load_lexicon("en")
    counts: Counter[tuple[str, int, bool, bool]] = Counter()
    kinds: Counter[str] = Counter()
    sides = read_sides(path)
    for number, (words, human) in enumerate(sides):
        kinds.update(each.kind for each in find_disfluencies(words, lexicon=lexicon, rules=rules))
        for tags, given in zip(human, tag_words(words, lexicon=lexicon, rules=rules), strict=True):
            for name, (marks, ours) in CLASSES.items():
                key = (name, number // 2 % 2, any(mark in tags for mark in marks), not set(ours).isdisjoint(given))
                counts[key] += 1
    print(f"{len(sides)} sides, {sum(len(words) for words, _ in sides)} words")
    for name in CLASSES:
        for half, label in (((0,), "half 1"), ((1,), "half 2"), ((0, 1), "all")):
            right = sum(counts[name, h, True, True] for h in half)
            found = right + sum(counts[name, h, False, True] for h in half)
            true = right + sum(counts[name, h, True, False] for h in half)
            print(
                f"{name:10} {label:6} precision {right / found:.3f}, recall {right / true:.3f}, "
                f"F1 {2 * right / (found + true):.3f}"
            )
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), {name: int(value) for name, value in (item.split("=") for item in sys.argv[2:])})
