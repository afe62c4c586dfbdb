"""Units: every word lies in one, backchannels are their own, and all are inside of the sample."""

from hypothesis import given

from duologue_pipeline.export.units import spoken_units, untold_units
from duologue_pipeline.reader import Sample
from duologue_pipeline.views.sides import frame_count
from duologue_pipeline.views.words import own_words
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples


def words_of(sample: Sample):  # type: ignore[no-untyped-def]
    """What an account gives."""
    return {side: own_words(sample, side) for side in "ab"}


@given(drawn_samples())
def test_every_word_is_in_one_unit_of_its_speaker(sample: Sample) -> None:
    words, end_ms = words_of(sample), 80 * frame_count(sample)
    units = spoken_units(sample, words, end_ms=end_ms)
    for side in "ab":
        assert sorted(word for unit in units if unit.speaker == side for word in unit.words) == sorted(words[side])
    assert all(0 <= unit.start_ms < unit.end_ms <= end_ms for unit in units)
    assert all(unit.start_ms <= word.start_ms for unit in units for word in unit.words if word.start_ms < end_ms - 1)
    assert [unit[2:4] for unit in units] == sorted(unit[2:4] for unit in units)


def test_a_backchannel_is_a_unit_of_its_own_and_strays_are_others() -> None:
    sample = make_sample(
        words=[
            ("a", "so", 0.0, 0.2),
            ("a", "then", 0.3, 0.5),
            ("b", "mhm", 0.3, 0.4),
            ("b", "stray", 1.0, 1.1),
            ("b", "again", 1.3, 1.4),
            ("b", "late", 3.5, 9.0),
        ],
        events=[
            {"kind": "turn", "speaker": "a", "start_s": 0.0, "end_s": 0.45},
            {"kind": "backchannel", "speaker": "b", "start_s": 0.3, "end_s": 0.4},
        ],
    )
    found = [
        (u.speaker, u.kind, u.start_ms, u.end_ms, u.text) for u in spoken_units(sample, words_of(sample), end_ms=4000)
    ]
    assert found == [
        ("a", "turn", 0, 500, "so then"),
        ("b", "backchannel", 300, 400, "mhm"),
        ("b", "other", 1000, 1400, "stray again"),
        ("b", "other", 3500, 4000, "late"),
    ]


def test_without_a_transcript_turns_are_units_without_words_and_else_activity() -> None:
    turns = make_sample(turns=[("a", -1.0, 1.0), ("a", 5.0, 6.0)])
    assert [tuple(u)[:4] for u in untold_units(turns, "a", end_ms=4000)] == [("a", "turn", 0, 1000)]
    heard = make_sample(activity=[{"speaker": "a", "start_s": 0.5, "end_s": 0.7}])
    assert [tuple(u) for u in untold_units(heard, "a", end_ms=4000)] == [("a", "other", 500, 700, (), "")]


def test_japanese_is_written_without_spaces() -> None:
    words = [("a", "そう", 0.0, 0.2), ("a", "です", 0.2, 0.5)]
    for language, text in (("ja", "そうです"), ("zh-CN", "そうです"), ("ko", "そう です")):
        sample = make_sample(words=words, language=language)
        assert [unit.text for unit in spoken_units(sample, words_of(sample), end_ms=4000)] == [text]
