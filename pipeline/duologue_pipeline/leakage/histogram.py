"""Compares speakers by how often they use each token: the plainest attack, which needs no network.

A segment is the vector of ``log(1 + count) * idf`` over the entries of a codebook, of unit length, with the inverse document frequency
of other speakers (Salton & Buckley 1988); of all codebooks the vectors stand beside one another. Segments are compared by the cosine of
what sets them apart from the mean of other speakers, once as it is, and once after within-class covariance normalisation (WCCN, Hatch et al. 2006): directions in which the segments of
one speaker differ from conversation to conversation count less. That is learnt from other speakers.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["F32", "centred", "cosines", "gram", "normalised_within"]

F32 = npt.NDArray[np.float32]
_LEAST: float = 1e-6


def gram(segments: Sequence[npt.NDArray[np.uint16]], cardinality: int, known: npt.NDArray[np.bool_]) -> F32:
    """Compares all segments by one codebook.

    Args:
        segments: uint16 [F], codes of one codebook each.
        cardinality: of the codebook.
        known: bool [segments], of whom the inverse document frequency is learnt; any other segment has no part in it.

    Returns:
        float32 [segments, segments], cosines; 0 where a segment has nothing.
    """
    counts = np.stack([np.bincount(codes, minlength=cardinality) for codes in segments]).astype(np.float32)
    documents = int(known.sum())
    rarity = np.log((1 + documents) / (1 + (counts[known] > 0).sum(axis=0))).astype(np.float32) + 1
    weighted = np.log1p(counts) * rarity
    weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), _LEAST)
    found: F32 = weighted @ weighted.T
    return found


def centred(compared: F32, known: npt.NDArray[np.bool_]) -> F32:
    """Takes the mean of known segments off all of them, and gives cosines.

    Args:
        compared: float32 [S, S], inner products of all segments.
        known: bool [S], whose mean it is; at least one.

    Returns:
        float32 [S, S]; 0 where a segment is the mean itself.
    """
    to_mean = compared[:, known].mean(axis=1, dtype=np.float64)
    table = compared - to_mean - to_mean[:, None] + to_mean[known].mean()
    length = np.sqrt(np.maximum(np.diag(table), _LEAST))
    found: F32 = (table / length / length[:, None]).astype(np.float32)
    return found


def normalised_within(
    compared: F32, known: npt.NDArray[np.bool_], speakers: npt.NDArray[np.int64], *, directions: int, shrinkage: float
) -> F32 | None:
    """Projects segments into the principal directions of known speakers, and evens out how each of those varies.

    It works on inner products alone (kernel principal components, Schölkopf et al. 1998), so that any number of codebooks costs
    the same.

    Args:
        compared: float32 [S, S], inner products of all segments.
        known: bool [S], segments of the speakers to learn from.
        speakers: int [S].
        directions: how many are kept at most.
        shrinkage: share of the within-speaker covariance that is made round, 0 to 1.

    Returns:
        float32 [S, D], of unit length; None where the known segments are too few, or no speaker has two.
    """
    chosen = np.flatnonzero(known)
    _, names = np.unique(speakers[chosen], return_inverse=True)
    counted = np.bincount(names)
    if len(chosen) < 4 or len(counted) < 2 or counted.max() < 2:
        return None
    own = compared[np.ix_(chosen, chosen)].astype(np.float64)
    mean = own.mean(axis=0)
    centred = own - mean - mean[:, None] + own.mean()
    values, vectors = np.linalg.eigh(centred)
    order = np.argsort(values)[::-1][: min(directions, len(chosen) - len(counted))]
    order = order[values[order] > _LEAST * values.max()]
    if not len(order):
        return None
    others = compared[:, chosen].astype(np.float64)
    others = others - others.mean(axis=1, keepdims=True) - mean + own.mean()
    projected = others @ (vectors[:, order] / np.sqrt(values[order]))
    of_known = projected[chosen]
    means = np.stack([np.bincount(names, weights=column) / counted for column in of_known.T], axis=1)
    apart = of_known - means[names]
    within = apart.T @ apart / len(chosen)
    even = np.eye(len(order)) * np.trace(within) / len(order)
    within = (1 - shrinkage) * within + shrinkage * even
    whitened = projected @ np.linalg.cholesky(np.linalg.inv(within))
    whitened /= np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), _LEAST)
    found: F32 = whitened.astype(np.float32)
    return found


def cosines(vectors: F32) -> F32:
    """Compares vectors of unit length, float32 [S, D]: float32 [S, S]."""
    found: F32 = vectors @ vectors.T
    return found
