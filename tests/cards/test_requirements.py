"""The eight requirements: what passes, what fails, and what stays unknown until a person has stated it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from duologue_cards import Sheet, judge, write_requirements
from duologue_cards.reference import distance_s, interpolated
from duologue_cards.requirements import usable_for
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]

STATED = {"capture": "separate microphones/lines at source", "spontaneous": True}
LIVELY = {
    "kinds": [{"kind": "filler", "speaker": "a", "events": 4, "seconds": 1.0}],
    "said_words_a": 200,
    "bleed_db_a_from_b": -40.0,
}


def statuses(sheet: Sheet) -> dict[str, str]:
    return {each.id: each.status for each in judge(sheet)}


def test_they_are_eight_in_this_order(build: Build, row: Row) -> None:
    assert list(statuses(sheet_of(build(row("1"))))) == [
        "capture_at_source",
        "dyadic_spontaneous",
        "realistic_overlap",
        "register_coverage",
        "speaker_diversity",
        "consent_per_speaker",
        "redistribution_rights",
        "phase_fit",
    ]


def test_no_measurement_passes_what_only_a_person_knows(build: Build, row: Row) -> None:
    release = build(row("1", **LIVELY))
    assert statuses(sheet_of(release))["capture_at_source"] == "unknown"
    assert statuses(sheet_of(release))["dyadic_spontaneous"] == "unknown"
    found = statuses(sheet_of(release, **STATED))
    assert (found["capture_at_source"], found["dyadic_spontaneous"]) == ("pass", "pass")
    assert statuses(sheet_of(release, capture="separated from a mix"))["capture_at_source"] == "fail"
    assert statuses(sheet_of(release, capture="other"))["capture_at_source"] == "unknown"
    assert statuses(sheet_of(release, spontaneous=False))["dyadic_spontaneous"] == "fail"


@pytest.mark.parametrize(
    ("requirement", "fields", "status"),
    [
        ("capture_at_source", {"swap_found": True}, "fail"),
        ("capture_at_source", {"bleed_db_b_from_a": -19.9}, "fail"),
        ("capture_at_source", {"bleed_db_b_from_a": -20.0}, "pass"),
        ("capture_at_source", {"isolation": "undetermined"}, "unknown"),
        ("dyadic_spontaneous", {"route": "synthetic"}, "fail"),
        ("dyadic_spontaneous", {"speech_b_s": 5.0}, "fail"),
        ("dyadic_spontaneous", {"said_words_a": 1000}, "fail"),
        ("register_coverage", {"setting": None}, "unknown"),
        ("register_coverage", {}, "fail"),
        ("realistic_overlap", {}, "unknown"),
        ("speaker_diversity", {}, "fail"),
        ("redistribution_rights", {}, "fail"),
    ],
)
def test_a_requirement_is_judged_by_its_limit(
    build: Build, row: Row, requirement: str, fields: dict[str, Any], status: str
) -> None:
    sheet = sheet_of(build(row("1", **{**LIVELY, **fields})), **STATED)
    assert statuses(sheet)[requirement] == status


@pytest.mark.parametrize(
    ("license_", "status"),
    [("CC-BY-4.0", "pass"), ("CC-BY-NC-4.0", "fail"), ("CC-BY-ND-4.0", "fail"), (None, "unknown"), ("Ours", "unknown")],
)
def test_rights_to_pass_on_need_consent_and_a_licence(
    build: Build, row: Row, license_: str | None, status: str
) -> None:
    release = build(row("1", license=license_))
    release.document["purposes"] = ["redistribution"]
    assert statuses(sheet_of(release))["redistribution_rights"] == status


@pytest.mark.parametrize(("fto_s", "status"), [(0.15, "fail"), (None, "pass")])
def test_overlap_is_held_against_people(build: Build, row: Row, fto_s: float | None, status: str) -> None:
    edges = [-0.5, -0.3, -0.1, -0.05, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.45, 0.65, 0.85]
    ftos = [4.0 * abs(fto_s)] * 40 if fto_s else edges * 3
    sheet = sheet_of(build(*(row(str(n), ftos_s=ftos) for n in range(6))))
    assert statuses(sheet)["realistic_overlap"] == status
    german = sheet_of(build(*(row(str(n), ftos_s=ftos, language="de") for n in range(6))))
    assert statuses(german)["realistic_overlap"] == "unknown"
    assert "the reference is of en, and the languages are: de" in german.why("fto_distance_s")


def test_a_use_is_no_better_than_the_worst_that_it_needs(build: Build, row: Row) -> None:
    sheet = sheet_of(build(row("1", **LIVELY)), **STATED)
    uses = {each["use"]: each["status"] for each in usable_for(sheet, judge(sheet))}
    assert uses["post-training of a full-duplex model"] == "fail"
    assert uses["passing on to others"] == "fail"
    document = json.loads(write_requirements(sheet))
    assert [each["id"] for each in document["phases"]] == ["pre_training", "mid_training", "post_training"]
    assert all(("evidence" in each) != ("reason" in each) for each in document["requirements"])
    assert all(name in sheet.entries for each in document["requirements"] for name in each["facts"])


def test_the_embedded_codec_is_for_no_training(build: Build, row: Row) -> None:
    release = build(row("1"))
    release.document["codec"]["name"] = "embedded"
    sheet = sheet_of(release)
    assert {each["status"] for each in usable_for(sheet, judge(sheet))[:3]} == {"fail"}


def test_the_distance_of_two_histograms_is_the_area_between_them() -> None:
    assert distance_s((1, 0, 0), (0, 0, 1), (0.0, 0.1, 0.2, 0.3)) == pytest.approx(0.2)
    assert distance_s((2, 4), (1, 2), (0.0, 0.1, 0.2)) == 0
    assert distance_s((0, 0), (1, 2), (0.0, 0.1, 0.2)) is None


def test_limits_are_interpolated_and_stay_beyond_the_ends() -> None:
    assert [interpolated((1, 5, 20), (0.3, 0.1, 0.0), n) for n in (1, 3, 5, 100)] == pytest.approx([0.3, 0.2, 0.1, 0.0])


def test_what_was_not_asked_for_training_is_usable_for_none(build: Build, row: Row) -> None:
    release = build(row("1"))
    release.document["codec"]["name"] = "mimi"
    release.document["purposes"] = ["recording"]
    sheet = sheet_of(release)
    uses = {each["use"]: each for each in usable_for(sheet, judge(sheet))}
    assert {uses[use]["status"] for use in ("training", "in-house training")} == {"fail"}
    assert uses["training"]["because"] == "consent to training was not asked for, but to recording"


def test_disfluencies_count_over_the_words_of_the_same_tracks(build: Build, row: Row) -> None:
    """Filled pauses are found without a transcript too, and words are left where the other speaker has withdrawn."""
    kinds = [
        {"kind": "filler", "speaker": "a", "events": 15, "seconds": 3.0},
        {"kind": "filler", "speaker": "b", "events": 40, "seconds": 8.0},
    ]
    both = row("1", kinds=kinds, said_words_a=1000, said_words_b=None)
    gone = row("2", kinds=[], said_words_a=5000, speaker_b="withdrawn")

    def counted(*rows: dict[str, Any]) -> Sheet:
        release = build(*rows)
        release.document["splits"]["train"]["speakers"] -= 1  # the one who has withdrawn
        return sheet_of(release)

    sheet = counted(both, gone)
    assert sheet.value("words") == 6000
    assert sheet.value("disfluencies") == 55
    assert sheet.value("disfluencies_per_100_words") == 1.5
    assert statuses(sheet)["dyadic_spontaneous"] == "unknown"
    few = counted(row("1", kinds=[{**kinds[0], "events": 9}, kinds[1]], said_words_a=1000), gone)
    assert statuses(few)["dyadic_spontaneous"] == "fail"


def test_recognised_words_are_no_measure_of_disfluencies(build: Build, row: Row) -> None:
    """A recogniser leaves out fillers and repetitions: the rate of such words says nothing of the people."""
    kinds = [
        {"kind": "repetition", "speaker": speaker, "events": n, "seconds": n} for speaker, n in (("a", 20), ("b", 1))
    ]
    heard = {"words_heard_b": 1010, "words_invented_b": 10}
    one = sheet_of(build(row("1", kinds=kinds, said_words_a=1000, said_words_b=1000, **heard)))
    assert one.value("words") == 2000
    assert one.value("disfluencies") == 21
    assert one.value("disfluencies_per_100_words") == 2.0
    assert statuses(one)["dyadic_spontaneous"] == "unknown"
    none = sheet_of(build(row("1", kinds=kinds, said_words_b=1000, **heard)))
    assert none.value("disfluencies_per_100_words") is None
    assert (
        none.why("disfluencies_per_100_words")
        == "all words are recognised, and recognisers leave out most fillers and repetitions"
    )
    assert statuses(none)["dyadic_spontaneous"] == "unknown"


@pytest.mark.parametrize("fields", [{}, {"isolation": "undetermined"}, {"route": "synthetic"}, {"swap_found": True}])
def test_hours_are_always_told_beside_those_of_cited_corpora(build: Build, row: Row, fields: dict[str, Any]) -> None:
    sheet = sheet_of(build(row("1", **LIVELY, **fields)), **STATED)
    phase = json.loads(write_requirements(sheet))["phases"][2]
    assert phase["why"].endswith("0.0 hours of 170; cited corpora for comparison: 170, 1,217 and 1,960 hours")


def test_what_is_told_is_not_rounded_up_to_a_limit_that_is_not_reached(build: Build, row: Row) -> None:
    hours = {"one": 120.0, "two": 120.0, "three": 116.0}
    sheet = sheet_of(build(*(row(name, setting=name, duration_s=duration_s) for name, duration_s in hours.items())))
    found = next(each for each in judge(sheet) if each.id == "register_coverage")
    assert found.status == "fail"
    assert found.says.startswith("2.99 effective registers (registers, else settings, else topics), the largest")
