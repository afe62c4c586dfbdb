"""Chooses the pieces of a recording that a second opinion listens to, and cuts them out of it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.records import IsolationReport, Recording, Span
from duologue_pipeline.rules.second_opinion import SecondOpinionRules

__all__ = ["cut_spans", "exchange_windows", "solo_pieces", "spread_windows"]

F32 = npt.NDArray[np.float32]


def exchange_windows(
    report: IsolationReport, *, window_ms: int, duration_ms: int, rules: SecondOpinionRules
) -> list[Span]:
    """Chooses windows around moments at which one speaker follows the other: both are near, one is in the track."""
    turns = sorted(
        [(span, "a") for span in report.b_from_a.spans] + [(span, "b") for span in report.a_from_b.spans],
        key=lambda turn: (turn[0].start_ms, turn[1]),
    )
    centres = [
        (left.end_ms + right.start_ms) // 2
        for (left, before), (right, after) in pairwise(turns)
        if before != after and right.start_ms - left.end_ms <= 1000 * rules.exchange_gap_s
    ]
    return [
        _window(centre - window_ms // 2, window_ms, duration_ms) for centre in _some(centres, rules.exchange_windows)
    ]


def spread_windows(number: int, *, window_ms: int, duration_ms: int) -> list[Span]:
    """Chooses windows at even distances: as many as fit beside each other, and at most ``number``."""
    number = max(1, min(number, duration_ms // window_ms))
    return [
        _window(int((place + 0.5) * duration_ms / number) - window_ms // 2, window_ms, duration_ms)
        for place in range(number)
    ]


def solo_pieces(spans: Iterable[Span], rules: SecondOpinionRules) -> list[Span]:
    """Chooses the longest stretches in which one speaker is alone, and cuts each to what a model needs.

    Returns:
        In order of time.
    """
    longest = sorted(spans, key=lambda span: (-span.duration_ms, span.start_ms))[: rules.pieces]
    return sorted(
        Span(span.start_ms, min(span.end_ms, span.start_ms + round(1000 * rules.max_piece_s)))
        for span in longest
        if span.duration_ms >= 1000 * rules.min_piece_s
    )


def _window(start_ms: int, window_ms: int, duration_ms: int) -> Span:
    start_ms = max(0, min(start_ms, duration_ms - window_ms))
    return Span(start_ms, start_ms + window_ms)


def _some(items: Sequence[int], number: int) -> list[int]:
    """Chooses at most ``number`` items, evenly."""
    if len(items) <= number:
        return list(items)
    return [items[place * len(items) // number] for place in range(number)]


def cut_spans(recording: Recording, spans: Sequence[Span], *, rate_hz: int, whole_ms: int | None = None) -> list[F32]:
    """Decodes a recording once and cuts spans out of it.

    Args:
        recording: whose tracks are decoded.
        spans: in milliseconds of the conversation.
        rate_hz: sample rate of the result.
        whole_ms: length of every cut; that of its span if None.

    Returns:
        float32 [2, T] in [-1, 1] of each span, with zeros behind the recording's end.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    starts = [span.start_ms * rate_hz // 1000 for span in spans]
    lengths = [(whole_ms or span.duration_ms) * rate_hz // 1000 for span in spans]
    cuts = [np.zeros((2, length), np.float32) for length in lengths]
    position = 0
    for pair in conversation_blocks(recording, rate_hz=rate_hz):
        block = np.stack(pair)
        end = position + block.shape[1]
        for start, cut in zip(starts, cuts, strict=True):
            first, last = max(start, position), min(start + cut.shape[1], end)
            if first < last:
                cut[:, first - start : last - start] = block[:, first - position : last - position]
        position = end
    return cuts
