"""The ledger: an append-only Merkle log of what was decided, a vault of who decided it, and signed checkpoints.

What it promises
- Every append is one transaction under the ledger's one lock (:mod:`duologue_consent.ledger.store`): several writers at once, in
  threads, processes or on machines, lose nothing and make one history.
- A leaf holds salted commitments and no data of anybody (:mod:`duologue_consent.proofs.leaves`); the fields are sealed in the vault
  under the key of their one subject (:mod:`duologue_consent.ledger.vault`) and end with it: :meth:`Ledger.forget`.
- ``seq`` counts the leaves from 0, decisions and everything else alike.
- It never signs two histories (:mod:`duologue_consent.ledger.signing`).
- Opening it and taking a snapshot check all of it (:mod:`duologue_consent.ledger.reading`).

Withdrawing is a decision that is added; the person stays known, so that the withdrawal can be acted on and proven. Forgetting
erases the person; what was decided stays provable, but not whose it was. Who was forgotten is unknown, and unknown is no.
"""

import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import rfc8785
import sqlalchemy as sa

from duologue_consent.decisions.events import Action, ConsentEvent, Purpose, format_time
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.terms import ALL_FORMS, Terms
from duologue_consent.errors import LedgerError
from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.log import Entry, consistency_proof, inclusion_proof, read_head, read_leaves
from duologue_consent.ledger.reading import FORGOTTEN, Checked, Record, last_checkpoint, read_ledger
from duologue_consent.ledger.signing import keep_witness, sign_head, store_first_checkpoint
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import HEAD, LEAVES, META, RECORDS, SCHEMA_VERSION, SUBJECTS
from duologue_consent.ledger.transaction import DECISIONS, Transaction, check_speaker, decisions_of, event_of
from duologue_consent.ledger.vault import LEDGER_ITSELF, VaultError, VaultKey
from duologue_consent.proofs.keys import SigningKey, UnusableKeyError, VerifierKey
from duologue_consent.proofs.leaves import Opening, open_record
from duologue_consent.proofs.merkle import leaf_hash
from duologue_consent.proofs.notes import checkpoint_size

__all__ = ["Ledger"]

_SALT: Final = "ledger salt"
_PAGE: Final = 1000
_SEE_STATUS: Final = "see `duologue consent status`"


