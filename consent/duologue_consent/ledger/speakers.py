"""Knows which speakers are in a ledger, so that one who is entered under an id that looks like theirs is noticed.

The vault finds a speaker by the exact id alone; who else is in it is read from the sealed decisions, each of them once for an opened
ledger.
"""

import threading
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from duologue_consent.decisions.names import by_skeleton, escaped, look_alikes, named_by, skeleton
from duologue_consent.errors import ConsentError
from duologue_consent.ledger.drafting import DECISIONS
from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import LEAVES, RECORDS, SUBJECTS
from duologue_consent.ledger.vault import SubjectSecret
from duologue_consent.proofs.leaves import kind_of, open_record

__all__ = ["KnownSpeakers", "LookAlikeError", "People", "addressed", "refuse_new_person"]


class LookAlikeError(ConsentError, ValueError):
    """Tells that an id is not known and looks like one that is; whoever enters it can say whether that is the same person.

    Attributes:
        speaker_id: the id as it was written.
        alike: the ids that look like it, sorted.
    """

    def __init__(self, speaker_id: str, alike: tuple[str, ...]) -> None:
        super().__init__(speaker_id, alike)
        self.speaker_id, self.alike = speaker_id, alike

    def __str__(self) -> str:
        return (
            f"{escaped(self.speaker_id)} is not in the ledger, but looks like {named_by(self.alike)}, which is; write that id as "
            "it is known or say --same-person, or say that this is another person with --new-person. Nothing was appended"
        )


class People:
    """Holds the ids of those who are known, and what is seen of each, so that look-alikes are found at once.

    Args:
        declared: id -> whether it is on record that this is another person than those whose id looks alike.
    """

    def __init__(self, declared: Mapping[str, bool]) -> None:
        self._declared = dict(declared)
        self._seen = {seen: set(ids) for seen, ids in by_skeleton(declared).items()}

    def __contains__(self, speaker_id: object) -> bool:
        return speaker_id in self._declared

    def is_declared(self, speaker_id: str) -> bool:
        """Tells whether it is on record that a known speaker is another person than those whose id looks alike."""
        return self._declared[speaker_id]

    def look_alikes(self, speaker_id: str) -> tuple[str, ...]:
        """Lists the known ids that look like this one and are not it, sorted."""
        return look_alikes(speaker_id, self._seen)

    def add(self, speaker_id: str, *, declared: bool) -> None:
        """Takes in somebody who is entered in the same transaction."""
        self._declared[speaker_id] = declared or self._declared.get(speaker_id, False)
        self._seen.setdefault(skeleton(speaker_id), set()).add(speaker_id)


class KnownSpeakers:
    """Remembers the speakers of the leaves that were read so far. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read = 0
        self._by_tag: dict[bytes, tuple[str, bool]] = {}

    def read(
        self, store: Store, connection: sa.Connection, secret_of: Callable[[bytes], SubjectSecret | None]
    ) -> People:
        """Reads who is in the ledger now.

        Args:
            store: the ledger's database.
            connection: in a transaction that holds the ledger's lock and has appended nothing.
            secret_of: opens the secret of the subject with a tag.

        Returns:
            All speakers with a decision; who is declared another person is so by one of them.

        Raises:
            LedgerError: a record does not open.
        """
        query = (
            sa.select(LEAVES.c.seq, LEAVES.c.leaf, RECORDS.c.tag, RECORDS.c.record)
            .join(RECORDS, RECORDS.c.seq == LEAVES.c.seq)
            .order_by(LEAVES.c.seq)
        )
        with self._lock:
            for row in connection.execute(query.where(LEAVES.c.seq >= self._read)).all():
                self._read = row.seq + 1
                secret = secret_of(row.tag) if kind_of(row.leaf) in DECISIONS else None
                if secret is None:
                    continue
                try:
                    fields = open_record(row.record, subject_key=secret.record_key, leaf=row.leaf).values
                except ValueError as error:
                    raise store.broken(str(error), row.seq) from None
                declared = self._by_tag.get(row.tag, ("", False))[1] or fields.get("new_person") is True
                self._by_tag[row.tag] = fields["speaker_id"], declared
            there = set(connection.execute(sa.select(SUBJECTS.c.tag)).scalars())
            return People(dict(each for tag, each in self._by_tag.items() if tag in there))  # the others were forgotten


def refuse_new_person(speaker_id: str, known: People) -> None:
    """Refuses an id that is not known and looks like one that is.

    Raises:
        LookAlikeError: the message names both exactly, and the options that say who is meant.
    """
    alike = known.look_alikes(speaker_id)
    if speaker_id not in known and alike:
        raise LookAlikeError(speaker_id, alike)


def addressed(speaker_id: str, known: People) -> tuple[str, ...]:
    """Finds whom a no is for that was given under an id: the person of that id, and of all that look like it.

    Who was entered as another person is meant by their very id only.

    Args:
        speaker_id: as it was written.
        known: from :meth:`KnownSpeakers.read`.

    Returns:
        Ids that are known, that one first; itself alone where none looks like it.

    Raises:
        ValueError: it is none of several ids that look like it, and they are of different people.
    """
    alike = known.look_alikes(speaker_id)
    if speaker_id in known:
        others = () if known.is_declared(speaker_id) else tuple(each for each in alike if not known.is_declared(each))
        return speaker_id, *others
    if len(alike) > 1 and any(map(known.is_declared, alike)):
        raise ValueError(
            f"{escaped(speaker_id)} is not in the ledger and looks like {named_by(alike)}, who are on record as different "
            "people; write the id of whom you mean. Nothing was appended"
        )
    return alike or (speaker_id,)
