"""Defines the tables of a ledger and the triggers that guard them, alike for SQLite and PostgreSQL.

The *log* (``leaves``, ``nodes``, ``head``, ``checkpoints``) holds nothing of anybody; the *vault* (``vault_subjects``,
``vault_records``) holds people, sealed. Triggers leave the log no way but growing.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

__all__ = [
    "CHECKPOINTS",
    "HEAD",
    "LEAVES",
    "META",
    "NODES",
    "RECORDS",
    "SCHEMA_VERSION",
    "SUBJECTS",
    "TABLES",
    "guard_statements",
]

SCHEMA_VERSION: Final = 2
"""The version of these tables, as ``meta`` names it."""

TABLES: Final = sa.MetaData()
"""All tables of a ledger."""

META: Final = sa.Table(  # one row
    "meta",
    TABLES,
    sa.Column("ledger_id", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("sealed_salt", sa.LargeBinary, nullable=False),
)
LEAVES: Final = sa.Table(
    "leaves",
    TABLES,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)
NODES: Final = sa.Table(  # the complete subtrees: "level" 1 is over two leaves; "place" counts from the left
    "nodes",
    TABLES,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
HEAD: Final = sa.Table(  # one row: the compact range, all that appending needs
    "head",
    TABLES,
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("roots", sa.LargeBinary, nullable=False),
)
CHECKPOINTS: Final = sa.Table(  # every note that was signed
    "checkpoints",
    TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
SUBJECTS: Final = sa.Table(
    "vault_subjects",
    TABLES,
    sa.Column("tag", sa.LargeBinary, primary_key=True),  # HMAC of the id, see duologue_consent.ledger.vault
    sa.Column("wrapped_secret", sa.LargeBinary, nullable=False),
)
RECORDS: Final = sa.Table(
    "vault_records",
    TABLES,
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


def guard_statements(dialect: str) -> Iterator[str]:
    """Gives the SQL statements that make the triggers, for the dialect ``sqlite`` or ``postgresql``."""
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
