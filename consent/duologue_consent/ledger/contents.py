"""Reads all of a ledger, and so checks it: as a snapshot of the decisions, as records of one kind, or thoroughly."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from duologue_consent.decisions.events import ConsentEvent, parse_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.ledger.access import Access
from duologue_consent.ledger.drafting import DECISIONS, event_of
from duologue_consent.ledger.reading import Checked, Record, read_ledger

__all__ = ["check_contents", "read_records", "take_snapshot"]

_DATED: Final = ("at", "entered_at")
"""The fields of a leaf's record that say when something was; ``expires_at`` may lie in the future."""


def take_snapshot(access: Access, size: int | None) -> Snapshot:
    """Takes the decisions in the first ``size`` leaves (None: in all) as a value that needs no database.

    Raises:
        LedgerError: the ledger is damaged, an older copy, or holds fewer leaves; or a key is missing.
    """
    events: list[ConsentEvent] = []
    moments: list[datetime] = []

    def use(record: Record) -> None:
        moments.extend(_moments(record.fields or {}, _DATED))
        if record.kind in DECISIONS and record.fields is not None and (size is None or record.seq < size):
            events.append(event_of(record.fields, record.seq, record.leaf))

    with access.reading() as connection:
        meta = access.store.meta(connection)
        vault_key = access.folder.vault_key()
        salt = access.open_salt(meta, vault_key)
        reading = read_ledger(access.store, connection, access.folder, use)
    moments.extend(_moments(meta, ["created_at"]))
    if size is not None and size > reading.head.size:
        raise access.store.error(f"holds {reading.head.size} leaves, not yet {size}")
    speakers = {event.speaker_id for event in events}
    return Snapshot.of(
        ledger_id=meta["ledger_id"],
        events=reading.head.size if size is None else size,
        salt=salt,
        decisions=events,
        pseudonyms={
            speaker_id: reading.secrets[vault_key.tag(speaker_id)].pseudonym(speaker_id) for speaker_id in speakers
        },
        latest=max(moments, default=None),  # of the whole ledger: where it has been, the clock has been as well
    )


def read_records(access: Access, kind: str | None) -> list[Record]:
    """Reads all leaves, or those of one kind, with the fields that they commit to.

    Raises:
        LedgerError: the ledger is damaged or an older copy, or a key is missing.
    """
    found: list[Record] = []

    def use(record: Record) -> None:
        if kind in (None, record.kind):
            found.append(record)

    with access.reading() as connection:
        read_ledger(access.store, connection, access.folder, use)
    return found


def check_contents(access: Access) -> Checked:
    """Checks everything, also what every opening skips: each commitment, each stored subtree, each checkpoint.

    Raises:
        LedgerError: the ledger is damaged.
    """
    with access.reading() as connection:
        found = read_ledger(access.store, connection, access.folder, lambda _: None, thorough=True)
    return Checked(found.head.size, found.forgotten, found.checkpoints)


def _moments(fields: Mapping[str, Any], names: Iterable[str]) -> Iterator[datetime]:
    """Reads the times among some fields; what is no time is passed over: anybody may append leaves of a kind of their own."""
    for name in names:
        try:
            yield parse_time(fields[name])
        except (KeyError, TypeError, ValueError):
            continue
