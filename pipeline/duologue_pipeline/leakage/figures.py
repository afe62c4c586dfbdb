"""Makes a figure of a comparison: the error rate with what it is of, or why it is unknown."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.leakage.errors_of_linking import linking_errors
from duologue_pipeline.leakage.pairs import Pairs, Segments
from duologue_pipeline.leakage.sides import Side
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["F64", "Compared", "figure", "linked_speakers", "unknown_figure"]

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """Holds what is compared at one duration."""

    sides: Sequence[Side]
    segments: Segments
    pairs: Pairs


def linked_speakers(compared: Compared, pairs: Pairs) -> int:
    """Counts the speakers of whom there are pairs."""
    return len(np.unique(compared.segments.speaker[pairs.first[pairs.same]]))


def unknown_figure(about: dict[str, Any], why: str) -> dict[str, Any]:
    """Makes the figure of what is unknown, with the reason."""
    return {**about, "eer": None, "unknown": why}


def figure(
    about: dict[str, Any],
    scores: F64,
    compared: Compared,
    pairs: Pairs,
    rules: LeakageRules,
    *,
    seed: int,
    with_chance: bool,
) -> dict[str, Any]:
    """Makes a figure.

    Args:
        about: what it is of; what is drawn for it follows from that and the seed.
        scores: float [P], of the pairs.
        compared: segments of the pairs.
        pairs: what was compared.
        rules: how many draws, and how many speakers are the fewest.
        seed: of the draws.
        with_chance: whether chance is measured too.

    Returns:
        The figure as in cards/leakage.json; unknown where there are too few speakers.
    """
    segments = compared.segments
    people = linked_speakers(compared, pairs)
    if people < rules.fewest_speakers:
        return unknown_figure(about, f"fewer than {rules.fewest_speakers} speakers have such pairs")
    if pairs.same.all():
        return unknown_figure(about, "there are no such pairs of two speakers")
    speakers = np.stack([segments.speaker[pairs.first], segments.speaker[pairs.second]], axis=1)
    found = linking_errors(
        scores,
        np.unique(speakers),
        speakers,
        np.stack([segments.side[pairs.first], segments.side[pairs.second]], axis=1),
        segments.conversation[pairs.first] == segments.conversation[pairs.second],
        np.array([side.speaker for side in compared.sides], np.int64),
        np.array([side.speaker % 2 for side in compared.sides], np.int64),
        bootstraps=rules.bootstraps,
        permutations=rules.permutations if with_chance else 0,
        rng=np.random.default_rng([seed, zlib.crc32(repr(sorted(about.items())).encode())]),
    )
    conversations = np.unique(segments.conversation[np.concatenate([pairs.first, pairs.second])])
    more: dict[str, Any] = {
        "speakers": len(np.unique(speakers)),
        "linked_speakers": people,
        "conversations": len(conversations),
        "pairs_of_one": int(pairs.same.sum()),
        "pairs_of_two": int((~pairs.same).sum()),
        "pairs_in_one_conversation": int(pairs.in_one.sum()),
    }
    if found.same_conversation is not None:
        more["taken_for_one_in_one_conversation"] = round(found.same_conversation, 4)
    if with_chance:
        more["chance"] = [round(value, 4) for value in found.chance]
    return {**about, "eer": round(found.eer, 4), "interval": [round(value, 4) for value in found.interval], **more}
