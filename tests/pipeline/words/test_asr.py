"""Words from the sound: what is heard, and where its times lie."""

import itertools

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.ingest.pieces import speech_pieces
from duologue_pipeline.records import Activity, Recording, Span, Word
from duologue_pipeline.words.asr import RATE_HZ, SpokenWord, transcribe, with_heard_words


class Meter:
    """A recogniser that says how long and how loud each piece is, as one word in its middle."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, str | None]] = []

    def words(self, pcm: npt.NDArray[np.float32], *, language: str | None) -> list[SpokenWord]:
        self.heard.append((pcm.size, language))
        length_s = pcm.size / RATE_HZ
        return [SpokenWord(f"{float(np.abs(pcm).max()):.1f}", length_s / 4, length_s / 2)]


def test_only_speech_is_heard_and_words_stand_where_it_is(recording: Recording) -> None:
    meter = Meter()
    activity = Activity(a=[Span(10_000, 12_000), Span(60_000, 62_000)], b=[Span(30_000, 31_600)], rules="test")
    a, b = transcribe(recording, activity, meter, language="en-US")
    assert a == (Word("0.3", 10_400, 11_000), Word("0.3", 60_400, 61_000))
    assert b == (Word("0.6", 30_300, 30_800),)
    assert meter.heard == [(2400 * 16, "en-US"), (2000 * 16, "en-US"), (2400 * 16, "en-US")]


def test_who_has_words_is_not_listened_to(recording: Recording) -> None:
    meter = Meter()
    activity = Activity(a=[Span(10_000, 12_000)], b=[Span(30_000, 31_600)], rules="test")
    own = (Word("yes", 10_000, 12_000),)
    assert with_heard_words(recording, activity, {"a": own, "b": None}, meter) == {
        "a": own,
        "b": (Word("0.6", 30_300, 30_800),),
    }
    assert meter.heard == [(2000 * 16, None)]
    assert with_heard_words(recording, activity, {"a": own, "b": ()}, meter) == {"a": own, "b": ()}
    assert len(meter.heard) == 1


def test_a_piece_at_the_end_of_the_track_is_heard(recording: Recording) -> None:
    a, _ = transcribe(recording, Activity([Span(69_000, 70_000)], [], "test"), Meter(), language=None)
    assert a == (Word("0.3", 69_100, 69_400),)  # 68.8 to 70.2 s, of which 1.2 s are there


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
