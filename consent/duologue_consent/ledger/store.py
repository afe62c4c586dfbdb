"""How a ledger lies in its database: the tables, what guards them, and transactions. SQLAlchemy Core, one code path.

SQLite and PostgreSQL hold the same tables. The *log* (``leaves``, ``nodes``, ``head``, ``checkpoints``) holds nothing of
anybody; the *vault* (``vault_subjects``, ``vault_records``) holds people, sealed. Triggers leave the log no way but
growing. A write begins by taking the one lock of the ledger: SQLite's write lock (BEGIN IMMEDIATE), or the row of ``head``
(SELECT ... FOR UPDATE), so writers queue and the log stays one history.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa

from duologue_consent.errors import LedgerError

__all__ = ["Place", "Store"]

SCHEMA_VERSION: Final = 2

_LOCK_TIMEOUT_S: Final = 30.0
_SQLITE_HEADER: Final = b"SQLite format 3\x00"
_TABLES: Final = sa.MetaData()

META: Final = sa.Table(  # one row
    "meta",
    _TABLES,
    sa.Column("ledger_id", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("sealed_salt", sa.LargeBinary, nullable=False),
)
LEAVES: Final = sa.Table(
    "leaves",
    _TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)
NODES: Final = sa.Table(  # the complete subtrees: "level" 1 is over two leaves; "place" counts from the left
    "nodes",
    _TABLES,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
HEAD: Final = sa.Table(  # one row: the compact range, all that appending needs
    "head",
    _TABLES,
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("roots", sa.LargeBinary, nullable=False),
)
CHECKPOINTS: Final = sa.Table(  # every note that was signed
    "checkpoints",
    _TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
SUBJECTS: Final = sa.Table(
    "vault_subjects",
    _TABLES,
    sa.Column("tag", sa.LargeBinary, primary_key=True),  # HMAC of the id, see duologue_consent.ledger.vault
    sa.Column("wrapped_secret", sa.LargeBinary, nullable=False),
)
RECORDS: Final = sa.Table(
    "vault_records",
    _TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tag", sa.LargeBinary, nullable=False, index=True),
    sa.Column("record", sa.LargeBinary, nullable=False),
)

_VERBS: Final = ("UPDATE", "DELETE")
_APPEND_ONLY: Final = ("leaves", "nodes", "checkpoints", "meta")
_REFUSAL: Final = "the ledger is append-only"
# The guard on INSERT also stops INSERT OR REPLACE, which deletes without firing the guard on DELETE.
_INSERT_GUARDS: Final = {
    "leaves": "NEW.seq <> (SELECT COALESCE(MAX(seq), -1) + 1 FROM leaves)",
    "nodes": "EXISTS (SELECT 1 FROM nodes WHERE level = NEW.level AND place = NEW.place)",
    "checkpoints": "NEW.number <> (SELECT COALESCE(MAX(number), -1) + 1 FROM checkpoints)",
    "meta": "EXISTS (SELECT 1 FROM meta)",
    "head": "EXISTS (SELECT 1 FROM head)",
}
_HEAD_GUARD: Final = "NEW.size <= OLD.size"


class Place:
    """Where a ledger is: a SQLite file, or a database named by a SQLAlchemy URL.

    Attributes:
        name: what messages call it; never holds a password.
        file: the SQLite file, None for a server.
        url: what SQLAlchemy connects to.
        keys: the folder of its keys: ``FILE.keys`` beside a file; for a server the URL's query ``keys=FOLDER``, else
            ``DATABASE.keys`` in the current folder.
    """

    def __init__(self, where: Path | str) -> None:
        text = str(where)
        if "://" not in text:
            self._of_file(Path(where))
            return
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            # not the text itself: it may hold a password
            raise LedgerError(
                "the ledger's URL cannot be read; write postgresql+psycopg://USER@HOST/DATABASE"
            ) from None
        if url.get_backend_name() == "sqlite":
            if not url.database:
                raise LedgerError("a ledger in memory is lost at once; name a file")
            self._of_file(Path(url.database))
            return
        if url.get_backend_name() != "postgresql" or not url.database:
            raise LedgerError(f"{url.render_as_string()}: a ledger lies in a file or in PostgreSQL; name one of them")
        folder = url.query.get("keys")
        url = url.difference_update_query(["keys"])
        if url.drivername == "postgresql":  # SQLAlchemy's default driver is psycopg2
            url = url.set(drivername="postgresql+psycopg")
        self.name = url.render_as_string(hide_password=True)
        self.file: Path | None = None
        self.url = url
        self.keys = Path(folder if isinstance(folder, str) else f"{url.database}.keys")

    def _of_file(self, path: Path) -> None:
        self.name, self.file = str(path), path
        self.url = sa.make_url("sqlite://")
        self.keys = path.with_name(path.name + ".keys")


class Store:
    """The database of a ledger. Threads may share it; a SQLite file is held open only during a transaction."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._engine = _engine(place)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.place.file is not None

    def create(self) -> None:
        """Makes an empty database for the ledger: a new file (mode 0600), or new tables.

        Raises:
            LedgerError: there is one already, or it cannot be made.
        """
        path = self.place.file
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
            present = [table for table in _TABLES.tables if sa.inspect(connection).has_table(table)]
            if present:
                raise self.error(f"holds a table {present[0]} already and is not overwritten; name an empty database")
            _TABLES.create_all(connection)
            for statement in _guards(connection.dialect.name):
                connection.exec_driver_sql(statement)

    def drop(self) -> None:
        """Takes back :meth:`create`, where making the ledger failed after it."""
        if self.place.file is not None:
            self.place.file.unlink(missing_ok=True)
            return
        with self.transaction(write=True) as connection:
            _TABLES.drop_all(connection)

    def require(self) -> None:
        """Sees that there is a ledger.

        Raises:
            LedgerError: there is none, or one of another version.
        """
        path = self.place.file
        if path is not None:
            try:
                with path.open("rb") as file:
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
        if not present.issuperset(_TABLES.tables):
            what = "is a SQLite file but" if self.is_sqlite else "is a database but"
            raise self.error(f"{what} no consent ledger of this version; make one with `duologue consent init`")

    def meta(self, connection: sa.Connection) -> dict[str, Any]:
        """The one row of ``meta``.

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
        """One transaction, rolled back on any exception; faults of the database become :class:`LedgerError`."""
        if self.is_sqlite:
            options: dict[str, Any] = {"duologue_begin": "BEGIN IMMEDIATE" if write else "BEGIN"}
        else:
            options = {"isolation_level": "READ COMMITTED" if write else "REPEATABLE READ"}
        try:
            with self._engine.connect() as plain:
                connection = plain.execution_options(**options)
                with connection.begin():
                    yield connection
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
        """An error that names this ledger."""
        return LedgerError(f"{self.place.name}: {fault}")

    def broken(self, fault: str, seq: int | None = None) -> LedgerError:
        """The error of a damaged ledger."""
        where = "" if seq is None else f" at leaf {seq}"
        return LedgerError(
            f"{self.place.name}: is damaged{where}: {fault}; do not use it, restore the newest backup", seq
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


def _engine(place: Place) -> sa.Engine:
    if place.file is None:
        try:
            return sa.create_engine(place.url, pool_pre_ping=True, hide_parameters=True)
        except ImportError:
            raise LedgerError(
                f"{place.name}: needs psycopg; install it with `pip install duologue[postgres]`"
            ) from None
    path = place.file

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


def _guards(dialect: str) -> Iterator[str]:
    """The statements that make the triggers."""
    guards = [(f"{table}_{verb.lower()}", f"{verb} ON {table}", "") for table in _APPEND_ONLY for verb in _VERBS]
    guards += [(f"{table}_insert", f"INSERT ON {table}", f"WHEN ({rule})") for table, rule in _INSERT_GUARDS.items()]
    guards += [("head_update", "UPDATE ON head", f"WHEN ({_HEAD_GUARD})"), ("head_delete", "DELETE ON head", "")]
    if dialect == "sqlite":
        for name, event, when in guards:
            yield f"CREATE TRIGGER {name} BEFORE {event} {when} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        return
    # PostgreSQL allows no subquery in WHEN, so the rule stands in the function
    for name, event, when in guards:
        rule = when.removeprefix("WHEN ") or "true"
        result = "OLD" if event.startswith("DELETE") else "NEW"
        yield (
            f"CREATE OR REPLACE FUNCTION duologue_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {rule} THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; RETURN {result}; END $$"
        )
        yield f"CREATE TRIGGER {name} BEFORE {event} FOR EACH ROW EXECUTE FUNCTION duologue_{name}()"
    for table in (*_APPEND_ONLY, "head"):
        yield f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION duologue_{table}_delete()"
