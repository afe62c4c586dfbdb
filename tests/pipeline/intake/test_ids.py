"""Recording ids of the names that a source has: legal, one each, and each from its own name alone."""

import re

from hypothesis import given
from hypothesis import strategies as st

from duologue_consent.decisions.names import look_alike_ids
from duologue_pipeline.intake.ids import recording_ids
from duologue_schemas import load_schema

LEGAL = re.compile(load_schema("recording")["properties"]["recording_id"]["pattern"])


def test_a_legal_name_is_its_own_id() -> None:
    assert recording_ids(["call-1", "sw02001_A", "7"]) == {"call-1": "call-1", "sw02001_A": "sw02001_A", "7": "7"}


def test_another_name_is_shown_as_far_as_it_may_be_and_told_by_its_hash() -> None:
    ids = recording_ids(["2026/03/call 1", "2026-03-call-1", "2026/03/call-1"])
    assert ids["2026-03-call-1"] == "2026-03-call-1"
    assert re.fullmatch("2026-03-call-1-[0-9a-f]{12}", ids["2026/03/call 1"])
    assert len(set(ids.values())) == 3


def test_an_id_does_not_depend_on_the_other_names() -> None:
    name = "2026/03/call 1"
    assert recording_ids([name])[name] == recording_ids([name, "x", "2026/04/call 1"])[name]


def test_names_that_look_alike_all_get_their_hash() -> None:
    ids = recording_ids(["call-1", "CALL-1", "call-2"])
    assert ids["call-2"] == "call-2"
    assert look_alike_ids(ids.values()) == {}
    assert ids["call-1"].startswith("call-1-")


def test_hashed_ids_show_nothing_of_the_name() -> None:
    (found,) = recording_ids(["Anna Schmidt"], hashed=True).values()
    assert re.fullmatch("rec-[0-9a-f]{12}", found)


@given(st.sets(st.text(min_size=1, max_size=200), max_size=20), st.booleans())
def test_any_names_get_legal_ids_that_differ(names: set[str], hashed: bool) -> None:
    ids = recording_ids(names, hashed=hashed)
    assert all(LEGAL.fullmatch(each) for each in ids.values())
    assert len(set(ids.values())) == len(names)
    assert look_alike_ids(ids.values()) == {}
