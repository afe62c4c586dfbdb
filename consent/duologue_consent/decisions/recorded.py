"""Says when a recording was made, also where only a day or an interval is known: each rule is held against its safer end. Pure.

- Consent must have been given before the recording: before the **earliest** moment at which it can have been made.
- It must have been in force then, and nobody knows which moment that was: **all the time** from the earliest to the latest.
- A recording that may be kept for some days is kept no longer than that from the **earliest**.

A day that is named without a zone begins where it begins first (UTC+14) and ends where it ends last (UTC-12).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

from duologue_consent.decisions.events import format_time, parse_time

__all__ = ["FIRST_ZONE", "LAST_ZONE", "Recorded", "recorded_between"]

FIRST_ZONE: Final = timezone(timedelta(hours=14))
"""Where a day begins first."""
LAST_ZONE: Final = timezone(timedelta(hours=-12))
"""Where a day ends last."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class Recorded:
    """Holds the earliest and the latest moment, aware, at which a recording may have begun; where it is known they are one.

    Raises:
        ValueError: a moment has no zone, or the latest is before the earliest.
    """

    earliest: datetime
    latest: datetime

    def __post_init__(self) -> None:
        if self.latest.utcoffset() is None or self.earliest.utcoffset() is None:
            raise ValueError("a moment of the recording has no time zone; pass aware datetimes")
        if self.latest < self.earliest:
            raise ValueError(f"the recording would have begun before {self.latest} and not before {self.earliest}")

    @classmethod
    def of(cls, moment: "datetime | Recorded") -> "Recorded":
        """Takes a moment for the interval that it is."""
        return moment if isinstance(moment, Recorded) else cls(moment, moment)

    @property
    def is_moment(self) -> bool:
        """Tells whether the very moment is known."""
        return self.earliest == self.latest

    @property
    def said(self) -> str:
        """Says when it was made, as the end of a sentence: ``at ...`` or ``between ... and ...``."""
        return f"at {self}" if self.is_moment else str(self)

    def __str__(self) -> str:
        if self.is_moment:
            return format_time(self.earliest)
        return f"between {format_time(self.earliest)} and {format_time(self.latest)}"


def recorded_between(started_at: str, started_before: str | None = None) -> Recorded:
    """Reads when a recording began from the fields ``started_at`` and ``started_before`` of a manifest.

    Args:
        started_at: a moment of RFC 3339 with zone, or a date.
        started_before: the same, a later one: it began before that moment, or before that day. None: it began at the moment, or
            on the day, of ``started_at``.

    Raises:
        ValueError: one is neither a moment nor a date, or the second is not after the first.
    """
    earliest, end_of_day = _ends(started_at)
    if started_before is None:
        return Recorded(earliest, end_of_day)
    latest = _day(started_before, LAST_ZONE) if _DATE.fullmatch(started_before) else parse_time(started_before)
    if latest <= earliest:
        raise ValueError(f"started_before {started_before} is not after started_at {started_at}")
    return Recorded(earliest, latest)


def _ends(text: str) -> tuple[datetime, datetime]:
    if not _DATE.fullmatch(text):
        moment = parse_time(text)
        return moment, moment
    return _day(text, FIRST_ZONE), _day(text, LAST_ZONE) + timedelta(days=1)


def _day(text: str, zone: timezone) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a date that exists ({error}); check its figures") from None
