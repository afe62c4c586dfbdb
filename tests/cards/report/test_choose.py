"""Conversations are chosen by rule, whatever the order of the rows."""

from typing import Any

from duologue_cards.report.choose import choose


def row(
    name: str, overlap: float | None, isolation: str = "pass", bleed_db: float | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "recording_id": name,
        "overlap_share_of_speech": overlap,
        "isolation": isolation,
        "bleed_db_a_from_b": bleed_db,
        "bleed_db_b_from_a": None,
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
    ]


def test_the_order_of_the_rows_does_not_count() -> None:
    assert choose(ROWS[::-1]) == choose(ROWS)


def test_a_failure_is_worse_than_a_warning() -> None:
    assert choose([*ROWS, row("failed", 0.05, "fail", -19.0)])[1][0]["recording_id"] == "failed"


def test_nobody_is_chosen_twice_and_nobody_from_nothing() -> None:
    assert [why for _, why in choose(ROWS[:1])] == ["most overlap"]
    assert choose([]) == []
