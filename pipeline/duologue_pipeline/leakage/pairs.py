"""Pairs segments: of one speaker across conversations, of two speakers, and of both speakers of one conversation.

Two segments of one speaker from one conversation are never a pair: line, room and topic would link them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duologue_pipeline.leakage.sides import Side

__all__ = ["Pairs", "Segments", "fold_of", "make_pairs", "make_segments"]

I64 = npt.NDArray[np.int64]


def fold_of(speaker: int) -> int:
    """Gives the half that a speaker is in, 0 or 1: what is learnt from one half is tried on the other."""
    return speaker % 2


@dataclass(frozen=True)
class Segments:
    """Holds the segments of one duration.

    Attributes:
        side: int [S], the place of the side.
        cut: the frames of the side that each takes.
        number: int [S], which segment of its side it is.
        speaker, conversation, session, fold: int [S]; a session is a conversation, or half of one.
    """

    side: I64
    cut: Sequence[slice]
    number: I64
    speaker: I64
    conversation: I64
    session: I64
    fold: I64


@dataclass(frozen=True)
class Pairs:
    """Holds which segments are compared.

    Attributes:
        first, second: int [P], places of segments, of one half of the speakers.
        same: bool [P], whether they are of one speaker.
        in_one: bool [P], whether they are of two speakers of one conversation.
    """

    first: I64
    second: I64
    same: npt.NDArray[np.bool_]
    in_one: npt.NDArray[np.bool_]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        """Gives some of the pairs: bool [P]."""
        return Pairs(self.first[chosen], self.second[chosen], self.same[chosen], self.in_one[chosen])


def make_segments(sides: Sequence[Side], duration_s: int, frame_rate_hz: float, most: int) -> Segments:
    """Cuts the speech of all sides into segments of a duration."""
    found = [
        (place, cut, number)
        for place, side in enumerate(sides)
        for number, cut in enumerate(side.cuts(duration_s, frame_rate_hz, most))
    ]
    at = np.array([place for place, _, _ in found], np.int64)
    about = np.array(
        [(side.speaker, side.conversation, 2 * side.conversation + side.half, fold_of(side.speaker)) for side in sides],
        np.int64,
    ).reshape(-1, 4)[at]
    speaker, conversation, session, fold = about.T
    numbers = np.array([number for _, _, number in found], np.int64)
    return Segments(at, [cut for _, cut, _ in found], numbers, speaker, conversation, session, fold)


def make_pairs(segments: Segments, *, most: int, rng: np.random.Generator) -> Pairs:
    """Pairs segments within each half of the speakers.

    Args:
        segments: what is paired.
        most: of the pairs of two speakers from two conversations so many are drawn; all others are kept.
        rng: draws.
    """
    first, second = np.triu_indices(len(segments.side), 1)
    same = segments.speaker[first] == segments.speaker[second]
    allowed = (segments.fold[first] == segments.fold[second]) & (
        ~same | (segments.session[first] != segments.session[second])
    )
    first, second, same = first[allowed], second[allowed], same[allowed]
    in_one = (segments.conversation[first] == segments.conversation[second]) & ~same
    plain = np.flatnonzero(~same & ~in_one)
    kept = same | in_one
    kept[plain if len(plain) <= most else rng.choice(plain, most, replace=False)] = True
    return Pairs(first, second, same, in_one).of(kept)
