"""Recognised words against the activity of their track: which are invented, and where the others are put."""

import pytest

from duologue_pipeline.events.annotation import annotate_conversation
from duologue_pipeline.records import Activity, Span, Word
from duologue_pipeline.words.heard import words_in_activity

SPEECH = [Span(1000, 2000), Span(3000, 4000)]


def times(*spoken: tuple[str, int, int], activity: list[Span] = SPEECH) -> list[tuple[str, int, int]]:
    words = [Word(*word) for word in spoken]
    heard = words_in_activity(words, [False] * len(words), activity)
    assert heard.given == len(words)
    return [(word.word, word.start_ms, word.end_ms) for word in heard.words]


def test_words_in_speech_stay_as_they_are() -> None:
    said = [("we", 1000, 1200), ("did", 1200, 1500), ("it", 3400, 3500)]
    assert times(*said) == said


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (1500, 2900, (1500, 2000)),  # stretched over the pause
        (2100, 3300, (3000, 3300)),  # begun in the pause
        (850, 950, (1000, 1040)),  # early by less than a fifth of a second
        (2100, 2190, (1960, 2000)),
        (1900, 3050, (1900, 2000)),  # of two stretches the one that holds more
        (500, 5000, (1000, 2000)),  # or the first
    ],
)
def test_times_are_brought_into_the_speech(start_ms: int, end_ms: int, expected: tuple[int, int]) -> None:
    assert times(("yes", start_ms, end_ms)) == [("yes", *expected)]


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 800), (2200, 2800), (2300, 2300), (4200, 9000)])
def test_a_word_where_nobody_speaks_is_invented(start_ms: int, end_ms: int) -> None:
    words = [Word("so", 1000, 1300), Word("thanks", start_ms, end_ms)]
    heard = words_in_activity(words, [False, False], SPEECH)
    assert (heard.words, heard.given, heard.invented) == ((words[0],), 2, 1)


def test_nobody_heard_means_nothing_said() -> None:
    heard = words_in_activity([Word("thanks", 100, 300)], [False], [])
    assert (heard.words, heard.invented) == ((), 1)


def test_a_pause_within_a_word_does_not_cut_it() -> None:
    assert times(("anything", 1000, 1700), activity=[Span(1000, 1200), Span(1399, 1700)]) == [("anything", 1000, 1700)]
    assert times(("anything", 1000, 1700), activity=[Span(1000, 1200), Span(1400, 1700)]) == [("anything", 1400, 1700)]


def test_words_keep_their_order_and_some_length() -> None:
    """Three words before the speech begins and one in it: all of them lie in it, one after the other."""
    said = [("i", 820, 860), ("don't", 860, 900), ("know", 900, 980), ("why", 980, 1500)]
    assert times(*said) == [("i", 1000, 1040), ("don't", 1040, 1080), ("know", 1080, 1120), ("why", 1120, 1500)]
    crowded = times(*[("a", 1000, 1000)] * 5, activity=[Span(1000, 1100)])
    assert crowded == [("a", 1000 + 20 * k, 1020 + 20 * k) for k in range(5)]


def test_no_word_lies_in_an_earlier_stretch_than_the_word_before_it() -> None:
    assert times(("and", 1950, 3400), ("then", 1960, 2100)) == [("and", 3000, 3400)]


def test_what_the_recogniser_doubts_is_invented() -> None:
    words = [Word("so", 1000, 1300), Word("so", 1300, 1500)]
    heard = words_in_activity(words, [False, True], SPEECH)
    assert (heard.words, heard.invented) == ((words[0],), 1)


def test_what_nobody_can_say_so_fast_is_invented() -> None:
    """A cough of a tenth of a second, which is heard as a sentence."""
    words = [Word(word, 1000 + 20 * k, 1020 + 20 * k) for k, word in enumerate(["thank", "you", "for", "watching"])]
    assert words_in_activity(words, [False] * 4, [Span(1000, 1040)]).words == ()
    assert len(words_in_activity(words, [False] * 4, [Span(1000, 1500)]).words) == 4
    assert len(words_in_activity([Word("yeah", 1000, 1040)], [False], [Span(1000, 1040)]).words) == 1


