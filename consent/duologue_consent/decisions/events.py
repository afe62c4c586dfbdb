"""Defines a decision about one purpose of one speaker, and how times are written. Values and their JSON form, no I/O.

What a decision says beside who, what and when stands in :mod:`duologue_consent.decisions.terms`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from duologue_consent.decisions.terms import Terms
from duologue_consent.decisions.vocabulary import Decider, Form

__all__ = ["Action", "ConsentEvent", "Purpose", "entered_later", "format_time", "parse_time"]

_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


class Purpose(StrEnum):
    """Names what a speaker is asked for, each on its own. ``recording`` is a precondition of every other purpose."""

    RECORDING = "recording"
    TRAINING_INHOUSE = "training_inhouse"
    REDISTRIBUTION = "redistribution"
    SPEAKER_IDENTIFICATION = "speaker_identification"
    LIKENESS = "likeness"

    @classmethod
    def _missing_(cls, value: object) -> "Purpose":
        raise ValueError(f"unknown purpose {value!r}; the purposes are {', '.join(cls)}")


class Action(StrEnum):
    """Names what was decided: the first three by the speaker (or guardian), the last two by somebody else.

    ``revoke`` ends a consent from its time on (``dpv:ConsentRevoked``), ``invalidate`` says that it never was a valid one
    (``dpv:ConsentInvalidated``).
    """

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    INVALIDATE = "invalidate"


_AT_ONCE: Final = timedelta(minutes=1)
_BY_OTHERS: Final = (Action.REVOKE, Action.INVALIDATE)
_OTHERS: Final = (Decider.CONTROLLER, Decider.AUTHORITY)


@dataclass(frozen=True)
class ConsentEvent:
    """Holds one decision about one purpose of one speaker, as it stands in the ledger.

    ``at`` is when the decision takes effect, ``expires_at`` when a grant ends by itself (None: never; always None for
    the other actions); both are UTC. ``seq`` and ``sha256`` are the place and the hash of its leaf in the log.
    ``entered_at`` is when it was entered, which no option can set back; None in older ledgers. ``new_person`` tells that
    whoever entered it knew of ids that look like this one, and that this is another person
    (:mod:`duologue_consent.decisions.names`).

    Raises:
        ValueError: somebody decided what is not theirs to decide, a grant names no form (unknown is no), or something
            but a grant has an end.
    """

    seq: int
    speaker_id: str
    purpose: Purpose
    action: Action
    at: datetime
    expires_at: datetime | None
    sha256: str
    terms: Terms = field(default_factory=Terms)
    entered_at: datetime | None = None
    new_person: bool = False

    def __post_init__(self) -> None:
        by_others = self.terms.decided_by in _OTHERS
        if by_others is not (self.action in _BY_OTHERS):
            whose = ", ".join(_OTHERS) if self.action in _BY_OTHERS else f"{Decider.SUBJECT}, {Decider.GUARDIAN}"
            raise ValueError(f"{self.action} cannot be decided by {self.terms.decided_by}; expected one of {whose}")
        if self.action is Action.GRANT and not self.terms.forms:
            raise ValueError(f"the grant names no form that it covers; name at least one of {', '.join(Form)}")
        if self.expires_at is not None and self.expires_at <= self.at:
            raise ValueError(
                f"the grant would end at {format_time(self.expires_at)}, not after it begins at {format_time(self.at)}; "
                "give a later end"
            )
        if self.expires_at is not None and self.action is not Action.GRANT:
            raise ValueError(f"{self.action} has an end, {format_time(self.expires_at)}; only a grant ends by itself")

    def __hash__(self) -> int:
        """Hashes the place and the hash of the leaf, which stand for all the rest; events are asked for this very often."""
        return hash((self.seq, self.sha256))

    def to_fields(self) -> dict[str, Any]:
        """Gives the decision as JSON values, every field always present: what the ledger seals and commits to.

        ``seq`` and ``sha256`` are not in it, they come from the log.
        """
        return {
            "speaker_id": self.speaker_id,
            "purpose": self.purpose.value,
            "action": self.action.value,
            "at": format_time(self.at),
            "expires_at": None if self.expires_at is None else format_time(self.expires_at),
            "entered_at": None if self.entered_at is None else format_time(self.entered_at),
            "new_person": self.new_person,
            **self.terms.to_fields(),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], *, seq: int, sha256: str) -> "ConsentEvent":
        """Reads what :meth:`to_fields` gives. Fields of :class:`Terms` may be left out, unknown ones are passed over.

        Raises:
            ValueError: a field is missing or holds what it cannot hold; the message names the field.
        """
        missing = [name for name in ("speaker_id", "purpose", "action", "at") if not isinstance(fields.get(name), str)]
        times = {name: fields.get(name) for name in ("expires_at", "entered_at")}
        missing += [name for name, text in times.items() if text is not None and not isinstance(text, str)]
        if missing:
            raise ValueError(f"{', '.join(missing)}: missing or no text; write text")
        return cls(
            seq=seq,
            speaker_id=fields["speaker_id"],
            purpose=Purpose(fields["purpose"]),
            action=Action(fields["action"]),
            at=parse_time(fields["at"]),
            expires_at=None if times["expires_at"] is None else parse_time(times["expires_at"]),
            sha256=sha256,
            terms=Terms.from_fields(fields),
            entered_at=None if times["entered_at"] is None else parse_time(times["entered_at"]),
            new_person=fields.get("new_person") is True,
        )


def entered_later(at: str, entered_at: str | None) -> bool:
    """Tells whether a decision was entered at another time than it took effect: more than a minute apart.

    Args:
        at, entered_at: RFC 3339 with a zone; ``entered_at`` None where it is not on record.
    """
    return entered_at is not None and abs(parse_time(entered_at) - parse_time(at)) > _AT_ONCE


def parse_time(text: str) -> datetime:
    """Reads a moment as RFC 3339 writes it: ``2026-03-01T10:00:00Z``, ``2026-03-01T11:00:00.25+01:00``.

    Returns:
        The moment, aware, in UTC, to the microsecond (what is finer is cut off).

    Raises:
        ValueError: the text is not such a moment; a date alone or a time without a zone could mean two.
    """
    match = _RFC3339.fullmatch(text)
    if match is None or match["zone"] is None:
        fault = "is not a time as RFC 3339 writes it" if match is None else "has no time zone"
        raise ValueError(f"{text!r} {fault}; write date, time and zone, e.g. 2026-03-01T10:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time that exists ({error}); check its figures") from None


def format_time(moment: datetime) -> str:
    """Writes a moment in the one way of the ledger: UTC with ``Z``, microseconds only where there are any.

    Raises:
        ValueError: ``moment`` has no time zone.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; pass an aware datetime")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
