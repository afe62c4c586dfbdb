"""Whole annotations: from words alone, from activity alone, and from both."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.records import Activity, Event, Span, Vocalisation, Word
from tests.naive_turns import naive_turns

HOLDER = "we drove all the way up to the lake and it was cold there"
"""13 words: 2.6 s."""


def say(start_ms: int, text: str, *, word_ms: int = 200) -> list[Word]:
    """Words of equal length without silence between."""
    return [
        Word(word, start_ms + place * word_ms, start_ms + (place + 1) * word_ms)
        for place, word in enumerate(text.split())
    ]


def annotate(
    *,
    a: Sequence[Word] | None = None,
    b: Sequence[Word] | None = None,
    heard: Activity | None = None,
    language: str | None = "en",
) -> Annotation:
    return annotate_conversation(activity=heard, words_a=a, words_b=b, duration_ms=20_000, language=language)


def heard(*, a: Sequence[tuple[int, int]] = (), b: Sequence[tuple[int, int]] = (), **more: Any) -> Activity:
    return Activity([Span(*span) for span in a], [Span(*span) for span in b], "2.0", **more)


def only(found: Annotation, kind: str) -> Event:
    """The one event of a kind."""
    (event,) = (event for event in found.events if event.kind == kind)
    return event


def tags(found: Annotation, speaker: str) -> list[str]:
    return [" ".join(word.tags) for word in getattr(found, f"words_{speaker}")]


# --- evidence -------------------------------------------------------------------------------------------------------


def test_a_backchannel_by_its_words_is_tagged_and_an_event() -> None:
    found = annotate(a=say(0, HOLDER), b=say(1200, "uh-huh"))
    event = only(found, "backchannel")
    assert (event.speaker, event.start_ms, event.end_ms) == ("b", 1200, 1400)
    assert (event.subtype, event.addressee, event.source, event.take_over) == ("continuer", "speaking", "words", False)
    assert tags(found, "b") == ["backchannel"]


def test_backchannels_are_tagged_where_the_other_speaker_is_known() -> None:
    own, other = say(1000, "uh-huh"), say(0, "we went to the house and then to the sea")
    assert tags(annotate(a=own), "a") == [""]
    assert tags(annotate(a=own, b=other), "a") == ["backchannel"]


def test_words_that_are_no_backchannel_are_none_however_short() -> None:
    found = annotate(a=say(0, HOLDER), b=say(1200, "which lake"))
    assert "backchannel" not in {event.kind for event in found.events}
    assert only(found, "interruption").floor_taking is False
    assert tags(found, "b") == ["", ""]


def test_without_a_lexicon_timing_decides_and_the_words_are_tagged_by_it() -> None:
    found = annotate(a=say(0, HOLDER), b=say(1200, "uh-huh"), language="xx")
    event = only(found, "backchannel")
    assert (event.subtype, event.confidence, found.lexicon) == (None, 0.9, "none")
    assert tags(found, "b") == ["backchannel"]


def test_with_both_the_edges_are_those_of_the_activity_and_the_roles_those_of_the_words() -> None:
    found = annotate(a=say(0, HOLDER), b=say(1200, "uh-huh"), heard=heard(a=[(40, 2580)], b=[(1150, 1490)]))
    event = only(found, "backchannel")
    assert (event.start_ms, event.end_ms, event.source, event.subtype) == (1150, 1490, "both", "continuer")
    assert tags(found, "b") == ["backchannel"]


def test_with_both_a_sound_without_words_is_judged_by_timing() -> None:
    found = annotate(a=say(0, HOLDER), b=[], heard=heard(a=[(0, 2600)], b=[(1200, 1500)]))
    assert (only(found, "backchannel").source, only(found, "backchannel").confidence) == ("activity", 0.9)


def test_a_transcript_of_one_side_is_enough() -> None:
    found = annotate(b=say(1200, "uh-huh"), heard=heard(a=[(0, 2600)], b=[(1200, 1400)]))
    assert only(found, "backchannel").subtype == "continuer"
    assert found.words_a is None


def test_words_stay_in_the_order_in_which_they_came() -> None:
    first, *rest = say(0, "the the lake")
    found = annotate(a=[*rest, first], b=[])
    assert [(word.word, word.start_ms) for word in found.words_a or ()] == [("the", 200), ("lake", 400), ("the", 0)]
    assert tags(found, "a") == ["repair", "", "reparandum"]


def test_where_the_conversation_ends_is_taken_from_its_words() -> None:
    found = annotate_conversation(
        activity=None, words_a=say(0, "hello there"), words_b=None, duration_ms=None, language="en"
    )
    assert found.statistics.duration_ms == 400
    assert found.activity.a == [Span(0, 400)]


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="neither activity nor words"):
        annotate()


def test_every_event_names_its_rules_and_what_the_other_one_does() -> None:
    found = annotate(a=say(0, HOLDER), b=say(1200, "uh-huh"))
    assert {event.rules for event in found.events} == {found.rules["events"]}
    assert all(event.addressee for event in found.events)


@st.composite
def talk(draw: st.DrawFn) -> list[Word]:
    """Up to ten words of one speaker, some of which are backchannels, with silences around the shortest that counts."""
    said, at_ms = [], draw(st.sampled_from([0, 100, 300]))
    for _ in range(draw(st.integers(0, 10))):
        end_ms = at_ms + draw(st.sampled_from([0, 100, 300, 1200]))
        said.append(Word(draw(st.sampled_from(["yeah", "uh-huh", "lake", "the", "[laughter]"])), at_ms, end_ms))
        at_ms = end_ms + draw(st.sampled_from([0, 199, 200, 700, 2600]))
    return said


@given(talk(), talk())
def test_tags_events_and_arithmetic_agree_on_any_words(a: list[Word], b: list[Word]) -> None:
    found = annotate_conversation(activity=None, words_a=a, words_b=b, duration_ms=60_000, language="en")
    for speaker, said in (("a", found.words_a), ("b", found.words_b)):
        acts = [e for e in found.events if e.kind == "backchannel" and e.speaker == speaker]
        for word in said or ():
            inside = any(e.start_ms <= word.start_ms and word.end_ms <= e.end_ms for e in acts)
            assert ("backchannel" in word.tags) == inside
    heard_a, heard_b = ([Span(w.start_ms, max(w.end_ms, w.start_ms + 1)) for w in said] for said in (a, b))
    naive = naive_turns(heard_a, heard_b, found.events, 60_000)
    ours = {
        kind: [(e.speaker, e.start_ms, e.end_ms) for e in found.events if e.kind == kind]
        for kind in ("gap", "overlap_between", "overlap_within")
    }
    assert (ours["gap"], ours["overlap_between"]) == (naive.gaps, naive.between)
    assert [(start_ms, end_ms) for _, start_ms, end_ms in ours["overlap_within"]] == naive.within
    assert all(e.subtype for e in found.events if e.kind in ("overlap_between", "overlap_within"))


# --- interruptions --------------------------------------------------------------------------------------------------


def test_the_latencies_of_an_interruption_that_takes_the_floor() -> None:
    event = only(annotate(heard=heard(a=[(0, 3000), (6500, 9000)], b=[(2200, 6000)])), "interruption")
    assert (event.floor_taking, event.take_over, event.addressee) == (True, True, "speaking")
    assert (event.stop_latency_ms, event.success_latency_ms, event.penalty_latency_ms) == (800, 800, 800)
    assert event.response_latency_ms == 500


def test_who_stops_after_more_than_one_and_a_half_seconds_was_not_stopped() -> None:
    event = only(annotate(heard=heard(a=[(0, 3000)], b=[(1400, 6000)])), "interruption")
    assert (event.stop_latency_ms, event.success_latency_ms, event.response_latency_ms) == (1600, None, None)


def test_a_failed_interruption_costs_the_rest_of_the_turn() -> None:
    event = only(annotate(heard=heard(a=[(0, 5000), (5400, 8000)], b=[(2000, 3500)])), "interruption")
    assert (event.floor_taking, event.penalty_latency_ms) == (False, 6000)
    assert (event.stop_latency_ms, event.success_latency_ms, event.response_latency_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("b_start_ms", "subtype"),
    [(199, "simultaneous"), (200, "interruption"), (2800, "interruption"), (2801, "terminal")],
)
def test_how_an_overlap_begins_decides_whether_it_interrupts(b_start_ms: int, subtype: str) -> None:
    found = annotate(heard=heard(a=[(0, 3000)], b=[(b_start_ms, 6000)]))
    assert only(found, "overlap_between").subtype == subtype
    assert ("interruption" in {event.kind for event in found.events}) == (subtype == "interruption")


def test_who_breaks_in_where_a_clause_is_open_competes() -> None:
    found = annotate(a=say(0, "so then i went over to the"), b=say(1000, "no wait a minute that was not what he said"))
    assert only(found, "interruption").subtype == "competitive"


def test_where_nothing_tells_an_interruption_is_neither() -> None:
    found = annotate(a=say(0, "so then i went over home"), b=say(700, "no wait a minute that was not what he said"))
    assert only(found, "interruption").subtype is None


# --- what words show ------------------------------------------------------------------------------------------------


def test_a_completion_that_is_taken_up() -> None:
    a = [*say(0, "and he was just a uh"), *say(3000, "a gardener yes for years")]
    found = annotate(a=a, b=say(1700, "gardener"))
    event = only(found, "co_completion")
    assert (event.speaker, event.start_ms, event.confidence) == ("b", 1700, 0.1)


def test_a_word_after_a_finished_clause_completes_nothing() -> None:
    a = [*say(0, "and he was just a man"), *say(3000, "a gardener yes for years")]
    found = annotate(a=a, b=say(1700, "gardener"))
    assert "co_completion" not in {event.kind for event in found.events}


def test_laughter_that_the_transcript_names() -> None:
    found = annotate(a=[*say(0, "well"), *say(200, "[laughter] [laughter]")], b=[])
    event = only(found, "laughter")
    assert (event.start_ms, event.end_ms, event.source) == (200, 600, "words")


def test_a_disfluency_has_its_parts() -> None:
    event = only(annotate(a=say(0, "we saw the uh the lake"), b=[]), "repetition")
    assert (event.reparandum, event.interregnum, event.repair) == (Span(400, 600), Span(600, 800), Span(800, 1000))


def test_without_words_fillers_are_what_sounds_like_them() -> None:
    sounds = (Vocalisation("filler", 500, 900, 0.3), Vocalisation("breath", 1000, 1100, 0.4))
    found = annotate(heard=heard(a=[(0, 2000)], vocalisations_a=sounds))
    event = only(found, "filler")
    assert (event.speaker, event.start_ms, event.confidence, event.source) == ("a", 500, 0.3, "activity")


def test_with_words_only_they_tell_fillers() -> None:
    sounds = (Vocalisation("filler", 500, 900, 0.3),)
    found = annotate(a=say(0, "we saw it"), heard=heard(a=[(0, 2000)], vocalisations_a=sounds))
    assert "filler" not in {event.kind for event in found.events}


# --- what the other one does ----------------------------------------------------------------------------------------


def test_the_state_of_the_other_one() -> None:
    found = annotate(a=[*say(0, HOLDER), *say(4000, HOLDER)], b=[*say(1200, "uh-huh"), *say(3000, "uh-huh")])
    states = [event.addressee for event in found.events if event.kind == "backchannel"]
    assert states == ["speaking", "pausing"]
    assert only(found, "turn").addressee == "silent"


def test_a_pause_in_which_the_listener_speaks_is_no_hold() -> None:
    found = annotate(heard=heard(a=[(0, 3000), (4000, 6000), (7000, 9000)], b=[(3200, 3600)]))
    assert [(e.start_ms, e.end_ms) for e in found.events if e.kind == "pause"] == [(3000, 4000), (6000, 7000)]
    assert (only(found, "hold").start_ms, only(found, "hold").end_ms) == (6000, 7000)
