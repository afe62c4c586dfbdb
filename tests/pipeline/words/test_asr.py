"""Words from the sound: what is heard, and where its times lie."""

import numpy as np
import numpy.typing as npt

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
