"""Inter-pausal units from activity, from words, and from both."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from duologue_pipeline.events.ipus import Unit, join_ipus, spoken_units, units_as_words
from duologue_pipeline.records import Span, Word

Times = Sequence[tuple[int, int]]


def words(*times: tuple[int, int]) -> list[Word]:
    return [Word(f"w{number}", start_ms, end_ms) for number, (start_ms, end_ms) in enumerate(times)]


def units(spans: Times | None, said: Sequence[Word] | None, *, duration_ms: int = 10_000) -> list[Unit]:
    heard = None if spans is None else [Span(*span) for span in spans]
    return spoken_units("a", heard, said, silence_ms=200, duration_ms=duration_ms)


def text(found: Sequence[Unit]) -> list[str]:
    """Each unit as ``start-end source first:last``."""
    return [f"{u.span.start_ms}-{u.span.end_ms} {u.source} {u.first}:{u.last}" for u in found]


def test_activity_alone() -> None:
    assert text(units([(0, 500), (600, 900), (1100, 1500)], None)) == ["0-900 activity 0:0", "1100-1500 activity 0:0"]


def test_words_alone() -> None:
    assert text(units(None, words((0, 300), (499, 700), (900, 1000)))) == ["0-700 words 0:2", "900-1000 words 2:3"]


def test_nobody_and_nothing() -> None:
    assert units([], []) == units(None, None) == []


def test_the_edges_are_those_of_the_activity() -> None:
    assert text(units([(100, 950)], words((150, 400), (420, 1000)))) == ["100-950 both 0:2"]


def test_words_with_a_pause_that_the_activity_bridges_are_one_unit() -> None:
    assert text(units([(0, 2000)], words((0, 500), (1500, 2000)))) == ["0-2000 both 0:2"]


def test_a_word_across_two_stretches_belongs_to_the_one_that_holds_more_of_it() -> None:
    assert text(units([(0, 500), (800, 2000)], words((0, 300), (400, 1200)))) == ["0-500 both 0:1", "800-2000 both 1:2"]


def test_a_word_just_outside_belongs_to_the_nearest_stretch() -> None:
    assert text(units([(1000, 2000)], words((801, 805), (2100, 2199)))) == ["1000-2000 both 0:2"]


def test_a_word_that_nobody_heard_makes_a_unit_of_its_own() -> None:
    assert text(units([(1000, 2000)], words((500, 800), (1100, 1900)))) == ["500-800 words 0:1", "1000-2000 both 1:2"]


def test_speech_that_nobody_wrote_down_stays() -> None:
    assert text(units([(0, 500), (1000, 2000)], words((1000, 1900)))) == ["0-500 activity 0:0", "1000-2000 both 0:1"]


def test_words_outside_of_the_conversation_are_cut_to_it() -> None:
    found = units(None, words((-300, 200), (9_900, 10_400)), duration_ms=10_000)
    assert text(found) == ["0-200 words 0:1", "9900-10000 words 1:2"]


def test_a_word_without_duration_lasts_a_millisecond() -> None:
    assert text(units(None, words((700, 700)))) == ["700-701 words 0:1"]


def test_a_word_said_during_one_that_lies_in_a_later_stretch_lies_there_too() -> None:
    """Else its time would make a unit that holds no word."""
    assert text(units([(1304, 1400)], words((1100, 1150), (1101, 1101)))) == ["1304-1400 both 0:2"]


def as_words(spans: Times | None, said: Sequence[Word]) -> list[tuple[str, int, int]]:
    filled = units_as_words(units(spans, said), said, silence_ms=200, duration_ms=10_000)
    return [(word.word, word.start_ms, word.end_ms) for word in filled]


def test_words_fill_their_unit_from_edge_to_edge() -> None:
    assert as_words([(0, 2000)], words((50, 500), (1500, 1900))) == [("w0", 0, 1500), ("w1", 1500, 2000)]


def test_units_of_words_alone_keep_their_times() -> None:
    assert as_words(None, words((50, 500), (600, 900))) == [("w0", 50, 500), ("w1", 600, 900)]


def test_a_unit_without_words_holds_an_empty_one() -> None:
    assert as_words([(0, 500), (1000, 2000)], words((1000, 2000))) == [("", 0, 500), ("w0", 1000, 2000)]


@st.composite
def times(draw: st.DrawFn, *, disjoint: bool) -> list[tuple[int, int]]:
    """Up to eight stretches in order of start."""
    steps_ms = st.sampled_from([0, 1, 50, 199, 200, 201, 500])
    found, at_ms = [], 0
    for _ in range(draw(st.integers(0, 8))):
        at_ms += draw(steps_ms) + disjoint
        end_ms = at_ms + draw(steps_ms) + disjoint
        found.append((at_ms, end_ms))
        at_ms = end_ms if disjoint else at_ms
    return found


# The word at 1101 begins during one that belongs to 1304-1305, and none but the two at 1100 may make the unit there.
SAID_DURING_A_LATER_ONE = (
    [(51, 102), (302, 803), (1304, 1305)],
    [(50, 50), (50, 50), (100, 100), (600, 600), (1100, 1100), (1100, 1100), (1100, 1150), (1101, 1101)],
)


@given(st.none() | times(disjoint=True), times(disjoint=False))
@example(*SAID_DURING_A_LATER_ONE)
def test_units_are_apart_and_hold_every_word_once(spans: list[tuple[int, int]] | None, said: Times) -> None:
    found = units(spans, words(*said))
    silences = [after.span.start_ms - before.span.end_ms for before, after in pairwise(found)]
    assert all(silence_ms >= 200 for silence_ms in silences)
    assert [place for unit in found for place in range(unit.first, unit.last)] == list(range(len(said)))


@given(st.none() | times(disjoint=True), times(disjoint=False))
@example(*SAID_DURING_A_LATER_ONE)
def test_a_unit_of_words_is_as_long_as_its_words(spans: list[tuple[int, int]] | None, said: Times) -> None:
    ends_ms = [max(end_ms, start_ms + 1) for start_ms, end_ms in said]
    for unit in units(spans, words(*said)):
        held = slice(unit.first, unit.last)
        if unit.source == "words":
            assert unit.span == Span(min(start_ms for start_ms, _ in said[held]), max(ends_ms[held]))
        if unit.source == "activity":
            assert spans is not None
            assert unit.span.start_ms in {start_ms for start_ms, _ in spans}


@given(st.none() | times(disjoint=True), times(disjoint=False))
@example(*SAID_DURING_A_LATER_ONE)
def test_who_finds_units_in_the_filled_words_finds_these(spans: list[tuple[int, int]] | None, said: Times) -> None:
    found = units(spans, words(*said))
    filled = units_as_words(found, words(*said), silence_ms=200, duration_ms=10_000)
    assert join_ipus([Span(word.start_ms, word.end_ms) for word in filled], 200) == [unit.span for unit in found]
