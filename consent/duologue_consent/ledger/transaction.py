"""Works inside one transaction of a ledger: finds a person's rows, opens them, and appends leaves with their sealed records."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.terms import Terms
from duologue_consent.ledger.drafting import DECISIONS, SEE_STATUS, check_speaker, draft_decisions, event_of
from duologue_consent.ledger.log import Entry, insert_leaves, read_head
from duologue_consent.ledger.reading import Record, read_secrets
from duologue_consent.ledger.speakers import KnownSpeakers, People, addressed, refuse_new_person
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import LEAVES, RECORDS, SUBJECTS
from duologue_consent.ledger.vault import LEDGER_ITSELF, SubjectSecret, VaultError, VaultKey
from duologue_consent.proofs.leaves import Opening, kind_of, make_leaf, make_opening, open_record, seal_record
from duologue_consent.proofs.merkle import leaf_hash

__all__ = ["Transaction"]

_QUERIED: Final = 500  # tags in one query
_RECORDS_OF: Final = (
    sa.select(LEAVES.c.seq, LEAVES.c.leaf, RECORDS.c.tag, RECORDS.c.record)
    .join(RECORDS, RECORDS.c.seq == LEAVES.c.seq)
    .order_by(LEAVES.c.seq)
)


@dataclass(frozen=True)
class Transaction:
    """Holds an open transaction with what opens and fills the vault; for appending it holds the ledger's lock.

    Attributes:
        store: the ledger's database.
        connection: in the transaction.
        vault_key: opens the vault.
        entropy: gives that many random bytes.
        speakers: who is in the ledger.

    What was read of the vault is kept while the transaction is open: nobody else can change it under the lock.
    """

    store: Store
    connection: sa.Connection
    vault_key: VaultKey
    entropy: Callable[[int], bytes]
    speakers: KnownSpeakers = field(default_factory=KnownSpeakers)
    _secrets: dict[bytes, SubjectSecret | None] = field(default_factory=dict, repr=False)
    _records: dict[bytes, list[Record]] = field(default_factory=dict, repr=False)

    def append(self, items: Iterable[tuple[str, Mapping[str, Any], str]]) -> list[Entry]:
        """Appends leaves ``(kind, fields, subject)`` and their sealed records, under the lock."""
        ledger_id = self.store.meta(self.connection)["ledger_id"]
        head = read_head(self.store, self.connection, lock=True)
        known: dict[str, SubjectSecret] = {}
        entries, rows, subjects = [], [], list[dict[str, Any]]()
        for seq, (kind, fields, subject) in enumerate(items, start=head.size):
            secret = known.get(subject) or self._secret_for(subject, subjects)
            known[subject] = secret
            opening = make_opening(fields, entropy=self.entropy)
            leaf = make_leaf(opening, ledger_id=ledger_id, seq=seq, kind=kind)
            record = seal_record(opening, subject_key=secret.record_key, leaf=leaf, entropy=self.entropy)
            entries.append(Entry(seq, leaf))
            rows.append({"seq": seq, "tag": self.vault_key.tag(subject), "record": record})
        insert_leaves(self.connection, head, [entry.leaf for entry in entries])
        if subjects:
            self.connection.execute(SUBJECTS.insert(), subjects)
        if rows:
            self.connection.execute(RECORDS.insert(), rows)
        self._records.clear()
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
            by = "" if at is None else f" by {format_time(at)}"
            raise self.store.error(
                f"speaker {speaker_id!r} had not granted {what}{by}, so nothing was withdrawn; {SEE_STATUS}"
            )
        drafts = []
        for each, own in granted.items():
            wanted = [purpose for purpose in (tuple(Purpose) if chosen is None else chosen) if purpose in own]
            drafts += draft_decisions(each, action, wanted, moment, None, terms) if wanted else []
        return self.addressed(drafts, new_person=True, known=known) if new_person else drafts

    def _secret_for(self, subject: str, new: list[dict[str, Any]]) -> SubjectSecret:
        """Gives the secret of a subject; makes one where there is none, and adds its row to ``new``."""
        tag = self.vault_key.tag(subject)
        found = self.secret(tag)
        if found is None:
            secret = self.entropy(32)
            new.append({"tag": tag, "wrapped_secret": self.vault_key.wrap(secret, about=tag, entropy=self.entropy)})
            found = self._secrets[tag] = SubjectSecret(secret)
        return found

    def secret(self, tag: bytes) -> SubjectSecret | None:
        """Opens the secret of the subject with this tag (32 bytes); None where nobody has it.

        Raises:
            LedgerError: the secret was changed.
        """
        if tag not in self._secrets:
            query = sa.select(SUBJECTS.c.wrapped_secret).where(SUBJECTS.c.tag == tag)
            wrapped = self.connection.execute(query).scalar()
            try:
                self._secrets[tag] = (
                    None if wrapped is None else SubjectSecret(self.vault_key.unwrap(wrapped, about=tag))
                )
            except VaultError as error:
                raise self.store.broken(str(error)) from None
        return self._secrets[tag]

    def read_ahead(self, subjects: Iterable[str]) -> None:
        """Reads the secrets of everybody and the records of these subjects in a few queries, before each is asked about.

        Raises:
            LedgerError: a secret or a record does not open.
        """
        self._secrets.update(read_secrets(self.store, self.connection, self.vault_key))
        tags = [self.vault_key.tag(subject) for subject in dict.fromkeys(subjects)]
        for first in range(0, len(tags), _QUERIED):
            some = tags[first : first + _QUERIED]
            for tag in some:
                self._secrets.setdefault(tag, None)
                self._records[tag] = []
            for row in self.connection.execute(_RECORDS_OF.where(RECORDS.c.tag.in_(some))):
                self._records[row.tag].append(self._record(row, about_somebody=True))

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
        if tag not in self._records:
            rows = self.connection.execute(_RECORDS_OF.where(RECORDS.c.tag == tag))
            return [self._record(row, about_somebody=subject != LEDGER_ITSELF) for row in rows]
        return self._records[tag]

    def _record(self, row: Any, *, about_somebody: bool) -> Record:
        secret = self.secret(row.tag)
        if secret is None:
            raise self.store.broken("its vault record is of no subject of the vault", row.seq)
        try:
            fields = open_record(row.record, subject_key=secret.record_key, leaf=row.leaf).values
            return Record(row.seq, kind_of(row.leaf), row.leaf, fields, about_somebody=about_somebody)
        except ValueError as error:
            raise self.store.broken(str(error), row.seq) from None

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
