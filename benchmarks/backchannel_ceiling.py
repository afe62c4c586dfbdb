"""Estimates how well backchannels can be told from words and times at all; nothing that it trains is kept.

A learned model (gradient-boosted trees over measures of context, the words of the unit, and the score of a logistic
regression over the words around it) says for each short IPU whether annotators call it a backchannel. It is trained on
four fifths of the conversations and measured on the fifth, five times. Shown for the ways to count of
benchmarks/backchannel_words.py:

    context             what rules can see;
    half of the data    the same, trained on half of those conversations;
    + act of the other  the human label of what the other one said last, which no rule can see;

    python -m benchmarks.backchannel_ceiling CONVERSATIONS.jsonl.gz

It needs scikit-learn, and takes about a minute.
"""

import argparse
import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
from sklearn.feature_extraction import DictVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from benchmarks.backchannel_switchboard import Words
from benchmarks.backchannel_words import Pairs, ipus_of, is_backchannel, read_pairs
from duologue_pipeline.words.lexicon import load_lexicon, normal_form

MAX_WORDS, MAX_MS, FAR_MS, FOLDS = 6, 2500, 60_000, 5
LEXICON = load_lexicon("en")
RESPONSES = frozenset(word for phrases in LEXICON.backchannels.values() for phrase in phrases for word in phrase)


@dataclass(frozen=True)
class Unit:
    """Holds a short IPU: its measures (``numbers``), words in and around it (``texts``), the partner's ``act``."""

    conversation: int
    said: str
    numbers: dict[str, float]
    texts: dict[str, float]
    act: str
    human: bool


def units_of(pairs: Pairs, counting: str) -> tuple[list[Unit], int]:
    """Lists the short IPUs, and counts the human backchannels among all IPUs."""
    units, human = [], 0
    for number, own, other in pairs:
        if counting == "acts only":
            own, other = [word for word in own if word["act"]], [word for word in other if word["act"]]
        ipus = list(ipus_of(own))
        other_ipus = [other[first:last] for first, last in ipus_of(other)]
        for place, (first, last) in enumerate(ipus):
            ipu = own[first:last]
            if counting == "whole IPUs" and not all(word["act"] for word in ipu):
                continue
            human += is_backchannel(ipu)
            if last - first <= MAX_WORDS and _end_ms(ipu) - ipu[0]["start_ms"] < MAX_MS:
                units.append(_unit(number, own, ipus, place, other, other_ipus))
    return units, human


def _unit(
    number: int, own: Words, ipus: Sequence[tuple[int, int]], place: int, other: Words, other_ipus: Sequence[Words]
) -> Unit:
    first, last = ipus[place]
    ipu = own[first:last]
    start_ms, end_ms = ipu[0]["start_ms"], _end_ms(ipu)
    begun = bisect.bisect_left(other, start_ms, key=_start_ms)  # the other's words that began before it
    done = bisect.bisect_left(other, end_ms, key=_start_ms)
    latest = bisect.bisect_right(other_ipus, start_ms, key=lambda words: words[0]["start_ms"]) - 1
    said = [normal_form(word["word"]) for word in ipu]
    numbers = {
        "words": len(ipu),
        "ms": end_ms - start_ms,
        "other_since": start_ms - other[begun - 1]["end_ms"] if begun else FAR_MS,
        "other_next_from_end": other[done]["start_ms"] - end_ms if done < len(other) else FAR_MS,
        "other_next_from_onset": other[begun]["start_ms"] - start_ms if begun < len(other) else FAR_MS,
        "other_during": done - begun,
        "other_ipu_words": len(other_ipus[latest]) if latest >= 0 else 0,
        "other_ipu_left": _end_ms(other_ipus[latest]) - start_ms if latest >= 0 else -FAR_MS,
        "other_ipu_begun": start_ms - other_ipus[latest][0]["start_ms"] if latest >= 0 else FAR_MS,
        "other_ipu_is_response": float(latest >= 0 and _is_response(other_ipus[latest])),
    }
    for name, words, from_place, to_place in (("own", own, first, last), ("other", other, begun, done)):
        for reach_ms in (2000, 5000, 10_000):
            earliest = bisect.bisect_left(words, start_ms - reach_ms, key=_start_ms)
            numbers[f"{name}_before_{reach_ms}"] = from_place - earliest
            numbers[f"{name}_after_{reach_ms}"] = bisect.bisect_left(words, end_ms + reach_ms, key=_start_ms) - to_place
    before, after = [own[f:t] for f, t in ipus[:place]], [own[f:t] for f, t in ipus[place + 1 :]]
    turn_before = next((words for words in reversed(before) if not _is_response(words)), None)
    turn_after = next((words for words in after if not _is_response(words)), None)
    numbers["own_before"] = start_ms - _end_ms(before[-1]) if before else FAR_MS
    numbers["own_after"] = after[0][0]["start_ms"] - end_ms if after else FAR_MS
    numbers["own_turn_before"] = start_ms - _end_ms(turn_before) if turn_before else FAR_MS
    numbers["own_turn_after"] = turn_after[0]["start_ms"] - end_ms if turn_after else FAR_MS
    heard = [normal_form(word["word"]) for word in other[max(begun - 12, 0) : begun]]
    following = [normal_form(word["word"]) for word in other[done : done + 2]]
    going_on = [normal_form(word["word"]) for word in own[last : last + 2]]
    texts = {f"said {' '.join(said)}": 1.0} | {f"word {word}": 1.0 for word in said}
    texts |= {f"heard {word}": 1.0 for word in heard}
    for name, words_at in (("last", heard[-3:][::-1]), ("next", following), ("own", going_on)):
        texts |= {f"{name} {at} {word}": 1.0 for at, word in enumerate(words_at)}
    act = other[begun - 1]["act"] if begun else ""
    return Unit(number, " ".join(said), numbers, texts, act, is_backchannel(ipu))


