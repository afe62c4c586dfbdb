"""Encodes both tracks of one or of several conversations together.

On a CPU tracks are encoded one after the other: one large computation costs as much as two small ones there
(docs/codec.md), and so the indices are those of each track alone by construction. On a GPU, which small computations
leave idle, all tracks take each step together.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.engine import Engine

__all__ = ["TogetherCodec", "encode_in_step", "encode_in_turn", "encode_together"]

F32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]
Blocks = Iterable[tuple[F32, F32]]

_TRACKS: Final = 2


@runtime_checkable
class TogetherCodec(Protocol):
    """Encodes conversations together in a way of its own."""

    def encode_together(self, conversations: Sequence[Blocks]) -> Iterator[tuple[int, Codes]]:
        """Encodes as :func:`encode_together` does."""
        ...


def encode_together(codec: Codec, conversations: Sequence[Blocks]) -> Iterator[tuple[int, Codes]]:
    """Encodes both tracks of each conversation, as one stream each from beginning to end.

    Args:
        codec: makes the codes.
        conversations: pairs (a, b) of float32 [T] in [-1, 1] at the codec's rate, equal in length within a pair.

    Yields:
        The place of a conversation, and a block of its indices: uint16 [2, codebooks, F], ``a`` first. Those of one
        conversation come in order, together ``ceil(T / samples_per_frame)`` frames; those of several mix.
    """
    if isinstance(codec, TogetherCodec):
        yield from codec.encode_together(conversations)
    else:
        yield from encode_in_turn(codec, conversations)


def encode_in_turn(codec: Codec, conversations: Sequence[Blocks]) -> Iterator[tuple[int, Codes]]:
    """Encodes as :func:`encode_together` does, one conversation after the other and each track alone."""
    for place, blocks in enumerate(conversations):
        encoders = codec.encoder(), codec.encoder()
        for a, b in blocks:
            yield place, np.stack([encoders[0].push(a), encoders[1].push(b)])
        yield place, np.stack([encoder.finish() for encoder in encoders])


def encode_in_step(
    engine: Engine, conversations: Sequence[Blocks], *, chunk_samples: int, samples_per_frame: int
) -> Iterator[tuple[int, Codes]]:
    """Encodes as :func:`encode_together` does, a chunk of every conversation at a time.

    Nothing is filled up for the sake of a batch: chunks of one length are encoded together, so a conversation that ends
    leaves the others, and its last chunk, which is shorter, is encoded with its like.

    Args:
        engine: encodes the chunks.
        conversations: as for :func:`encode_together`.
        chunk_samples: samples of a chunk.
        samples_per_frame: the last chunk of a track is filled up to whole frames with zeros.
    """
    readers = {place: _chunks(blocks, chunk_samples, samples_per_frame) for place, blocks in enumerate(conversations)}
    going = list(readers)
    session: int | None = None
    try:
        while going:
            chunks = {place: chunk for place in going if (chunk := next(readers[place], None)) is not None}
            if session is None:
                session = engine.start()  # with the first chunks: they may be long in coming
            following = None
            for length in sorted({chunk.shape[1] for chunk in chunks.values()}):
                alike = [place for place in going if place in chunks and chunks[place].shape[1] == length]
                rows = [_TRACKS * going.index(place) + track for place in alike for track in range(_TRACKS)]
                part = session if alike == going else engine.fork(session, rows)
                codes = engine.encode(part, np.concatenate([chunks[place] for place in alike]))
                for row, place in enumerate(alike):
                    yield place, codes[_TRACKS * row : _TRACKS * (row + 1)]
                if length == chunk_samples:
                    following = part
                elif part != session:
                    engine.end(part)
            if following is None:
                return
            if following != session:
                engine.end(session)
            going = [place for place in going if place in chunks and chunks[place].shape[1] == chunk_samples]
            session = following
    finally:
        if session is not None:
            engine.end(session)


def _chunks(blocks: Blocks, chunk_samples: int, samples_per_frame: int) -> Iterator[F32]:
    """Cuts a conversation into chunks: float32 [2, chunk_samples], the last filled up with zeros to a whole frame."""
    chunk, filled = np.zeros((_TRACKS, chunk_samples), np.float32), 0
    for pair in blocks:
        start = 0
        while start < len(pair[0]):
            taken = min(len(pair[0]) - start, chunk_samples - filled)
            for row, pcm in zip(chunk, pair, strict=True):
                row[filled : filled + taken] = pcm[start : start + taken]
            start, filled = start + taken, filled + taken
            if filled == chunk_samples:
                yield chunk
                chunk, filled = np.zeros((_TRACKS, chunk_samples), np.float32), 0
    if filled:
        yield chunk[:, : -(-filled // samples_per_frame) * samples_per_frame]
