"""The ledger file: an append-only table of consent events in SQLite, through SQLAlchemy Core.

Rules of the file
- Events are only ever appended. Triggers refuse UPDATE and DELETE, and an INSERT anywhere but at the end.
- Every event names the hash of the one before it (:mod:`duologue_consent.events`), and ``meta`` holds how many there
  are and the last hash, so that an event missing at the end is found as well. All of it is checked on every read.
- A write is one transaction that begins by taking the write lock (BEGIN IMMEDIATE) and waits for other writers.

Who can write the file can also rewrite all of it consistently: the chain finds accidents and careless edits, no
determined forger. Against one, keep ``head_sha256`` elsewhere.
"""

import os
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from .events import (
    Action,
    ChainError,
    ConsentEvent,
    Purpose,
    canonical_sha256,
    format_time,
    parse_time,
    read_chain,
)
from .snapshot import Snapshot
from .store import EVENTS, META, SCHEMA_VERSION, create_tables, make_engine

__all__ = ["Ledger", "LedgerError"]

_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_META_TEXT: Final = ("ledger_id", "salt", "created_at", "head_sha256")
_SEE_STATUS: Final = "see `duologue consent status`"
_RESTORE: Final = "do not use it, restore it from a backup"


class LedgerError(Exception):
    """The ledger cannot be made, read or written; the message is one line that names file, fault and remedy.

    ``seq`` is the event at which the chain is broken, else None.
    """

    def __init__(self, message: str, seq: int | None = None) -> None:
        super().__init__(message, seq)
        self.seq = seq

    def __str__(self) -> str:
        return str(self.args[0])


