"""Lays a sample out as CSM's frames: turn after turn, first its text, then its audio."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sides import check_speaker, codebook_count, side_codes
from duologue_pipeline.views.spoken_text import told_words
from duologue_pipeline.views.tokenizers import Tokenizer, encode
from duologue_pipeline.views.words import text_of_turn, turns

__all__ = ["turn_frames"]


def turn_frames(
    sample: Sample, tokenizer: Tokenizer, *, speakers: Sequence[str] = ("a", "b"), codebooks: int | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Gives the turns of a sample as CSM takes them, the context of what is said next.

    K codebooks; one turn, of which the mask is true where there is a letter or an ``e``::

        columns 0 .. K-1   column K
        0 0 ... 0          t      tokens of "[i]" and the turn's words
        0 0 ... 0          t
        c c ... c          0      codes of the turn's frames
        c c ... c          0
        e e ... e          0      the end: zeros, with the mask of audio

    Turns come by their start; where they overlap each has the codes of its own speaker. A turn without words in the sample is
    ``[i]`` alone. After a withdrawal a sample has no turns, so there is nothing.

    Args:
        sample: is left as it is.
        tokenizer: a callable str -> ids or an object with ``encode``, which adds BOS and EOS: CSM's is Llama 3's with both.
        speakers: the speakers whose turns are written, the one that is ``[0]`` first.
        codebooks: how many codebooks, the coarsest first; all by default. CSM 1B takes 32.

    Returns:
        (int32 [L, K + 1], bool [L, K + 1]): ids and mask. CSM takes at most 2048 frames.

    Raises:
        UsageError: the release has fewer codebooks than asked for, the speakers are none, or the tokenizer gives no ids.

    Source: SesameAILabs/csm@2d72082 generator.py ``_tokenize_segment``. Ids are its own: a frame of codes that are all zero
    reads as an end there too.
    """
    count = codebook_count(sample, codebooks)
    names = [check_speaker(speaker) for speaker in (speakers if isinstance(speakers, Iterable) else [speakers])]
    if not names or len(set(names)) != len(names):
        raise UsageError(f'speakers {tuple(speakers)!r}: expected "a", "b" or both, each once')
    words = told_words(sample, *names)
    blocks: list[tuple[list[int], npt.NDArray[np.uint16]]] = []
    length = 0
    for turn in turns(sample):
        if turn.speaker in words:
            ids = encode(tokenizer, f"[{names.index(turn.speaker)}]{text_of_turn(turn, words)}")
            codes = side_codes(sample, turn.speaker, count)[:, turn.first_frame : turn.end_frame]
            blocks.append((ids, codes))
            length += len(ids) + codes.shape[1] + 1
    frames = np.zeros((length, count + 1), np.int32)
    mask = np.zeros((length, count + 1), np.bool_)
    at = 0
    for ids, codes in blocks:
        spoken, end = at + len(ids), at + len(ids) + codes.shape[1]
        frames[at:spoken, count] = ids
        mask[at:spoken, count] = True
        frames[spoken:end, :count] = codes.T
        mask[spoken : end + 1, :count] = True
        at = end + 1
    return frames, mask
