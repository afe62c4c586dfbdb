"""Words held against activity: the right track, the wrong one, another clock, nothing to go by."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.records import Activity, Span, Speaker, Word, WordsCheck
from duologue_pipeline.words.check import check_words, explain_check, explain_outside, fitting_words

DURATION_MS = 60_000
A_SPEAKS = [Span(s * 1000 + 137 * (s % 7), s * 1000 + 1600 + 53 * (s % 11)) for s in range(0, 58, 4)]
B_SPEAKS = [Span(s.end_ms + 120 + 40 * (i % 5), s.end_ms + 1300 + 90 * (i % 4)) for i, s in enumerate(A_SPEAKS)]
ACTIVITY = Activity(A_SPEAKS, B_SPEAKS, "test")


def words_over(spans: list[Span], *, shift_ms: int = 0) -> list[Word]:
    """Words of 200 ms that fill the spans."""
    return [
        Word("word", start + shift_ms, min(start + 200, span.end_ms) + shift_ms)
        for span in spans
        for start in range(span.start_ms, span.end_ms, 200)
    ]


def check(words: list[Word], *, speaker: str = "a") -> WordsCheck:
    return check_words(words, ACTIVITY, speaker=speaker, duration_ms=DURATION_MS)


def test_words_that_are_spoken_when_the_speaker_is_heard_fit() -> None:
    assert check(words_over(A_SPEAKS)) == WordsCheck("fits", 1.0, 1.0, 0, check(words_over(A_SPEAKS)).agreement_other)
    assert check(words_over(B_SPEAKS), speaker="b").verdict == "fits"


@pytest.mark.parametrize("shift_ms", [-5000, -1000, -310, 310, 400, 2000])
def test_a_shift_of_more_than_300_ms_is_found_and_measured(shift_ms: int) -> None:
    found = check(words_over(A_SPEAKS, shift_ms=shift_ms))
    assert found.verdict == "shifted"
    assert found.shift_ms == pytest.approx(shift_ms, abs=10)


@pytest.mark.parametrize(("shift_ms", "verdict"), [(-400, "undetermined"), (-590, "undetermined"), (-700, "shifted")])
def test_a_shift_that_the_unknown_delay_of_an_encoder_can_make_is_not_judged(shift_ms: int, verdict: str) -> None:
    """An MP3 at 8 kHz may lie 360 ms late: 250 ms are always allowed, so 610 ms say nothing."""
    words = words_over(A_SPEAKS, shift_ms=shift_ms)
    found = check_words(words, ACTIVITY, speaker="a", duration_ms=DURATION_MS, delay_ms=360)
    assert found.verdict == verdict
    assert ("does not name the delay of its encoder" in explain_check(found, speaker="a")) is (
        verdict == "undetermined"
    )


@pytest.mark.parametrize("shift_ms", [-150, -50, 80, 150])
def test_the_inaccuracy_of_an_aligner_is_no_shift(shift_ms: int) -> None:
    assert check(words_over(A_SPEAKS, shift_ms=shift_ms)).verdict == "fits"


@pytest.mark.parametrize("shift_ms", [0, 500])
def test_a_transcript_on_the_wrong_track_is_found_also_with_another_clock(shift_ms: int) -> None:
    assert check(words_over(B_SPEAKS, shift_ms=shift_ms)).verdict == "wrong_track"


def test_too_few_words_are_not_judged() -> None:
    assert check(words_over(A_SPEAKS)[:9]) == WordsCheck("undetermined")
    assert check([]) == WordsCheck("undetermined")


def test_a_silent_track_is_not_judged() -> None:
    silent = dataclasses.replace(ACTIVITY, a=[])
    found = check_words(words_over(A_SPEAKS), silent, speaker="a", duration_ms=DURATION_MS)
    assert found == WordsCheck("undetermined")


def test_words_of_another_recording_agree_with_nobody() -> None:
    steady = [Word("word", start, start + 250) for start in range(0, DURATION_MS, 500)]
    found = check(steady)
    assert found.verdict == "undetermined"
    assert "at best" in explain_check(found, speaker="a")


def test_what_is_wrong_is_said_with_what_to_do() -> None:
    late = check(words_over(A_SPEAKS, shift_ms=400))
    assert explain_check(late, speaker="a").startswith("the words of a lie 0.4 s after the speech of a (agreement ")
    early = check(words_over(A_SPEAKS, shift_ms=-400))
    assert "0.4 s before the speech of a" in explain_check(early, speaker="a")
    swapped = check(words_over(B_SPEAKS))
    assert explain_check(swapped, speaker="a").endswith("give the transcripts to the right tracks")
    assert explain_check(check(words_over(A_SPEAKS)), speaker="a") == ""


@settings(max_examples=30, deadline=None)
@given(st.permutations(words_over(A_SPEAKS, shift_ms=300)[:60]))
def test_the_order_of_the_words_does_not_matter(words: list[Word]) -> None:
    assert check(words) == check(words_over(A_SPEAKS, shift_ms=300)[:60])


def test_words_that_lie_outside_of_the_recording_are_silence() -> None:
    found = check([*words_over(A_SPEAKS), Word("late", 70_000, 70_500), Word("early", -900, -400)])
    assert found.verdict == "fits"
    assert found.agreement == 1.0


# --- words outside of the audio -------------------------------------------------------------------------------------

AUDIO: dict[Speaker, Span] = {"a": Span(2_000, 58_000), "b": Span(0, DURATION_MS)}


def fitting(a: list[Word], b: list[Word] | None = None) -> tuple[tuple[Word, ...] | None, WordsCheck]:
    """What is kept of the words of a, and what was found of them."""
    words: dict[Speaker, tuple[Word, ...] | None] = {"a": tuple(a), "b": None if b is None else tuple(b)}
    kept, checks = fitting_words(words, ACTIVITY, audio=AUDIO, duration_ms=DURATION_MS)
    return kept["a"], checks["a"]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "inside"),
    [
        (-500, -100, False),
        (1_000, 2_000, False),
        (1_990, 2_001, True),
        (2_000, 2_000, True),
        (1_999, 1_999, False),
        (57_999, 60_500, True),
        (58_000, 58_000, False),
        (57_999, 57_999, True),
        (58_000, 58_400, False),
        (70_000, 70_400, False),
    ],
)
def test_a_word_is_outside_if_no_part_of_it_lies_in_the_audio_of_its_track(
    start_ms: int, end_ms: int, inside: bool
) -> None:
    said = [*words_over(A_SPEAKS[1:-1]), Word("probe", start_ms, end_ms)]
    kept, found = fitting(said)
    assert kept is not None
    assert (Word("probe", start_ms, end_ms) in kept) is inside
    assert (found.given, found.outside, len(kept)) == (len(said), int(not inside), len(said) - int(not inside))
    assert (explain_outside(found, speaker="a") == "") is inside


def test_few_words_outside_are_counted_and_said() -> None:
    said = words_over(A_SPEAKS[1:-1])
    ghosts = [Word("ghost", 3_600_000 + k, 3_600_500 + k) for k in range(3)]
    kept, found = fitting([*said, *ghosts])
    assert (kept, found.verdict) == (tuple(said), "fits")
    assert explain_outside(found, speaker="a").startswith(
        f"3 of the {len(said) + 3} words of a lie before or after the audio of a, and are left out: see that neither"
    )


def test_words_of_which_most_lie_outside_are_not_used() -> None:
    said = words_over(A_SPEAKS[1:-1])
    kept, found = fitting([*said, *(Word("ghost", 3_600_000 + k, 3_600_500 + k) for k in range(len(said) + 1))])
    assert (kept, found.verdict, found.given, found.outside) == (None, "outside", 2 * len(said) + 1, len(said) + 1)
    assert explain_outside(found, speaker="a") == ""
    assert explain_check(found, speaker="a").startswith(
        f"{len(said) + 1} of the {2 * len(said) + 1} words of a lie before or after the audio of a: see that"
    )
