"""Reads a consent record: all that a speaker decided at one moment about several purposes, as one JSON object.

The fields follow ISO/IEC TS 27560:2023; `consent_record.schema.json` describes them and docs/consent.md names their W3C DPV
terms. A record is what a form that was filled in becomes; the ledger holds one event for each of its decisions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from duologue_consent.decisions.events import Action, ConsentEvent, parse_time

__all__ = ["SCHEMA", "ConsentRecord"]

SCHEMA: Final = "consent_record/1.0"

_SHARED: Final = (
    "notice",
    "method",
    "expression",
    "decided_by",
    "jurisdiction",
    "age_band",
    "age_years",
    "guardian",
    "retention_days",
    "evidence",
    "controller",
    "recipients",
)
_KNOWN: Final = {"schema", "speaker_id", "at", "decisions", *_SHARED}
_KNOWN_OF_ITEM: Final = {"purpose", "action", "forms", "expires_at"}


@dataclass(frozen=True)
class ConsentRecord:
    """Holds a consent record as it was read.

    Attributes:
        speaker_id: who.
        at: when it takes effect.
        events: one a purpose, in the order of the record, with the seq -1 and no hash: not yet in a ledger.
    """

    speaker_id: str
    at: datetime
    events: Sequence[ConsentEvent]

    @classmethod
    def from_document(cls, document: Any) -> "ConsentRecord":
        """Reads a consent record from a JSON document.

        Raises:
            ValueError: it is none; the message names the field. A field that is not known is refused: what is misspelt must
                not be passed over in silence.
        """
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise ValueError(f"not a consent record: a JSON object with the schema {SCHEMA!r} is expected")
        _refuse_strange(document, _KNOWN, "")
        speaker_id, at, items = document.get("speaker_id"), document.get("at"), document.get("decisions")
        if not isinstance(speaker_id, str) or not isinstance(at, str):
            raise ValueError("speaker_id and at are needed; write both as text")  # noqa: TRY004
        if not isinstance(items, list) or not items:
            raise ValueError("decisions is missing or empty; write a list with one object a purpose")
        shared = {name: document[name] for name in _SHARED if name in document}
        events = tuple(_event(item, number, speaker_id, at, shared) for number, item in enumerate(items))
        purposes = [event.purpose for event in events]
        twice = {purpose for purpose in purposes if purposes.count(purpose) > 1}
        if twice:
            raise ValueError(f"decisions name {', '.join(sorted(twice))} twice; decide each purpose once")
        return cls(speaker_id, parse_time(at), events)


def _event(item: Any, number: int, speaker_id: str, at: str, shared: Mapping[str, Any]) -> ConsentEvent:
    where = f"decisions[{number}]"
    if not isinstance(item, dict):
        raise ValueError(f"{where} is no object; write purpose, action and forms")  # noqa: TRY004
    _refuse_strange(item, _KNOWN_OF_ITEM, f"{where}.")
    if item.get("action") == Action.GRANT and not item.get("forms"):
        raise ValueError(f"{where} grants no form; name at least one in forms")
    try:
        return ConsentEvent.from_fields({**shared, **item, "speaker_id": speaker_id, "at": at}, seq=-1, sha256="")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _refuse_strange(fields: Mapping[str, Any], known: set[str], where: str) -> None:
    strange = sorted(fields.keys() - known)
    if strange:
        raise ValueError(f"{where}{strange[0]} is not a known field; known are {', '.join(sorted(known))}")
