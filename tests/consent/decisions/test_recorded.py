"""When a recording was made: a moment, a day, an interval; and that every rule of consent takes the safer end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import ConsentEvent, Purpose, Recorded, decide, recorded_between
from duologue_consent.decisions.remembered import RememberingSnapshot
from tests.consent.decisions.test_policy import BOTH_DAY_1, RECORDING, TRAINING, Step, day, make_history
from tests.consent.decisions.test_policy_terms import both
from tests.consent.decisions.test_remembered import histories, snapshot_of


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("started_at", "started_before", "earliest", "latest"),
    [
        ("2026-03-01T10:00:00Z", None, "2026-03-01T10:00", "2026-03-01T10:00"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T10:00:00Z", "2026-03-01T08:00", "2026-03-01T10:00"),
        # a day begins in UTC+14 and is over in UTC-12
        ("2026-03-01", None, "2026-02-28T10:00", "2026-03-02T12:00"),
        ("2024-01-01", "2025-01-01", "2023-12-31T10:00", "2025-01-01T12:00"),
        ("2026-03-01", "2026-03-02", "2026-02-28T10:00", "2026-03-02T12:00"),
        ("2026-03-01T10:00:00Z", "2026-03-02", "2026-03-01T10:00", "2026-03-02T12:00"),
    ],
)
def test_both_ends(started_at: str, started_before: str | None, earliest: str, latest: str) -> None:
    found = recorded_between(started_at, started_before)
    assert found == Recorded(utc(earliest), utc(latest))
    assert found.is_moment is (earliest == latest)


@pytest.mark.parametrize(
    ("started_at", "started_before", "told"),
    [
        ("2026", None, "not a time"),
        ("2026-02-30", None, "not a date that exists"),
        ("2026-03-01T10:00:00", None, "no time zone"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "not after started_at"),
        ("2026-03-02T13:00:00Z", "2026-03-02", "not after started_at"),
        ("0001-01-01", None, "not a date that exists"),
    ],
)
def test_what_is_no_time_is_said(started_at: str, started_before: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        recorded_between(started_at, started_before)


def between(first: int, last: int) -> Recorded:
    return Recorded(day(first), day(last))


CASES: dict[str, tuple[tuple[Step, ...], tuple[int, int], str | None]] = {
    "given before all of it": (BOTH_DAY_1, (2, 5), None),
    "given at its first moment": (BOTH_DAY_1, (1, 5), None),
    "given within it": (BOTH_DAY_1, (0, 5), "consent_after_recording"),
    "given after all of it": ((("grant", RECORDING, 7), ("grant", TRAINING, 7)), (2, 5), "consent_after_recording"),
    "one purpose given within it": (
        (("grant", RECORDING, 1), ("grant", TRAINING, 3)),
        (2, 5),
        "consent_after_recording",
    ),
    "withdrawn within it, and given again before now": (
        (*BOTH_DAY_1, ("withdraw", TRAINING, 3), ("grant", TRAINING, 4)),
        (2, 5),
        "consent_withdrawn",
    ),
    "withdrawn and given again after it": (
        (*BOTH_DAY_1, ("withdraw", TRAINING, 7), ("grant", TRAINING, 8)),
        (2, 5),
        None,
    ),
    "expired within it, and given again in it": (
        (("grant", RECORDING, 1), ("grant", TRAINING, 1, 3), ("grant", TRAINING, 4)),
        (2, 5),
        "consent_expired",
    ),
    "expired in the moment of the next grant": (
        (("grant", RECORDING, 1), ("grant", TRAINING, 1, 3), ("grant", TRAINING, 3)),
        (2, 5),
        None,
    ),
    "renewed before it expires": (
        (("grant", RECORDING, 1), ("grant", TRAINING, 1, 4), ("grant", TRAINING, 3)),
        (2, 5),
        None,
    ),
    "expires after now, within an interval that has not ended": (
        (("grant", RECORDING, 1), ("grant", TRAINING, 1, 12)),
        (2, 20),
        None,
    ),
    "the first grant of it is found invalid later": (
        (*BOTH_DAY_1, ("grant", TRAINING, 4), ("invalidate", TRAINING, 6), ("grant", TRAINING, 7)),
        (2, 5),
        "consent_invalidated",
    ),
}


@pytest.mark.parametrize(("steps", "made", "reason"), CASES.values(), ids=CASES)
def test_consent_has_to_stand_all_the_time_in_which_it_may_have_been_made(
    steps: tuple[Step, ...], made: tuple[int, int], reason: str | None
) -> None:
    assert decide(make_history(*steps), TRAINING, between(*made), day(10)).reason == reason


def test_a_recording_is_kept_from_its_earliest_moment() -> None:
    events = both(1, retention_days=6)
    assert decide(events, TRAINING, between(4, 9), day(10)).reason == "consent_retention_over"
    assert decide(events, TRAINING, between(5, 9), day(10)).allowed
    assert decide(events, TRAINING, between(4, 9), day(9)).allowed


def test_the_sentence_names_both_ends_and_the_remedy() -> None:
    late = decide(make_history(*BOTH_DAY_1), TRAINING, between(0, 5), day(10))
    assert "between 2026-03-01T00:00:00Z and 2026-03-06T00:00:00Z" in late.detail
    assert "say in the manifest more exactly when it was made" in late.detail
    good = decide(make_history(*BOTH_DAY_1), TRAINING, between(2, 5), day(10))
    assert "when the recording was made between 2026-03-03T00:00:00Z and" in good.detail


HALVES = st.integers(-20, 20)


@settings(max_examples=200, deadline=None)
@given(histories(), HALVES, st.integers(0, 30))
def test_an_interval_is_allowed_only_where_every_moment_of_it_is(
    events: tuple[ConsentEvent, ...], first: int, halves: int
) -> None:
    asked: Any = {"as_of": day(10)}
    moments = [day(0) + timedelta(hours=12 * half) for half in range(first, first + halves + 1)]
    moments = [moments[0], *(moment for moment in moments[1:] if moment <= day(10))]
    interval = Recorded(moments[0], day(0) + timedelta(hours=12 * (first + halves)))
    each = [decide(events, TRAINING, moment, **asked).allowed for moment in moments]
    found = decide(events, TRAINING, interval, **asked).allowed
    if found:
        assert all(each)
    if all(each) and all(event.terms.retention_days is None for event in events):
        assert found


@settings(max_examples=200, deadline=None)
@given(histories(), st.lists(st.tuples(HALVES, st.integers(0, 30)), min_size=4, max_size=12))
def test_what_is_remembered_of_intervals_is_what_each_would_get(
    events: tuple[ConsentEvent, ...], asked: list[tuple[int, int]]
) -> None:
    plain = snapshot_of(events)
    remembering = RememberingSnapshot.of_snapshot(plain)
    for first, halves in [*asked, *asked]:
        made = Recorded(day(0) + timedelta(hours=12 * first), day(0) + timedelta(hours=12 * (first + halves)))
        question: Any = {"purpose": Purpose.TRAINING_INHOUSE, "recorded_at": made, "as_of": day(10)}
        expected = plain.decide("spk-17", **question)
        found = remembering.decide("spk-17", **question)
        assert (found.reason, found.grants) == (expected.reason, expected.grants)


def test_a_yes_to_a_short_interval_is_none_to_a_longer_one() -> None:
    events = make_history(*BOTH_DAY_1, ("withdraw", TRAINING, 4), ("grant", TRAINING, 6))
    remembering = RememberingSnapshot.of_snapshot(snapshot_of(events))
    asked: Any = {"purpose": Purpose.TRAINING_INHOUSE, "as_of": day(10)}
    assert remembering.decide("spk-17", recorded_at=between(2, 3), **asked).allowed
    assert remembering.decide("spk-17", recorded_at=between(2, 5), **asked).reason == "consent_withdrawn"
    assert remembering.decide("spk-17", recorded_at=day(2), **asked).allowed
