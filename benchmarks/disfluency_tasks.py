"""Measures what is taken back wrongly, and found, in sentences as people say them to a service.

    python -m benchmarks.disfluency_tasks [RULE=VALUE ...] [--show]

The sentences (``tests/pipeline/words/task_sentences.tsv``) were written for duologue and are nobody's labels: numbers,
spelled words, lists, words said twice with emphasis or by the grammar, plain sentences, other Englishes, in none of
which anything is taken back; and restarts, whose words in brackets are. Words last 250 ms and follow one another at
once, a comma is a silence of 300 ms. Rules were mended by kinds after all lines had been
seen, so these are no unseen data.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.disfluency import tag_words
from duologue_pipeline.words.lexicon import load_lexicon
from duologue_pipeline.words.track import track_words

SENTENCES = Path(__file__).parents[1] / "tests/pipeline/words/task_sentences.tsv"
WORD_MS, COMMA_MS = 250, 300


def read_sentences(path: Path = SENTENCES) -> Iterator[tuple[str, list[Word], list[bool]]]:
    """Reads kind, words and whether each is taken back, of each sentence."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, text = line.split("\t")
        words, taken_back, start_ms, inside = [], [], 0, False
        for token in text.split():
            inside = inside or token.startswith("[")
            words.append(Word(token.strip("[],"), start_ms, start_ms + WORD_MS))
            taken_back.append(inside)
            inside = inside and "]" not in token
            start_ms += WORD_MS + (COMMA_MS if token.endswith(",") else 0)
        yield kind, words, taken_back


def main(changes: dict[str, Any], *, show: bool) -> None:
    """Prints for each kind of sentence how many words there are, and how many are taken back wrongly and rightly."""
    rules, lexicon = replace(load_rules(DisfluencyRules), **changes), load_lexicon("en")
    counts: dict[str, Counter[str]] = {}
    for kind, words, taken_back in read_sentences():
        found = ["reparandum" in tags for tags in tag_words(track_words(words, lexicon), rules=rules)]
        own = counts.setdefault(kind, Counter())
        own["words"] += len(words)
        own["true"] += sum(taken_back)
        for ours, theirs in zip(found, taken_back, strict=True):
            own["right"] += ours and theirs
            own["wrong"] += ours and not theirs
        if show and found != taken_back:
            told = (f"<{word.word}>" if ours else word.word for word, ours in zip(words, found, strict=True))
            print(f"{kind}: {' '.join(told)}")
    for kind, own in counts.items():
        found_of = f", {own['right']} of {own['true']} rightly" if own["true"] else ""
        print(f"{kind}: {own['words']} words, {own['wrong']} taken back wrongly{found_of}")
    fluent = [own for own in counts.values() if not own["true"]]
    wrong, said = (sum(own[name] for own in fluent) for name in ("wrong", "words"))
    print(f"where nothing is taken back: {wrong} of {said} words wrongly, {100 * wrong / said:.1f} of 100")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changes", nargs="*", metavar="RULE=VALUE", help="tries other thresholds")
    parser.add_argument("--show", action="store_true", help="prints each sentence that is told otherwise")
    args = parser.parse_args()
    main({name: float(value) for name, value in (item.split("=") for item in args.changes)}, show=args.show)
