"""Defines the one-dimensional token sequence that several views give."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["MODEL_SPEECH", "MODEL_TEXT", "TAG", "USER_SPEECH", "USER_TEXT", "Tokens"]

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
        ids: int32 [L], as the view says; ids of text are the tokenizer's, those of speech the codec's.
        kind: uint8 [L]: 0 user speech, 1 user text, 2 model text, 3 model speech, 4 tag. The loss is on 2 and 3.
    """

    ids: npt.NDArray[np.int32]
    kind: npt.NDArray[np.uint8]
