"""Compares disfluency tags with the repair tags of Switchboard's heldout conversations, word by word.

A file has a word a line (reference, start, end, word, part of speech, tags) and a line ``Speaker: ID`` before each
side; ``<rms`` and ``<rm`` mark reparandum words, ``<e/`` edit terms, ``<rpnrep``, ``<rpnsub`` and ``<rpndel`` end a
repair and say of which class it is. Only the words and their times are given to the rules. Conversations count by turns
into half one and half two.

    python benchmarks/disfluency_heldout.py HELDOUT.tsv.gz [MORE.tsv.gz ...] [RULE=VALUE ...]
"""

import argparse
import gzip
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any

from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.rules.events import EventsRules
from duologue_pipeline.words.disfluency import find_disfluencies, tag_words
from duologue_pipeline.words.lexicon import Lexicon, load_lexicon, normal_form
from duologue_pipeline.words.track import track_words

CLASSES = {
    "reparandum": (("<rm",), ("reparandum",)),
    "edit term": (("<e/",), ("edit_term",)),
    "both": (("<rm", "<e/"), ("reparandum", "edit_term")),
}
FOLDS = 10
REPAIR_CLASSES = {"rep": "repetition", "sub": "substitution", "del": "deletion"}

Side = tuple[list[Word], list[str]]


def read_sides(path: Path) -> list[Side]:
    """Reads the words of each side with the tags that people gave them."""
    sides: list[Side] = []
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


def repair_classes(human: Sequence[str]) -> list[set[str]]:
    """Gives for each word the classes of the repairs whose reparandum it is in."""
    coming: dict[str, str] = {}  # numbers are used again: the next end of a repair is the one that counts
    classes = []
    for tags in reversed(human):
        classes.append({coming[number] for number in re.findall(r'<rms? id="(\d+)"', tags) if number in coming})
        coming |= {number: REPAIR_CLASSES[kind] for kind, number in re.findall(r'<rpn(rep|sub|del) id="(\d+)"', tags)}
    return classes[::-1]


def edit_class(word: str, lexicon: Lexicon) -> str:
    """Gives the class of a word as an edit term, whether or not it is one here."""
    normal = normal_form(word)
    if normal in lexicon.fillers:
        return "filled pause"
    inside = any(normal in phrase for phrase in lexicon.discourse_markers)
    return "discourse marker" if inside else "explicit or other"


def main(path: Path, changes: dict[str, Any]) -> None:
    """Prints precision, recall and F1 of each class in both halves and in all conversations, and counts by sign."""
    rules, lexicon = replace(load_rules(DisfluencyRules), **changes), load_lexicon("en")
    sides = read_sides(path)
    began = time.process_time()
    ours = [tag_words(track_words(words, lexicon), rules=rules) for words, _ in sides]
    cpu_s = time.process_time() - began
    print(f"{path.name}: {len(sides)} sides, {sum(len(words) for words, _ in sides)} words, {cpu_s:.1f} CPU s to tag")
    _print_classes(sides, ours)
    _print_subclasses(sides, ours, lexicon)
    _print_kinds(sides, lexicon, rules)


def _print_classes(sides: Sequence[Side], ours: Sequence[Sequence[tuple[str, ...]]]) -> None:
    counts: Counter[tuple[str, int, bool, bool]] = Counter()
    for number, ((_, human), given) in enumerate(zip(sides, ours, strict=True)):
        for tags, found in zip(human, given, strict=True):
            for name, (marks, names) in CLASSES.items():
                key = (name, number // 2 % 2, any(mark in tags for mark in marks), not set(names).isdisjoint(found))
                counts[key] += 1
    for name in CLASSES:
        for half, label in (((0,), "half 1"), ((1,), "half 2"), ((0, 1), "all")):
            right = sum(counts[name, h, True, True] for h in half)
            false = sum(counts[name, h, False, True] for h in half)
            missed = sum(counts[name, h, True, False] for h in half)
            print(f"{name:10} {label:6} {_scores(right, false, missed)}")


def _print_subclasses(sides: Sequence[Side], ours: Sequence[Sequence[tuple[str, ...]]], lexicon: Lexicon) -> None:
    repairs: Counter[tuple[str, bool]] = Counter()
    edits: Counter[tuple[str, bool, bool]] = Counter()
    for (words, human), given in zip(sides, ours, strict=True):
        for word, tags, classes, found in zip(words, human, repair_classes(human), given, strict=True):
            repairs.update((name, "reparandum" in found) for name in classes)
            edits[edit_class(word.word, lexicon), "<e/" in tags, "edit_term" in found] += 1
    for name in REPAIR_CLASSES.values():
        right, missed = repairs[name, True], repairs[name, False]
        print(f"reparandum of a {name}: {right + missed} words, recall {right / (right + missed):.3f}")
    for name in sorted({name for name, _, _ in edits}):
        print(f"{name}: {_scores(edits[name, True, True], edits[name, False, True], edits[name, True, False])}")


def _print_kinds(sides: Sequence[Side], lexicon: Lexicon, rules: DisfluencyRules) -> None:
    """Prints how many words of each kind are taken back rightly, beside the confidence that its events state."""
    kinds: Counter[str] = Counter()
    words_found: Counter[tuple[str, int]] = Counter()
    words_right: Counter[tuple[str, int]] = Counter()
    for number, (words, human) in enumerate(sides):
        fold = number // 2 % FOLDS
        for each in find_disfluencies(track_words(words, lexicon), rules=rules):
            kinds[each.kind] += 1
            for i in range(*each.reparandum) if each.reparandum else ():
                if i not in each.edit_terms:
                    words_found[each.kind, fold] += 1
                    words_right[each.kind, fold] += "<rm" in human[i]
    stated = load_rules(EventsRules).confidences.of_disfluencies()
    for kind, count in sorted(kinds.items()):
        found, right = (sum(of[kind, fold] for fold in range(FOLDS)) for of in (words_found, words_right))
        shares = [words_right[kind, fold] / words_found[kind, fold] for fold in range(FOLDS) if words_found[kind, fold]]
        share = f", {found} words taken back, {right / found:.0%} of them rightly" if found else ""
        spread = f" ({FOLDS} folds: +- {stdev(shares):.0%}; stated {stated[kind]:.0%})" if len(shares) > 1 else ""
        print(f"found as {kind}: {count}{share}{spread}")


def _scores(right: int, false: int, missed: int) -> str:
    precision, recall = right / max(1, right + false), right / max(1, right + missed)
    return f"precision {precision:.3f}, recall {recall:.3f}, F1 {2 * right / max(1, 2 * right + false + missed):.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="+", metavar="FILE.tsv.gz|RULE=VALUE", help="reads files; tries other thresholds"
    )
    given = parser.parse_args().files
    changes = {name: float(value) for name, value in (item.split("=") for item in given if "=" in item)}
    for each in given:
        if "=" not in each:
            main(Path(each), changes)