class Ledger:
    """A ledger file that has been found whole. Holds no open connection, so threads may share it.

    Make one with :meth:`create` or :meth:`open`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = make_engine(path)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        ledger_id: str | None = None,
        salt: bytes | None = None,
        created_at: datetime | None = None,
    ) -> "Ledger":
        """Makes an empty ledger in a new file that only its owner may read and write.

        Args:
            path: must not exist; nothing is ever overwritten.
            ledger_id: a random UUID if not given.
            salt: 32 random bytes if not given; give it only where nobody real can be found by it, as in a sample.
            created_at: now if not given.

        Raises:
            LedgerError: the file exists or cannot be made.
        """
        identity: dict[str, Any] = {
            "ledger_id": str(uuid.uuid4()) if ledger_id is None else ledger_id,
            "salt": (secrets.token_bytes(32) if salt is None else salt).hex(),
            "schema_version": SCHEMA_VERSION,
            "created_at": format_time(created_at or datetime.now(UTC)),
        }
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise LedgerError(f"{path}: exists already and is not overwritten; choose another name") from None
        except OSError as error:
            raise LedgerError(
                f"{path}: cannot be created ({error.strerror}); name a file in a folder that exists and is writable"
            ) from None
        ledger = cls(path)
        try:
            with ledger._transaction(write=True) as connection:
                create_tables(connection)
                connection.execute(META.insert().values(**identity, events=0, head_sha256=_genesis_sha256(identity)))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return ledger

    @classmethod
    def open(cls, path: Path) -> "Ledger":
        """Opens a ledger and checks all of it.

        Raises:
            LedgerError: there is no such file, it is no ledger, or its chain is broken (then with ``seq``).
        """
        try:
            with path.open("rb") as file:
                header = file.read(len(_SQLITE_HEADER))
        except FileNotFoundError:
            raise LedgerError(
                f"{path}: there is no such ledger; make one with `duologue consent init {path}`"
            ) from None
        except OSError as error:
            raise LedgerError(
                f"{path}: cannot be read ({error.strerror}); name a ledger file that you may read"
            ) from None
        if header != _SQLITE_HEADER:
            raise LedgerError(
                f"{path}: is not a SQLite file, so no consent ledger; name a file made by `duologue consent init`"
            )
        ledger = cls(path)
        ledger.snapshot()
        return ledger

    def snapshot(self) -> Snapshot:
        """The state of the ledger at this moment, checked again.

        Raises:
            LedgerError: as for :meth:`open`.
        """
        with self._transaction(write=False) as connection:
            meta = self._meta(connection)
            rows = [row._asdict() for row in connection.execute(sa.select(EVENTS).order_by(EVENTS.c.seq))]
        try:
            events = read_chain(
                rows,
                genesis_sha256=_genesis_sha256(meta),
                length=meta["events"],
                head_sha256=meta["head_sha256"],
            )
        except ChainError as error:
            raise self._broken(error) from None
        return Snapshot.of(
            ledger_id=meta["ledger_id"],
            salt=bytes.fromhex(meta["salt"]),
            head_sha256=meta["head_sha256"],
            events=events,
        )

    def grant(
        self, speaker_id: str, purposes: Iterable[Purpose], *, at: datetime, expires_at: datetime | None = None
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker allows each of the purposes from ``at`` until ``expires_at`` (None: until withdrawn).

        Returns:
            The events appended, one a purpose.

        Raises:
            LedgerError: the ledger cannot be written, and nothing was appended.
            ValueError: an argument is not valid, and nothing was appended.
        """
        with self._transaction(write=True) as connection:
            return self._append(connection, speaker_id, Action.GRANT, purposes, at, expires_at)

    def refuse(self, speaker_id: str, purposes: Iterable[Purpose], *, at: datetime) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker was asked for each of the purposes and said no. Returns and raises as ``grant``."""
        with self._transaction(write=True) as connection:
            return self._append(connection, speaker_id, Action.REFUSE, purposes, at, None)

    def withdraw(
        self, speaker_id: str, purposes: Iterable[Purpose] | None = None, *, at: datetime
    ) -> tuple[ConsentEvent, ...]:
        """Appends that the speaker takes back what was granted at or before ``at``.

        Args:
            purposes: which; None for every purpose that was ever granted.

        Returns:
            The events appended, one a purpose.

        Raises:
            LedgerError: the speaker is unknown, or one of the purposes was not granted by then: nothing was appended.
            ValueError: an argument is not valid, and nothing was appended.
        """
        at_text = format_time(at)
        with self._transaction(write=True) as connection:
            own = sa.select(EVENTS.c.purpose, EVENTS.c.action, EVENTS.c.at).where(EVENTS.c.speaker_id == speaker_id)
            history = connection.execute(own).all()
            if not history:
                raise self._error(f"has no event of speaker {speaker_id!r}, so nothing to withdraw; {_SEE_STATUS}")
            granted = {row.purpose for row in history if row.action == Action.GRANT and parse_time(row.at) <= at}
            chosen = [purpose for purpose in Purpose if purpose in granted] if purposes is None else list(purposes)
            never = [purpose for purpose in chosen if purpose not in granted]
            if never or not granted:
                what = ", ".join(never) or "any purpose"
                raise self._error(
                    f"speaker {speaker_id!r} had not granted {what} by {at_text}, so nothing was withdrawn; "
                    f"{_SEE_STATUS}"
                )
            return self._append(connection, speaker_id, Action.WITHDRAW, chosen, at, None)

    def _append(
        self,
        connection: sa.Connection,
        speaker_id: str,
        action: Action,
        purposes: Iterable[Purpose],
        at: datetime,
        expires_at: datetime | None,
    ) -> tuple[ConsentEvent, ...]:
        """Appends one event a purpose, each purpose once, in a transaction that holds the write lock."""
        if not speaker_id or not speaker_id.isprintable() or speaker_id != speaker_id.strip():
            raise ValueError(
                f"{speaker_id!r} is no speaker id; give at least one printable character, no space at the ends"
            )
        chosen = tuple(dict.fromkeys(map(Purpose, purposes)))
        if not chosen:
            raise ValueError(f"no purpose was named; name at least one of {', '.join(Purpose)}")
        at_text, expires_text = format_time(at), None if expires_at is None else format_time(expires_at)
        if expires_at is not None and expires_at <= at:
            raise ValueError(
                f"the grant would end at {expires_text}, not after it begins at {at_text}; give a later end"
            )
        meta = self._meta(connection)
        last = connection.execute(
            sa.select(EVENTS.c.seq, EVENTS.c.sha256).order_by(EVENTS.c.seq.desc()).limit(1)
        ).first()
        seq, previous = (0, _genesis_sha256(meta)) if last is None else (last.seq, last.sha256)
        if (meta["events"], meta["head_sha256"]) != (seq, previous):
            raise self._broken(ChainError(seq, "it is not the last one that the ledger wrote"))
        appended: list[ConsentEvent] = []
        for purpose in chosen:
            seq += 1
            row = {
                "seq": seq,
                "speaker_id": speaker_id,
                "purpose": purpose.value,
                "action": action.value,
                "at": at_text,
                "expires_at": expires_text,
                "prev_sha256": previous,
            }
            sha256 = canonical_sha256(row)
            connection.execute(EVENTS.insert().values(**row, sha256=sha256))
            appended.append(ConsentEvent(seq, speaker_id, purpose, action, at, expires_at, previous, sha256))
            previous = sha256
        connection.execute(META.update().values(events=seq, head_sha256=previous))
        return tuple(appended)

    def _meta(self, connection: sa.Connection) -> dict[str, Any]:
        inspector = sa.inspect(connection)
        if not all(inspector.has_table(table.name) for table in (META, EVENTS)):
            raise self._error("is a SQLite file but no consent ledger; name a file made by `duologue consent init`")
        rows = [row._asdict() for row in connection.execute(sa.select(META))]
        if len(rows) != 1:
            raise self._error(f"has {len(rows)} meta rows and not one; {_RESTORE}")
        (meta,) = rows
        if meta["schema_version"] != SCHEMA_VERSION:
            raise self._error(
                f"is a ledger of version {meta['schema_version']} and this duologue reads version {SCHEMA_VERSION}; "
                "use the duologue that wrote it"
            )
        # SQLite keeps any type in any column: what was tampered with must not end in a TypeError
        if not isinstance(meta["events"], int) or any(not isinstance(meta[name], str) for name in _META_TEXT):
            raise self._error(f"has a damaged meta row; {_RESTORE}")
        return meta

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[sa.Connection]:
        """One transaction, rolled back on any exception; faults of the database become :class:`LedgerError`."""
        try:
            with self._engine.connect() as plain:
                connection = plain.execution_options(duologue_begin="BEGIN IMMEDIATE" if write else "BEGIN")
                with connection.begin():
                    yield connection
        except sa.exc.DBAPIError as error:
            fault = f"cannot be {'written' if write else 'read'} ({error.orig})"
            locked = "another process holds the file, try again when it is done"
            remedy = locked if "locked" in str(error.orig) else "check that it is a whole ledger and that you own it"
            raise self._error(f"{fault}; {remedy}") from error

    def _error(self, fault: str) -> LedgerError:
        return LedgerError(f"{self._path}: {fault}")

    def _broken(self, error: ChainError) -> LedgerError:
        return LedgerError(
            f"{self._path}: the chain is broken at event {error.seq}: {error.fault}; {_RESTORE}", error.seq
        )


def _genesis_sha256(meta: Mapping[str, Any]) -> str:
    """What the first event follows: the hash of all that never changes in ``meta``."""
    return canonical_sha256({name: meta[name] for name in ("ledger_id", "salt", "schema_version", "created_at")})
