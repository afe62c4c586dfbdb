"""Cuts a conversation into segments, one a sample, on the codec's frame grid."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["SHORTEST_S", "Segment", "cut_segments"]

SHORTEST_S = 1.0
"""A rest shorter than this at the end of a conversation joins the segment before it."""

Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Segment:
    """Holds the token frames ``[start_frame, end_frame)`` of a conversation; ``index`` counts from 0."""

    index: int
    start_frame: int
    end_frame: int

    @property
    def frames(self) -> int:
        """Counts its token frames."""
        return self.end_frame - self.start_frame


def cut_segments(
    blocks: Iterable[Codes], *, segment_frames: int, shortest_frames: int
) -> Iterator[tuple[Segment, Codes]]:
    """Cuts a stream of code frames into segments while it comes in.

    Args:
        blocks: uint16 [2, K, F] each, indices of K codebooks of ``a`` and ``b``, any F, in order.
        segment_frames: length of a segment in token frames, at least 1.
        shortest_frames: at least 1; a last piece shorter than this joins the one before.

    Yields:
        (segment, codes): uint16 [2, K, segment.frames]. Every frame is in exactly one segment.
    """
    held: list[Codes] = []
    held_frames = 0
    index = start = 0
    for block in blocks:
        held.append(block)
        held_frames += block.shape[-1]
        while held_frames >= segment_frames + shortest_frames:
            joined = np.concatenate(held, axis=-1)
            yield Segment(index, start, start + segment_frames), joined[..., :segment_frames]
            held, held_frames = [joined[..., segment_frames:]], held_frames - segment_frames
            index, start = index + 1, start + segment_frames
    if not held_frames:
        return
    joined = np.concatenate(held, axis=-1)
    # What is held is at most a segment and a rest too short to stand alone.
    yield Segment(index, start, start + held_frames), joined
