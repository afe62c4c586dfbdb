"""Estimates how likely each word of a speaker is to be taken back, from the words around it.

A small learned model of English does so. It finds what rules cannot spell out: substitutions ("an aggressive | an
aggression"), clauses begun anew in other words ("he | she was"). Every word sees its own embedding, whether an edit
term or a beginning lies before it, whether the words up to ten places away are the same, and how alike in kind those up
to eight places away are (after the auto-correlational network of Jamshid Lou, Anderson & Johnson 2018); four
convolutions along the words turn that into a log-odds. Times are not used.

The weights are made by ``scripts/train_repair_model.py`` from meetings under CC BY 4.0 (``repair_weights/SOURCES.md``);
no labelled disfluency of any corpus went into them.
"""

import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.words.lexicon import is_fragment

__all__ = ["MODEL_LANGUAGES", "WordInputs", "reparandum_probabilities", "word_inputs"]

MODEL_LANGUAGES: Final = ("en",)
WEIGHTS_FILE: Final = "repairs-en-1.npz"

SAME_REACH: Final = 10
ALIKE_REACH: Final = 8
ENDING_BUCKETS: Final = 256
"""Words outside of the vocabulary share an embedding with those that end in the same three letters (modulo a hash)."""
FRAGMENT_BUCKETS: Final = 32
APART: Final = 12
"""Rows of "no word" between two turns: more than any layer reaches."""
DILATIONS: Final = (1, 1, 2, 4)
"""Of the four convolutions; all but the first add to their input."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WordInputs:
    """Holds words as the network takes them, [N] each; 0 means no word."""

    rows: npt.NDArray[np.int64]
    """Rows of the embedding tables, from 1 on."""
    forms: npt.NDArray[np.int64]
    """Equal for equal words (and a word with its contraction)."""
    initials: npt.NDArray[np.int64]
    """Code points of their first letters."""
    fragments: npt.NDArray[np.bool_]
    """Whether each is broken off."""


@dataclass(frozen=True)
class _Weights:
    vocabulary: Mapping[str, int]
    embedding: Floats
    kind: Floats
    convolutions: Sequence[tuple[Floats, Floats]]
    output: tuple[Floats, Floats]


def word_inputs(text: Sequence[str], vocabulary: Mapping[str, int], full_forms: Mapping[str, str]) -> WordInputs:
    """Turns normal forms into what the network takes; the same for training and use.

    Args:
        text: normal forms of N words, none empty.
        vocabulary: the row of each known word, from 0 on.
        full_forms: of the lexicon: the first word of each contraction.

    Returns:
        Arrays [N]: ``rows``, ``forms`` and ``initials`` int64, ``fragments`` bool.
    """
    endings, fragments = 1 + len(vocabulary), 1 + len(vocabulary) + ENDING_BUCKETS
    rows = [
        fragments + ord(word[0]) % FRAGMENT_BUCKETS
        if is_fragment(word)
        else 1 + vocabulary[word]
        if word in vocabulary
        else endings + zlib.crc32(word[-3:].encode()) % ENDING_BUCKETS
        for word in text
    ]
    return WordInputs(
        rows=np.array(rows, np.int64),
        forms=np.array([1 + zlib.crc32(full_forms.get(word, word).encode()) for word in text], np.int64),
        initials=np.array([ord(word[0]) for word in text], np.int64),
        fragments=np.array([is_fragment(word) for word in text], bool),
    )


def reparandum_probabilities(
    text: Sequence[str], after_edit: Sequence[bool], begins: Sequence[bool], *, full_forms: Mapping[str, str]
) -> Floats:
    """Estimates the probability that each word belongs to a reparandum, which is what is taken back.

    Args:
        text: normal forms of the words of one speaker without edit terms, none empty.
        after_edit: whether an edit term lies right before each.
        begins: whether nothing near lies before each; nothing is seen across such a place.
        full_forms: of the lexicon.

    Returns:
        float32 [N] in [0, 1], one a word.
    """
    probabilities = np.zeros(len(text), np.float32)
    starts = [0, *(i for i in range(1, len(text)) if begins[i]), len(text)]
    for start, end in pairwise(starts):
        if start < end:
            inputs = word_inputs(text[start:end], _weights().vocabulary, full_forms)
            probabilities[start:end] = _forward(inputs, np.array(after_edit[start:end], np.float32))
    return probabilities


def _forward(inputs: WordInputs, after_edit: Floats) -> Floats:
    """Runs the network over the words of one stretch: float32 [N] in [0, 1].

    Row 0, "no word", lies around the words as it lay between two turns in training. ``after_edit`` is float32 [N] of 0
    and 1.
    """
    weights, count = _weights(), len(inputs.rows)
    rows, forms, initials = (np.pad(each, APART) for each in (inputs.rows, inputs.forms, inputs.initials))
    fragments, there, kind = np.pad(inputs.fragments, APART), rows > 0, weights.kind[rows]
    same = np.zeros((2 * SAME_REACH, len(rows)), np.float32)
    for step in range(1, SAME_REACH + 1):
        completed = fragments[:-step] & (initials[:-step] == initials[step:])
        equal = ((forms[:-step] == forms[step:]) | completed) & there[:-step] & there[step:]
        same[2 * step - 2, :-step] = same[2 * step - 1, step:] = equal
    alike = np.zeros((2 * ALIKE_REACH, len(rows)), np.float32)
    for step in range(1, ALIKE_REACH + 1):
        alike[2 * step - 2, :-step] = alike[2 * step - 1, step:] = (kind[:-step] * kind[step:]).sum(1)
    flags = np.zeros((len(rows), 2), np.float32)
    flags[there, 0], flags[APART, 1] = after_edit, 1
    x = np.concatenate([weights.embedding[rows], same.T, alike.T, flags], axis=1)
    for layer, ((kernel, bias), dilation) in enumerate(zip(weights.convolutions, DILATIONS, strict=True)):
        y = np.maximum(_convolve(x, kernel, dilation) + bias, 0) * there[:, None]
        x = x + y if layer else y
    kernel, bias = weights.output
    return 1 / (1 + np.exp(-(x[APART : APART + count] @ kernel + bias)))


def _convolve(x: Floats, kernel: Floats, dilation: int) -> Floats:
    """Convolves along the words, with zeros before and after.

    ``x`` is float32 [N, in], ``kernel`` float32 [taps, in, out], the result float32 [N, out].
    """
    reach = len(kernel) // 2 * dilation
    padded = np.pad(x, ((reach, reach), (0, 0)))
    taps = [padded[tap * dilation : tap * dilation + len(x)] for tap in range(len(kernel))]
    return np.concatenate(taps, axis=1) @ kernel.reshape(-1, kernel.shape[2])


@cache
def _weights() -> _Weights:
    data = files(__package__).joinpath("repair_weights", WEIGHTS_FILE).read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    words = arrays.pop("vocabulary").tobytes().decode().split("\n")
    floats = {name: array.astype(np.float32) for name, array in arrays.items()}
    return _Weights(
        vocabulary={word: i for i, word in enumerate(words)},
        embedding=floats["embedding"],
        kind=floats["kind"],
        convolutions=[(floats[f"kernel_{i}"], floats[f"bias_{i}"]) for i in range(len(DILATIONS))],
        output=(floats["output"], floats["output_bias"]),
    )
