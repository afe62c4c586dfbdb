"""Which words or stretches of speech belong to one inter-pausal unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.records import Span, Word
from duologue_pipeline.words.ipu_ranges import ipu_ranges


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], []),
        ([(0, 100)], [(0, 1)]),
        ([(0, 100), (299, 400)], [(0, 2)]),
        ([(0, 100), (300, 400)], [(0, 1), (1, 2)]),
        ([(0, 1000), (100, 200), (1100, 1200)], [(0, 3)]),
        ([(0, 1000), (100, 200), (1200, 1300)], [(0, 2), (2, 3)]),
    ],
    ids=["nothing", "one", "under 200 ms", "200 ms", "the longest decides", "and from its end"],
)
def test_what_200_ms_separate(times: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    assert ipu_ranges([Span(*time) for time in times], 200) == expected
    assert ipu_ranges([Word("w", *time) for time in times], 200) == expected


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 900)), max_size=12), st.integers(1, 400))
def test_every_place_is_in_one_unit(starts: list[tuple[int, int]], silence_ms: int) -> None:
    spans = sorted(Span(start_ms, start_ms + length_ms) for start_ms, length_ms in starts)
    ranges = ipu_ranges(spans, silence_ms)
    assert [place for first, last in ranges for place in range(first, last)] == list(range(len(spans)))
    ends_ms = [max(span.end_ms for span in spans[first:last]) for first, last in ranges]
    assert all(spans[first].start_ms - end >= silence_ms for (first, _), end in zip(ranges[1:], ends_ms, strict=False))
