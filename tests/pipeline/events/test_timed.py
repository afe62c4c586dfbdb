"""Words without times of their own: tagged and counted, and no event is made of their times."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.records import Activity, Span, Speaker, Vocalisation, Word

TALK = [
    Word(word, 200 * k, 200 * k + 200)
    for k, word in enumerate(["we", "drove", "up", "to", "the", "the", "lake", "uh", "it", "was", "cold"])
]
OF_WORDS = ("filler", "hesitation", "repetition", "false_start", "self_correction", "laughter", "co_completion")


def annotate(
    a: Sequence[Word],
    *,
    heard: Activity | None = None,
    transcribed: dict[Speaker, Sequence[Span] | None] | None = None,
) -> Annotation:
    return annotate_conversation(
        activity=heard, words_a=a, words_b=None, duration_ms=20_000, language="en", transcribed=transcribed or {}
    )


def of(timing: str, words: Sequence[Word] = TALK) -> list[Word]:
    return [replace(word, timing=timing) for word in words]


def kinds(found: Annotation) -> list[str]:
    return [event.kind for event in found.events if event.kind in OF_WORDS]


HEARD = Activity([Span(0, 2300)], [Span(3000, 3400)], "2.0")


def test_word_times_make_events_as_before() -> None:
    assert sorted(kinds(annotate(TALK, heard=HEARD))) == ["filler", "repetition"]


@pytest.mark.parametrize("timing", ["utterance", "interpolated"])
def test_other_times_make_no_events_and_all_tags(timing: str) -> None:
    found, timed = annotate(of(timing), heard=HEARD), annotate(TALK, heard=HEARD)
    assert kinds(found) == []
    assert {event.source for event in found.events} == {"activity"}
    assert found.words_a is not None
    assert timed.words_a is not None
    assert [[tag for tag in word.tags if tag != "untimed"] for word in found.words_a] == [
        list(word.tags) for word in timed.words_a
    ]
    assert all("untimed" in word.tags for word in found.words_a)
    assert found.statistics.words_a == len(TALK)


def test_without_activity_there_must_be_a_word_with_a_time_of_its_own() -> None:
    with pytest.raises(ValueError, match="no word has a time of its own"):
        annotate(of("utterance"))


def test_in_a_mixed_track_only_what_touches_an_untimed_word_makes_no_event() -> None:
    mixed = [replace(word, timing="interpolated") if word.word == "uh" else word for word in TALK]
    assert kinds(annotate(mixed, heard=HEARD)) == ["repetition"]
    mixed = [replace(word, timing="interpolated") if k == 5 else word for k, word in enumerate(TALK)]
    found = annotate(mixed, heard=HEARD)
    assert kinds(found) == ["filler"]
    assert found.words_a is not None
    assert [word.tags for word in found.words_a[4:7]] == [("reparandum",), ("repair", "untimed"), ()]


def test_the_parts_of_a_disfluency_keep_their_times_beside_untimed_words() -> None:
    mixed = [replace(word, timing="interpolated") if k == 0 else word for k, word in enumerate(TALK)]
    (event,) = (event for event in annotate(mixed, heard=HEARD).events if event.kind == "repetition")
    assert (event.reparandum, event.repair) == (Span(800, 1000), Span(1000, 1200))


def test_a_backchannel_tag_lies_on_the_word_that_is_one() -> None:
    b = [Word("so", 5000, 5200, timing="interpolated"), Word("uh-huh", 900, 1100)]
    found = annotate_conversation(activity=None, words_a=TALK, words_b=b, duration_ms=9000, language="en")
    assert found.words_b is not None
    assert [word.tags for word in found.words_b] == [("untimed",), ("backchannel",)]


def test_marks_of_a_transcript_become_tags() -> None:
    said = [
        Word("[noise]", 0, 100, marks=("noise",)),
        Word("[laughter]", 200, 300, marks=("laughter",)),
        Word("th-", 400, 500, marks=("partial", "unsure")),
    ]
    found = annotate(said)
    assert found.words_a is not None
    assert [set(word.tags) >= set(word.marks) for word in found.words_a] == [True, True, True]
    assert [word.marks for word in found.words_a] == [word.marks for word in said]


def test_outside_of_what_was_transcribed_the_signal_tells_of_laughter() -> None:
    sounds = (Vocalisation("laughter", 500, 900, 0.4), Vocalisation("laughter", 9000, 9500, 0.4))
    heard = replace(HEARD, a=[Span(0, 2300), Span(9000, 9500)], vocalisations_a=sounds)
    assert [e for e in annotate(TALK, heard=heard).events if e.kind == "laughter"] == []
    found = annotate(TALK, heard=heard, transcribed={"a": [Span(0, 3000)], "b": None})
    assert [(e.start_ms, e.source) for e in found.events if e.kind == "laughter"] == [(9000, "activity")]
