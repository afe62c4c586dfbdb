"""Chooses speakers for validation where everybody is connected with everybody, at the price of few conversations.

A conversation of two chosen speakers can go to ``validation``, one of two others to ``train``. One between the two sets can go
to neither: it is a ``bridge``. Speakers drawn by lot give a validation set of 5 % at the price of 34 %, for both speakers of a
conversation are drawn with p² and one of them with 2 p (1 - p). So the set grows from a speaker that is drawn: whoever has the
largest share of their time with those chosen comes next. That costs 1 to 13 % (benchmarks/splits.py).
"""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Bundle", "choose_speakers"]

_SEEDS: Final = 8
"""Of so many beginnings the cheapest end is taken."""

_ENOUGH: Final = 0.95
"""The set has grown when it has this share of what is wanted: the last conversations are dear."""


@dataclass(frozen=True)
class Bundle:
    """Holds what of a corpus cannot be divided: conversations that hold one audio, mostly a single one.

    Attributes:
        speakers: all of them.
        duration_ms: of the conversations together.
    """

    speakers: frozenset[str]
    duration_ms: int


@dataclass(frozen=True)
class _Set:
    speakers: tuple[str, ...] = ()
    validation_ms: int = 0
    bridge_ms: int = 0


def choose_speakers(
    bundles: Sequence[Bundle], *, wanted_ms: float, bridge_ms: float, accept: Callable[[frozenset[str]], bool]
) -> frozenset[str]:
    """Chooses the speakers of validation.

    Args:
        bundles: what is to be divided, in any order.
        wanted_ms: conversation time wanted for validation; it is not exceeded.
        bridge_ms: conversation time between chosen speakers and others that may be lost; it is not exceeded.
        accept: tells whether a set of speakers may be taken.

    Returns:
        The speakers, none where every set gives no conversation, costs more or is not accepted. They depend on ids and
        durations alone.
    """
    people = _People(bundles)
    grown = [_grown(seed, people, wanted_ms=wanted_ms, bridge_ms=bridge_ms) for seed in list(people.place)[:_SEEDS]]
    # sorted() is stable: of sets that are worth the same the one that was drawn first is taken
    for each in sorted(grown, key=lambda each: (-min(each.validation_ms, _ENOUGH * wanted_ms), each.bridge_ms)):
        if each.validation_ms and accept(frozenset(each.speakers)):
            return frozenset(each.speakers)
    return frozenset()


class _People:
    """Says which bundles a speaker is in, how long these are, and how long those are in which nobody else is.

    ``place`` is that of a speaker in the order of the hashes of all.
    """

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self.bundles = bundles
        self.of_speaker: dict[str, list[int]] = defaultdict(list)
        self.whole_ms: dict[str, int] = defaultdict(int)
        self.alone_ms: dict[str, int] = defaultdict(int)
        for place, bundle in enumerate(bundles):
            for speaker in bundle.speakers:
                self.of_speaker[speaker].append(place)
                self.whole_ms[speaker] += bundle.duration_ms
                self.alone_ms[speaker] += bundle.duration_ms if len(bundle.speakers) == 1 else 0
        self.place = {speaker: place for place, speaker in enumerate(sorted(self.of_speaker, key=_hash))}


def _grown(seed: str, people: _People, *, wanted_ms: float, bridge_ms: float) -> _Set:
    """Grows a set from a speaker, and gives the largest on the way that costs no more than ``bridge_ms``."""
    missing: dict[int, set[str]] = {}  # of the bundles that a chosen speaker is in: who is not chosen
    gain_ms: dict[str, int] = {}  # what would come to validation with a speaker
    chosen: dict[str, None] = {}
    validation_ms = lost_ms = 0
    best = _Set()
    queue: list[tuple[float, int, str, int]] = []

    def offer(speaker: str, more_ms: int) -> None:
        gain_ms[speaker] = gain_ms.get(speaker, people.alone_ms[speaker]) + more_ms
        share = gain_ms[speaker] / max(people.whole_ms[speaker], 1)
        heapq.heappush(queue, (-share, people.place[speaker], speaker, gain_ms[speaker]))

    offer(seed, 0)
    while queue and validation_ms < _ENOUGH * wanted_ms:
        _, _, speaker, known_ms = heapq.heappop(queue)
        if speaker in chosen or known_ms != gain_ms[speaker] or validation_ms + known_ms > wanted_ms:
            continue  # taken already, offered again with more since, or too much
        chosen[speaker] = None
        validation_ms += known_ms
        for place in people.of_speaker[speaker]:
            bundle = people.bundles[place]
            if place not in missing:
                missing[place] = set(bundle.speakers)
                lost_ms += bundle.duration_ms
            missing[place].discard(speaker)
            if not missing[place]:
                lost_ms -= bundle.duration_ms
            for other in missing[place]:
                offer(other, bundle.duration_ms if len(missing[place]) == 1 else 0)
        if lost_ms <= bridge_ms and validation_ms > best.validation_ms:
            best = _Set(tuple(chosen), validation_ms, lost_ms)
    return best


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
