"""Stores the public log in the database: leaves, hashes of complete subtrees, and the compact range that appending needs.

A leaf of ``n`` costs one row of ``leaves``, on average one of ``nodes``, and an update of ``head`` of O(log n) bytes; a proof
reads O(log n) rows. Functions of a connection: the caller holds the transaction, and for writing the lock.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from duologue_consent.ledger.store import Store
from duologue_consent.ledger.tables import HEAD, LEAVES, NODES
from duologue_consent.proofs.merkle import (
    CompactRange,
    Verdict,
    complete_subtrees,
    consistency_ranges,
    fold,
    inclusion_ranges,
    leaf_hash,
    verify_consistency,
)

__all__ = [
    "Entry",
    "compare_trees",
    "consistency_proof",
    "inclusion_proof",
    "insert_leaves",
    "read_head",
    "read_leaves",
    "root_at",
]

_HASH_BYTES = 32


@dataclass(frozen=True)
class Entry:
    """Holds a leaf (the bytes of its line, without newline) and its place in the log, from 0."""

    seq: int
    leaf: bytes


def read_head(store: Store, connection: sa.Connection, *, lock: bool = False) -> CompactRange:
    """Reads the compact range of the log; with ``lock`` nobody else appends until the transaction ends.

    Raises:
        LedgerError: the row is missing or damaged.
    """
    query = sa.select(HEAD.c.size, HEAD.c.roots)
    rows = connection.execute(query.with_for_update() if lock else query).all()  # SQLite has its lock already
    try:
        ((size, roots),) = rows
        return CompactRange(size, tuple(roots[at : at + _HASH_BYTES] for at in range(0, len(roots), _HASH_BYTES)))
    except (ValueError, TypeError, AttributeError):
        raise store.broken("its head does not fit the tree") from None


def insert_leaves(connection: sa.Connection, head: CompactRange, leaves: Sequence[bytes]) -> CompactRange:
    """Appends leaves to the log of which ``head`` is the locked head; gives the new head."""
    if not leaves:
        return head
    first, nodes = head.size, []
    for leaf in leaves:
        head, made = head.append_with_nodes(leaf_hash(leaf))
        nodes += [{"level": level, "place": place, "hash": made_hash} for level, place, made_hash in made]
    connection.execute(LEAVES.insert(), [{"seq": first + number, "leaf": leaf} for number, leaf in enumerate(leaves)])
    if nodes:
        connection.execute(NODES.insert(), nodes)
    connection.execute(HEAD.update().values(size=head.size, roots=b"".join(head.roots)))
    return head


def read_leaves(connection: sa.Connection, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
    """Streams the leaves from ``start`` up to but without ``stop``, in their order."""
    query = sa.select(LEAVES.c.seq, LEAVES.c.leaf).where(LEAVES.c.seq >= start).order_by(LEAVES.c.seq)
    if stop is not None:
        query = query.where(LEAVES.c.seq < stop)
    for row in connection.execution_options(stream_results=True).execute(query):
        yield Entry(row.seq, row.leaf)


def root_at(store: Store, connection: sa.Connection, size: int) -> bytes:
    """Computes the root of the first ``size`` leaves (32 bytes) from the stored subtrees."""
    return _roots_of(store, connection, [(0, size)])[0]


def inclusion_proof(store: Store, connection: sa.Connection, seq: int, size: int) -> list[bytes]:
    """Builds the path of RFC 6962 section 2.1.1 for the leaf ``seq`` in the tree of ``size`` leaves: hashes of 32 bytes.

    Raises:
        ValueError: ``size`` leaves do not hold ``seq``.
    """
    if not 0 <= seq < size:
        raise ValueError(f"there is no leaf {seq} among {size}; indices count from 0")
    return _roots_of(store, connection, inclusion_ranges(seq, size))


def consistency_proof(store: Store, connection: sa.Connection, old: int, new: int) -> list[bytes]:
    """Builds the path of RFC 6962 section 2.1.2 from the tree of ``old`` leaves to that of ``new``: hashes of 32 bytes.

    Raises:
        ValueError: ``old`` is more than ``new``, or below 0.
    """
    if not 0 <= old <= new:
        raise ValueError(f"{new} leaves cannot hold an older tree of {old}")
    return _roots_of(store, connection, consistency_ranges(old, new))


def compare_trees(store: Store, connection: sa.Connection, size: int, root: bytes, head: CompactRange) -> Verdict:
    """Tells whether the log of which ``head`` is the head begins with the tree of ``size`` leaves that has this ``root``.

    Raises:
        ValueError: ``size`` is more than the log holds.
        LedgerError: a subtree that the proof needs is missing.
    """
    path = consistency_proof(store, connection, size, head.size)
    return verify_consistency(size, head.size, path, root, head.root())


def _roots_of(store: Store, connection: sa.Connection, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
    parts = [complete_subtrees(begin, end) for begin, end in ranges]
    wanted = {subtree for part in parts for subtree in part}
    found = {
        (row.level, row.place): row.hash
        for row in connection.execute(
            sa.select(NODES).where(sa.tuple_(NODES.c.level, NODES.c.place).in_([each for each in wanted if each[0]]))
        )
    }
    seqs = [place for level, place in wanted if level == 0]
    for row in connection.execute(sa.select(LEAVES).where(LEAVES.c.seq.in_(seqs))):
        found[0, row.seq] = leaf_hash(row.leaf)
    missing = sorted(wanted - found.keys())
    if missing:
        level, place = missing[0]
        raise store.broken(f"the subtree {place} of level {level} is missing")
    return [fold([found[subtree] for subtree in part]) for part in parts]
