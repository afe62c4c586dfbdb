"""Lays both sides into chunks of time and puts the text of a turn in front of its speech, as TurnGuide does."""

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views.sequence import (
    MODEL_SPEECH,
    MODEL_TEXT,
    TAG,
    USER_SPEECH,
    Tokens,
    frame_ids,
    join_tokens,
)
from duologue_pipeline.views.sides import codebook_count, frame_count, other_speaker, side_codes, whole_step
from duologue_pipeline.views.spoken_text import turn_ids, words_of
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids
from duologue_pipeline.views.words import turns

__all__ = ["turn_text"]


def turn_text(
    sample: Sample,
    tokenizer: Tokenizer,
    *,
    speaker: str = "a",
    chunk_frames: int = 10,
    codebooks: int = 1,
    tags: tuple[int, int] | None = None,
) -> Tokens:
    """Writes chunk after chunk the user's speech and the model's; a chunk in which a turn of the model begins has its text.

    ::

        10 user | 10 model || 10 user | <text of the whole turn> | 10 model || 10 user | 10 model || ...
                                        ^ the model's turn begins in this chunk

    So the sequence keeps its clock but for the text, which stands once a turn, ahead of the speech that it tells of. A turn that
    began before the sample has the words that begin in it, in its first chunk. Backchannels have no text. A last chunk is as
    short as the frames that are left.

    Source: arXiv 2508.07375, of which the abstract and dreamtheater123/TurnGuide@f4a81dd README.md were read (text before the
    speech of a turn, between chunks of two channels, GLM-4-Voice's tokens); no code of it is published, so the size of the
    chunks and the tags are yours to choose.

    Args:
        sample: the sample.
        tokenizer: a callable ``str -> ids`` or an object with ``encode``.
        speaker: whose side the model speaks, ``a`` or ``b``.
        chunk_frames: frames of 80 ms in a chunk, at least 1.
        codebooks: how many of a frame are written, coarsest first, frame by frame.
        tags: ids in front of and behind the text of a turn; none if None.

    Returns:
        ids int32 [L], kind uint8 [L]: 0 user speech, 2 model text, 3 model speech, 4 tag. Without text and tags
        L = 2 * T * codebooks.

    Raises:
        UsageError: an argument is none of these, or the release has fewer codebooks.
    """
    chunk_frames, user = whole_step(chunk_frames, "chunk_frames"), other_speaker(speaker)
    count = codebook_count(sample, codebooks)
    words = words_of(sample, tokenizer, speaker)
    heard, said = (frame_ids(side_codes(sample, each, count)) for each in (user, speaker))
    marks = [] if tags is None else check_ids("tags", tags)
    if tags is not None and len(marks) != 2:
        raise UsageError(f"tags {tags!r}: expected two ids, in front of the text of a turn and behind it")
    begin, end = marks[:1], marks[1:]
    texts: dict[int, list[list[int]]] = {}
    for turn in turns(sample):
        if turn.speaker == speaker and (ids := turn_ids(tokenizer, turn, words)):
            texts.setdefault(turn.first_frame // chunk_frames, []).append(ids)
    parts: list[tuple[npt.NDArray[np.int32] | list[int], int]] = []
    for chunk in range(-(-frame_count(sample) // chunk_frames)):
        piece = slice(chunk * chunk_frames * count, (chunk + 1) * chunk_frames * count)
        parts.append((heard[piece], USER_SPEECH))
        for ids in texts.get(chunk, ()):
            parts += [(begin, TAG), (ids, MODEL_TEXT), (end, TAG)]
        parts.append((said[piece], MODEL_SPEECH))
    return join_tokens(parts)
