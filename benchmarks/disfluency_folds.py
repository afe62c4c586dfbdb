"""Cross-validates the rules and thresholds of disfluencies over the conversations of Switchboard's heldout split.

    python -m benchmarks.disfluency_folds HELDOUT.tsv.gz [--folds 10] [--rules]

Every rule and threshold is chosen on the other folds and measured on the fold: a rule (a sign of word order, a pair of
word classes, a discourse marker, a word of its conditions) stays where F1 is lower without it on those conversations; a
threshold takes the value of its grid that gives the highest F1 there. Rules of edit terms are chosen by the F1 of edit
terms, the others by that of reparanda, each with the rest as it is shipped. So a rule that is right in one conversation
only counts for nothing there.

Prints, for reparandum, edit term and both: F1 as shipped and cross-validated over all words, its interval by the
bootstrap over conversations (95 %, 2000 draws), and mean and standard deviation of the folds. ``--rules`` prints what
each rule is worth as well: how much F1 falls without it, in how many conversations it helps and harms with the p of the
sign test, and in how many folds it stays.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from benchmarks.disfluency_heldout import CLASSES, Side, read_sides
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words import repairs
from duologue_pipeline.words.disfluency import tag_words
from duologue_pipeline.words.lexicon import Lexicon, load_lexicon
from duologue_pipeline.words.repair_model import reparandum_probabilities
from duologue_pipeline.words.track import track_words

GRID: Mapping[str, tuple[float, ...]] = {
    "clause_silence_ms": (100, 200, 300, 500, 800),
    "alone_silence_ms": (300, 500, 1000, 2000),
    "restart_max_gap_ms": (1000, 2000, 3000, 5000),
    "pause_ms": (20, 50, 100, 200, 300),
    "restart_max_words": (2, 3, 4, 5, 6),
    "model_word_probability": (0.5, 0.6, 0.65, 0.7, 0.75, 0.8),
    "model_max_gap_ms": (500, 1000, 2000),
}
OF_EDIT_TERMS = ("clause_silence_ms", "alone_silence_ms")
DRAWS = 2000

Counts = npt.NDArray[np.int64]
"""[conversations, classes, 3]: words found rightly, found wrongly, missed; classes as in CLASSES."""
Setting = tuple[DisfluencyRules, Lexicon]
Phrase = tuple[str, ...]
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Change:
    """Holds one change of the shipped setting: a rule left out, or another value of the threshold ``of``."""

    name: str
    column: int
    """The class whose F1 decides: 0 reparandum, 1 edit term."""
    change: Callable[[Setting], Setting] = field(compare=False)
    of: str = ""
    words: tuple[str, ...] = ()
    """A side on which one of these is never said is as it was."""


def changes(rules: DisfluencyRules, lexicon: Lexicon) -> Iterator[Change]:
    """Gives every rule of the setting to be left out and every other value of its thresholds."""
    for phrase in sorted(lexicon.edit_terms):
        yield Change(" ".join(phrase), 1, partial(_without_edit_term, phrase), words=phrase)
    for phrase, conditions in sorted(lexicon.discourse_markers.items()):
        yield Change(" ".join(phrase), 1, partial(_without_marker, phrase), words=phrase)
        for name, word in sorted((name, word) for name, words in conditions.items() for word in words):
            change = partial(_without_condition, phrase, name, word)
            needed = phrase if name in ("needs", "not") else (*phrase, word)
            yield Change(f"{' '.join(phrase)}: {name} {word}", 1, change, words=needed)
    for sign in rules.signs:
        yield Change(sign, 0, partial(_without_sign, sign))
    for retrace in lexicon.retraces:
        yield Change(f"retrace {' '.join(map(str, retrace))}", 0, partial(_without_retrace, retrace))
    for pair in lexicon.abandoned:
        yield Change(f"abandoned {' '.join(pair)}", 0, partial(_without_abandoned, pair))
    for word in sorted(lexicon.emphatic):
        yield Change(f"emphatic {word}", 0, partial(_without_emphatic, word), words=tuple(word.split()))
    for name, values in GRID.items():
        for value in values:
            if value != getattr(rules, name):
                yield Change(f"{name}={value}", int(name in OF_EDIT_TERMS), partial(_with, name, value), of=name)


def _without_edit_term(phrase: Phrase, setting: Setting) -> Setting:
    return setting[0], replace(setting[1], edit_terms=setting[1].edit_terms - {phrase})


def _without_marker(phrase: Phrase, setting: Setting) -> Setting:
    return setting[0], replace(setting[1], discourse_markers=_less(setting[1].discourse_markers, phrase))


def _without_condition(phrase: Phrase, name: str, word: str, setting: Setting) -> Setting:
    markers = setting[1].discourse_markers
    if phrase not in markers:
        return setting
    fewer = {**markers[phrase], name: markers[phrase][name] - {word}}
    return setting[0], replace(setting[1], discourse_markers={**markers, phrase: fewer})


def _without_sign(sign: str, setting: Setting) -> Setting:
    return replace(setting[0], signs=tuple(each for each in setting[0].signs if each != sign)), setting[1]


def _without_retrace(retrace: tuple[int, str, str], setting: Setting) -> Setting:
    return setting[0], replace(setting[1], retraces=_less(setting[1].retraces, retrace))


def _without_abandoned(pair: tuple[str, str], setting: Setting) -> Setting:
    return setting[0], replace(setting[1], abandoned=_less(setting[1].abandoned, pair))


def _without_emphatic(word: str, setting: Setting) -> Setting:
    return setting[0], replace(setting[1], emphatic=setting[1].emphatic - {word})


def _with(name: str, value: float, setting: Setting) -> Setting:
    changed: dict[str, Any] = {name: value}
    return replace(setting[0], **changed), setting[1]


def _less(entries: Mapping[Key, Value], left_out: Key) -> dict[Key, Value]:
    return {key: value for key, value in entries.items() if key != left_out}


class Conversations:
    """Counts what a setting finds in each conversation; what the model says of a stretch of words is remembered."""

    def __init__(self, sides: Sequence[Side], lexicon: Lexicon) -> None:
        self._known: dict[int, tuple[Setting, Counts]] = {}
        self._tracks = [track_words(words, lexicon) for words, _ in sides]
        marks = [mark for mark, _ in CLASSES.values()]
        self._human = [
            np.array([[any(m in tags for m in mark) for mark in marks] for tags in human], bool).reshape(-1, len(marks))
            for _, human in sides
        ]

    def counts(self, setting: Setting) -> Counts:
        """Counts the words found rightly, wrongly and missed, by conversation and class."""
        return self._joined([self._side(side, setting) for side in range(len(self._tracks))])

    def changed(self, setting: Setting, change: Change) -> Counts:
        """Counts the same after a change of the setting; sides that it cannot touch are taken as they are without."""
        new, needed = change.change(setting), frozenset(change.words)
        return self._joined(
            [
                self._side(side, new if needed.issubset(track.normals) else setting)
                for side, track in enumerate(self._tracks)
            ]
        )

    @staticmethod
    def _joined(sides: Sequence[Counts]) -> Counts:
        return np.stack([first + second for first, second in zip(sides[::2], sides[1::2], strict=True)])

    def _side(self, side: int, setting: Setting) -> Counts:
        known = self._known.get(side)
        if known and known[0] is setting:
            return known[1]
        names = [frozenset(names) for _, names in CLASSES.values()]
        human = self._human[side]
        with patch.object(repairs, "reparandum_probabilities", _remembered):
            tags = tag_words(replace(self._tracks[side], lexicon=setting[1]), rules=setting[0])
        ours = np.array([[not name.isdisjoint(each) for name in names] for each in tags], bool).reshape(human.shape)
        counts: Counts = np.stack([human & ours, ~human & ours, human & ~ours], -1).sum(0)
        self._known.setdefault(side, (setting, counts))  # of the setting asked for first: the shipped one
        return counts


def _remembered(
    text: Sequence[str], after_edit: Sequence[bool], begins: Sequence[bool], *, full_forms: Mapping[str, str]
) -> npt.NDArray[np.float32]:
    return _probabilities(tuple(text), tuple(after_edit), tuple(begins))


@cache
def _probabilities(
    text: tuple[str, ...], after_edit: tuple[bool, ...], begins: tuple[bool, ...]
) -> npt.NDArray[np.float32]:
    return reparandum_probabilities(text, after_edit, begins, full_forms=load_lexicon("en").full_forms)


def f1(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Gives F1 of counts [..., 3]; 1 where there was nothing to find and nothing was found."""
    right, false, missed = np.moveaxis(counts, -1, 0)
    whole = 2 * right + false + missed
    return np.where(whole > 0, 2 * right / np.maximum(1, whole), 1.0)