class Ledger:
    """A ledger that has been found whole. Threads may share it.

    Make one with :meth:`create` or :meth:`open`.
    """

    def __init__(self, location: Location, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._store = Store(location)
        self._folder = KeyFolder(location.keys)
        self._entropy = entropy

    # --- making and opening ---------------------------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        where: Path | str,
        *,
        ledger_id: str | None = None,
        salt: bytes | None = None,
        created_at: datetime | None = None,
        origin: str | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "Ledger":
        """Makes an empty ledger with new keys, for its owner only, and signs its empty tree.

        Args:
            where: a path (SQLite; must not exist, nothing is ever overwritten; the keys go to ``PATH.keys/``), or the
                SQLAlchemy URL of an empty PostgreSQL database (``?keys=FOLDER`` names the folder of the keys).
            ledger_id: a random UUID if not given.
            salt: 32 bytes that blind the ids of speakers who are not in the ledger; random if not given.
            created_at: now if not given.
            origin: the name of the log and its keys, e.g. ``consent.example.org/ledger``; ``duologue/LEDGER_ID`` if not
                given.
            entropy: gives random bytes. Give your own only where nobody real is in the ledger, as in a sample that has
                to be the same each time: whoever knows it knows the keys.

        Raises:
            LedgerError: it exists, or it or its keys cannot be made.
        """
        ledger_id = str(uuid.uuid4()) if ledger_id is None else ledger_id
        origin = f"duologue/{ledger_id}" if origin is None else origin
        ledger = cls(Location(where), entropy=entropy)
        store, folder = ledger._store, ledger._folder
        store.create()
        try:
            folder.create(origin, entropy=entropy)
        except (UnusableKeyError, OSError) as error:
            store.drop()
            said = f"{error.strerror}" if isinstance(error, OSError) else str(error)
            raise store.error(f"the keys in {folder.path} cannot be made ({said}); name another place") from None
        try:
            salt = entropy(32) if salt is None else salt
            vault_key = folder.vault_key()
            identity = {
                "ledger_id": ledger_id,
                "origin": origin,
                "schema_version": SCHEMA_VERSION,
                "created_at": format_time(created_at or datetime.now(UTC)),
            }
            with store.transaction(write=True) as connection:
                connection.execute(
                    META.insert().values(
                        **identity,
                        sealed_salt=vault_key.wrap(salt, about=_about_salt(identity), entropy=entropy),
                    )
                )
                connection.execute(HEAD.insert().values(size=0, roots=b""))
                note = store_first_checkpoint(connection, folder, origin)
            folder.write_witness(note)
        except BaseException:
            store.drop()
            folder.delete()
            raise
        return ledger

    @classmethod
    def open(cls, where: Path | str, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> "Ledger":
        """Opens a ledger and checks all of it.

        Raises:
            LedgerError: there is no ledger or no key, it is damaged (then with ``seq``), or an older copy.
        """
        ledger = cls(Location(where), entropy=entropy)
        ledger._store.require()
        ledger.snapshot()
        return ledger

    @property
    def name(self) -> str:
        """What messages call it; never holds a password."""
        return self._store.location.name

    # --- reading ----------------------------------------------------------------------------------------------------------

    def snapshot(self, size: int | None = None) -> Snapshot:
        """The decisions in the first ``size`` leaves (None: all), checked again.

        Raises:
            LedgerError: as for :meth:`open`, or it holds fewer leaves.
        """
        events: list[ConsentEvent] = []

        def use(record: Record) -> None:
            if record.kind in DECISIONS and record.fields is not None and (size is None or record.seq < size):
                events.append(event_of(record.fields, record.seq, record.leaf))

        with self._reading() as connection:
            meta = self._store.meta(connection)
            vault_key = self._folder.vault_key()
            salt = self._salt(meta, vault_key)
            reading = read_ledger(self._store, connection, self._folder, use)
        if size is not None and size > reading.head.size:
            raise self._store.error(f"holds {reading.head.size} leaves, not yet {size}")
        speakers = {event.speaker_id for event in events}
        return Snapshot.of(
            ledger_id=meta["ledger_id"],
            events=reading.head.size if size is None else size,
            salt=salt,
            decisions=events,
            pseudonyms={
                speaker_id: reading.secrets[vault_key.tag(speaker_id)].pseudonym(speaker_id) for speaker_id in speakers
            },
        )

    def check(self) -> Checked:
        """Checks everything, also what every opening skips: each commitment, each stored subtree, each checkpoint.

        Raises:
            LedgerError: it is damaged.
        """
        with self._reading() as connection:
            found = read_ledger(self._store, connection, self._folder, lambda _: None, thorough=True)
        return Checked(found.head.size, found.forgotten, found.checkpoints)

    def records(self, kind: str | None = None) -> list[Record]:
        """All leaves, or those of one kind, with the fields that they commit to.

        Raises:
            LedgerError: as for :meth:`open`.
        """
        found: list[Record] = []

        def use(record: Record) -> None:
            if kind in (None, record.kind):
                found.append(record)

        with self._reading() as connection:
            read_ledger(self._store, connection, self._folder, use)
        return found

    def opening(self, seq: int) -> Opening | None:
        """What a leaf says, with the salts that prove it to somebody; None where its subject was forgotten.

        Raises:
            LedgerError: there is no such leaf, or its record does not open.
        """
        with self._reading() as connection:
            leaf = connection.execute(sa.select(LEAVES.c.leaf).where(LEAVES.c.seq == seq)).scalar()
            if leaf is None:
                raise self._store.error(f"holds no leaf {seq}; they count from 0")
            row = connection.execute(sa.select(RECORDS).where(RECORDS.c.seq == seq)).first()
            if row is None:
                return None
            secret = Transaction(self._store, connection, self._folder.vault_key(), self._entropy).secret(row.tag)
            if secret is None:
                raise self._store.broken("its vault record is of no subject of the vault", seq)
            try:
                return open_record(row.record, subject_key=secret.record_key, leaf=leaf)
            except ValueError as error:
                raise self._store.broken(str(error), seq) from None

    def size(self) -> int:
        """How many leaves the log holds."""
        with self._store.transaction(write=False) as connection:
            return read_head(self._store, connection).size

    def log_lines(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The public log from leaf ``start`` up to but without ``stop``: one leaf a line, each with its newline.

        Without ``stop`` it ends where the log ended when the first line was asked for.
        """
        end = self.size() if stop is None else min(stop, self.size())
        for first in range(start, end, _PAGE):  # the log only grows: no transaction has to stay open between pages
            with self._store.transaction(write=False) as connection:
                lines = [entry.leaf + b"\n" for entry in read_leaves(connection, first, min(end, first + _PAGE))]
            yield from lines

    # --- appending --------------------------------------------------------------------------------------------------------

    def grant(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose],
        *,
        at: datetime,
        expires_at: datetime | None = None,
        terms: Terms | None = None,
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker allows each of the purposes from ``at`` until ``expires_at`` (None: until withdrawn).

        ``terms`` must name the forms that are covered; without ``terms`` all are.

        Returns:
            The events appended, one a purpose.

        Raises:
            LedgerError: the ledger cannot be written, and nothing was appended.
            ValueError: an argument is not valid, and nothing was appended.
        """
        covered = Terms(forms=ALL_FORMS) if terms is None else terms
        return self._decide(speaker_id, Action.GRANT, purposes, at, expires_at, covered)

    def refuse(
        self, speaker_id: str, purposes: Iterable[Purpose], *, at: datetime, terms: Terms | None = None
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker was asked for each of the purposes and said no. Returns and raises as ``grant``."""
        return self._decide(speaker_id, Action.REFUSE, purposes, at, None, terms)

    def withdraw(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose] | None = None,
        *,
        at: datetime,
        terms: Terms | None = None,
        action: Action = Action.WITHDRAW,
    ) -> tuple[ConsentEvent, ...]:
        """Appends that what was granted at or before ``at`` is taken back.

        Args:
            speaker_id: whose.
            purposes: which; None for every purpose that was ever granted.
            at: from when.
            terms: what else the record says.
            action: ``withdraw`` by the speaker, or ``revoke`` or ``invalidate`` by somebody else (then with ``terms``).

        Returns:
            The events appended, one a purpose.

        Raises:
            LedgerError: the speaker is unknown, or one of the purposes was not granted by then: nothing was appended.
            ValueError: an argument is not valid, and nothing was appended.
        """
        at_text = format_time(at)
        with self._writing() as transaction:
            history = transaction.history(speaker_id)
            if not history:
                raise self._store.error(
                    f"has no event of speaker {speaker_id!r}, so nothing to withdraw; {_SEE_STATUS}"
                )
            granted = {event.purpose for event in history if event.action == Action.GRANT and event.at <= at}
            chosen = [purpose for purpose in Purpose if purpose in granted] if purposes is None else list(purposes)
            never = [purpose for purpose in chosen if purpose not in granted]
            if never or not granted:
                what = ", ".join(never) or "any purpose"
                raise self._store.error(
                    f"speaker {speaker_id!r} had not granted {what} by {at_text}, so nothing was withdrawn; "
                    f"{_SEE_STATUS}"
                )
            decisions = decisions_of(speaker_id, action, chosen, at, None, terms)
            return self._append_decisions(transaction, decisions)

    def append_decision(self, fields: Mapping[str, Any]) -> ConsentEvent:
        """Appends one decision given as :meth:`~duologue_consent.decisions.events.ConsentEvent.to_fields` gives it.

        Raises:
            LedgerError: the ledger cannot be written.
            ValueError: the fields are no decision.
        """
        (event,) = self.append_decisions([fields])
        return event

    def append_decisions(self, decisions: Iterable[Mapping[str, Any]]) -> tuple[ConsentEvent, ...]:
        """Appends several decisions in one transaction: all or none. Raises as :meth:`append_decision`."""
        events = [ConsentEvent.from_fields(fields, seq=-1, sha256="") for fields in decisions]
        with self._writing() as transaction:
            return self._append_decisions(transaction, events)

    def append(self, kind: str, fields: Mapping[str, Any], *, subject: str | None = None, once: bool = False) -> Entry:
        """Appends something else than a decision, e.g. ``shard.revoked``, in one transaction.

        Args:
            kind: what happened; it is public.
            fields: JSON values; only commitments to them are public.
            subject: whose data the fields are, sealed under that person's key; None where they are about nobody.
            once: whether a leaf of this kind, subject and fields that is there already will do; it is given then.

        Raises:
            LedgerError: the ledger cannot be written.
            ValueError: the kind is that of a decision or not readable, or JSON cannot hold a value.
        """
        if kind in DECISIONS or kind == FORGOTTEN or not kind.isprintable() or "." not in kind:
            raise ValueError(
                f"{kind!r} cannot be appended so; decisions have methods of their own, others a dotted name"
            )
        if subject is not None:
            check_speaker(subject)
        whose = subject or LEDGER_ITSELF
        with self._writing() as transaction:
            for record in transaction.records_of(whose) if once else ():
                if record.kind == kind and record.fields == fields:
                    return Entry(record.seq, record.leaf)
            (entry,) = transaction.append([(kind, fields, whose)])
        return entry

    def forget(self, subject: str, *, at: datetime | None = None) -> int:
        """Deletes the subject's key and sealed records, and appends that somebody was forgotten (not who).

        From then on nobody can tell which leaves or which pseudonym were the person's. Every proof still verifies. The
        person is unknown to later decisions; who comes back begins anew, under another pseudonym.

        Args:
            subject: whom.
            at: when; now if None.

        Returns:
            How many records were deleted.

        Raises:
            LedgerError: the subject is unknown, or the ledger cannot be written.
        """
        check_speaker(subject)
        at_text = format_time(at or datetime.now(UTC))
        with self._writing() as transaction:
            connection, tag = transaction.connection, transaction.vault_key.tag(subject)
            gone = connection.execute(RECORDS.delete().where(RECORDS.c.tag == tag)).rowcount
            if not connection.execute(SUBJECTS.delete().where(SUBJECTS.c.tag == tag)).rowcount:
                raise self._store.error(f"has no event of speaker {subject!r}, so nobody to forget; {_SEE_STATUS}")
            transaction.append([(FORGOTTEN, {"at": at_text, "records": gone}, LEDGER_ITSELF)])
        try:
            self._store.compact()
        except LedgerError as error:
            raise LedgerError(
                f"{error}. The speaker is forgotten, but stale copies of rows may be left in the database until it is "
                "rewritten: run VACUUM (SQLite) or VACUUM FULL (PostgreSQL)"
            ) from None
        return gone

    # --- proofs -----------------------------------------------------------------------------------------------------------

    def checkpoint(self, at_least: int | None = None) -> bytes:
        """A signed note over the tree: of now, or with ``at_least`` the last one signed where it covers so many leaves.

        Signing the same tree again gives the same bytes. Where there is no signing key, the last one signed is given if it
        is of now.

        Raises:
            LedgerError: nothing can be signed: the log does not continue what was signed, there is no key, or the log
                holds fewer than ``at_least`` leaves.
        """
        with self._faults():
            with self._store.transaction(write=False) as connection:  # a pin of what is signed needs no lock
                size = read_head(self._store, connection).size
                last = last_checkpoint(connection)
            if at_least is not None and at_least > size:
                raise self._store.error(f"holds {size} leaves, so no checkpoint over {at_least} can be signed")
            wanted = size if at_least is None else at_least
            if last is not None and last.size >= wanted and last.note == self._folder.witness():
                return last.note
            with self._store.transaction(write=True) as connection:
                note = sign_head(self._store, connection, self._folder)
            if note != self._folder.witness():
                keep_witness(self._store, self._folder, note)
            return note

    def release_pin(self) -> dict[str, Any]:
        """What ``dataset.json`` says of the ledger: ``ledger_id``, ``events`` (leaves) and the signed ``checkpoint``.

        Raises:
            LedgerError: as for :meth:`checkpoint`.
        """
        with self._store.transaction(write=False) as connection:
            ledger_id = self._store.meta(connection)["ledger_id"]
        note = self.checkpoint()
        return {"ledger_id": ledger_id, "events": checkpoint_size(note), "checkpoint": note.decode()}

    def inclusion_proof(self, seq: int, size: int) -> list[bytes]:
        """The path of leaf ``seq`` in the tree of the first ``size`` leaves (RFC 6962 section 2.1.1); O(log size) rows.

        Raises:
            ValueError: ``size`` leaves do not hold ``seq``.
            LedgerError: the log holds fewer leaves, or cannot be read.
        """
        with self._store.transaction(write=False) as connection:
            return inclusion_proof(self._store, connection, seq, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The path from the tree of ``old`` leaves to that of ``new`` (RFC 6962 section 2.1.2); O(log new) rows.

        Raises:
            ValueError: ``old`` is more than ``new``.
            LedgerError: the log holds fewer leaves, or cannot be read.
        """
        with self._store.transaction(write=False) as connection:
            return consistency_proof(self._store, connection, old, new)

    @property
    def signer(self) -> SigningKey:
        """The secret key, for envelopes and revocations.

        Raises:
            LedgerError: it cannot be read.
        """
        with self._faults():
            return self._folder.signing_key()

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The public keys, the newest last. Raises as :attr:`signer`."""
        with self._faults():
            return self._folder.verifiers()

    def public_key_text(self) -> str:
        """What is published as ``ledger.pub``: every public key of the ledger, one a line. Raises as :attr:`signer`."""
        with self._faults():
            return self._folder.public_text()

    def rotate_key(self) -> tuple[VerifierKey, bytes]:
        """Makes a new signing key, appends that, and signs one checkpoint with both; the old secret is then gone.

        Returns:
            The new public key, and the checkpoint that both signed.

        Raises:
            LedgerError: the old key cannot be read, or the log does not continue what was signed.
        """
        with self._faults():
            # Killed anywhere in here the old key goes on signing, and the public key of a lost new one does no harm.
            old = self._folder.signing_key()
            new = SigningKey(old.name, self._entropy(32))
            fields = {"old": old.verifier.text, "new": new.verifier.text}
            with self._writing() as transaction:
                self._folder.write_verifiers([*self._folder.verifiers(), new.verifier])
                transaction.append([("key.rotated", fields, LEDGER_ITSELF)])
            with self._store.transaction(write=True) as connection:
                note = sign_head(self._store, connection, self._folder, [old, new])
            keep_witness(self._store, self._folder, note)
            self._folder.replace_signing_key(new)
        return new.verifier, note

    # --- inside -----------------------------------------------------------------------------------------------------------

    def _decide(
        self,
        speaker_id: str,
        action: Action,
        purposes: Iterable[Purpose],
        at: datetime,
        expires_at: datetime | None,
        terms: Terms | None,
    ) -> tuple[ConsentEvent, ...]:
        decisions = decisions_of(speaker_id, action, purposes, at, expires_at, terms)
        with self._writing() as transaction:
            return self._append_decisions(transaction, decisions)

    def _append_decisions(
        self, transaction: Transaction, decisions: Iterable[ConsentEvent]
    ) -> tuple[ConsentEvent, ...]:
        decisions = list(decisions)
        for event in decisions:
            check_speaker(event.speaker_id)
        entries = transaction.append(
            [(f"consent.{event.action}", event.to_fields(), event.speaker_id) for event in decisions],
        )
        return tuple(
            replace(event, seq=entry.seq, sha256=leaf_hash(entry.leaf).hex())
            for event, entry in zip(decisions, entries, strict=True)
        )

    def _salt(self, meta: Mapping[str, Any], vault_key: VaultKey) -> bytes:
        try:
            return vault_key.unwrap(meta["sealed_salt"], about=_about_salt(meta))
        except VaultError as error:
            raise self._store.broken(str(error)) from None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """What is wrong with a key is a fault of the ledger; the message names the key's file."""
        try:
            yield
        except UnusableKeyError as error:
            raise LedgerError(str(error)) from None

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._faults(), self._store.transaction(write=False) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Transaction]:
        """A transaction that holds the lock from its beginning."""
        with self._faults():
            vault_key = self._folder.vault_key()
            with self._store.transaction(write=True) as connection:
                read_head(self._store, connection, lock=True)
                yield Transaction(self._store, connection, vault_key, self._entropy)


def _about_salt(meta: Mapping[str, Any]) -> bytes:
    """What the salt is sealed with: all that never changes in ``meta``, so that none of it can be exchanged."""
    return rfc8785.dumps([_SALT, *(meta[name] for name in ("ledger_id", "origin", "schema_version", "created_at"))])
