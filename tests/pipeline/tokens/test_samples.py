"""What is said about a sample."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.records import Annotated, Event, Source, Span, TaggedWord
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.tokens.samples import sample_key
from duologue_schemas import iter_faults
from tests.pipeline.tokens.conftest import FIRST, LAST, MIDDLE

Build = Callable[..., Any]


def test_keys_sort_as_the_segments_do() -> None:
    assert [sample_key("call-1", segment) for segment in (0, 12)] == ["call-1-00000", "call-1-00012"]


def test_the_versions_of_all_rules_are_named() -> None:
    named = {
        "ingest",
        "isolation",
        "activity",
        "events",
        "disfluency",
        "backchannel_words",
        "vocalisations",
        "words_check",
    }
    assert rule_versions().keys() == named


def test_a_document_of_little_and_one_of_much_follow_the_schema(conversation: Annotated, document: Build) -> None:
    much = replace(
        conversation,
        recording=replace(
            conversation.recording,
            language="en-US",
            started_at="2026-03-01T10:00:00Z",
            setting="telephone",
            topic="cars",
            register="service",
            source=Source("in-house", "CC-BY-4.0", "vendor"),
            a=replace(conversation.recording.a, jurisdiction="US-IL"),
        ),
        words_a=(TaggedWord("hello", 1900, 2100, 0.5), TaggedWord("there", 3900, 4100)),
        words_b=(),
    )
    for annotated in (conversation, much):
        assert list(iter_faults("sample", json.loads(canonical_json(document(annotated))))) == []


def test_neither_ids_of_speakers_nor_paths_are_in_a_document(conversation: Annotated, document: Build) -> None:
    text = canonical_json(document(conversation)).decode()
    assert conversation.consent.a.commitment in text
    for secret in ("s-anna", "s-ben", ".wav", "/tmp"):
        assert secret not in text


def test_a_document_says_which_stretch_it_is(conversation: Annotated, document: Build) -> None:
    found = document(conversation)
    assert (found["key"], found["segment"], found["start_s"], found["end_s"]) == ("call-1-00001", 1, 1.92, 4.0)
    assert found["codec"]["frames"] == 26


def test_the_last_sample_ends_with_the_conversation_and_not_with_its_last_frame(
    conversation: Annotated, document: Build
) -> None:
    found = document(conversation, LAST)
    assert (found["start_s"], found["end_s"]) == (4.0, 5.0)


def test_activity_is_clipped_and_counts_from_the_start_of_the_sample(conversation: Annotated, document: Build) -> None:
    assert document(conversation)["activity"] == [
        {"speaker": "a", "start_s": 0.0, "end_s": 0.58},
        {"speaker": "b", "start_s": 0.0, "end_s": 2.08},
    ]


def test_events_are_whole_and_a_moment_belongs_to_one_sample(conversation: Annotated, document: Build) -> None:
    before = document(conversation, FIRST)["events"]
    after = document(conversation)["events"]
    assert [event["kind"] for event in before] == ["ipu", "ipu", "overlap_between", "floor_transfer"]
    assert [(event["kind"], event["start_s"], event["end_s"]) for event in after] == [
        ("ipu", -1.72, 0.58),
        ("ipu", -0.02, 2.58),
        ("overlap_between", -0.02, 0.58),
    ]


@pytest.mark.parametrize(("at_ms", "segments"), [(1919, [0]), (1920, [1]), (3999, [1]), (4000, [2])])
def test_a_moment_at_a_cut_belongs_to_the_sample_that_begins_there(
    at_ms: int, segments: list[int], conversation: Annotated, document: Build
) -> None:
    moment = replace(conversation, events=(Event("floor_transfer", "b", at_ms, at_ms, fto_ms=0),))
    assert [cut.index for cut in (FIRST, MIDDLE, LAST) if document(moment, cut)["events"]] == segments


def test_words_of_both_speakers_come_in_order_of_time(conversation: Annotated, document: Build) -> None:
    with_words = replace(
        conversation,
        words_a=(TaggedWord("yes", 1000, 1200), TaggedWord("well", 2020, 2320, 0.75, ("filler", "edit_term"))),
        words_b=(TaggedWord("so", 1970, 2120),),
    )
    found = document(with_words)
    assert found["transcripts"] == {"a": True, "b": True}
    own = {"owned": True}
    assert found["words"] == [
        own | {"speaker": "b", "word": "so", "start_s": 0.05, "end_s": 0.2, "confidence": -1.0, "tags": ""},
        own
        | {
            "speaker": "a",
            "word": "well",
            "start_s": 0.1,
            "end_s": 0.4,
            "confidence": 0.75,
            "tags": "filler edit_term",
        },
    ]


def test_a_transcript_without_words_here_is_not_the_same_as_no_transcript(
    conversation: Annotated, document: Build
) -> None:
    found = document(replace(conversation, words_a=()))
    assert (found["transcripts"], found["words"]) == ({"a": True, "b": False}, [])


def test_a_sample_outside_of_what_was_transcribed_has_no_transcript(conversation: Annotated, document: Build) -> None:
    written = replace(
        conversation, words_a=(), words_b=(), transcribed_a=(Span(0, 10),), transcribed_b=(Span(0, 3000),)
    )
    assert document(written)["transcripts"] == {"a": False, "b": True}


def test_conditions_are_those_of_the_manifest_and_empty_where_it_does_not_say(
    conversation: Annotated, document: Build
) -> None:
    nothing = {"role": "", "role_prompt": ""}
    assert document(conversation)["conditions"] == {"topic": "", "register": "", "a": nothing, "b": nothing}
    told = replace(conversation.recording.b, role="agent", role_prompt="You work for a car repair shop.")
    much = replace(conversation.recording, topic="cars", register="service", b=told)
    assert document(replace(conversation, recording=much))["conditions"] == {
        "topic": "cars",
        "register": "service",
        "a": nothing,
        "b": {"role": "agent", "role_prompt": "You work for a car repair shop."},
    }


def test_consent_is_named_by_commitments_and_grants(conversation: Annotated, document: Build) -> None:
    found = document(conversation)
    assert found["purposes"] == ["training_inhouse"]
    assert found["speakers"]["a"]["commitment"] == found["consent"]["a"]["commitment"]
    assert [grant["purpose"] for grant in found["consent"]["b"]["grants"]] == ["recording", "training_inhouse"]
