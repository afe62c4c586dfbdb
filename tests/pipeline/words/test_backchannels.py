"""Backchannels from words: what counts, what context forbids, and the languages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.records import Word
from duologue_pipeline.words.backchannels import BackchannelIpu, backchannel_ipus
from duologue_pipeline.words.lexicon import NO_LEXICON, Lexicon, load_lexicon
from duologue_pipeline.words.track import track_words


def say(text: str, start_ms: int) -> list[Word]:
    """Words of 200 ms one after the other."""
    return [Word(word, start_ms + 200 * i, start_ms + 200 * i + 200) for i, word in enumerate(text.split())]


STORY = say("we drove up to the lake and then we walked around it for an hour or two", 0)  # until 3.4 s


def found_in(
    own: list[Word], other: list[Word], *, lexicon: Lexicon, assessments: bool = False
) -> list[BackchannelIpu]:
    return backchannel_ipus(track_words(own, lexicon), track_words(other, lexicon), assessments=assessments)


def types(text: str, *, at_ms: int = 1000, other: list[Word] | None = None, language: str | None = "en") -> list[str]:
    found = found_in(
        say(text, at_ms), STORY if other is None else other, lexicon=load_lexicon(language), assessments=True
    )
    return [unit.type for unit in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uh-huh", ["continuer"]),
        ("Yeah.", ["acknowledgement"]),
        ("really", ["reaction"]),
        ("oh wow", ["assessment"]),
        ("oh okay", ["reaction"]),
        ("yeah uh-huh", ["acknowledgement"]),
        ("uh-huh [laughter]", ["continuer"]),
        ("[laughter-yeah]", ["acknowledgement"]),
        ("[laughter]", []),
        ("yeah we did", []),
        ("and", []),
        ("yeah yeah yeah yeah yeah yeah yeah", []),
    ],
)
def test_the_words_decide(text: str, expected: list[str]) -> None:
    assert types(text) == expected


def test_what_is_found() -> None:
    own = [*say("we did", 0), *say("oh okay", 2000)]
    assert found_in(own, STORY, lexicon=load_lexicon("en")) == [BackchannelIpu("reaction", 2, 4, 2000, 2400, 0.8)]


def test_assessments_are_left_out_unless_asked_for() -> None:
    assert found_in(say("wow", 1000), STORY, lexicon=load_lexicon("en")) == []


def test_in_silence_after_the_other() -> None:
    assert types("uh-huh", at_ms=3700) == ["continuer"]


def test_long_after_the_other_has_stopped() -> None:
    assert types("uh-huh", at_ms=5899) == ["continuer"]
    assert types("uh-huh", at_ms=5900) == []  # 2.5 s after the end of the story


def test_the_other_says_nothing() -> None:
    assert types("uh-huh", other=[]) == []


@pytest.mark.parametrize(("previous_ms", "count"), [(301, 0), (300, 1)])
def test_the_end_of_an_own_turn(previous_ms: int, count: int) -> None:
    own = [*say("we did", previous_ms), *say("right", 1000)]
    assert len(found_in(own, STORY, lexicon=load_lexicon("en"))) == count


def test_an_own_turn_may_follow() -> None:
    own = [*say("yeah", 1000), *say("we did", 1400)]
    assert [unit.start_ms for unit in found_in(own, STORY, lexicon=load_lexicon("en"))] == [1000]


def test_two_backchannels_in_a_row_are_no_turn() -> None:
    own = [*say("yeah", 1000), *say("uh-huh", 1420)]
    assert [unit.type for unit in found_in(own, STORY, lexicon=load_lexicon("en"))] == [
        "acknowledgement",
        "continuer",
    ]


@pytest.mark.parametrize(
    ("question", "count"),
    [("do you like it", 0), ("it is late isn't it", 0), ("what you like is it", 0), ("you like what you do", 1)],
)
@pytest.mark.parametrize("answer", ["yeah", "uh-huh", "oh"])
def test_a_response_after_a_question_is_an_answer(question: str, count: int, answer: str) -> None:
    assert len(types(answer, at_ms=1400, other=say(question, 0))) == count


@pytest.mark.parametrize(("at_ms", "count"), [(1800, 0), (1801, 1)])
def test_an_answer_comes_within_a_second(at_ms: int, count: int) -> None:
    assert len(types("yeah", at_ms=at_ms, other=say("do you like", 200))) == count


def test_while_the_other_goes_on_there_is_no_answer() -> None:
    assert types("yeah", at_ms=600, other=say("do you like it because we did", 0)) == ["acknowledgement"]


def test_yes_counts_only_while_the_other_goes_on() -> None:
    assert types("yes", at_ms=1050) == ["acknowledgement"]
    assert types("oh yes", at_ms=1050) == ["reaction"]
    assert types("yes", at_ms=3600) == []
    assert types("oh yes", at_ms=3600) == []


@pytest.mark.parametrize("noise", ["[laughter]", "[vocalized-noise]", "<breath>", "haha"])
def test_laughter_and_noise_are_no_own_turn(noise: str) -> None:
    own = [*say(noise, 700), *say("yeah", 1200), *say(noise, 1610)]
    found = found_in(own, STORY, lexicon=load_lexicon("en"))
    assert found == [BackchannelIpu("acknowledgement", 1, 2, 1200, 1400, 0.85)]


def test_an_ipu_without_known_words_is_an_own_turn() -> None:
    own = [Word("", 0, 800), *say("yeah", 1000)]
    assert found_in(own, STORY, lexicon=load_lexicon("en")) == []


def test_what_a_transcript_could_not_understand_is_told_by_timing() -> None:
    assert types("[unintelligible]") == [""]
    assert types("[unintelligible] uh-huh") == ["continuer"]
    assert types("[noise]") == []
    assert types("[unintelligible] [unintelligible] [unintelligible] [unintelligible]") == []  # .8 s


def test_an_ipu_without_known_words_is_told_by_timing() -> None:
    found = found_in([Word("", 1000, 1400)], STORY, lexicon=load_lexicon("en"))
    assert found == [BackchannelIpu("", 0, 1, 1000, 1400, 0.9)]


@pytest.mark.parametrize(
    ("text", "own_at_ms", "expected"),
    [
        ("uh-huh", None, 0.95),
        ("uh-huh", 2199, 0.75),  # an own turn begins less than a second after it
        ("uh-huh", 2200, 0.95),
        ("yeah", None, 0.85),
        ("yeah", 2199, 0.65),
        ("really", None, 0.8),
        ("really", 2199, 0.45),
        ("oh wow", None, 0.8),  # an assessment, as a reaction
    ],
)
def test_how_sure_words_are(text: str, own_at_ms: int | None, expected: float) -> None:
    own = [*say(text, 1000), *(say("we did", own_at_ms) if own_at_ms else ())]
    found = found_in(own, STORY, lexicon=load_lexicon("en"), assessments=True)
    assert [unit.confidence for unit in found] == [expected]


def test_an_own_backchannel_nearby_makes_words_no_less_sure() -> None:
    found = found_in(say("yeah", 1000) + say("uh-huh", 1420), STORY, lexicon=load_lexicon("en"))
    assert [unit.confidence for unit in found] == [0.85, 0.95]


@pytest.mark.parametrize(
    ("end_ms", "next_ms", "expected"),
    [(1450, None, 0.9), (1451, None, 0.7), (1450, 2449, 0.6), (1450, 2450, 0.9), (1750, 2749, 0.4)],
)
def test_how_sure_timing_is(end_ms: int, next_ms: int | None, expected: float) -> None:
    own = [Word("pois", 1000, end_ms), *(say("fala", next_ms) if next_ms else ())]
    assert found_in(own, STORY, lexicon=NO_LEXICON)[0].confidence == expected


@pytest.mark.parametrize(
    ("text", "at_ms", "before_ms", "after_ms", "count"),
    [
        ("pois", 1000, None, None, 1),
        ("pois é", 1000, None, None, 1),
        ("p o i", 1000, None, None, 1),  # a transcript that cuts words into letters
        ("si si si", 1000, None, None, 1),
        ("si si si si", 1000, None, None, 0),  # four words
        ("[laughter]", 1000, None, None, 0),  # no speech
        ("pois", 1000, 200, None, 1),  # own speech ends 600 ms before
        ("pois", 1000, 201, None, 0),
        ("pois", 1000, None, 1500, 1),  # own speech begins 300 ms after
        ("pois", 1000, None, 1499, 0),
        ("pois", 500, None, None, 1),  # the other has spoken for 500 ms
        ("pois", 499, None, None, 0),
        ("pois", 3400, None, None, 0),  # the other says nothing more
    ],
)
def test_without_a_lexicon_timing_tells(
    text: str, at_ms: int, before_ms: int | None, after_ms: int | None, count: int
) -> None:
    around = [say("fala", time_ms) for time_ms in (before_ms, after_ms) if time_ms is not None]
    own = sorted([*say(text, at_ms), *(word for words in around for word in words)], key=lambda word: word.start_ms)
    found = found_in(own, STORY, lexicon=NO_LEXICON)
    assert len([unit for unit in found if unit.start_ms == at_ms]) == count


@pytest.mark.parametrize(("ms", "count"), [(750, 1), (751, 0)])
def test_without_a_lexicon_a_backchannel_lasts_750_ms(ms: int, count: int) -> None:
    assert len(found_in([Word("pois", 1000, 1000 + ms)], STORY, lexicon=NO_LEXICON)) == count


@pytest.mark.parametrize(("at_ms", "count"), [(4900, 1), (4901, 0)])
def test_without_a_lexicon_the_other_has_spoken_for_half_a_second_of_the_last_two(at_ms: int, count: int) -> None:
    other = [*STORY, *say("e depois", 6000)]  # the story ends at 3.4 s
    assert len(found_in(say("pois", at_ms), other, lexicon=NO_LEXICON)) == count


@pytest.mark.parametrize(("resumes_ms", "count"), [(6600, 1), (6601, 0)])
def test_without_a_lexicon_the_other_goes_on_within_three_seconds(resumes_ms: int, count: int) -> None:
    other = [*STORY, *say("e depois", resumes_ms)]
    assert len(found_in(say("pois", 3400), other, lexicon=NO_LEXICON)) == count


def test_without_a_lexicon_own_speech_before_the_other_resumes_is_a_turn() -> None:
    own = [*say("pois", 3400), *say("fala", 4000)]
    assert found_in(own, [*STORY, *say("e depois", 4500)], lexicon=NO_LEXICON) == []


@pytest.mark.parametrize(
    ("language", "other", "own", "expected"),
    [
        ("ja", "昨日 湖 へ 行って それで", "うん", ["continuer"]),
        ("ja", "昨日 湖 へ 行って それで", "うん うん", ["continuer"]),
        ("ja", "昨日 湖 へ 行って それで", "そう なんだ", ["acknowledgement"]),
        ("zh", "我们 昨天 去 了 湖边 然后", "对对 对", ["acknowledgement"]),
        ("de", "wir sind dann an den see gefahren und", "mhm genau", ["acknowledgement"]),
        ("es", "fuimos al lago y después", "ajá", ["continuer"]),
        ("fr", "on est allés au lac et puis", "ah oui d'accord", ["acknowledgement"]),
        ("ko", "어제 호수에 갔는데 거기서", "네 네", ["acknowledgement"]),
        (None, "we went to the lake and then", "uh-huh", [""]),
        ("pt", "fomos ao lago e depois", "pois", [""]),
    ],
)
def test_languages(language: str | None, other: str, own: str, expected: list[str]) -> None:
    assert types(own, at_ms=500, other=say(other, 0), language=language) == expected


@given(
    own=st.lists(st.sampled_from(["yeah", "oh", "uh-huh", "we", "did", "[laughter]"]), max_size=12),
    silences_ms=st.lists(st.integers(0, 700), min_size=12, max_size=12),
)
def test_units_are_in_order_and_within_the_words(own: list[str], silences_ms: list[int]) -> None:
    words: list[Word] = []
    for text, silence_ms in zip(own, silences_ms, strict=False):
        start_ms = words[-1].end_ms + silence_ms if words else silence_ms
        words.append(Word(text, start_ms, start_ms + 200))
    found = found_in(words, STORY, lexicon=load_lexicon("en"))
    assert all(words[unit.start].start_ms == unit.start_ms for unit in found)
    assert all(words[unit.end - 1].end_ms == unit.end_ms for unit in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
