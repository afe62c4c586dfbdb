"""Words and turns of a sample: which it owns, on which frames, in which order."""

from duologue_pipeline.views.words import Turn, has_transcript, own_words, text_of_turn, turns
from tests.pipeline.views.build import make_sample

WORDS = [
    ("a", "cut", -0.1, 0.2),
    ("a", " two ", 0.3, 0.4),
    ("b", "other", 0.3, 0.4),
    ("a", "one", 0.1, 0.2),
    ("a", "last", 0.799, 0.9),
    ("a", "next", 0.8, 0.9),
]


def test_a_word_belongs_to_the_sample_in_which_it_begins() -> None:
    words = own_words(make_sample(words=WORDS, frames=10), "a")
    assert [(word.text, word.start_s, word.start_ms) for word in words] == [
        ("one", 0.1, 100),
        ("two", 0.3, 300),
        ("last", 0.799, 799),
    ]


def test_nothing_is_known_without_a_transcript_or_after_a_withdrawal() -> None:
    untold = make_sample(words=WORDS, transcripts={"a": False})
    assert not has_transcript(untold, "a")
    assert has_transcript(untold, "b")
    assert own_words(untold, "a") == []
    assert own_words(make_sample(words=WORDS, withdrawn="a"), "a") == []


def test_turns_are_clipped_to_the_sample_and_sorted() -> None:
    spans = [
        ("b", 0.4, 0.7),
        ("b", 0.16, 0.24),
        ("a", 0.161, 0.241),
        ("a", -0.5, 0.08),
        ("a", 0.7, 2.0),
        ("b", -0.5, 0.0),
    ]
    assert turns(make_sample(turns=spans, frames=10)) == [
        Turn("a", -500, 80, 0, 1),
        Turn("b", 160, 240, 2, 3),
        Turn("a", 161, 241, 2, 4),
        Turn("b", 400, 700, 5, 9),
        Turn("a", 700, 2000, 8, 10),
    ]


def test_the_text_of_a_turn_is_the_words_that_begin_in_it() -> None:
    sample = make_sample(words=[*WORDS, ("a", " ", 0.35, 0.4)], frames=10)
    words = {"a": own_words(sample, "a"), "b": own_words(sample, "b")}
    assert text_of_turn(Turn("a", -100, 800, 0, 10), words) == "one two last"  # type: ignore[arg-type]
    assert text_of_turn(Turn("a", 100, 300, 1, 4), words) == "one"  # type: ignore[arg-type]
