import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from duologue_cards import Facts, Publication, facts_from_release, write_readme
from duologue_cards.facts import Count, SplitFacts
from duologue_schemas import iter_faults
from duologue_schemas.tables import SAID_OF_SPEAKERS
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]


def facts_of(release: Any, **more: Any) -> Facts:
    return facts_from_release(release.document, release.index, release.recordings, release.rejected, **more)


def test_builder_makes_documents_that_follow_the_schema(build: Build, row: Row) -> None:
    assert list(iter_faults("release", build(row("1"), row("2", "validation")).document)) == []


def test_turn_taking_is_summed_over_conversations_before_it_is_divided(build: Build, row: Row) -> None:
    silent = row("2", speech_a_s=100.0, speech_b_s=0.0, overlap_s=0.0, overlap_share_of_speech=0.0, ftos_s=[])
    turns = facts_of(build(row("1"), silent)).turn_taking
    assert turns.duration_s == 240.0
    assert turns.overlap_share_of_speech == pytest.approx(6 / (114 + 100))
    assert turns.overlap_share_p5 == pytest.approx(0.05 * 6 / 114, abs=1e-6)
    assert turns.overlap_share_p95 == pytest.approx(0.95 * 6 / 114, abs=1e-6)
    assert (turns.floor_transfers, turns.overlapped_transfers_share) == (4, 0.25)
    assert turns.fto_median_s == pytest.approx(0.15)
    assert turns.backchannels_per_minute == pytest.approx(16 / 4)
    assert turns.interruptions_per_minute == pytest.approx(2 / 4)


def test_nothing_said_gives_no_share_rather_than_0(build: Build, row: Row) -> None:
    nothing: dict[str, Any] = {
        "speech_a_s": 0.0,
        "speech_b_s": 0.0,
        "overlap_s": 0.0,
        "overlap_share_of_speech": None,
        "ftos_s": [],
    }
    turns = facts_of(build(row("1", **nothing))).turn_taking
    assert turns.overlap_share_of_speech is None
    assert (turns.overlap_share_p5, turns.overlap_share_p95) == (None, None)
    assert (turns.floor_transfers, turns.overlapped_transfers_share, turns.fto_median_s) == (0, None, None)


def test_splits_totals_and_refusals(build: Build, row: Row) -> None:
    facts = facts_of(build(row("1", samples=3), row("2", "validation", samples=1), rejected={"b": 1, "c": 4, "a": 1}))
    assert facts.splits == (SplitFacts("train", 1, 3, 1, 2, 90.0), SplitFacts("validation", 1, 1, 1, 2, 30.0))
    assert (facts.samples, facts.recordings, facts.speakers, facts.duration_s) == (4, 2, 4, 120.0)
    assert (facts.read, facts.rejected) == (8, 6)
    assert facts.rejected_reasons == (Count("c", 4), Count("a", 1), Count("b", 1))


def test_counts_put_the_most_frequent_first_and_the_unknown_last(build: Build, row: Row) -> None:
    languages = ["de", None, "en-US", None, None, "en-US", "cy"]
    facts = facts_of(build(*(row(str(n), language=language) for n, language in enumerate(languages))))
    assert facts.languages == (Count("en-US", 2), Count("cy", 1), Count("de", 1), Count(None, 3))


def test_a_speaker_of_two_conversations_counts_once(build: Build, row: Row) -> None:
    first = row("1", jurisdiction_a="US-IL", jurisdiction_b="DE")
    facts = facts_of(build(first, row("2", speaker_a=first["speaker_a"], jurisdiction_a="US-IL")))
    assert facts.speakers == 3
    assert facts.speakers_by_jurisdiction == (Count("DE", 1), Count("US-IL", 1), Count(None, 1))


def test_what_is_said_of_speakers_is_counted_by_person(build: Build, row: Row) -> None:
    first = row("1", sex_a="female", sex_b="male", dialect_a="unknown", role_a="agent")
    second = row("2", speaker_a=first["speaker_a"], role_a="caller")
    facts = facts_of(build(first, second))
    assert facts.speakers_by["sex"] == (Count("female", 1), Count("male", 1), Count(None, 1))  # once known, not unknown
    assert facts.speakers_by["role"] == (Count("agent", 1), Count("caller", 1), Count(None, 2))
    assert facts.speakers_by["dialect"] == facts.speakers_by["device"] == (Count(None, 3),)
    older = build(first)
    older.recordings = older.recordings.drop([f"{name}_{side}" for name in SAID_OF_SPEAKERS for side in "ab"])
    assert facts_of(older).speakers_by["sex"] == (Count(None, 2),)


