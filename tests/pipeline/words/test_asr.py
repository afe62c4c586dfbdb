"""Words from the sound: what is heard, in which groups, and where its times lie."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.records import Activity, HeardWords, Recording, Span, Word
from duologue_pipeline.words.asr import GROUP_S, RATE_HZ, SpokenWord, add_word, recognised_words, transcribe


class Meter:
    """A recogniser that says how loud each piece is, as one word in its middle, and notes what it was given."""

    def __init__(self, language: str = "") -> None:
        self._language = language  # the only one that it knows
        self.heard: list[tuple[list[int], str | None]] = []

    def knows(self, language: str | None) -> bool:
        return self._language in ("", language)

    def words(
        self, pieces: Sequence[npt.NDArray[np.float32]], *, language: str | None
    ) -> Sequence[Sequence[SpokenWord]]:
        self.heard.append(([pcm.size for pcm in pieces], language))
        return [
            [SpokenWord(f"{float(np.abs(pcm).max()):.1f}", pcm.size / RATE_HZ / 4, pcm.size / RATE_HZ / 2, 0.98765)]
            for pcm in pieces
        ]


def test_only_speech_is_heard_and_words_stand_where_it_is(recording: Recording) -> None:
    meter = Meter()
    activity = Activity(a=[Span(10_000, 12_000), Span(60_000, 62_000)], b=[Span(30_000, 31_600)], rules="test")
    heard = transcribe(recording, activity, meter, language="en-US")
    assert heard == {
        "a": HeardWords((Word("0.3", 10_400, 11_000, 0.988), Word("0.3", 60_400, 61_000, 0.988)), given=2),
        "b": HeardWords((Word("0.6", 30_300, 30_800, 0.988),), given=1),
    }
    assert meter.heard == [([2400 * 16, 2400 * 16], "en-US"), ([2000 * 16], "en-US")]


def test_who_has_words_is_not_listened_to(recording: Recording) -> None:
    meter = Meter()
    activity = Activity(a=[Span(10_000, 12_000)], b=[Span(30_000, 31_600)], rules="test")
    own = (Word("yes", 10_000, 12_000),)
    assert recognised_words(recording, activity, {"a": own, "b": None}, meter) == {
        "b": HeardWords((Word("0.6", 30_300, 30_800, 0.988),), given=1)
    }
    assert meter.heard == [([2000 * 16], None)]
    assert recognised_words(recording, activity, {"a": own, "b": ()}, meter) == {}
    assert len(meter.heard) == 1


def test_a_language_that_the_model_does_not_know_is_not_listened_to(recording: Recording) -> None:
    meter, activity = Meter("de"), Activity(a=[Span(10_000, 12_000)], b=[], rules="test")
    assert recognised_words(replace(recording, language="en"), activity, {"a": None, "b": None}, meter) == {}
    assert meter.heard == []
    assert set(recognised_words(replace(recording, language="de"), activity, {"a": None, "b": None}, meter)) == {
        "a",
        "b",
    }


def test_a_piece_at_the_end_of_the_track_is_heard(recording: Recording) -> None:
    heard = transcribe(recording, Activity([Span(69_000, 70_000)], [], "test"), Meter(), language=None)
    assert heard["a"].words == (Word("0.3", 69_100, 69_400, 0.988),)  # 68.8 to 70.2 s, of which 1.2 s are there
    assert heard["b"] == HeardWords((), given=0)


def test_a_long_track_is_heard_in_groups(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: no group is longer than the limit, and none is cut that would fit."""
    monkeypatch.setattr("duologue_pipeline.words.asr.GROUP_S", 5)
    meter = Meter()
    spans = [Span(start, start + 1600) for start in range(2000, 60_000, 4000)]
    heard = transcribe(recording, Activity(spans, [], "test"), meter, language=None)
    assert [len(sizes) for sizes, _ in meter.heard] == [2] * 7 + [1]
    assert [word.start_ms for word in heard["a"].words] == [span.start_ms + 300 for span in spans]
    assert GROUP_S >= 28  # the longest piece


def test_what_begins_with_a_hyphen_and_no_blank_belongs_to_the_word_before() -> None:
    words: list[SpokenWord] = []
    for text, start_s, end_s in (
        (" Uh", 0.0, 0.2),
        ("-huh.", 0.2, 0.5),
        (" -", 0.5, 0.6),
        (" that", 0.6, 0.7),
        ("'s", 0.7, 0.8),
    ):
        add_word(words, text, start_s, end_s, confidence=0.5)
    assert words == [SpokenWord("Uh-huh.", 0.0, 0.5, 0.5), SpokenWord("that's", 0.6, 0.8, 0.5)]
    first: list[SpokenWord] = []
    add_word(first, "-huh", 0.0, 0.2)
    assert first == [SpokenWord("-huh", 0.0, 0.2)]
