"""Defines the one-dimensional token sequence that several views give."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MODEL_SPEECH", "MODEL_TEXT", "TAG", "USER_SPEECH", "USER_TEXT", "Tokens", "frame_ids", "join_tokens"]

USER_SPEECH: Final = 0
"""Kind of a token of the user's speech: input only."""

USER_TEXT: Final = 1
"""Kind of a token of the user's text: input only."""

MODEL_TEXT: Final = 2
"""Kind of a token of the model's text: with loss."""

MODEL_SPEECH: Final = 3
"""Kind of a token of the model's speech: with loss."""

TAG: Final = 4
"""Kind of a token that is neither text nor speech, e.g. the mark of a speaker."""


@dataclass(frozen=True)
class Tokens:
    """Holds a sequence of tokens and what each of them is; of :func:`~duologue_pipeline.views.parallel` rows of such.

    Attributes:
        ids: int32 [L], as the view says; ids of text are the tokenizer's, those of speech the codec's. Both begin at 0, so a model
            with one vocabulary wants an offset: ``ids + offset * np.isin(kind, (0, 3))``.
        kind: uint8 [L]: 0 user speech, 1 user text, 2 model text, 3 model speech, 4 tag. The loss is on 2 and 3.
        dropped: how many tokens of text found no place before the end of the sample.
    """

    ids: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
    dropped: int = 0

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Gives ids and kind, so that ``ids, kind = flattened(...)`` takes them apart."""
        return iter((self.ids, self.kind))


Ids = Sequence[int] | npt.NDArray[np.int32]


def frame_ids(codes: npt.NDArray[np.uint16] | npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Writes codes one after the other, frame by frame, in each frame all codebooks: [K, F] -> int32 [F * K]."""
    return np.ascontiguousarray(codes.T, np.int32).reshape(-1)


def join_tokens(parts: Sequence[tuple[Ids, int]], *, dropped: int = 0) -> Tokens:
    """Joins stretches of tokens of one kind each to a sequence.

    Args:
        parts: (ids, kind) each; those without ids leave nothing.
        dropped: as :attr:`Tokens.dropped`.
    """
    ids = [np.asarray(part, np.int32) for part, _ in parts]
    kinds = np.array([kind for _, kind in parts], np.uint8)
    return Tokens(np.concatenate([np.zeros(0, np.int32), *ids]), np.repeat(kinds, [len(part) for part in ids]), dropped)
