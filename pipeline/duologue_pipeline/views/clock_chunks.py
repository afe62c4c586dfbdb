"""Lays both sides into chunks of time without their repeats, as SyncLLM does, and takes them apart again."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.sequence import MODEL_SPEECH, TAG, USER_SPEECH, Tokens
from duologue_pipeline.views.sides import FRAME_MS, check_speaker, other_speaker, side_codes, whole_step
from duologue_pipeline.views.spans import finite_number
from duologue_pipeline.views.tokenizers import check_ids

__all__ = ["clock_chunks", "split_clock_chunks"]


def clock_chunks(
    sample: Sample,
    *,
    speaker: str = "a",
    chunk_frames: int = 2,
    tags: tuple[int, int],
    deduplicate: Literal["stream", "chunk"] | None = "stream",
) -> Tokens:
    """Writes chunk after chunk the model's codes behind its tag and the user's behind theirs, without repeats.

    ::

        frame    0  1  2  3 | 4   5   6   7         chunks of 4 frames; the paper's example
        model   75 75 75 75 |17  17 338 338
        user    89 89 89 89 |89  89  89  89
        "stream"  [M] 75 [U] 89  [M] 17 338             the user has nothing new: no tag
        "chunk"   [M] 75 [U] 89  [M] 17 338 [U] 89
        None      [M] 75 75 75 75 [U] 89 89 89 89  [M] 17 17 338 338 [U] 89 89 89 89

    ``stream`` leaves out each code that equals the one a frame before on its side, **across** the edge of chunks as well; the
    user's tag is left out with the last of its codes, the model's always stands, as it is the clock. ``chunk`` starts anew in
    each chunk. A last chunk is as short as the frames that are left.

    Source: arXiv 2409.15594, 3.2: HuBERT units at 25 Hz (codebook 0 stands in for them), chunks of 160, 200, 240 ms. At 12.5
    Hz those are 2 and 3 frames; 200 ms is no whole number of frames and is refused.

    Args:
        sample: the sample.
        speaker: whose side the model speaks, ``a`` or ``b``.
        chunk_frames: frames in a chunk, of 80 ms.
        tags: ids of the model's and of the user's tag (``[S0]``, ``[S1]``).
        deduplicate: where repeats are left out.

    Returns:
        ids int32 [L], kind uint8 [L]: 4 tag, 3 model speech, 0 user speech. Codes are those of codebook 0.

    Raises:
        UsageError: an argument is none of these.
    """
    if deduplicate not in ("stream", "chunk", None):
        raise UsageError(f'deduplicate {deduplicate!r}: expected "stream", "chunk" or None')
    chunk_frames = _chunk_frames(chunk_frames)
    model_tag, user_tag = _tags(tags)
    model, user = (side_codes(sample, each, 1)[0].astype(np.int32) for each in (speaker, other_speaker(speaker)))
    chunks = -(-len(model) // chunk_frames)
    sides = [_Side(row, _kept(row, chunk_frames, deduplicate), chunks, chunk_frames) for row in (model, user)]
    told, heard = (side.counts for side in sides)
    ends = np.cumsum(1 + told + (heard > 0) + heard)
    starts = np.concatenate([[0], ends])[:chunks]
    ids = np.empty(ends[-1] if chunks else 0, np.int32)
    kind = np.full(len(ids), TAG, np.uint8)
    ids[starts] = model_tag
    ids[(starts + 1 + told)[heard > 0]] = user_tag
    for side, first, of_side in zip(sides, (starts + 1, starts + told + 2), (MODEL_SPEECH, USER_SPEECH), strict=True):
        at = first[side.chunk] + side.rank
        ids[at], kind[at] = side.codes, of_side
    return Tokens(ids, kind)


class _Side:
    """Holds the codes of a side that are written: each, its chunk, its place in the chunk, and how many a chunk has."""

    def __init__(self, row: npt.NDArray[np.int32], kept: npt.NDArray[np.bool_], chunks: int, chunk_frames: int) -> None:
        self.codes = row[kept]
        self.chunk = np.flatnonzero(kept) // chunk_frames
        self.counts = np.bincount(self.chunk, minlength=chunks)
        self.rank = np.arange(len(self.codes)) - (np.cumsum(self.counts) - self.counts)[self.chunk]


def split_clock_chunks(
    tokens: Tokens, *, frames: int, speaker: str = "a", chunk_frames: int = 2, tags: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Finds the two sides that a sequence of chunks stands for: each token of a chunk is repeated equally often.

    ::

        [M] 75 [U] 89  [M] 17 338       ->      75 75 75 75 17 17 338 338
                                                89 89 89 89 89 89 89  89

    Of k tokens in a chunk of n frames, frame i has token ``i * k // n``; a side without tokens goes on with its last one. So
    what was left out comes back, but not always at its frame: exact with ``deduplicate=None``, and
    ``clock_chunks(split_clock_chunks(x)) == x`` with "stream".

    Source: arXiv 2409.15594, 3.2 ("interpolation").

    Args:
        tokens: of :func:`clock_chunks`.
        frames: how many frames the sample has.
        speaker: whose side the model speaks.
        chunk_frames: frames in a chunk.
        tags: ids of the model's and of the user's tag.

    Returns:
        int32 [2, frames]: codes of codebook 0, speaker ``a`` first.

    Raises:
        UsageError: the sequence does not stand for so many frames.
    """
    chunk_frames, frames = _chunk_frames(chunk_frames), whole_step(frames, "frames", least=0)
    model_tag, _ = _tags(tags)
    model = SPEAKERS.index(check_speaker(speaker))
    starts = np.flatnonzero((tokens.kind == TAG) & (tokens.ids == model_tag))
    if len(starts) != -(-frames // chunk_frames):
        raise UsageError(
            f"{len(starts)} tags of the model and {frames} frames in chunks of {chunk_frames}: expected "
            f"{-(-frames // chunk_frames)} tags; give the arguments that the sequence was made with"
        )
    codes = np.zeros((2, frames), np.int32)
    for chunk, (start, end) in enumerate(zip(starts, [*starts[1:], len(tokens.ids)], strict=True)):
        lo, hi = chunk * chunk_frames, min(frames, (chunk + 1) * chunk_frames)
        for row, kind in ((model, MODEL_SPEECH), (1 - model, USER_SPEECH)):
            new = tokens.ids[start:end][tokens.kind[start:end] == kind]
            if not len(new):
                new = codes[row, lo - 1 : lo]
            if not 1 <= len(new) <= hi - lo:
                raise UsageError(
                    f"chunk {chunk} has {len(new)} tokens of one side and {hi - lo} frames; it is not of this view"
                )
            codes[row, lo:hi] = new[np.arange(hi - lo) * len(new) // (hi - lo)]
    return codes


def _kept(
    row: npt.NDArray[np.int32], chunk_frames: int, deduplicate: Literal["stream", "chunk"] | None
) -> npt.NDArray[np.bool_]:
    """Tells which frames of a side are written: bool [T]."""
    kept = np.ones(len(row), np.bool_)
    if deduplicate is not None:
        kept[1:] = row[1:] != row[:-1]
    if deduplicate == "chunk":
        kept[::chunk_frames] = True
    return kept


def _chunk_frames(chunk_frames: int) -> int:
    exact = finite_number(chunk_frames)
    if exact is None or not 1 <= exact < 1 << 24 or exact.denominator != 1:
        raise UsageError(
            f"chunk_frames {chunk_frames!r}: expected a whole number of frames of {FRAME_MS} ms; take 2 (160 ms) or 3 (240 ms), "
            "200 ms is no whole number"
        )
    return int(exact)


def _tags(tags: tuple[int, int]) -> tuple[int, int]:
    found = check_ids("tags", tags) if tags is not None else []
    if len(found) != 2:
        raise UsageError(f"tags {tags!r}: expected two ids, the model's and the user's")
    model, user = found
    if model == user:
        raise UsageError(f"tags {tags!r}: the model's and the user's are the same; give two ids")
    return model, user
