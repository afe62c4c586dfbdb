"""Pieces of speech: what is heard together, and where speech without a pause is cut."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.ingest.pieces import speech_pieces
from duologue_pipeline.records import Span


def test_stretches_close_together_are_heard_together() -> None:
    assert speech_pieces([Span(1000, 2000), Span(3000, 4000), Span(5001, 6000)]) == [Span(800, 4200), Span(4801, 6200)]


def test_silence_between_neighbours_is_shared_and_not_heard_twice() -> None:
    assert speech_pieces([Span(0, 27_000), Span(27_300, 28_000)]) == [Span(0, 27_200), Span(27_200, 28_200)]


def test_speech_without_a_pause_is_cut() -> None:
    assert speech_pieces([Span(500, 60_500)]) == [Span(300, 28_100), Span(28_100, 55_700), Span(55_700, 60_700)]


@given(st.lists(st.integers(1, 40_000), max_size=30))
def test_pieces_cover_all_speech_and_none_is_longer_than_28_s(lengths: list[int]) -> None:
    edges = np.cumsum(lengths).tolist()
    spans = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    pieces = speech_pieces(spans)
    assert all(0 <= piece.start_ms < piece.end_ms <= piece.start_ms + 28_000 for piece in pieces)
    assert all(x.end_ms <= y.start_ms for x, y in itertools.pairwise(pieces))
    covered = {ms for piece in pieces for ms in range(piece.start_ms, piece.end_ms, 1)}
    assert all(span.start_ms in covered and span.end_ms - 1 in covered for span in spans)