def chosen(shipped: Counts, tried: Mapping[Change, Counts], others: npt.NDArray[np.bool_]) -> list[Change]:
    """Chooses on the conversations ``others`` [conversations]: rules that do not help there, and better thresholds."""
    taken: list[Change] = []
    best: dict[str, tuple[float, Change]] = {}
    for change, counts in tried.items():
        gain = float(f1(counts[others].sum(0))[change.column] - f1(shipped[others].sum(0))[change.column])
        if not change.of and gain >= 0:
            taken.append(change)
        elif change.of and gain > max(0.0, best[change.of][0] if change.of in best else 0.0):
            best[change.of] = (gain, change)
    return [*taken, *(change for _, change in best.values())]


def interval(counts: Counts) -> npt.NDArray[np.float64]:
    """Gives the bounds [2, classes] of F1 that 95 % of draws of as many conversations lie between."""
    drawn = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    return np.percentile(np.stack([f1(counts[each].sum(0)) for each in drawn]), (2.5, 97.5), axis=0)


def main(path: Path, *, folds: int, rules_too: bool) -> None:
    """Prints the figures of a file."""
    setting = load_rules(DisfluencyRules), load_lexicon("en")
    conversations = Conversations(read_sides(path), setting[1])
    shipped = conversations.counts(setting)
    tried = {change: conversations.changed(setting, change) for change in changes(*setting)}
    fold = np.arange(len(shipped)) % folds
    validated, stays = np.zeros_like(shipped), dict.fromkeys(tried, folds)
    for number in range(folds):
        taken, new = chosen(shipped, tried, fold != number), setting
        for change in taken:
            new, stays[change] = change.change(new), stays[change] - 1
        validated[fold == number] = conversations.counts(new)[fold == number]
    print(f"{path.name}: {len(shipped)} conversations, {folds} folds")
    for label, counts in (("as shipped", shipped), ("cross-validated", validated)):
        each = np.array([f1(counts[fold == number].sum(0)) for number in range(folds)])
        low, high = interval(counts)
        for i, name in enumerate(CLASSES):
            right, false, missed = counts[:, i].sum(0)
            print(
                f"{name:10} {label:15} F1 {f1(counts.sum(0))[i]:.3f} [{low[i]:.3f}, {high[i]:.3f}]"
                f" (precision {right / (right + false):.3f}, recall {right / (right + missed):.3f}),"
                f" of the folds {each[:, i].mean():.3f} +- {each[:, i].std(ddof=1):.3f}"
            )
    if rules_too:
        _print_rules(shipped, tried, stays, folds)


def _print_rules(shipped: Counts, tried: Mapping[Change, Counts], stays: Mapping[Change, int], folds: int) -> None:
    """Prints what each rule and value is worth: F1 without it, as a difference in thousandths, and in how many folds."""
    for change, counts in tried.items():
        i = change.column
        difference = 1000 * (f1(counts.sum(0))[i] - f1(shipped.sum(0))[i])
        by_conversation = f1(counts[:, i]) - f1(shipped[:, i])
        helps, harms = int((by_conversation < 0).sum()), int((by_conversation > 0).sum())
        p = binomtest(helps, helps + harms).pvalue if helps + harms else 1.0
        kept = f"stays in {stays[change]}" if not change.of else f"taken in {folds - stays[change]}"
        print(
            f"{list(CLASSES)[i]:10} {'with' if change.of else 'without'} {change.name}: {difference:+.2f} thousandths,"
            f" worse in {helps} conversations, better in {harms} (p {p:.3f}), {kept} folds"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--rules", action="store_true", help="prints what each rule is worth")
    args = parser.parse_args()
    for file in args.files:
        main(file, folds=args.folds, rules_too=args.rules)
