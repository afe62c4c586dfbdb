"""When a recording began, by its name, its cell, or what is stated: as exactly as that says it, and no more."""

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.moments import (
    NamePattern,
    Started,
    read_cell,
    read_cells,
    read_column,
    read_started,
    read_zone,
)

BERLIN = read_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("pattern", "name", "zone", "found"),
    [
        ("%Y%m%d_%H%M%S", "call_20260301_101500", "UTC", Started("2026-03-01T10:15:00Z")),
        ("%Y%m%d_%H%M%S", "call_20260301_101500", "Europe/Berlin", Started("2026-03-01T09:15:00Z")),
        ("%Y%m%d_%H%M%S", "call_20260301_101500", "+05:30", Started("2026-03-01T04:45:00Z")),
        # no zone: any on earth
        ("%Y%m%d_%H%M%S", "call_20260301_101500", None, Started("2026-02-28T20:15:00Z", "2026-03-01T22:15:00Z")),
        ("%Y%m%dT%H%M%S%z", "20260301T101500+0100", None, Started("2026-03-01T09:15:00Z")),
        # no seconds: any of the minute
        ("%Y-%m-%d %H.%M", "2026-03-01 10.15 Anna", "UTC", Started("2026-03-01T10:15:00Z", "2026-03-01T10:16:00Z")),
        ("%Y%m%d", "x20260301y", None, Started("2026-03-01")),
        ("%Y%m%d", "x20260301y", "UTC", Started("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")),
        ("%Y/%m/%d/%H%M%S", "2026/03/01/101500", "UTC", Started("2026-03-01T10:15:00Z")),
        ("%d%b%Y", "01Mar2026", None, Started("2026-03-01")),
        ("%F_%I-%M-%S%p", "2026-03-01_02-15-00PM", "UTC", Started("2026-03-01T14:15:00Z")),
        ("%s", "call-1767225600.4711", None, Started("2026-01-01T00:00:00Z")),
        ("%Q", "1767225600250", None, Started("2026-01-01T00:00:00.250000Z")),
        # an hour that the clock shows twice
        ("%Y%m%d_%H%M%S", "20261025_023000", "Europe/Berlin", Started("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")),
        ("100%%_%Y%m%d", "100%_20260301", None, Started("2026-03-01")),
    ],
)
def test_a_time_in_a_name(pattern: str, name: str, zone: str | None, found: Started) -> None:
    assert NamePattern(pattern, read_zone(zone)).find(name) == found


@pytest.mark.parametrize(
    ("pattern", "name", "told"),
    [
        ("%Y%m%d", "20260301101500", "has no time"),  # figures that go on are another number
        ("%Y%m%d", "20261301", "has no time"),
        ("%Y%m%d", "from 20260301 to 20260302", "several times"),
        ("%Y%m%d", "notes", "has no time"),
    ],
)
def test_a_name_without_one_time_is_refused(pattern: str, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        NamePattern(pattern, None).find(name)


def test_the_first_name_that_has_a_time_tells_it() -> None:
    pattern = NamePattern("%Y%m%d", None)
    assert pattern.find("visit", "20260301/visit_a.wav", "20260302/visit_b.wav") == Started("2026-03-01")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024", Started("2024-01-01", "2025-01-01")),
        ("2024-02", Started("2024-02-01", "2024-03-01")),
        ("2024-12", Started("2024-12-01", "2025-01-01")),
        ("2024-02-29", Started("2024-02-29")),
        ("2024-01/2024-03", Started("2024-01-01", "2024-04-01")),
        ("1990/1992-06-30", Started("1990-01-01", "1992-07-01")),
        ("2024-03-05/2024-03-05", Started("2024-03-05", "2024-03-06")),
        ("2024-03-05T10:00:00+01:00", Started("2024-03-05T09:00:00Z")),
        ("column", None),
        (None, None),
    ],
)
def test_what_is_stated_for_all(text: str | None, found: Started | None) -> None:
    assert read_started(text, None) == found


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "05/03/2024",
        "2024-05/2024-01",
        "2024-02-30",
        "name:",
        "name:%H%M%S",
        "name:%Y%m%d%q",
        "name:%Y%m%d%S",
        "name:%Y",
        "name:%Y/%Y%m%d",
        "name:%Y%m%d_%I%M",
        "name:%Y%m%d_%H%M%p",
        "2024/2023",
        "2024-03-05/2024-03-04",
        "9999-12",
        "9999-12-31/9999-12-31",
        "2024/",
    ],
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--started-at"):
        read_started(text, None)


@pytest.mark.parametrize(
    ("cell", "in_berlin"),
    [
        ("2026-03-01T10:00:00Z", Started("2026-03-01T10:00:00Z")),
        ("2026-03-01 10:00:00 UTC", Started("2026-03-01T10:00:00Z")),
        ("2026-03-01 10:00:00.5", Started("2026-03-01T09:00:00.500000Z")),
        ("2026-03-01 10:00", Started("2026-03-01T09:00:00Z", "2026-03-01T09:01:00Z")),
        ("2026-03-01T10", Started("2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z")),
        ("20260301T100000", Started("2026-03-01T09:00:00Z")),
        ("20260301100000", Started("2026-03-01T09:00:00Z")),
        ("2026-03-01", Started("2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z")),
        ("20260301", Started("2026-02-28T23:00:00Z", "2026-03-01T23:00:00Z")),
        ("202603011000", Started("2026-03-01T09:00:00Z", "2026-03-01T09:01:00Z")),
        ("2026", Started("2026-01-01", "2027-01-01")),
        ("1767225600", Started("2026-01-01T00:00:00Z")),
        ("1767225600.5", Started("2026-01-01T00:00:00.500000Z")),
        ("1767225600000", Started("2026-01-01T00:00:00Z")),
        ("1999010112", Started("1999-01-01T11:00:00Z", "1999-01-01T12:00:00Z")),  # an hour, and no seconds since 1970
        ("2024-01/2024-03", Started("2024-01-01", "2024-04-01")),
    ],
)
def test_a_cell(cell: str, in_berlin: Started) -> None:
    assert read_cell(cell, BERLIN) == in_berlin


