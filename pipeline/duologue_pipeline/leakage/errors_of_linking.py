"""Reckons how often a decision "the same speaker or not" is wrong: equal error rate, its interval, and chance.

The equal error rate is where as many pairs of one speaker are missed as pairs of two speakers are taken for one (the figure of the
NIST speaker recognition evaluations, Martin et al. 1997, beside their cost function, which needs a price of either error). Between
two neighbouring thresholds it is read off a straight line, so that equal scores count as decided by a coin.

The interval is a bootstrap by speaker: pairs share speakers, and so do not vary one by one (Bolle et al. 2004, "subset bootstrap").
A pair of two speakers counts as often as both were drawn, a pair of one speaker as often as that one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Curve", "LinkingErrors", "equal_error", "linking_errors"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LinkingErrors:
    """Holds how well pairs are told apart.

    Attributes:
        eer: the equal error rate, 0 to 1.
        interval: 95 %, low and high, by speaker.
        chance: the same where the names of speakers are shuffled: 2.5th, 50th and 97.5th percentile.
        same_conversation: share of the pairs of two speakers of one conversation that is taken for one speaker at that
            threshold; None without such pairs.
    """

    eer: float
    interval: tuple[float, float]
    chance: tuple[float, float, float]
    same_conversation: float | None


class Curve:
    """Holds sorted scores, so that the error rates of many weightings are found without sorting again.

    Args:
        scores: float [P], of pairs; higher is more alike.
    """

    def __init__(self, scores: F64) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def below(self, weights: F64) -> F64:
        """Gives the share of the weight at or below each distinct score: float [D + 1], from 0 to 1."""
        summed = np.cumsum(weights[self._order])[self._ends]
        return np.concatenate([[0.0], summed / summed[-1]])


def equal_error(curve: Curve, same: F64, different: F64) -> tuple[float, int, float]:
    """Finds the equal error rate.

    Args:
        curve: of the scores.
        same: float [P], weights of the pairs of one speaker, 0 for the others; their sum is above 0.
        different: likewise of the pairs of two speakers.

    Returns:
        (rate, place, share): where between two places of the curve it lies.
    """
    missed, accepted = curve.below(same), 1 - curve.below(different)
    place = int(np.argmax(missed >= accepted))
    before = accepted[place - 1] - missed[place - 1]
    share = float(before / (before + missed[place] - accepted[place]))
    rate = missed[place - 1] + share * (missed[place] - missed[place - 1])
    return float(rate), place, share


def linking_errors(
    scores: F64,
    speakers: I64,
    pair_speakers: I64,
    pair_sides: I64,
    in_one: npt.NDArray[np.bool_],
    side_speakers: I64,
    side_groups: I64,
    *,
    bootstraps: int,
    permutations: int,
    rng: np.random.Generator,
) -> LinkingErrors:
    """Reckons the errors of linking by scores.

    Args:
        scores: float [P], of pairs.
        speakers: int [S], the numbers of the speakers that are drawn from.
        pair_speakers: int [P, 2], the numbers of both speakers of a pair; equal where they are one.
        pair_sides: int [P, 2], which side of which conversation each is.
        in_one: bool [P], whether both are heard in one conversation.
        side_speakers: int [sides], the speaker of each side.
        side_groups: int [sides], sides among which names are shuffled.
        bootstraps, permutations: how many draws.
        rng: draws.

    Raises:
        ValueError: there are no pairs of one speaker, or none of two.
    """
    curve = Curve(scores)
    first, second = pair_speakers.T
    is_same = first == second
    if not is_same.any() or is_same.all():
        raise ValueError("pairs of one speaker and pairs of two are needed")
    same, different = is_same.astype(np.float64), (~is_same).astype(np.float64)
    rate, place, share = equal_error(curve, same, different)
    hard = in_one & ~is_same
    taken = None
    if hard.any():
        accepted = 1 - curve.below(hard.astype(np.float64))
        taken = float(accepted[place - 1] + share * (accepted[place] - accepted[place - 1]))
    drawn = []
    for _ in range(bootstraps):
        times = np.bincount(rng.choice(speakers, len(speakers)), minlength=int(speakers.max()) + 1).astype(np.float64)
        weights = (times[first] * same, times[first] * times[second] * different)
        if weights[0].any() and weights[1].any():
            drawn.append(equal_error(curve, *weights)[0])
    by_chance = []
    for _ in range(permutations):
        names = _shuffled(side_speakers, side_groups, rng)
        alike = names[pair_sides[:, 0]] == names[pair_sides[:, 1]]
        if (alike & ~in_one).any() and not alike.all():
            weights = ((alike & ~in_one).astype(np.float64), (~alike).astype(np.float64))
            by_chance.append(equal_error(curve, *weights)[0])
    low, high = np.percentile(drawn or [0.0, 1.0], [2.5, 97.5]).tolist()
    chance = np.percentile(by_chance or [0.0, 0.5, 1.0], [2.5, 50, 97.5]).tolist()
    return LinkingErrors(rate, (low, high), (chance[0], chance[1], chance[2]), taken)


def _shuffled(names: I64, groups: I64, rng: np.random.Generator) -> I64:
    """Shuffles names among the sides of each group."""
    shuffled = names.copy()
    for group in np.unique(groups):
        places = np.flatnonzero(groups == group)
        shuffled[places] = names[rng.permutation(places)]
    return shuffled
