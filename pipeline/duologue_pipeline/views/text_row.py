"""Places the text of a speaker on the frames of a sample: one token a frame, in three ways.

Eight frames, padding ``.``, end of padding ``e``; the word A of tokens a1 a2 a3 begins in frame 1, the word B in frame 3::

    frame    0  1  2  3  4  5  6  7
    drop     e  a1 a2 b1 .  .  .  .      the first frame of B cuts A off
    shift    e  a1 a2 a3 b1 .  .  .      B waits
    spread   e  a1 a2 b1 a3 .  .  .      A lasts to frame 5: its characters, and so its tokens, have equal shares of its time

Sources: drop and shift are ``Interleaver.build_token_stream`` of kyutai-labs/moshi-finetune@2acc879
finetune/data/interleaver.py without and with ``keep_and_shift``; spread is ``tokenize_and_pad_text`` of
nu-dialogue/moshi-finetune@3879d29 tools/tokenize_text.py. A frame is found as theirs is, in doubles: ``int(start_s * 12.5)``
(2.32 s is frame 28 and not 29) and ``start_s // (1 / 12.5)`` (.24 s is frame 2).
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import FRAME_RATE_HZ, frame_count
from duologue_pipeline.views.spread import spread_tokens
from duologue_pipeline.views.tokenizers import Tokenizer, check_unmarked, encode_lines
from duologue_pipeline.views.words import SpokenWord, has_transcript, own_words

__all__ = ["Placement", "stands_apart", "text_row"]

Placement = Literal["drop", "shift", "spread"]

_UNSPACED: Final = ("ja", "zh", "cmn", "yue")
"""Languages that write no space between words, as nu-dialogue's ``--no_whitespace_before_word`` is for."""


def text_row(
    sample: Sample,
    tokenizer: Tokenizer,
    speaker: str,
    *,
    placement: Placement,
    text_padding: int,
    end_of_text_padding: int,
    zero: int,
    spaces: bool | None = None,
) -> npt.NDArray[np.int32]:
    """Places the words of a speaker that begin in the sample on its frames.

    Args:
        sample: whose words.
        tokenizer: makes tokens: of each word alone for drop and shift, of the whole transcript for spread.
        speaker: ``a`` or ``b``.
        placement: see above.
        text_padding: stands where there is no token.
        end_of_text_padding: takes the place of the padding one frame before a token.
        zero: stands everywhere where it is not known what the speaker says.
        spaces: whether a space stands before each word but the first (spread only); None asks the sample's language.

    Returns:
        int32 [T].

    Raises:
        UsageError: there is no such placement, or the tokenizer cannot do it.
    """
    frames = frame_count(sample)
    if placement not in ("drop", "shift", "spread"):
        raise UsageError(f'placement {placement!r}: expected "drop", "shift" or "spread"')
    if not has_transcript(sample, speaker):
        return np.full(frames, zero, np.int32)
    row = np.full(frames, text_padding, np.int32)
    words = own_words(sample, speaker)
    if placement == "spread":
        if spaces is None:
            spaces = stands_apart(sample)
        spread_tokens(row, words, tokenizer, padding=text_padding, end_of_padding=end_of_text_padding, spaces=spaces)
        return row
    check_unmarked(tokenizer)
    lasting = [word for word in words if word.start_s < word.end_s]
    firsts = [int(word.start_s * FRAME_RATE_HZ) for word in lasting]
    place = _cut if placement == "drop" else _queue
    at, ids = place(lasting, firsts, tokenizer, frames)
    where = np.array(at, np.intp)
    row[where] = ids
    before = where[where > 0] - 1
    row[before[row[before] == text_padding]] = end_of_text_padding
    return row


def stands_apart(sample: Sample) -> bool:
    """Tells whether words are written with a space between, by the language of the sample."""
    return str(sample.metadata.get("language", "")).lower().split("-")[0] not in _UNSPACED


def _cut(words: list[SpokenWord], firsts: list[int], tokenizer: Tokenizer, frames: int) -> tuple[list[int], list[int]]:
    """Writes each word from its first frame on, until the first frame of the next; gives frames and ids."""
    at: list[int] = []
    ids: list[int] = []
    ends = [*firsts[1:], frames]
    for word, first, end in zip(words, firsts, ends, strict=False):
        if first < end:  # else the next word begins in the same frame
            tokens = encode_lines(tokenizer, word.text)[: end - first]
            at += range(first, first + len(tokens))
            ids += tokens
    return at, ids


def _queue(
    words: list[SpokenWord], firsts: list[int], tokenizer: Tokenizer, frames: int
) -> tuple[list[int], list[int]]:
    """Writes each word from its first frame on, or behind the one before; gives frames and ids."""
    at: list[int] = []
    ids: list[int] = []
    free = 0
    for word, first in zip(words, firsts, strict=True):
        start = max(free, first)
        tokens = encode_lines(tokenizer, word.text)[: max(0, frames - start)]
        at += range(start, start + len(tokens))
        ids += tokens
        free = start + len(tokens)
    return at, ids