def test_groups_of_few_speakers_are_one_and_not_counted_out(build: Build, row: Row) -> None:
    dialects = ["Sorbian", "Frisian", *["Saxon"] * 6, *["Bavarian"] * 7]
    sheet = sheet_of(build(*(row(str(n), dialect_a=each, sex_a="x") for n, each in enumerate(dialects))))
    assert sheet.value("speakers_by_dialect") == {
        "Bavarian": 7,
        "unknown": 15,
        "other": 8,  # the Saxons too: else the difference would tell of the two
    }
    assert "Sorbian" not in write_readme(sheet) + json.dumps(sheet.entries)
    assert sheet.value("speakers_by_device") is None
    assert sheet.why("speakers_by_device") == "the manifest says it of nobody"
    readme = write_readme(sheet)
    assert "| speakers by role, age band, device | unknown |" in readme
    assert "gender and accent are recorded where the manifest says so, age is not" in readme


def test_a_group_that_is_called_other_is_not_lost_among_the_others(build: Build, row: Row) -> None:
    dialects = ["Sorbian", *["other"] * 6, *["Saxon"] * 9]
    sheet = sheet_of(build(*(row(str(n), dialect_a=each, dialect_b=each) for n, each in enumerate(dialects))))
    assert sheet.value("speakers_by_dialect") == {"other": 14, "Saxon": 18}


def test_a_day_and_an_interval_give_the_days_that_they_may_be(build: Build, row: Row) -> None:
    starts = [("2024-02-29", None), ("2024-01-01", "2025-01-01"), ("2024-06-01T23:00:00-05:00", "2024-06-02T06:00:00Z")]
    days = [row(str(n), started_at=start, started_before=before) for n, (start, before) in enumerate(starts)]
    assert (facts_of(build(*days)).first_date, facts_of(build(*days)).last_date) == ("2024-01-01", "2024-12-31")
    assert (facts_of(build(days[0])).first_date, facts_of(build(days[0])).last_date) == ("2024-02-29", "2024-02-29")
    assert (facts_of(build(days[2])).first_date, facts_of(build(days[2])).last_date) == ("2024-06-02", "2024-06-02")


def test_tracks_whose_delay_is_not_known_are_counted_by_recording(build: Build, row: Row) -> None:
    late = {"delay_known_b": False}
    release = build(row("1"), row("2", **late), row("3", delay_known_a=False, **late))
    assert facts_of(release).delay_unknown == 2
    older = dataclasses.replace(release, recordings=release.recordings.drop(["delay_known_a", "delay_known_b"]))
    assert facts_of(older).delay_unknown == 0
    assert "In 2 of 3 conversations it is not known where a track begins" in write_readme(sheet_of(release))
    assert "where a track begins" not in write_readme(sheet_of(older))


def test_time_with_one_track_alone_is_counted_and_said(build: Build, row: Row) -> None:
    release = build(row("1"), row("2", to_b_s=100.0), row("3", from_a_s=30.0, to_b_s=119.5), row("4", from_b_s=0.8))
    facts = facts_of(release)
    assert (facts.partly_there, facts.one_track_s) == (2, 50.5)
    older = dataclasses.replace(
        release, recordings=release.recordings.drop(["from_a_s", "from_b_s", "to_a_s", "to_b_s"])
    )
    assert facts_of(older).partly_there == 0
    said = "In 2 of 4 conversations a speaker joined later or left earlier: 0.8 minutes of them have one track"
    assert said in write_readme(sheet_of(release))
    assert said not in write_readme(sheet_of(older))


def test_rates_are_over_the_time_in_which_both_are_there(build: Build, row: Row) -> None:
    turns = facts_of(build(row("1"), row("2", to_b_s=60.0))).turn_taking
    assert turns.duration_s == 240.0
    assert turns.backchannels_per_minute == pytest.approx(16 / 3)
    assert turns.interruptions_per_minute == pytest.approx(2 / 3)


