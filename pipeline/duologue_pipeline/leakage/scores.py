"""Scores pairs by each way of linking; what has to be learnt is learnt from the half of the speakers that is not tried."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.leakage.figures import Compared
from duologue_pipeline.leakage.histogram import centred, cosines, normalised_within
from duologue_pipeline.leakage.network import Network, train
from duologue_pipeline.leakage.pairs import Pairs, fold_of
from duologue_pipeline.leakage.sides import Side
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["FOLDS", "by_histogram", "by_network", "by_voice", "networks", "within_normalised"]

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

FOLDS: Final = (0, 1)


def _scored(compared: Compared, pairs: Pairs, table_of: Callable[[int], F32 | None]) -> F64 | None:
    """Scores the pairs of each half by its own table, each put to mean 0 and deviation 1, so that both stand on one scale."""
    scores = np.zeros(len(pairs.first))
    halves = compared.segments.fold[pairs.first]
    for fold in FOLDS:
        own = halves == fold
        if not own.any():
            continue
        table = table_of(fold)
        if table is None:
            return None
        found = table[pairs.first[own], pairs.second[own]].astype(np.float64)
        scores[own] = (found - found.mean()) / max(float(found.std()), 1e-12)
    return scores


def by_histogram(compared: Compared, pairs: Pairs, tables: Sequence[F32]) -> F64:
    """Scores pairs by the cosines of their histograms; ``tables`` has inner products for each half, learnt from the other one."""
    scores = _scored(compared, pairs, lambda fold: centred(tables[fold], compared.segments.fold != fold))
    assert scores is not None, "every half has a table"
    return scores


def within_normalised(compared: Compared, pairs: Pairs, tables: Sequence[F32], rules: LeakageRules) -> F64 | None:
    """Scores pairs by the cosines after within-class normalisation; None where it cannot be learnt."""

    def table(fold: int) -> F32 | None:
        vectors = normalised_within(
            tables[fold],
            compared.segments.fold != fold,
            compared.segments.speaker,
            directions=rules.directions,
            shrinkage=rules.within_class_shrinkage,
        )
        return None if vectors is None else cosines(vectors)

    return _scored(compared, pairs, table)


def networks(
    sides: Sequence[Side],
    codebooks: Sequence[int],
    cardinalities: Sequence[int],
    *,
    frame_rate_hz: float,
    rules: LeakageRules,
    seed: int,
) -> tuple[Network, Network]:
    """Trains a network for each half of the speakers on the other half.

    Args:
        sides: of all speakers; those with half a second of speech and more are trained on.
        codebooks: those that it hears.
        cardinalities: of all codebooks.
        frame_rate_hz, rules, seed: as for :func:`duologue_pipeline.leakage.network.train`.
    """

    def of(fold: int) -> Network:
        own = [side for side in sides if fold_of(side.speaker) != fold and side.codes.shape[1] >= frame_rate_hz / 2]
        return train(
            [side.codes[list(codebooks)] for side in own],
            [side.speaker for side in own],
            [cardinalities[number] for number in codebooks],
            frame_rate_hz=frame_rate_hz,
            rules=rules,
            seed=seed + fold,
        )

    return of(0), of(1)


def by_network(compared: Compared, pairs: Pairs, trained: tuple[Network, Network], codebooks: Sequence[int]) -> F64:
    """Scores pairs by the cosines of what the network of their half makes of them."""
    segments = [
        compared.sides[place].codes[list(codebooks), cut]
        for place, cut in zip(compared.segments.side, compared.segments.cut, strict=True)
    ]
    scores = _scored(compared, pairs, lambda fold: cosines(trained[fold].embed(segments)))
    assert scores is not None, "every half has a network"
    return scores


def by_voice(compared: Compared, pairs: Pairs, of: str, duration_s: int) -> tuple[F64, Pairs]:
    """Scores pairs by the cosines of embedded audio, and gives those that have it.

    Args:
        compared, pairs: of the duration.
        of: ``decoded`` or ``original``.
        duration_s: of the segments.
    """
    vectors = dict[int, F32]()
    for place, (side, number) in enumerate(zip(compared.segments.side, compared.segments.number, strict=True)):
        found = compared.sides[side].voices.get(of, {}).get(duration_s)
        if found is not None and number < len(found):
            vectors[place] = found[number]
    if not vectors:
        return np.zeros(0), pairs.of(np.zeros(len(pairs.first), np.bool_))
    has = np.zeros(len(compared.segments.side), np.bool_)
    has[list(vectors)] = True
    kept = pairs.of(has[pairs.first] & has[pairs.second])
    table = np.zeros((len(has), len(next(iter(vectors.values())))), np.float32)
    for place, vector in vectors.items():
        table[place] = vector
    return np.einsum("pv,pv->p", table[kept.first], table[kept.second]).astype(np.float64), kept
