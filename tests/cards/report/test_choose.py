"""Conversations are chosen by rule, whatever the order of the rows."""

from typing import Any

from duologue_cards.report.choose import choose, shown_s


def row(
    name: str, overlap: float | None, isolation: str = "pass", bleed_db: float | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "recording_id": name,
        "overlap_share_of_speech": overlap,
        "isolation": isolation,
        "bleed_db_a_from_b": bleed_db,
        "bleed_db_b_from_a": None,
        "duration_s": 120.0,
        "backchannels_a": 0,
        "backchannels_b": 0,
        "interruptions_a": 0,
        "interruptions_b": 0,
        "speaker_a": "x",
        "speaker_b": "y",
        **more,
    }


ROWS = [
    row("calm", 0.01),
    row("middle", 0.05),
    row("lively", 0.2, "warn", -5.0),
    row("warned", 0.06, "warn", -18.0),
    row("louder", 0.3, "pass"),
    row("worse", 0.04, "warn", -16.0),
    row("gone", 0.9, speaker_b="withdrawn"),
    row("silent", None),
]


def test_most_overlap_worst_verdict_nearest_to_the_median() -> None:
    assert [(each["recording_id"], why) for each, why in choose(ROWS)] == [
        ("louder", "most overlap"),
        ("lively", "worst isolation: warn"),
        ("middle", "nearest to the median"),
        ("calm", "least overlap"),
        ("worse", "the other voice is loudest"),
        ("warned", "the longest"),
    ]


def test_another_voice_as_loud_as_its_own_is_the_worst() -> None:
    found = choose(
        [row("most", 0.3), row("faint", 0.1, "fail", -16.0), row("alike", 0.2, "fail", 0.0), row("none", 0.1, "fail")]
    )
    assert (found[1][0]["recording_id"], found[1][1]) == ("alike", "worst isolation: fail")


def test_of_many_eight_are_chosen_each_by_a_rule_of_its_own() -> None:
    many = [row(f"usual-{number:02d}", 0.05 + number / 10_000) for number in range(20)]
    cut_in = row("cuts-in", 0.06, interruptions_a=3, interruptions_b=4)
    yes = row("says-yes", 0.06, backchannels_b=9, duration_s=60.0)
    heard = row("heard", 0.06, bleed_db=-40.0)
    long = row("long", 0.07, duration_s=3600.0)
    found = [(each["recording_id"], why) for each, why in choose([*many, *ROWS[:4], cut_in, yes, heard, long])]
    assert len(found) == 8
    assert found[3:] == [
        ("calm", "least overlap"),
        ("cuts-in", "most interruptions a minute"),
        ("says-yes", "most backchannels a minute"),
        ("heard", "the other voice is loudest"),
        ("long", "the longest"),
    ]


def test_the_page_stays_bounded() -> None:
    assert [shown_s(place) for place in range(8)] == [240.0] * 3 + [60.0] * 5


def test_the_order_of_the_rows_does_not_count() -> None:
    assert choose(ROWS[::-1]) == choose(ROWS)


def test_a_failure_is_worse_than_a_warning() -> None:
    assert choose([*ROWS, row("failed", 0.05, "fail", -19.0)])[1][0]["recording_id"] == "failed"


def test_nobody_is_chosen_twice_and_nobody_from_nothing() -> None:
    assert [why for _, why in choose(ROWS[:1])] == ["most overlap"]
    assert choose([]) == []
