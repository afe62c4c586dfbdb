"""Cuts on the frame grid: nothing lost, nothing twice, no piece too short."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.tokens.segments import Segment, cut_segments

Codes = npt.NDArray[np.uint16]


def frames(count: int) -> Codes:
    """Codes uint16 [2, 3, count] of which no two frames are alike."""
    return np.arange(6 * count, dtype=np.uint16).reshape(2, 3, count)


def cut(count: int, *, segment: int, shortest: int) -> list[tuple[int, int]]:
    """Where ``count`` frames that come in one block are cut."""
    cuts = cut_segments([frames(count)], segment_frames=segment, shortest_frames=shortest)
    return [(s.start_frame, s.end_frame) for s, _ in cuts]


@given(
    sizes=st.lists(st.integers(0, 40), max_size=20),
    segment=st.integers(1, 50),
    shortest=st.integers(1, 60),
)
def test_joining_the_cuts_gives_the_whole_whatever_the_blocks(sizes: list[int], segment: int, shortest: int) -> None:
    whole = frames(sum(sizes))
    blocks = np.split(whole, np.cumsum(sizes)[:-1], axis=-1) if sizes else []
    cuts = list(cut_segments(blocks, segment_frames=segment, shortest_frames=shortest))
    joined = np.concatenate([codes for _, codes in cuts], axis=-1) if cuts else whole[..., :0]
    np.testing.assert_array_equal(joined, whole)
    bounds = [0, *(s.end_frame for s, _ in cuts)]
    assert [s for s, _ in cuts] == [
        Segment(index, start, end) for index, (start, end) in enumerate(itertools.pairwise(bounds))
    ]
    assert all(codes.shape == (2, 3, s.frames) for s, codes in cuts)
    assert all(s.frames == segment for s, _ in cuts[:-1])
    assert all(s.frames < segment + shortest for s, _ in cuts)
    assert len(cuts) < 2 or cuts[-1][0].frames >= shortest
    assert [s for s, _ in cuts] == [
        s for s, _ in cut_segments([whole], segment_frames=segment, shortest_frames=shortest)
    ]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [(0, 1)]),
        (25, [(0, 25)]),
        (36, [(0, 36)]),
        (37, [(0, 25), (25, 37)]),
        (50, [(0, 25), (25, 50)]),
        (61, [(0, 25), (25, 61)]),
        (62, [(0, 25), (25, 50), (50, 62)]),
    ],
)
def test_a_rest_shorter_than_twelve_frames_joins_the_segment_before_it(
    count: int, expected: list[tuple[int, int]]
) -> None:
    assert cut(count, segment=25, shortest=12) == expected


def test_segments_are_given_while_the_codes_come_in() -> None:
    taken = 0

    def blocks() -> object:
        nonlocal taken
        for _ in range(10):
            taken += 1
            yield frames(10)

    cuts = cut_segments(blocks(), segment_frames=20, shortest_frames=5)  # type: ignore[arg-type]
    next(cuts)
    assert taken == 3
