"""How a ledger lies in its database: the tables, what guards them, and the engine. SQLAlchemy Core, SQLite for now."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa

__all__ = ["EVENTS", "META", "SCHEMA_VERSION", "create_tables", "make_engine"]

SCHEMA_VERSION: Final = 1

_LOCK_TIMEOUT_S: Final = 30.0
_TABLES: Final = sa.MetaData()

META: Final = sa.Table(  # one row
    "meta",
    _TABLES,
    sa.Column("ledger_id", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),  # 32 random bytes in hex
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("head_sha256", sa.Text, nullable=False),
)
EVENTS: Final = sa.Table(
    "events",
    _TABLES,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("speaker_id", sa.Text, nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("prev_sha256", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, unique=True),
)

# The guard on INSERT also stops INSERT OR REPLACE, which deletes without firing the guard on DELETE.
_GUARDS: Final = {
    "events_update": "UPDATE ON events",
    "events_delete": "DELETE ON events",
    "events_insert": "INSERT ON events WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM events)",
    "meta_update": "UPDATE OF ledger_id, salt, schema_version, created_at ON meta",
    "meta_delete": "DELETE ON meta",
}


def create_tables(connection: sa.Connection) -> None:
    """Makes both tables and the triggers that leave them no way but appending."""
    _TABLES.create_all(connection)
    for name, guarded in _GUARDS.items():
        connection.exec_driver_sql(
            f"CREATE TRIGGER {name} BEFORE {guarded} BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )


def make_engine(path: Path) -> sa.Engine:
    """An engine that opens a connection for each transaction and begins it with the statement that the
    connection's execution option ``duologue_begin`` names.

    sqlite3 left to itself begins only before the first INSERT, too late to read the head under the lock.
    """

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that has vanished is an error, and not a new empty database
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw", uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None
        )

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("duologue_begin", "BEGIN"))

    return engine
