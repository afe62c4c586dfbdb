"""Inside one transaction of a ledger: finding a person's rows, opening them, and appending leaves with their sealed records."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.terms import Terms
from duologue_consent.ledger.log import Entry, insert_leaves, read_head
from duologue_consent.ledger.reading import Record
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import LEAVES, RECORDS, SUBJECTS
from duologue_consent.ledger.vault import LEDGER_ITSELF, SubjectSecret, VaultError, VaultKey
from duologue_consent.proofs.leaves import kind_of, make_leaf, make_opening, open_record, seal_record
from duologue_consent.proofs.merkle import leaf_hash

__all__ = ["DECISIONS", "Transaction", "check_speaker", "decisions_of", "event_of"]

DECISIONS: Final = tuple(f"consent.{action}" for action in Action)
"""The kinds of the leaves that are decisions."""


@dataclass(frozen=True)
class Transaction:
    """An open transaction with what opens and fills the vault; for appending it holds the lock."""

    store: Store
    connection: sa.Connection
    vault_key: VaultKey
    entropy: Callable[[int], bytes]

    def append(self, items: Iterable[tuple[str, Mapping[str, Any], str]]) -> list[Entry]:
        """Appends leaves ``(kind, fields, subject)`` and their sealed records, under the lock."""
        ledger_id = self.store.meta(self.connection)["ledger_id"]
        head = read_head(self.store, self.connection, lock=True)
        known: dict[str, SubjectSecret] = {}
        entries, rows = [], []
        for seq, (kind, fields, subject) in enumerate(items, start=head.size):
            secret = known.get(subject) or self.secret_for(subject)
            known[subject] = secret
            opening = make_opening(fields, entropy=self.entropy)
            leaf = make_leaf(opening, ledger_id=ledger_id, seq=seq, kind=kind)
            record = seal_record(opening, subject_key=secret.record_key, leaf=leaf, entropy=self.entropy)
            entries.append(Entry(seq, leaf))
            rows.append({"seq": seq, "tag": self.vault_key.tag(subject), "record": record})
        insert_leaves(self.connection, head, [entry.leaf for entry in entries])
        if rows:
            self.connection.execute(RECORDS.insert(), rows)
        return entries

    def secret_for(self, subject: str) -> SubjectSecret:
        """The secret of a subject, made where there is none."""
        tag = self.vault_key.tag(subject)
        found = self.secret(tag)
        if found is not None:
            return found
        secret = self.entropy(32)
        wrapped = self.vault_key.wrap(secret, about=tag, entropy=self.entropy)
        self.connection.execute(SUBJECTS.insert().values(tag=tag, wrapped_secret=wrapped))
        return SubjectSecret(secret)

    def secret(self, tag: bytes) -> SubjectSecret | None:
        wrapped = self.connection.execute(sa.select(SUBJECTS.c.wrapped_secret).where(SUBJECTS.c.tag == tag)).scalar()
        try:
            return None if wrapped is None else SubjectSecret(self.vault_key.unwrap(wrapped, about=tag))
        except VaultError as error:
            raise self.store.broken(str(error)) from None

    def history(self, speaker_id: str) -> list[ConsentEvent]:
        """The decisions of one speaker, in their order."""
        records = self.records_of(speaker_id)
        return [
            event_of(each.fields, each.seq, each.leaf) for each in records if each.kind in DECISIONS and each.fields
        ]

    def records_of(self, subject: str) -> list[Record]:
        """The leaves of one subject, in their order; none where it is unknown."""
        tag = self.vault_key.tag(subject)
        secret = self.secret(tag)
        if secret is None:
            return []
        query = (
            sa.select(LEAVES.c.seq, LEAVES.c.leaf, RECORDS.c.record)
            .join(RECORDS, RECORDS.c.seq == LEAVES.c.seq)
            .where(RECORDS.c.tag == tag)
            .order_by(LEAVES.c.seq)
        )
        records = []
        for seq, leaf, sealed in self.connection.execute(query):
            try:
                fields = open_record(sealed, subject_key=secret.record_key, leaf=leaf).values
                records.append(Record(seq, kind_of(leaf), leaf, fields, about_somebody=subject != LEDGER_ITSELF))
            except ValueError as error:
                raise self.store.broken(str(error), seq) from None
        return records


def decisions_of(
    speaker_id: str,
    action: Action,
    purposes: Iterable[Purpose],
    at: datetime,
    expires_at: datetime | None,
    terms: Terms | None,
) -> list[ConsentEvent]:
    """One decision a purpose, each purpose once, not yet placed in the log.

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
    """The decision that a leaf commits to, at its place.

    Raises:
        ValueError: the fields are no decision.
    """
    return ConsentEvent.from_fields(fields, seq=seq, sha256=leaf_hash(leaf).hex())


def check_speaker(speaker_id: str) -> None:
    """Sees that an id can be read aloud.

    Raises:
        ValueError: it cannot.
    """
    if not speaker_id or not speaker_id.isprintable() or speaker_id != speaker_id.strip():
        raise ValueError(
            f"{speaker_id!r} is no speaker id; give at least one printable character, no space at the ends"
        )
