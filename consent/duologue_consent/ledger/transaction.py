"""Works inside one transaction of a ledger: finds a person's rows, opens them, and appends leaves with their sealed records."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.terms import Terms
from duologue_consent.ledger.drafting import DECISIONS, SEE_STATUS, check_speaker, draft_decisions, event_of
from duologue_consent.ledger.log import Entry, insert_leaves, read_head
from duologue_consent.ledger.reading import Record
from duologue_consent.ledger.speakers import KnownSpeakers, People, addressed, refuse_new_person
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import LEAVES, RECORDS, SUBJECTS
from duologue_consent.ledger.vault import LEDGER_ITSELF, SubjectSecret, VaultError, VaultKey
from duologue_consent.proofs.leaves import Opening, kind_of, make_leaf, make_opening, open_record, seal_record
from duologue_consent.proofs.merkle import leaf_hash

__all__ = ["Transaction"]


@dataclass(frozen=True)
class Transaction:
    """Holds an open transaction with what opens and fills the vault; for appending it holds the ledger's lock.

    Attributes:
        store: the ledger's database.
        connection: in the transaction.
        vault_key: opens the vault.
        entropy: gives that many random bytes.
        speakers: who is in the ledger.
    """

    store: Store
    connection: sa.Connection
    vault_key: VaultKey
    entropy: Callable[[int], bytes]
    speakers: KnownSpeakers = field(default_factory=KnownSpeakers)

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

    def append_decisions(
        self, decisions: Iterable[ConsentEvent], *, entered_at: datetime | None = None
    ) -> tuple[ConsentEvent, ...]:
        """Appends drafted decisions under the lock; gives them with their places and hashes.

        Args:
            decisions: drafts, of :meth:`addressed` or :meth:`withdrawals`.
            entered_at: when they are entered; now if None.

        Raises:
            ValueError: a speaker's id cannot be read aloud; nothing was appended.
        """
        entered = entered_at or datetime.now(UTC)
        drafts = [replace(event, entered_at=entered) for event in decisions]
        for event in drafts:
            check_speaker(event.speaker_id)
        entries = self.append([(f"consent.{event.action}", event.to_fields(), event.speaker_id) for event in drafts])
        return tuple(
            replace(event, seq=entry.seq, sha256=leaf_hash(entry.leaf).hex())
            for event, entry in zip(drafts, entries, strict=True)
        )

    def addressed(
        self, drafts: Iterable[ConsentEvent], *, new_person: bool = False, known: People | None = None
    ) -> list[ConsentEvent]:
        """Repeats each no for everybody whom it is for, and refuses a yes under an id that only looks like one that is known.

        Args:
            drafts: decisions under the ids that somebody wrote.
            new_person: whether they are of these very ids, whatever looks like them; where something does, that is noted.
            known: from :meth:`known`; read if None.

        Raises:
            LookAlikeError: an id is not known and looks like one that is.
            ValueError: it is not clear whom an id means.
        """
        known = self.known() if known is None else known
        decisions = []
        for event in drafts:
            if new_person:
                decisions.append(replace(event, new_person=bool(known.look_alikes(event.speaker_id))))
            elif event.action is Action.GRANT:
                refuse_new_person(event.speaker_id, known)
                decisions.append(event)
            else:
                decisions += [replace(event, speaker_id=each) for each in addressed(event.speaker_id, known)]
        return decisions

    def known(self) -> People:
        """Reads who is in the ledger: :meth:`duologue_consent.ledger.speakers.KnownSpeakers.read`."""
        return self.speakers.read(self.store, self.connection, self.secret)

    def withdrawals(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose] | None,
        at: datetime | None,
        terms: Terms | None,
        action: Action,
        *,
        new_person: bool = False,
        known: People | None = None,
    ) -> list[ConsentEvent]:
        """Drafts that what a speaker had granted by ``at`` is taken back; ``purposes`` None: all that was ever granted.

        ``at`` None is now, and takes back whatever is on record, also what a clock that was ahead has dated later: a no needs
        no clock.

        It is drafted for everybody whom it is for (:func:`duologue_consent.ledger.speakers.addressed`), with what each had
        granted; with ``new_person`` for the very id alone.

        Raises:
            LedgerError: the speaker is unknown, or one of the purposes was not granted by then.
            ValueError: an argument is not valid, or it is not clear whom the id means.
        """
        moment = datetime.now(UTC) if at is None else at
        chosen = None if purposes is None else list(purposes)
        known = self.known() if known is None else known
        people = (speaker_id,) if new_person else addressed(speaker_id, known)
        granted: dict[str, set[Purpose]] = {}
        for each in people:
            history = self.history(each)
            if not history:
                raise self.store.error(f"has no event of speaker {each!r}, so nothing to withdraw; {SEE_STATUS}")
            granted[each] = {
                event.purpose for event in history if event.action == Action.GRANT and (at is None or event.at <= at)
            }
        together = set().union(*granted.values())
        never = [purpose for purpose in chosen or () if purpose not in together]
        if never or not together:
            what = ", ".join(never) or "any purpose"
            raise self.store.error(
                f"speaker {speaker_id!r} had not granted {what} by {format_time(moment)}, so nothing was withdrawn; {SEE_STATUS}"
            )
        drafts = []
        for each, own in granted.items():
            wanted = [purpose for purpose in (tuple(Purpose) if chosen is None else chosen) if purpose in own]
            drafts += draft_decisions(each, action, wanted, moment, None, terms) if wanted else []
        return self.addressed(drafts, new_person=True, known=known) if new_person else drafts

    def secret_for(self, subject: str) -> SubjectSecret:
        """Gives the secret of a subject; makes one where there is none."""
        tag = self.vault_key.tag(subject)
        found = self.secret(tag)
        if found is not None:
            return found
        secret = self.entropy(32)
        wrapped = self.vault_key.wrap(secret, about=tag, entropy=self.entropy)
        self.connection.execute(SUBJECTS.insert().values(tag=tag, wrapped_secret=wrapped))
        return SubjectSecret(secret)

    def secret(self, tag: bytes) -> SubjectSecret | None:
        """Opens the secret of the subject with this tag (32 bytes); None where nobody has it.

        Raises:
            LedgerError: the secret was changed.
        """
        wrapped = self.connection.execute(sa.select(SUBJECTS.c.wrapped_secret).where(SUBJECTS.c.tag == tag)).scalar()
        try:
            return None if wrapped is None else SubjectSecret(self.vault_key.unwrap(wrapped, about=tag))
        except VaultError as error:
            raise self.store.broken(str(error)) from None

    def history(self, speaker_id: str) -> list[ConsentEvent]:
        """Reads the decisions of one speaker, in the order of the log."""
        records = self.records_of(speaker_id)
        return [
            event_of(each.fields, each.seq, each.leaf) for each in records if each.kind in DECISIONS and each.fields
        ]

    def records_of(self, subject: str) -> list[Record]:
        """Reads the leaves of one subject, in the order of the log; none where it is unknown.

        Raises:
            LedgerError: a record does not open.
        """
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

    def opening(self, seq: int) -> Opening | None:
        """Opens a leaf: its values, with the salts that prove them; None where its subject was forgotten.

        Raises:
            LedgerError: there is no such leaf, or its record does not open.
        """
        leaf = self.connection.execute(sa.select(LEAVES.c.leaf).where(LEAVES.c.seq == seq)).scalar()
        if leaf is None:
            raise self.store.error(f"holds no leaf {seq}; they count from 0")
        row = self.connection.execute(sa.select(RECORDS).where(RECORDS.c.seq == seq)).first()
        if row is None:
            return None
        secret = self.secret(row.tag)
        if secret is None:
            raise self.store.broken("its vault record is of no subject of the vault", seq)
        try:
            return open_record(row.record, subject_key=secret.record_key, leaf=leaf)
        except ValueError as error:
            raise self.store.broken(str(error), seq) from None
