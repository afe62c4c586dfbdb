"""Times, as they are read and written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01t10:00:00z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00:00.25Z", datetime(2026, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123456Z", datetime(2026, 3, 1, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-03-01T10:00:00.123456789Z", datetime(2026, 3, 1, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-03-01T00:30:00+01:00", datetime(2026, 2, 28, 23, 30, tzinfo=UTC)),
        ("2026-03-01T00:30:00-05:30", datetime(2026, 3, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone_is_read_as_utc(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-03-01", "'2026-03-01' is not a time as RFC 3339 writes it; write date, time and zone"),
        (
            "2026-03-01T10:00:00",
            "'2026-03-01T10:00:00' has no time zone; write date, time and zone, e.g. 2026-03-01T10",
        ),
        ("2026-03-01T10:00Z", "is not a time as RFC 3339"),
        ("20260301T100000Z", "is not a time as RFC 3339"),
        ("2026-W09-7T10:00:00Z", "is not a time as RFC 3339"),
        ("2026-03-01T10:00:00Z\n", "is not a time as RFC 3339"),
        ("٢٠٢٦-03-01T10:00:00Z", "is not a time as RFC 3339"),
        ("yesterday", "is not a time as RFC 3339"),
        ("", "is not a time as RFC 3339"),
        ("2026-02-30T10:00:00Z", "is not a time that exists"),
        ("2026-03-01T25:00:00Z", "is not a time that exists"),
        ("0001-01-01T00:00:00+01:00", "is not a time that exists"),
    ],
)
def test_anything_else_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_time(text)
    assert fault in str(error.value)


def test_a_time_is_written_in_utc() -> None:
    noon_in_delhi = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert format_time(noon_in_delhi) == "2026-03-01T06:30:00Z"
    assert format_time(noon_in_delhi.replace(microsecond=1)) == "2026-03-01T06:30:00.000001Z"


def test_a_naive_time_is_not_written() -> None:
    with pytest.raises(ValueError, match="2026-03-01T00:00:00 has no time zone"):
        format_time(datetime(2026, 3, 1))


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_survives_writing_and_reading(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment
