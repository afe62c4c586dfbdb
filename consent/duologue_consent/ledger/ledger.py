"""Offers the ledger: an append-only Merkle log of what was decided, a vault of who decided it, and signed checkpoints.

What it promises
- Every append is one transaction under the ledger's one lock (:mod:`duologue_consent.ledger.store`): several writers at once, in
  threads, processes or on machines, lose nothing and make one history.
- A leaf holds salted commitments and no data of anybody (:mod:`duologue_consent.proofs.leaves`); the fields are sealed in the vault
  under the key of their one subject (:mod:`duologue_consent.ledger.vault`) and end with it: :meth:`Ledger.forget`.
- ``seq`` counts the leaves from 0, decisions and everything else alike.
- It never signs two histories (:mod:`duologue_consent.ledger.signing`), as far as it and its keys know; a checkpoint that is kept
  elsewhere knows what a backup of both does not (:meth:`Ledger.require_continues`).
- Opening it and taking a snapshot check all of it (:mod:`duologue_consent.ledger.reading`).

Withdrawing is a decision that is added; the person stays known, so that the withdrawal can be acted on and proven. Forgetting
erases the person; what was decided stays provable, but not whose it was. Who was forgotten is unknown, and unknown is no.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from duologue_consent.bulk.entries import Entry as TableEntry
from duologue_consent.decisions.clock import clock_fault
from duologue_consent.decisions.events import Action, ConsentEvent, Purpose
from duologue_consent.decisions.snapshot import Snapshot
from duologue_consent.decisions.terms import Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS
from duologue_consent.ledger.access import Access, key_errors
from duologue_consent.ledger.contents import check_contents, read_records, take_snapshot
from duologue_consent.ledger.continuity import check_continuity
from duologue_consent.ledger.drafting import DECISIONS, check_speaker, draft_decisions
from duologue_consent.ledger.entering import Entered, draft_entries, meant
from duologue_consent.ledger.forgetting import forget_subject
from duologue_consent.ledger.founding import found_ledger
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.log import Entry
from duologue_consent.ledger.log_view import LogView
from duologue_consent.ledger.reading import FORGOTTEN, Checked, Record
from duologue_consent.ledger.signing import rotate_signing_key
from duologue_consent.ledger.speakers import People
from duologue_consent.ledger.transaction import Transaction
from duologue_consent.ledger.vault import LEDGER_ITSELF
from duologue_consent.proofs.keys import SigningKey, VerifierKey
from duologue_consent.proofs.leaves import Opening
from duologue_consent.proofs.notes import Checkpoint

__all__ = ["Ledger"]


class Ledger:
    """Reads and appends to a ledger that has been found whole. Threads may share it.

    Make one with :meth:`create` or :meth:`open`.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._log = LogView(access)

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
        return cls(
            found_ledger(
                Location(where),
                ledger_id=ledger_id,
                salt=salt,
                created_at=created_at,
                origin=origin,
                entropy=entropy,
            )
        )

    @classmethod
    def open(
        cls,
        where: Path | str,
        *,
        now: datetime | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> "Ledger":
        """Opens a ledger and checks all of it.

        Args:
            where: as for :meth:`create`.
            now: what the clock shows, for whoever goes on to ask how consent stands: a ledger that is ahead of it is refused.
                None asks no clock.
            entropy: as for :meth:`create`.

        Raises:
            LedgerError: there is no ledger or no key, it is damaged (then with ``seq``), an older copy, or ahead of ``now``.
        """
        ledger = cls(Access.to(Location(where), entropy=entropy))
        ledger._access.store.require()
        snapshot = ledger.snapshot()
        fault = None if now is None else clock_fault(snapshot.latest, now)
        if fault is not None:
            raise ledger._access.store.error(fault)
        return ledger

    @property
    def name(self) -> str:
        """Names the ledger as messages do; never holds a password."""
        return self._access.store.location.name

    @property
    def ledger_id(self) -> str:
        """Reads which ledger it is: :meth:`LogView.ledger_id`."""
        return self._log.ledger_id()

    # --- reading ----------------------------------------------------------------------------------------------------------

    def snapshot(self, size: int | None = None) -> Snapshot:
        """Takes the decisions in the first ``size`` leaves (None: in all) as a value; the whole ledger is checked again.

        Raises:
            LedgerError: as for :meth:`open`, or it holds fewer leaves.
        """
        return take_snapshot(self._access, size)

    def check(self) -> Checked:
        """Checks everything, also what every opening skips: each commitment, each stored subtree, each checkpoint.

        Raises:
            LedgerError: it is damaged.
        """
        return check_contents(self._access)

    def require_continues(self, note: bytes, *, name: str) -> Checkpoint:
        """Checks that the ledger continues a checkpoint that it signed before and that somebody else kept.

        Ask before anything is signed or published: what was restored from a backup, keys and all, does not know what it signed since.

        Args:
            note: the signed checkpoint.
            name: where it comes from, for messages.

        Returns:
            What the checkpoint says.

        Raises:
            LedgerError: the ledger is an older copy or a fork; or the note is none, of another ledger, or not signed by this one.
        """
        return check_continuity(self._access, note, name=name)

    def records(self, kind: str | None = None) -> list[Record]:
        """Reads all leaves, or those of one kind, with the fields that they commit to.

        Raises:
            LedgerError: as for :meth:`open`.
        """
        return read_records(self._access, kind)

    def opening(self, seq: int) -> Opening | None:
        """Opens a leaf: its values, with the salts that prove them; None where its subject was forgotten.

        Raises:
            LedgerError: there is no such leaf, or its record does not open.
        """
        with self._access.reading() as connection:
            vault_key = self._access.folder.vault_key()
            return Transaction(self._access.store, connection, vault_key, self._access.entropy).opening(seq)

    # --- appending --------------------------------------------------------------------------------------------------------

    def grant(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose],
        *,
        at: datetime,
        expires_at: datetime | None = None,
        terms: Terms | None = None,
        entered_at: datetime | None = None,
        new_person: bool = False,
        same_person: bool = False,
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker allows each of the purposes from ``at`` until ``expires_at`` (None: until withdrawn).

        ``terms`` must name the forms that are covered; without ``terms`` all are.

        Args:
            speaker_id: who.
            purposes: what is allowed.
            at: from when.
            expires_at: until when.
            terms: what else the record says.
            entered_at: when it is entered; now if None. Give your own only where nobody real is in the ledger.
            new_person: whether the id is of another person than those whose id looks like it
                (:mod:`duologue_consent.decisions.names`).
            same_person: whether the id is of the person in the ledger whose id looks like it; it is entered for that id.

        Returns:
            The events appended, one a purpose.

        Raises:
            LedgerError: the ledger cannot be written, and nothing was appended.
            LookAlikeError: the id is not known and looks like one that is; nothing was appended.
            ValueError: an argument is not valid; nothing was appended.
        """
        covered = Terms(forms=ALL_FORMS) if terms is None else terms
        drafts = draft_decisions(speaker_id, Action.GRANT, purposes, at, expires_at, covered)
        with self._access.writing() as transaction:
            if same_person:
                drafts = _for_known(drafts, transaction.known())
            return transaction.append_decisions(
                transaction.addressed(drafts, new_person=new_person), entered_at=entered_at
            )

    def refuse(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose],
        *,
        at: datetime,
        terms: Terms | None = None,
        entered_at: datetime | None = None,
        new_person: bool = False,
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker was asked for each of the purposes and said no. Takes and raises what ``grant`` does.

        Returns:
            The events appended: one a purpose for the speaker, and for everybody whose id looks like the speaker's and who
            is not on record as another person.
        """
        drafts = draft_decisions(speaker_id, Action.REFUSE, purposes, at, None, terms)
        with self._access.writing() as transaction:
            return transaction.append_decisions(
                transaction.addressed(drafts, new_person=new_person), entered_at=entered_at
            )

    def withdraw(
        self,
        speaker_id: str,
        purposes: Iterable[Purpose] | None = None,
        *,
        at: datetime | None,
        terms: Terms | None = None,
        action: Action = Action.WITHDRAW,
        entered_at: datetime | None = None,
        new_person: bool = False,
    ) -> tuple[ConsentEvent, ...]:
        """Appends that what was granted at or before ``at`` is taken back.

        It is taken back for everybody whose id is or looks like this one and who is not on record as another person: a no finds
        whom it is for, however the id is spelt.

        Args:
            speaker_id: whose.
            purposes: which; None for every purpose that was ever granted.
            at: from when. None is from now, and takes back whatever is on record, also what a clock that was ahead has dated later.
            terms: what else the record says.
            action: ``withdraw`` by the speaker, or ``revoke`` or ``invalidate`` by somebody else (then with ``terms``).
            entered_at, new_person: as for :meth:`grant`.

        Returns:
            The events appended, one a purpose and person.

        Raises:
            LedgerError: the speaker is unknown, or one of the purposes was not granted by then: nothing was appended.
            ValueError: an argument is not valid, and nothing was appended.
        """
        with self._access.writing() as transaction:
            drafts = transaction.withdrawals(speaker_id, purposes, at, terms, action, new_person=new_person)
            return transaction.append_decisions(drafts, entered_at=entered_at)

    def append_decision(self, fields: Mapping[str, Any]) -> ConsentEvent:
        """Appends one decision given as :meth:`~duologue_consent.decisions.events.ConsentEvent.to_fields` gives it.

        Raises:
            LedgerError: the ledger cannot be written.
            ValueError: the fields are no decision.
        """
        return self.append_decisions([fields])[0]

    def append_decisions(
        self,
        decisions: Iterable[Mapping[str, Any]],
        *,
        entered_at: datetime | None = None,
        new_person: bool = False,
        same_person: bool = False,
    ) -> tuple[ConsentEvent, ...]:
        """Appends several decisions in one transaction: all or none. Raises as :meth:`append_decision`.

        ``entered_at``, ``new_person`` and ``same_person`` are as for :meth:`grant`; a no is appended for everybody whom it is for, as by
        :meth:`refuse`.
        """
        events = [ConsentEvent.from_fields(fields, seq=-1, sha256="") for fields in decisions]
        with self._access.writing() as transaction:
            if same_person:
                events = _for_known(events, transaction.known())
            return transaction.append_decisions(
                transaction.addressed(events, new_person=new_person), entered_at=entered_at
            )

    def append_entries(self, entries: Sequence[TableEntry], *, dry_run: bool = False) -> list[Entered]:
        """Appends what the rows of a table decide, in one transaction: all or none.

        Args:
            entries: of :func:`duologue_consent.bulk.entries.read_entries`.
            dry_run: only draft the decisions, with everything that would refuse them.

        Returns:
            What became of each entry, in their order.

        Raises:
            LedgerError: the ledger cannot be written.
            UnclearPeopleError: some ids are not known and look like others.
            TableError: some rows cannot be entered; all faults are named.
        """
        with self._access.writing() as transaction:
            drafted = draft_entries(transaction, entries)
            if dry_run:
                return drafted
            events = iter(transaction.append_decisions(event for each in drafted for event in each.events))
            return [Entered(each.entry, tuple(islice(events, len(each.events)))) for each in drafted]

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
        with self._access.writing() as transaction:
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
        return forget_subject(self._access, subject, at=at)

    # --- the log, as outsiders see it ---------------------------------------------------------------------------------

    def size(self) -> int:
        """Counts the leaves: :meth:`LogView.size`."""
        return self._log.size()

    def log_lines(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Gives the lines of the public log: :meth:`LogView.lines`."""
        return self._log.lines(start, stop)

    def checkpoint(self, at_least: int | None = None) -> bytes:
        """Signs the log: :meth:`LogView.checkpoint`."""
        return self._log.checkpoint(at_least)

    def release_pin(self) -> dict[str, Any]:
        """Gives what a release says of this ledger: :meth:`LogView.release_pin`."""
        return self._log.release_pin()

    def inclusion_proof(self, seq: int, size: int) -> list[bytes]:
        """Proves that a leaf is in the log: :meth:`LogView.inclusion_proof`."""
        return self._log.inclusion_proof(seq, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Proves that the log was only appended to: :meth:`LogView.consistency_proof`."""
        return self._log.consistency_proof(old, new)

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """Reads the public keys: :meth:`LogView.verifiers`."""
        return self._log.verifiers()

    def public_key_text(self) -> str:
        """Gives the published key file: :meth:`LogView.public_key_text`."""
        return self._log.public_key_text()

    # --- the secret key -------------------------------------------------------------------------------------------------

    @property
    def signer(self) -> SigningKey:
        """Reads the secret key, which signs envelopes and revocations.

        Raises:
            LedgerError: it cannot be read.
        """
        with key_errors():
            return self._access.folder.signing_key()

    def rotate_key(self) -> tuple[VerifierKey, bytes]:
        """Makes a new signing key, appends that, and signs one checkpoint with both; the old secret is then gone.

        Returns:
            The new public key, and the checkpoint that both signed.

        Raises:
            LedgerError: the old key cannot be read, or the log does not continue what was signed.
        """
        return rotate_signing_key(self._access)


def _for_known(drafts: Iterable[ConsentEvent], known: People) -> list[ConsentEvent]:
    return [replace(event, speaker_id=meant(event.speaker_id, known)) for event in drafts]