def _start_ms(word: dict[str, Any]) -> int:
    return int(word["start_ms"])


def _end_ms(words: Words) -> int:
    return max(word["end_ms"] for word in words)


def _is_response(words: Words) -> bool:
    return all(word["word"].startswith("[") or normal_form(word["word"]) in RESPONSES for word in words)


def cross_validated_f1(units: Sequence[Unit], human: int, *, share: float = 1.0, with_act: bool = False) -> float:
    """Measures the F1 of the model with the decision threshold that does best."""
    frequent = [said for said, _ in Counter(unit.said for unit in units).most_common(60)]
    right = np.array([unit.human for unit in units])
    fold = np.random.default_rng(0).permutation(1 + max(unit.conversation for unit in units)) % FOLDS
    folds = np.array([fold[unit.conversation] for unit in units])
    chosen = np.random.default_rng(1).random(len(fold)) < share
    usable = np.array([chosen[unit.conversation] for unit in units])
    texts: Any = DictVectorizer().fit_transform([_texts(unit, with_act) for unit in units])
    columns = [[*unit.numbers.values(), frequent.index(unit.said) if unit.said in frequent else -1] for unit in units]
    table = np.array(columns, dtype=float)
    certainty = np.zeros(len(units))
    for held_out in range(FOLDS):
        train, test = (folds != held_out) & usable, folds == held_out
        score = np.zeros(len(units))
        for inner in range(FOLDS):  # the trees see scores of words that the regression was not trained on
            fit, apply = train & (folds != inner), train & (folds == inner)
            if apply.any():
                score[apply] = _words_model(texts[fit], right[fit]).decision_function(texts[apply])
        score[test] = _words_model(texts[train], right[train]).decision_function(texts[test])
        full = np.column_stack([table, score])
        trees = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.06, max_leaf_nodes=15, random_state=0)
        certainty[test] = trees.fit(full[train], right[train]).predict_proba(full[test])[:, 1]
    return max(
        float(2 * (found & right).sum() / (found.sum() + human))
        for found in (certainty > threshold for threshold in np.arange(0.2, 0.7, 0.05))
    )


def _words_model(texts: Any, right: Any) -> LogisticRegression:
    return LogisticRegression(C=0.3, max_iter=300).fit(texts, right)


def _texts(unit: Unit, with_act: bool) -> dict[str, float]:
    known = {f"act {unit.act}": 1.0, f"act {unit.act} said {unit.said}": 1.0} if with_act else {}
    return unit.texts | known


def main(path: Path) -> None:
    """Prints F1 of the model under each way to count, with more and with less knowledge."""
    pairs = read_pairs(path)
    for counting in ("acts only", "whole IPUs", "all IPUs"):
        units, human = units_of(pairs, counting)
        print(f"{counting}: {len(units)} short IPUs, {human} human backchannels", flush=True)
        print(f"{counting}: context {cross_validated_f1(units, human):.3f}", flush=True)
        print(f"{counting}: half of the data {cross_validated_f1(units, human, share=0.5):.3f}", flush=True)
        print(f"{counting}: + act of the other {cross_validated_f1(units, human, with_act=True):.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path, help="reads the conversations from this .jsonl.gz file")
    main(parser.parse_args().conversations)