def test_dates_are_those_of_the_recordings_in_utc(build: Build, row: Row) -> None:
    starts = ["2026-03-01T23:30:00-05:00", None, "2025-12-31T10:00:00Z"]
    facts = facts_of(build(*(row(str(n), started_at=start) for n, start in enumerate(starts))))
    assert (facts.first_date, facts.last_date, facts.undated) == ("2025-12-31", "2026-03-02", 1)


def test_publication_is_unknown_unless_given(build: Build, row: Row) -> None:
    assert facts_of(build(row("1"))).publication == Publication(creator=None, url=None, date_published=None)
    given = Publication("Example Lab", "https://example.org/demo", "2026-04-01")
    assert facts_of(build(row("1")), publication=given).publication == given


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("totals", "samples"), 9, "totals.samples of the release is 9, but its tables hold 2"),
        (("totals", "written"), 9, "totals.written of the release is 9, but its tables hold 1"),
        (("totals", "rejected"), 9, "totals.rejected of the release is 9, but its tables hold 3"),
        (("splits", "train", "samples"), 9, "splits.train.samples of the release is 9, but its tables hold 2"),
        (("splits", "train", "speakers"), 9, "splits.train.speakers of the release is 9, but its tables hold 2"),
        (
            ("splits", "validation", "recordings"),
            9,
            "splits.validation.recordings of the release is 9, but its tables hold 0",
        ),
    ],
)
def test_document_of_another_run_is_refused(
    build: Build, row: Row, path: tuple[str, ...], value: int, message: str
) -> None:
    release = build(row("1"))
    part = release.document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        facts_of(release)


def test_speaker_in_both_splits_is_refused(build: Build, row: Row) -> None:
    first = row("1")
    with pytest.raises(ValueError, match="a speaker is in train and in validation of the release"):
        facts_of(build(first, row("2", "validation", speaker_b=first["speaker_a"])))


def test_speakers_of_a_bridge_are_in_the_other_splits_as_well_and_counted_once(build: Build, row: Row) -> None:
    first, second = row("1"), row("2", "validation")
    facts = facts_of(
        build(first, second, row("3", "bridge", speaker_a=first["speaker_a"], speaker_b=second["speaker_a"]))
    )
    assert [split.name for split in facts.splits] == ["train", "validation", "bridge"]
    assert facts.splits[2].speakers == 2
    assert facts.speakers == 4


def test_cards_need_neither_beam_nor_torch() -> None:
    code = "import duologue_cards, sys; print({'apache_beam', 'torch'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "set()\n"


def test_levels_of_bleed_are_those_of_the_directions_in_which_it_was_seen(build: Build, row: Row) -> None:
    rows = [
        row("1", isolation="fail", bleed_db_a_from_b=-10.0, floor_db_a_from_b=-40.0, floor_db_b_from_a=-60.0),
        row("2", bleed_db_a_from_b=-30.0, floor_db_a_from_b=-50.0, bleed_db_b_from_a=-20.0, floor_db_b_from_a=-50.0),
        row("3", isolation="undetermined"),
    ]
    isolation = facts_of(build(*rows)).isolation
    assert isolation.policy == "refuse-fail"
    assert isolation.verdicts == (Count("fail", 1), Count("pass", 1), Count("undetermined", 1))
    directions = isolation.directions_bleeding, isolation.directions_clean, isolation.directions_unjudged
    assert directions == (3, 1, 2)
    assert isolation.bleed_db == pytest.approx((-29, -20, -11))
    assert isolation.floor_db == (-60, -60, -60)


def test_faults_are_counted_and_those_of_a_second_opinion_only_where_it_was_asked(build: Build, row: Row) -> None:
    release = build(row("1", swap_found=True), row("2", swap_found=False, same_voice_found=False), row("3"))
    faults = {fault.name: (fault.found, fault.absent, fault.unknown) for fault in facts_of(release).isolation.faults}
    assert faults == {
        "duplicate": (0, 0, 3),
        "mono_mix": (0, 0, 3),
        "over_suppression": (0, 0, 3),
        "swap": (1, 1, 1),
        "offset": (0, 0, 3),
        "drift": (0, 0, 3),
        "same_voice": (0, 1, 2),
    }


def test_a_release_in_which_nothing_could_be_judged_has_no_levels(build: Build, row: Row) -> None:
    isolation = facts_of(build(row("1"))).isolation
    assert (isolation.bleed_db, isolation.floor_db, isolation.directions_unjudged) == (None, None, 2)
