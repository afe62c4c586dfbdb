"""Opens the database of a ledger and runs transactions in it. SQLAlchemy Core, one code path for SQLite and PostgreSQL.

A write begins by taking the one lock of the ledger: SQLite's write lock (BEGIN IMMEDIATE), or the row of ``head`` (SELECT ... FOR
UPDATE), so writers queue and the log stays one history.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa

from duologue_consent.errors import LedgerError
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.tables import META, RECORDS, SCHEMA_VERSION, SUBJECTS, TABLES, guard_statements
from duologue_consent.verify import open_file

__all__ = ["Store"]

_LOCK_TIMEOUT_S: Final = 30.0
_SQLITE_HEADER: Final = b"SQLite format 3\x00"


class Store:
    """Holds the database of a ledger. Threads may share it; a SQLite file is held open only during a transaction."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._engine = _engine(location)

    @property
    def is_sqlite(self) -> bool:
        """Tells whether the database is a SQLite file."""
        return self.location.file is not None

    def create(self) -> None:
        """Makes an empty database for the ledger: a new file (mode 0600), or new tables.

        Raises:
            LedgerError: there is one already, or it cannot be made.
        """
        path = self.location.file
        if path is not None:
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                raise self.error("exists already and is not overwritten; choose another name") from None
            except OSError as error:
                raise self.error(
                    f"cannot be created ({error.strerror}); name a file in a folder that exists and is writable"
                ) from None
        with self.transaction(write=True) as connection:
            present = [table for table in TABLES.tables if sa.inspect(connection).has_table(table)]
            if present:
                raise self.error(f"holds a table {present[0]} already and is not overwritten; name an empty database")
            TABLES.create_all(connection)
            for statement in guard_statements(connection.dialect.name):
                connection.exec_driver_sql(statement)

    def drop(self) -> None:
        """Deletes the database: takes back :meth:`create`, where making the ledger failed after it."""
        if self.location.file is not None:
            self.location.file.unlink(missing_ok=True)
            return
        with self.transaction(write=True) as connection:
            TABLES.drop_all(connection)

    def require(self) -> None:
        """Refuses a database that holds no ledger of this version.

        Raises:
            LedgerError: there is none, or one of another version.
        """
        path = self.location.file
        if path is not None:
            try:
                with open_file(path) as file:
                    header = file.read(len(_SQLITE_HEADER))
            except FileNotFoundError:
                raise self.error(f"there is no such ledger; make one with `duologue consent init {path}`") from None
            except OSError as error:
                raise self.error(f"cannot be read ({error.strerror}); name a ledger file that you may read") from None
            if header != _SQLITE_HEADER:
                raise self.error(
                    "is not a SQLite file, so no consent ledger; name a file made by `duologue consent init`"
                )
        with self.transaction(write=False) as connection:
            present = set(sa.inspect(connection).get_table_names())
            asked = "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name"
            added = connection.exec_driver_sql(asked).all() if self.is_sqlite else ()
        ours = set(guard_statements("sqlite"))
        for name, sql in added:
            if sql not in ours:
                raise self.broken(f"it has {name!r}, which would do something of its own when it is read or written")
        if not present.issuperset(TABLES.tables):
            what = "is a SQLite file but" if self.is_sqlite else "is a database but"
            raise self.error(f"{what} no consent ledger of this version; make one with `duologue consent init`")

    def meta(self, connection: sa.Connection) -> dict[str, Any]:
        """Reads the one row of ``meta``: the identity of the ledger, and its sealed salt.

        Raises:
            LedgerError: there is not one, or of another version, or its values have been exchanged.
        """
        rows = [row._asdict() for row in connection.execute(sa.select(META))]
        if len(rows) != 1:
            raise self.broken(f"it has {len(rows)} meta rows and not one")
        (meta,) = rows
        if meta["schema_version"] != SCHEMA_VERSION:
            raise self.error(
                f"is a ledger of version {meta['schema_version']} and this duologue reads version {SCHEMA_VERSION}; "
                "use the duologue that wrote it"
            )
        # SQLite keeps any type in any column: what was tampered with must not end in a TypeError
        if not all(isinstance(meta[name], str) for name in ("ledger_id", "origin", "created_at")) or not isinstance(
            meta["sealed_salt"], bytes
        ):
            raise self.broken("its meta row was changed")
        return meta

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[sa.Connection]:
        """Runs one transaction and rolls it back on any exception; faults of the database become :class:`LedgerError`."""
        if self.is_sqlite:
            options: dict[str, Any] = {"duologue_begin": "BEGIN IMMEDIATE" if write else "BEGIN"}
        else:
            options = {"isolation_level": "READ COMMITTED" if write else "REPEATABLE READ"}
        try:
            with self._engine.connect() as plain:
                connection = plain.execution_options(**options)
                with connection.begin():
                    yield connection
        except UnicodeDecodeError as error:  # of a name of a table, which the driver decodes
            raise self.broken("it holds a name that is no text") from error
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise self._database_error(error, write=write) from error

    def compact(self) -> None:
        """Rewrites the database, so that what was deleted is in no page of it.

        SQLite: ``secure_delete`` has zeroed the rows; VACUUM also drops stale copies that moving rows left in pages.
        PostgreSQL: VACUUM FULL of the vault; its write-ahead log and backups keep old pages until they are recycled.
        """
        statements = ["VACUUM"] if self.is_sqlite else [f"VACUUM FULL {SUBJECTS.name}", f"VACUUM FULL {RECORDS.name}"]
        try:
            with self._engine.connect() as connection:
                plain = connection.execution_options(isolation_level="AUTOCOMMIT", duologue_begin="")
                for statement in statements:
                    plain.exec_driver_sql(statement)
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise self._database_error(error, write=True) from error

    def error(self, fault: str) -> LedgerError:
        """Makes an error that names this ledger."""
        return LedgerError(f"{self.location.name}: {fault}")

    def broken(self, fault: str, seq: int | None = None) -> LedgerError:
        """Makes the error of a damaged ledger; ``seq`` is the leaf at which it is damaged."""
        where = "" if seq is None else f" at leaf {seq}"
        return LedgerError(
            f"{self.location.name}: is damaged{where}: {fault}; do not use it, restore the newest backup", seq
        )

    def _database_error(self, error: Exception, *, write: bool) -> LedgerError:
        # the first line: what a server says after it may hold the statement and its values
        said = str(getattr(error, "orig", error)).strip().splitlines()[:1]
        fault = f"cannot be {'written' if write else 'read'} ({''.join(said)})"
        if "locked" in fault:
            return self.error(f"{fault}; another process holds the file, try again when it is done")
        if self.is_sqlite:
            return self.error(f"{fault}; check that it is a whole ledger and that you own it")
        return self.error(f"{fault}; check that the server runs and that you may write to the database")


def _engine(location: Location) -> sa.Engine:
    if location.file is None:
        try:
            return sa.create_engine(location.url, pool_pre_ping=True, hide_parameters=True)
        except (ImportError, sa.exc.ArgumentError):
            raise LedgerError(
                f"{location.name}: needs psycopg; install it with `pip install duologue[postgres]`"
            ) from None
    path = location.file

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that has vanished is an error, and not a new empty database
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None
        )
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # sqlite3 left to itself begins only before the first INSERT, too late to read the head under the lock
        statement = connection.get_execution_options().get("duologue_begin", "BEGIN")
        if statement:
            connection.exec_driver_sql(statement)

    return engine
