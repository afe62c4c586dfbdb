"""Drafts decisions before they are appended to a ledger, and reads those that its leaves commit to."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.terms import Terms
from duologue_consent.proofs.merkle import leaf_hash

__all__ = ["DECISIONS", "SEE_STATUS", "check_speaker", "draft_decisions", "event_of"]

DECISIONS: Final = tuple(f"consent.{action}" for action in Action)
"""The kinds of the leaves that are decisions."""

SEE_STATUS: Final = "see `duologue consent status`"
"""The remedy where a speaker is not in the ledger."""


def draft_decisions(
    speaker_id: str,
    action: Action,
    purposes: Iterable[Purpose],
    at: datetime,
    expires_at: datetime | None,
    terms: Terms | None,
) -> list[ConsentEvent]:
    """Drafts one decision a purpose, each purpose once, not yet placed in the log (``seq`` -1, no hash).

    Raises:
        ValueError: an argument is not valid.
    """
    check_speaker(speaker_id)
    chosen = tuple(dict.fromkeys(map(Purpose, purposes)))
    if not chosen:
        raise ValueError(f"no purpose was named; name at least one of {', '.join(Purpose)}")
    at_text = format_time(at)
    if expires_at is not None and expires_at <= at:
        raise ValueError(
            f"the grant would end at {format_time(expires_at)}, not after it begins at {at_text}; give a later end"
        )
    fields = {
        "speaker_id": speaker_id,
        "action": action.value,
        "at": at_text,
        "expires_at": None if expires_at is None else format_time(expires_at),
        **(Terms() if terms is None else terms).to_fields(),
    }
    return [ConsentEvent.from_fields({**fields, "purpose": purpose.value}, seq=-1, sha256="") for purpose in chosen]


def event_of(fields: Mapping[str, Any], seq: int, leaf: bytes) -> ConsentEvent:
    """Reads the decision that a leaf commits to, at its place in the log.

    Raises:
        ValueError: the fields are no decision.
    """
    return ConsentEvent.from_fields(fields, seq=seq, sha256=leaf_hash(leaf).hex())


def check_speaker(speaker_id: str) -> None:
    """Refuses an id that cannot be read aloud.

    Raises:
        ValueError: the id is empty, holds what cannot be printed, or begins or ends with a space.
    """
    if not speaker_id or not speaker_id.isprintable() or speaker_id != speaker_id.strip():
        raise ValueError(
            f"{speaker_id!r} is no speaker id; give at least one printable character, no space at the ends"
        )