@pytest.mark.parametrize(
    ("confidences", "end_ms", "kept"),
    [((0.6, 0.3), 1500, 0), ((0.6, 0.5), 1500, 2), ((0.6, 0.3), 1501, 2), ((None, None), 1500, 2)],
)
def test_the_words_of_a_short_stretch_that_are_rather_wrong_are_left_out(
    confidences: tuple[float | None, ...], end_ms: int, kept: int
) -> None:
    words = [Word("come", 1000, 1200, confidences[0]), Word("hum", 1200, 1400, confidences[1])]
    heard = words_in_activity(words, [False, False], [Span(1000, end_ms)])
    assert (len(heard.words), heard.invented) == (kept, 2 - kept)


def test_a_short_answer_that_was_not_recognised_stays_an_event_of_the_activity() -> None:
    """b says "mm-hm" at 5 s while a talks; the recogniser gives words for everything else."""
    activity = Activity(a=[Span(0, 10_000)], b=[Span(5000, 5400), Span(11_000, 14_000)], rules="test")
    said = {
        "a": [Word("well", 500 * k, 500 * k + 400) for k in range(20)],
        "b": [Word("then", 11_000 + 500 * k, 11_400 + 500 * k) for k in range(6)],
    }
    heard = {s: words_in_activity(said[s], [False] * len(said[s]), getattr(activity, s)) for s in said}
    assert [found.invented for found in heard.values()] == [0, 0]
    annotation = annotate_conversation(
        activity=activity, words_a=heard["a"].words, words_b=heard["b"].words, duration_ms=15_000, language="en"
    )
    (event,) = [event for event in annotation.events if event.kind == "backchannel"]
    assert (event.speaker, event.start_ms, event.end_ms, event.source) == ("b", 5000, 5400, "activity")


@pytest.mark.parametrize(
    ("confidences", "end_ms", "marks"),
    [
        ((0.9, 0.8), 1600, ("unsure",)),
        ((0.9, 0.9), 1600, ()),
        ((0.9, 0.8), 1601, ()),
        ((None, None), 1600, ()),
    ],
)
def test_the_words_of_a_short_stretch_that_are_not_quite_sure_are_marked(
    confidences: tuple[float | None, ...], end_ms: int, marks: tuple[str, ...]
) -> None:
    words = [Word("come", 1000, 1200, confidences[0]), Word("hum", 1200, 1500, confidences[1])]
    heard = words_in_activity(words, [False, False], [Span(1000, end_ms)])
    assert [word.marks for word in heard.words] == [marks, marks]


@pytest.mark.parametrize(
    ("word", "marks", "role", "source"),
    [
        ("uh-huh", (), "continuer", "both"),
        ("uh-huh", ("unsure",), "continuer", "both"),
        ("arizona", ("unsure",), "", "both"),
        ("arizona", (), None, None),
    ],
)
def test_unsure_words_may_say_that_an_answer_is_a_backchannel_and_never_that_it_is_none(
    word: str, marks: tuple[str, ...], role: str | None, source: str | None
) -> None:
    """b says something short at 5 s while a talks; by timing it is a backchannel."""
    annotation = annotate_conversation(
        activity=Activity(a=[Span(0, 10_000)], b=[Span(5000, 5400)], rules="test"),
        words_a=[Word("well", 500 * k, 500 * k + 400) for k in range(20)],
        words_b=[Word(word, 5000, 5400, 0.7, marks=marks)],
        duration_ms=15_000,
        language="en",
    )
    found = [(event.subtype or "", event.source) for event in annotation.events if event.kind == "backchannel"]
    assert found == ([] if role is None else [(role, source)])
    assert annotation.words_b is not None
    assert ("backchannel" in annotation.words_b[0].tags) == (role is not None)
