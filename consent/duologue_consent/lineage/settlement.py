"""Computes what each speaker is owed for the uses of releases: pay per recorded hour, in whole minor units of money. No I/O.

Rules
1. The unit is the recorded hour per speaker: a recording of one hour is one recorded hour for each of its two speakers,
   whoever of them talks more. It is counted in whole milliseconds.
2. A use of a release owes rate x hours for all speakers of that release together, rounded once, half up.
3. That sum is divided by largest remainder (Hamilton's method): everybody gets the whole units of the exact share, and the
   units left over go to the largest remainders. Of equal remainders the smaller SHA-256 of use and speaker comes first,
   so that nobody is favoured by a name. The parts add up to the sum exactly.
4. A claim comes from a release that was used. A release never changes, so who has withdrawn since then keeps the claims of
   uses of earlier releases, and has none of those that no longer hold the recording.
5. The same use told twice counts once; one id told in two ways is an error. The result does not depend on any order.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import rfc8785

from duologue_consent.decisions.events import format_time
from duologue_consent.errors import ConsentError

__all__ = ["Claim", "ReleaseHours", "SettlementError", "Use", "claims_bytes", "divide", "release_hours", "settle"]

_MS_PER_HOUR: Final = 3_600_000


class SettlementError(ConsentError, ValueError):
    """Tells that the input contradicts itself, or names a release that was not given."""


@dataclass(frozen=True)
class ReleaseHours:
    """Holds how long each speaker is recorded in a release.

    Attributes:
        release: the release, e.g. the SHA-256 of its dataset.json.
        recorded_ms: milliseconds per speaker's commitment.

    Raises:
        SettlementError: a duration is negative.
    """

    release: str
    recorded_ms: Mapping[str, int] = field(hash=False)

    def __post_init__(self) -> None:
        negative = sorted(speaker for speaker, ms in self.recorded_ms.items() if ms < 0)
        if negative:
            raise SettlementError(f"release {self.release}: speaker {negative[0]} has a negative duration")


@dataclass(frozen=True)
class Use:
    """Describes a use of a release that is paid for.

    Attributes:
        use_id: names the use once and for all.
        release: as in :class:`ReleaseHours`.
        at: when, aware.
        rate_minor_per_hour: what a recorded hour of a speaker costs, in minor units (cents) of the currency.
        currency: ISO 4217, e.g. ``EUR``.

    Raises:
        SettlementError: the rate is negative, or the time has no zone.
    """

    use_id: str
    release: str
    at: datetime
    rate_minor_per_hour: int
    currency: str

    def __post_init__(self) -> None:
        if self.rate_minor_per_hour < 0:
            raise SettlementError(f"use {self.use_id}: the rate is negative")
        if self.at.utcoffset() is None:
            raise SettlementError(f"use {self.use_id}: its time has no zone; pass an aware datetime")


@dataclass(frozen=True)
class Claim:
    """Says what one speaker is owed for one use: ``recorded_ms`` in milliseconds, ``amount_minor`` in minor units of ``currency``.

    ``at`` is RFC 3339 text in UTC, ``speaker`` the pseudonym.
    """

    use_id: str
    release: str
    at: str
    speaker: str
    recorded_ms: int
    amount_minor: int
    currency: str


def release_hours(release: str, recordings: Iterable[Mapping[str, Any]]) -> ReleaseHours:
    """Adds up the recorded time of each speaker over the rows of a release's recordings.parquet.

    Args:
        release: what names the release.
        recordings: rows with ``recording_id``, ``duration_s``, ``speaker_a`` and ``speaker_b``, in any order.

    Raises:
        SettlementError: a recording comes twice, or lasts less than nothing.
    """
    recorded_ms: dict[str, int] = {}
    seen: set[str] = set()
    for row in recordings:
        if row["recording_id"] in seen:
            raise SettlementError(f"release {release}: recording {row['recording_id']} comes twice")
        seen.add(row["recording_id"])
        duration_ms = round(row["duration_s"] * 1000)  # each recording by itself, so that the order does not matter
        if duration_ms < 0:
            raise SettlementError(f"release {release}: recording {row['recording_id']} has a negative duration")
        for speaker in (row["speaker_a"], row["speaker_b"]):
            recorded_ms[speaker] = recorded_ms.get(speaker, 0) + duration_ms
    return ReleaseHours(release, recorded_ms)


def settle(releases: Iterable[ReleaseHours], uses: Iterable[Use]) -> tuple[Claim, ...]:
    """Computes what everybody is owed for the uses; the rules stand on top of this module.

    Returns:
        A claim for each use and each speaker of its release, also of 0, sorted by time, use and speaker.

    Raises:
        SettlementError: a use or release is told in two ways, or a release is not given.
    """
    hours: dict[str, ReleaseHours] = {}
    for release in releases:
        if hours.setdefault(release.release, release) != release:
            raise SettlementError(f"release {release.release} is given with two different contents")
    once: dict[str, Use] = {}
    for use in uses:
        if once.setdefault(use.use_id, use) != use:
            raise SettlementError(f"use {use.use_id} is told in two ways")
    claims: list[Claim] = []
    for use in once.values():
        if use.release not in hours:
            raise SettlementError(f"use {use.use_id} is of release {use.release}, which is not given")
        recorded_ms = hours[use.release].recorded_ms
        owed = Fraction(use.rate_minor_per_hour * sum(recorded_ms.values()), _MS_PER_HOUR)
        amounts = divide(int(owed + Fraction(1, 2)), recorded_ms, salt=use.use_id)
        claims += [
            Claim(use.use_id, use.release, format_time(use.at), speaker, ms, amounts[speaker], use.currency)
            for speaker, ms in recorded_ms.items()
        ]
    return tuple(sorted(claims, key=lambda claim: (once[claim.use_id].at, claim.use_id, claim.speaker)))


def divide(total: int, weights: Mapping[str, int], *, salt: str) -> dict[str, int]:
    """Divides a sum by weights into whole units that add up to it exactly, by largest remainder.

    Args:
        total: the units to divide, not negative.
        weights: whole and not negative; nobody gets anything where all are 0, which needs a ``total`` of 0.
        salt: decides together with the name who comes first of equal remainders.

    Raises:
        SettlementError: there are units but no weight.
    """
    whole = sum(weights.values())
    if whole == 0:
        if total:
            raise SettlementError(f"{total} units cannot be divided among nobody")
        return dict.fromkeys(weights, 0)
    parts = {name: total * weight // whole for name, weight in weights.items()}

    def first(name: str) -> tuple[int, bytes]:
        tie = hashlib.sha256(rfc8785.dumps([salt, name])).digest()
        return -(total * weights[name] % whole), tie

    for name in sorted(weights, key=first)[: total - sum(parts.values())]:
        parts[name] += 1
    return parts


def claims_bytes(claims: Iterable[Claim]) -> bytes:
    """Writes the claims as JSON Lines, each in canonical form (RFC 8785): the same claims give the same bytes.

    Raises:
        ValueError: an amount is beyond 2^53 - 1, which JSON readers cannot hold.
    """
    return b"".join(rfc8785.dumps(asdict(claim)) + b"\n" for claim in claims)
