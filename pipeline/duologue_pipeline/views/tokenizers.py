"""Calls text tokenizers of any make.

A tokenizer is a callable ``str -> ids``, or an object with sentencepiece's ``encode``; placement "spread" needs
``encode_as_pieces`` and ``piece_to_id`` as well. Views add no BOS and no EOS: what the tokenizer gives is what is written.
"""

from collections.abc import Callable, Sequence
from operator import index
from typing import Any, Final, Protocol

import numpy as np

from duologue_pipeline.errors import UsageError

__all__ = ["PieceTokenizer", "Tokenizer", "check_ids", "check_unmarked", "encode", "encode_lines", "piece_tokenizer"]

_HIGHEST_ID: Final = int(np.iinfo(np.int32).max)


class _Encoder(Protocol):
    """Has sentencepiece's ``encode``."""

    def encode(self, text: str, /) -> Any:
        """Gives the ids of a text."""
        ...


Tokenizer = Callable[[str], Sequence[int]] | _Encoder
"""What views take: a callable, or an object with ``encode``."""


class PieceTokenizer(_Encoder, Protocol):
    """Has what placement "spread" needs of sentencepiece's processor."""

    def encode_as_pieces(self, text: str, /) -> list[str]:
        """Gives the pieces of a text."""
        ...

    def piece_to_id(self, piece: str, /) -> int:
        """Gives the id of a piece."""
        ...


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Tokenizes a text.

    Raises:
        UsageError: the tokenizer is none, or what it gives is no list of ids.
    """
    call = getattr(tokenizer, "encode", tokenizer)
    if not callable(call):
        raise UsageError(
            f"tokenizer {type(tokenizer).__name__}: expected a callable str -> ids or an object with `encode`"
        )
    given = call(text)
    ids = getattr(given, "ids", given)  # the Encoding of the package tokenizers
    try:
        found = list(map(index, ids))
    except TypeError:
        found = [-1]
    if (found and not 0 <= min(found) <= max(found) <= _HIGHEST_ID) or isinstance(ids, bytes):
        raise UsageError(
            f"the tokenizer gives {str(given)[:60]!r} for {text[:30]!r}, expected a list of ids; wrap one of transformers as "
            "`lambda text: tokenizer.encode(text, add_special_tokens=False)`"
        )
    return found


def check_ids(name: str, ids: Any) -> list[int]:
    """Gives ids that a caller names as a list.

    Args:
        name: of the argument that holds them.
        ids: one id, or a sequence of ids; they may be below 0, as the ids that have no embedding are.

    Raises:
        UsageError: one of them is no whole number, or does not fit in int32.
    """
    values = np.ravel(np.asarray(ids, object)).tolist()
    try:
        found = [index(value) for value in values]
    except TypeError:
        found = [_HIGHEST_ID + 1]
    if any(abs(value) > _HIGHEST_ID for value in found):
        raise UsageError(
            f"{name} {ids!r}: expected ids, which are whole numbers; the tokenizer tells the id of a token, with sentencepiece "
            "`piece_to_id`, with transformers `convert_tokens_to_ids`"
        )
    return found


def check_unmarked(tokenizer: Tokenizer) -> None:
    """Refuses a tokenizer that puts special tokens around each text, where every word is a text of its own.

    Those of transformers do, by default; they say themselves which ids are special.

    Raises:
        UsageError: the tokenizer is such a one.
    """
    special = getattr(tokenizer, "all_special_ids", None)
    if special and (added := [each for each in encode(tokenizer, "") if each in special]):
        raise UsageError(
            f"the tokenizer puts the special tokens {added} around every word; give `lambda text: "
            "tokenizer.encode(text, add_special_tokens=False)`"
        )


def encode_lines(tokenizer: Tokenizer, text: str) -> list[int]:
    """Tokenizes a text line by line and puts the token of a new line between, as Kyutai's trainer does.

    Source: kyutai-labs/moshi-finetune@2acc879 finetune/data/interleaver.py ``tokenize``. The token of a new line is the last
    of ``encode("\\n")``; it is asked for only where there is one (theirs asks always, and fails with a tokenizer that takes
    new lines away).

    Raises:
        UsageError: as :func:`encode`, or the tokenizer gives nothing for a new line.
    """
    if "\n" not in text:
        return encode(tokenizer, text)
    new_line = encode(tokenizer, "\n")[-1:]
    if not new_line:
        raise UsageError(
            f"the tokenizer gives no token for a new line, and there is one in the word {text[:30]!r}; replace new lines by "
            "spaces before the words come into a release"
        )
    first, *others = text.split("\n")
    ids = encode(tokenizer, first)
    for line in others:
        ids += new_line + encode(tokenizer, line)
    return ids


def piece_tokenizer(tokenizer: Any) -> PieceTokenizer:
    """Gives the tokenizer back, as one of pieces.

    Raises:
        UsageError: it has no pieces.
    """
    lacking = [name for name in ("encode_as_pieces", "piece_to_id") if not callable(getattr(tokenizer, name, None))]
    if lacking:
        raise UsageError(
            f'placement "spread" places pieces and needs {" and ".join(lacking)} of the tokenizer: give a '
            "sentencepiece.SentencePieceProcessor"
        )
    found: PieceTokenizer = tokenizer
    return found
