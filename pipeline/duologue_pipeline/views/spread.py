"""Spreads the tokens of a transcript over the time of its words, as nu-dialogue's J-Moshi does.

The words of a speaker are one text, tokenized once. Every character of a word has an equal share of the word's time (the space
before a word is its first character), and a token begins with its first character::

    words      |  hel  lo   |        | _  w  o  r  l  d |
    tokens     |hel         |lo      |_wor       |ld    |

A token whose frame is taken goes to the next frame that holds padding; one frame before it the padding, if it is, becomes end of
padding, which counts as taken. Tokens that would come later than one second after the end of the last are left out.

Source: nu-dialogue/moshi-finetune@3879d29 tools/tokenize_text.py ``tokenize_and_pad_text``, and ``merge_text_audio`` of
tools/prepare_dataset.py, which cuts to the audio. Where theirs stops with an error this goes on: a speaker without words, a word
of white space alone (left out), pieces that have more or fewer characters than the text (a tokenizer that normalises: the last
character stands for those that are missing).
"""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views.sides import FRAME_RATE_HZ
from duologue_pipeline.views.tokenizers import PieceTokenizer, piece_tokenizer
from duologue_pipeline.views.words import SpokenWord

__all__ = ["spread_tokens"]

_FRAME_S: Final = 1 / FRAME_RATE_HZ
_SPACE_MARK: Final = "▁"  # sentencepiece's
_BYTE_PIECE: Final = re.compile("<0x([0-9A-Fa-f]{2})>")  # sentencepiece's, for what has no piece of its own
_TAIL_S: Final = 1


def spread_tokens(
    row: npt.NDArray[np.int32],
    words: list[SpokenWord],
    tokenizer: Any,
    *,
    padding: int,
    end_of_padding: int,
    spaces: bool,
) -> int:
    """Writes the tokens of the words in a row of padding.

    Args:
        row: int32 [T], all padding; is written in.
        words: of one speaker, by their start.
        tokenizer: has ``encode_as_pieces`` and ``piece_to_id``.
        padding: what the row holds.
        end_of_padding: what stands before a token that follows padding.
        spaces: whether a space stands before each word but the first.

    Returns:
        How many words have no token in the row, as there is no room; those of white space alone are not counted.

    Raises:
        UsageError: the tokenizer does not give pieces, or its bytes are no text.
    """
    pieces_of = piece_tokenizer(tokenizer)
    said = [word for word in words if word.text]
    if not said:
        return 0
    texts = [(" " if spaces and index else "") + word.text for index, word in enumerate(said)]
    pieces = _whole_pieces(pieces_of, "".join(texts))
    starts, ends = _character_times(said, texts)
    owner = [index for index, text in enumerate(texts) for _ in text]  # of each character, its word
    begun: list[tuple[float, str, range]] = []
    first, last_end = 0, 0.0
    for index, piece in enumerate(pieces):
        characters = len(piece) - (index == 0 and piece.startswith(_SPACE_MARK))
        if not characters:
            continue  # the mark before the first word
        last = min(first + characters, len(ends)) - 1
        start = min(first, len(starts) - 1)
        begun.append((starts[start], piece, range(owner[start], owner[max(start, last)] + 1)))
        last_end = ends[last]
        first += characters
    if not begun:
        return len(said)
    # Their list is as long as the transcript and a second; what lies behind the audio is cut off afterwards.
    held = [padding] * int((last_end + _TAIL_S) * FRAME_RATE_HZ)
    placed: set[int] = set()
    for start_s, piece, of_words in begun:
        frame = int(start_s // _FRAME_S)
        while frame < len(held) and held[frame] != padding:
            frame += 1
        if frame >= len(held):
            break  # and all later tokens with it
        held[frame] = pieces_of.piece_to_id(piece)
        if frame < len(row):
            placed.update(of_words)
        if frame > 0 and held[frame - 1] == padding:
            held[frame - 1] = end_of_padding
    kept = held[: len(row)]
    row[: len(kept)] = kept
    return len(said) - len(placed)


def _character_times(words: list[SpokenWord], texts: list[str]) -> tuple[list[float], list[float]]:
    """Shares the time of each word out to its characters: their starts and their ends, in seconds."""
    starts: list[float] = []
    ends: list[float] = []
    for word, text in zip(words, texts, strict=True):
        share = (word.end_s - word.start_s) / len(text)
        starts += [word.start_s + index * share for index in range(len(text))]
        ends += [word.start_s + (index + 1) * share for index in range(len(text))]
    return starts, ends


def _whole_pieces(tokenizer: PieceTokenizer, text: str) -> list[str]:
    """Gives the pieces of a text, those of bytes joined to the character that they are of.

    A joined piece is none of the tokenizer's: ``piece_to_id`` gives its unknown id, as in nu-dialogue's code.
    """
    whole: list[str] = []
    held = b""
    for piece in tokenizer.encode_as_pieces(text):
        byte = _BYTE_PIECE.fullmatch(piece)
        if not byte:
            whole.append(piece)
            continue
        held += bytes.fromhex(byte[1])
        try:
            whole.append(held.decode())
            held = b""
        except UnicodeDecodeError:
            continue  # its other bytes follow
    if held:
        raise UsageError(f"the tokenizer gives the bytes {held.hex(' ')} for {text[:30]!r}, which are no character")
    return whole