@pytest.mark.parametrize(
    "cell", ["03/04/2026", "1.3.2026", "46082.5", "2125551234", "12026030110", "2026-W10-1", "noon", ""]
)
def test_a_cell_that_could_be_two_times_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="in one way only"):
        read_cell(cell, BERLIN)


@pytest.mark.parametrize("cell", ["9999-12", "9999-12-31", "9999-12-31 23:59", "2024/2023"])
def test_a_cell_that_no_clock_shows_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"beyond what a clock holds|2023 is before 2024"):
        read_cell(cell, None)


@pytest.mark.parametrize(
    ("zone", "before", "found"),
    [
        # of a zone that nobody names the recording may have begun as late as there
        (None, "2026-03-01 11:00:00", Started("2026-02-28T20:00:00Z", "2026-03-01T23:00:00Z")),
        (None, "2026-03-01 11:00", Started("2026-02-28T20:00:00Z", "2026-03-01T23:01:00Z")),
        ("UTC", "2026-03-01 11:00", Started("2026-03-01T10:00:00Z", "2026-03-01T11:01:00Z")),
        ("UTC", "2026-03-02", Started("2026-03-01T10:00:00Z", "2026-03-02T00:00:00Z")),
        (None, "2026-03-02", Started("2026-02-28T20:00:00Z", "2026-03-02")),
        ("UTC", "2027", Started("2026-03-01T10:00:00Z", "2027-01-01")),
    ],
)
def test_two_cells_make_an_interval_that_is_never_too_short(zone: str | None, before: str, found: Started) -> None:
    cells = {"started_at": "2026-03-01 10:00:00", "started_before": before}
    assert read_cells(cells, read_zone(zone)) == found


def test_one_cell_of_two_is_never_lost() -> None:
    assert read_cells({"topic": "weather"}, None) is None
    assert read_cells({"started_at": "2026-03-01"}, None) == Started("2026-03-01")
    with pytest.raises(ValueError, match="started_at is not"):
        read_cells({"started_before": "2026-03-01"}, None)
    with pytest.raises(ValueError, match="not after"):
        read_cells({"started_at": "2026-03-02", "started_before": "2026-02-01"}, None)


def test_the_end_of_an_interval_is_read_as_its_column_is_written() -> None:
    days, minutes = (read_column(f"column:{form}", None) for form in ("%d.%m.%Y", "%d.%m.%Y %H:%M"))
    cells = {"started_at": "01.03.2026", "started_before": "03.03.2026"}
    assert read_cells(cells, None, days) == Started("2026-03-01", "2026-03-03")
    cells = {"started_at": "01.03.2026 10:00", "started_before": "01.03.2026 11:00"}
    assert read_cells(cells, None, minutes) == Started("2026-02-28T20:00:00Z", "2026-03-01T23:01:00Z")


@pytest.mark.parametrize(
    ("written", "cell", "started"),
    [
        ("%d.%m.%Y %H:%M", "01.03.2026 10:15", Started("2026-03-01T09:15:00Z", "2026-03-01T09:16:00Z")),
        ("%m/%d/%Y %I:%M:%S %p", " 03/04/2026 01:15:00 PM ", Started("2026-03-04T12:15:00Z")),
        ("%d/%m/%Y", "03/04/2026", Started("2026-04-02T22:00:00Z", "2026-04-03T22:00:00Z")),
    ],
)
def test_a_column_is_read_as_the_user_says_it_is_written(written: str, cell: str, started: Started) -> None:
    pattern = read_column(f"column:{written}", BERLIN)
    assert read_cells({"started_at": cell}, BERLIN, pattern) == started


@pytest.mark.parametrize(
    "cell", ["01.03.2026", "01.03.2026 10:15:30", "2026-03-01T10:00", "31.02.2026 10:15", "32.01.2026 10:15"]
)
def test_a_cell_that_is_written_otherwise_is_refused(cell: str) -> None:
    with pytest.raises(ValueError):
        read_cells({"started_at": cell}, BERLIN, read_column("column:%d.%m.%Y %H:%M", BERLIN))


@pytest.mark.parametrize(
    ("written", "told"),
    [("%H:%M", "column:%H:%M: finds no day"), ("", "column: has no format"), ("%d.%m.%Y %x", "%x is no dir")],
)
def test_a_format_of_a_column_that_is_none_is_refused(written: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_column(f"column:{written}", BERLIN)


@pytest.mark.parametrize("zone", ["Berlin", "+15:00", "CET+1", "../etc/passwd", ""])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(UsageError, match="no such time zone"):
        read_zone(zone)
