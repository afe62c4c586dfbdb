"""Compares the clock of this machine with what is on record: who is asked on a clock that is behind, answers wrongly. Pure.

Denials count from their place in the log (:mod:`duologue_consent.decisions.standing`), but whether a grant has begun, is over, or may
be kept no longer hangs on the clock. A clock that shows less than the latest time on record is certainly wrong, or that time is.
"""

from datetime import datetime, timedelta
from typing import Final

from duologue_consent.decisions.events import format_time

__all__ = ["CLOCK_TOLERANCE", "clock_fault"]

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far two clocks that are set may differ, as Kerberos allows by default."""


def clock_fault(latest: datetime | None, now: datetime) -> str | None:
    """Says that something is dated later than the clock shows, in a clause with its remedy; None where that is not so.

    Args:
        latest: the latest time on record, None where there is none.
        now: what the clock shows.
    """
    if latest is None or latest <= now + CLOCK_TOLERANCE:
        return None
    return (
        f"is ahead of this machine's clock: something in it is dated {format_time(latest)}, and the clock shows "
        f"{format_time(now.replace(microsecond=0))}; set the clock and run the command again; if it is right, another one was "
        "ahead when that was dated: wait until then"
    )
