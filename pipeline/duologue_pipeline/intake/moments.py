"""Finds when a recording began: in a name, in a cell, or as it is stated; as exactly as that says it, and no more exactly.

What is not said widens the interval and is never guessed: without a zone a time may be of any zone of the earth, a time without
seconds may be any of the minute, a date any of the day. The manifest holds both ends (``started_at``, ``started_before``), and each
rule of consent is held against the safer one (:mod:`duologue_consent.decisions.recorded`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from duologue_consent import format_time, parse_time
from duologue_consent.decisions.recorded import FIRST_ZONE, LAST_ZONE, recorded_between
from duologue_pipeline.errors import UsageError

__all__ = ["NamePattern", "Started", "read_cell", "read_cells", "read_column", "read_started", "read_zone"]

_FIELDS: Final = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{2}",
    "d": r"\d{2}",
    "H": r"\d{2}",
    "I": r"\d{2}",
    "p": r"[AaPp][Mm]",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "f": r"\d{1,6}",
    "j": r"\d{3}",
    "b": r"[A-Za-z]{3}",
    "B": r"[A-Za-z]{3,9}",
    "z": r"(?:Z|[+-]\d{2}:?\d{2})",
    "s": r"1\d{9}",
    "Q": r"1\d{12}",
    "%": "%",
}
"""What a directive of a format matches; ``%s`` are seconds and ``%Q`` milliseconds since 1970 (of 2001 to 2033), in UTC."""


@dataclass(frozen=True)
class Started:
    """Holds ``started_at`` and ``started_before`` as a manifest has them; the second is None where the first says all."""

    at: str
    before: str | None = None


class NamePattern:
    """Finds a time in a name by a format of ``strptime``, with ``%s`` and ``%Q`` for seconds and milliseconds since 1970.

    Raises:
        UsageError: the format has no year, month and day, half of a time, a directive twice, or one that is not known.
    """

    def __init__(self, text: str, zone: tzinfo | None, *, source: str = "name") -> None:
        self.text = text
        self._zone = zone
        option = f"--started-at {source}:"
        self._parts = list(_parts(text, option))
        fields = [part for part, is_field in self._parts if is_field and part != "%"]
        names = set(fields)
        if twice := [part for part in fields if fields.count(part) > 1]:
            where = "for only a part of the name has to match" if source == "name" else "for it stands there once"
            raise UsageError(f"{option}{text}: has %{twice[0]} twice; write the time once, {where}")
        if ("I" in names) is not ("p" in names):
            raise UsageError(
                f"{option}{text}: twelve hours need %I and %p, for 3 is in the morning or the afternoon; %H is of 24 hours"
            )
        dated = names & {"Y", "y"} and ((names & {"m", "b", "B"} and "d" in names) or "j" in names)
        if not (dated or names & {"s", "Q"}):
            raise UsageError(
                f"--started-at {source}:{text}: finds no day; write the year, the month and the day as %Y%m%d, or %s for seconds since 1970"
            )
        if ("M" in names and not names & {"H", "I"}) or ("S" in names and "M" not in names):
            raise UsageError(
                f"--started-at {source}:{text}: has minutes without hours or seconds without minutes; add them"
            )
        body = "".join(f"({_FIELDS[part]})" if is_field else re.escape(part) for part, is_field in self._parts)
        # figures that go on are another number: 20260301 is not found in 202603011015
        before, after = (r"(?<!\d)" if self._parts[0][1] else "", r"(?!\d)" if self._parts[-1][1] else "")
        self._matches = re.compile(f"(?=({before}{body}{after}))")
        self._whole = re.compile(body)
        self._names = names
        self.of_days = not names & {"H", "I", "s", "Q"}

    def find(self, *names: str) -> Started:
        """Finds the time in the first of some names that has one.

        Raises:
            ValueError: none has, or one has several.
        """
        fault = ""
        for name in names:
            found = set[Started]()
            for match in self._matches.finditer(name):
                try:
                    found.add(self._started(match.groups()[1:]))
                except ValueError as error:
                    fault = f" ({error})"
            if len(found) > 1:
                times = ", ".join(sorted(each.at for each in found))
                raise ValueError(
                    f"{name!r} has several times as {self.text} writes them ({times}); write more of the name into the format"
                )
            if found:
                return found.pop()
        raise ValueError(f"{names[0]!r} has no time as {self.text} writes it{fault}")

    def read(self, text: str) -> Started:
        """Reads a cell that is a time and nothing else.

        Raises:
            ValueError: it is not written so.
        """
        value = text.strip()
        match = self._whole.fullmatch(value)
        if match is None:
            raise ValueError(f"{value!r} is no time as {self.text} writes it; correct it, or the format")
        return self._started(match.groups())

    def _started(self, values: tuple[str, ...]) -> Started:
        directives = (part for part, is_field in self._parts if is_field)
        fields = [(part, value) for part, value in zip(directives, values, strict=True) if part != "%"]
        for part, value in fields:
            if part in ("s", "Q"):
                moment = datetime.fromtimestamp(0, UTC) + timedelta(
                    **{"seconds" if part == "s" else "milliseconds": int(value)}
                )
                return Started(format_time(moment))
        text = " ".join(value for _, value in fields)
        moment = datetime.strptime(text, " ".join(f"%{part}" for part, _ in fields))
        return _started(moment, self._zone, self._step())

    def _step(self) -> timedelta:
        if not self._names & {"H", "I"}:
            return timedelta(days=1)
        if "M" not in self._names:
            return timedelta(hours=1)
        return timedelta(0) if "S" in self._names else timedelta(minutes=1)


def read_zone(text: str | None) -> tzinfo | None:
    """Reads ``--zone``: a name of the time zone database such as Europe/Berlin, ``UTC``, or an offset such as +01:00.

    Raises:
        UsageError: there is none of this name.
    """
    if text is None:
        return None
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", text)
    if offset and int(offset[2]) <= 14 and int(offset[3]) < 60:
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-away if offset[1] == "-" else away)
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"--zone {text}: there is no such time zone; write one as Europe/Berlin, UTC or +01:00"
        ) from None


def read_started(text: str | None, zone: tzinfo | None) -> Started | NamePattern | None:
    """Reads ``--started-at``: ``name:FORMAT``, or what is true of all.

    It is None where it is left out, and for ``column``, ``column:FORMAT`` and ``metadata``.

    Of all are stated: a year, a month, a day, a moment of RFC 3339, or two of them with ``/`` between, both included.

    Raises:
        UsageError: it is none of them.
    """
    if text is None or text in ("column", "metadata") or text.startswith("column:"):
        return None
    if text.startswith("name:"):
        return NamePattern(text.removeprefix("name:"), zone)
    try:
        return _interval(text)
    except ValueError as error:
        raise UsageError(
            f"--started-at {text}: {error}; write name:FORMAT, column, metadata, a year, a day as 2026-03-01, or two of them as 2026-01/2026-03"
        ) from None


def read_column(text: str | None, zone: tzinfo | None) -> NamePattern | None:
    """Reads ``--started-at column:FORMAT``: how a column writes times, e.g. ``%d.%m.%Y %H:%M``; None where no format is given.

    Raises:
        UsageError: the format has no day, or a directive that is not known.
    """
    if text is None or not text.startswith("column:"):
        return None
    return NamePattern(text.removeprefix("column:"), zone, source="column")


def read_cell(text: str, zone: tzinfo | None) -> Started:
    """Reads the cell of a table: ISO 8601 with or without zone, seconds or time, a year or month, an interval, or seconds since 1970.

    Raises:
        ValueError: it is none of them; forms in which day and month could be mistaken (03/04/2026) are none.
    """
    value = text.strip()
    if re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", value):
        started = _stated(value)
        if zone is None or len(value) < 10:
            return started
        return _started(datetime.fromisoformat(value), zone, timedelta(days=1))
    if re.fullmatch(
        r"1[0-8]\d{8}(\.\d+)?|1[0-8]\d{11}", value
    ):  # 2001 to 2030: longer or other figures are dates of some kind
        seconds = int(value) / 1000 if len(value) == 13 and value.isdecimal() else float(value)
        return Started(format_time(datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)))
    if "/" in value and re.fullmatch(r"[\d:TZ+.-]+/[\d:TZ+.-]+", value):
        return _interval(value)
    plain = re.sub(r"(?i) utc$", "Z", value)
    match = re.fullmatch(
        r"\d{4}-?\d{2}-?\d{2}(?P<time>[T ]?\d{2}(?P<minute>:?\d{2}(?P<second>:?\d{2}([.,]\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?)?",
        plain,
        re.IGNORECASE,
    )
    try:
        moment = datetime.fromisoformat(re.sub(r"^(\d{8})(\d)", r"\1T\2", plain.upper())) if match else None
    except ValueError:
        moment = None
    if match is None or moment is None:
        raise ValueError(
            f"{value!r} is no time that can be read in one way only; write it as 2026-03-01T10:00:00Z, or say how the column writes it, "
            "as --started-at 'column:%d.%m.%Y %H:%M'"
        )
    exact = {"time": timedelta(days=1), "minute": timedelta(hours=1), "second": timedelta(minutes=1)}
    return _started(moment, zone, next((step for part, step in exact.items() if match[part] is None), timedelta(0)))


def read_cells(cells: Mapping[str, str], zone: tzinfo | None, pattern: NamePattern | None = None) -> Started | None:
    """Reads the cells ``started_at`` and ``started_before`` of a row; None where it has neither.

    Args:
        cells: of the row, by the names of their fields.
        zone: of times that have none.
        pattern: how they are written; None: as :func:`read_cell` reads them.

    Raises:
        ValueError: one is no time, there is only the second, or it is not after the first.
    """
    if "started_at" not in cells:
        if "started_before" in cells:
            raise ValueError(
                "started_before is filled in, and started_at is not; say as well when it began at the earliest"
            )
        return None
    first, last = (
        None if text is None else read_cell(text, zone) if pattern is None else pattern.read(text)
        for text in (cells["started_at"], cells.get("started_before"))
    )
    assert first is not None
    if last is None:
        return first
    # before a day is before it begins, as in a manifest; of a time that is not exact the latest moment counts
    is_day = (
        pattern.of_days
        if pattern
        else re.fullmatch(r"\d{4}(-\d{2})?|\d{4}-?\d{2}-?\d{2}", cells["started_before"].strip())
    )
    found = Started(first.at, last.at if is_day or last.before is None else last.before)
    recorded_between(found.at, found.before)
    return found


def _interval(text: str) -> Started:
    first, slash, last = text.partition("/")
    if not slash:
        return _stated(first)
    begun, ended = _stated(first), _stated(last)
    if recorded_between(ended.at).earliest < recorded_between(begun.at).earliest:
        raise ValueError(f"{last} is before {first}")
    started = Started(begun.at, ended.before or _after(ended.at))
    recorded_between(started.at, started.before)
    return started


def _stated(text: str) -> Started:
    _require_clock(text[:4])
    if re.fullmatch(r"\d{4}", text):
        year = int(text)
        return Started(str(date(year, 1, 1)), str(date(year + 1, 1, 1)))
    if re.fullmatch(r"\d{4}-\d{2}", text):
        first = date.fromisoformat(text + "-01")
        return Started(str(first), str((first + timedelta(days=31)).replace(day=1)))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return Started(str(date.fromisoformat(text)))
    return Started(format_time(parse_time(text)))


def _require_clock(year: str) -> None:
    if year == "9999":
        raise ValueError("the year 9999 is beyond what a clock holds")


def _after(text: str) -> str:
    """Gives what comes after a day, or just after a moment."""
    if len(text) == 10:
        return str(date.fromisoformat(text) + timedelta(days=1))
    return format_time(parse_time(text) + timedelta(seconds=1))


def _started(moment: datetime, zone: tzinfo | None, step: timedelta) -> Started:
    """Writes a moment that is known to within ``step``, and of which the zone may not be known."""
    _require_clock(str(moment.year))
    if moment.tzinfo is not None:
        first, last = moment, moment + step
    elif zone is not None:
        ends = [each.replace(tzinfo=zone, fold=fold) for each in (moment, moment + step) for fold in (0, 1)]
        first, last = min(each.astimezone(UTC) for each in ends), max(each.astimezone(UTC) for each in ends)
    elif step == timedelta(days=1):
        return Started(str(moment.date()))
    else:
        first, last = moment.replace(tzinfo=FIRST_ZONE), (moment + step).replace(tzinfo=LAST_ZONE)
    try:
        return Started(format_time(first), None if first == last else format_time(last))
    except OverflowError:
        raise ValueError(f"the year {moment.year} is beyond what a clock holds") from None


def _parts(text: str, option: str) -> Iterator[tuple[str, bool]]:
    """Takes a format apart: (text, False) as it stands, (letter, True) for a directive."""
    expanded = text.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    if not expanded:
        raise UsageError(f"{option} has no format; write it as %Y%m%d_%H%M%S")
    for each in re.findall(r"%.?|[^%]+", expanded):
        if not each.startswith("%"):
            yield each, False
        elif each[1:] not in _FIELDS:
            known = " ".join(f"%{name}" for name in _FIELDS)
            raise UsageError(f"{option}{text}: {each} is no directive that is known; known are {known}")
        else:
            yield each[1:], True
