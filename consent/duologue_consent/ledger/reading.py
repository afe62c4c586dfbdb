"""Reads a whole ledger and checks it on the way: log, vault, checkpoints and witness. Functions of a connection.

Every reading checks that the leaves are all there, give the head's roots and those of the last signed checkpoints, and that
every vault record opens its leaf or was counted when somebody was forgotten. A *thorough* reading also opens every
commitment, every stored subtree and every checkpoint that was ever signed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from duologue_consent.ledger.keyfolder import KeyFolder
from duologue_consent.ledger.log import read_head
from duologue_consent.ledger.store import CHECKPOINTS, LEAVES, NODES, RECORDS, SUBJECTS, LedgerError, Store
from duologue_consent.ledger.vault import LEDGER_ITSELF, SubjectSecret, VaultFault, VaultKey
from duologue_consent.proofs.keys import VerifierKey
from duologue_consent.proofs.leaves import LeafFault, Opening, kind_of, leaf_fault, open_record, opening_fault
from duologue_consent.proofs.merkle import CompactRange, leaf_hash
from duologue_consent.proofs.notes import Checkpoint, NoteFault, open_checkpoint, parse_note, verify_note

__all__ = ["FORGOTTEN", "Checked", "Reading", "Record", "last_checkpoint", "read_ledger", "read_secrets"]

FORGOTTEN: Final = "subject.forgotten"
"""The kind of the leaf that says that somebody was forgotten, and seals how many records went."""


@dataclass(frozen=True)
class Record:
    """A leaf, and what it says; ``fields`` is None where the subject was forgotten, ``subject`` False where it is about nobody."""

    seq: int
    kind: str
    leaf: bytes
    fields: Mapping[str, Any] | None
    about_somebody: bool


@dataclass(frozen=True)
class Checked:
    """What a thorough check went through: how many leaves, how many of them of forgotten subjects, how many checkpoints."""

    leaves: int
    forgotten: int
    checkpoints: int


@dataclass(frozen=True)
class Reading:
    """What was read: the tree, the secrets of all subjects by their tags, and how many leaves are of forgotten ones."""

    head: CompactRange
    secrets: Mapping[bytes, SubjectSecret]
    forgotten: int
    checkpoints: int


def read_ledger(
    store: Store,
    connection: sa.Connection,
    folder: KeyFolder,
    use: Callable[[Record], None],
    *,
    thorough: bool = False,
) -> Reading:
    """Reads every leaf in its order, gives each to ``use``, and checks the whole.

    Raises:
        LedgerError: it is damaged; the message names the leaf and the fault.
        KeyFault: a key cannot be read.
    """
    vault_key = folder.vault_key()
    meta, head = store.meta(connection), read_head(store, connection)
    secrets = read_secrets(store, connection, vault_key)
    signed, checkpoints = _signed(store, connection, folder, meta["origin"], thorough=thorough)
    about_nobody = vault_key.tag(LEDGER_ITSELF)
    nodes = _Nodes(store, connection) if thorough else None
    tree, missing, counted = CompactRange(), 0, 0
    _compare_signed(store, tree, signed)
    query = (
        sa.select(LEAVES.c.seq, LEAVES.c.leaf, RECORDS.c.tag, RECORDS.c.record)
        .join(RECORDS, RECORDS.c.seq == LEAVES.c.seq, isouter=True)
        .order_by(LEAVES.c.seq)
    )
    for seq, leaf, tag, sealed in connection.execution_options(stream_results=True, max_row_buffer=1000).execute(query):
        if seq != tree.size:
            raise store.broken(f"it is missing, the next one found is {seq}", tree.size)
        try:
            kind = _kind(leaf, meta["ledger_id"], seq, thorough=thorough)
            opening = None
            if sealed is None:
                missing += 1
            elif tag not in secrets:
                raise LeafFault("its vault record is of no subject of the vault")
            else:
                opening = open_record(sealed, subject_key=secrets[tag].record_key, leaf=leaf)
                if thorough:
                    _compare_opening(leaf, opening)
            if kind == FORGOTTEN and opening is not None:
                counted += opening.values["records"]
            fields = None if opening is None else opening.values
            use(Record(seq, kind, leaf, fields, about_somebody=tag != about_nobody))
            tree, made = tree.append_with_nodes(leaf_hash(leaf))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            fault = str(error) if isinstance(error, ValueError) else "it is no leaf of this ledger"
            raise store.broken(fault, seq) from None
        if nodes is not None:
            nodes.expect(made)
        _compare_signed(store, tree, signed)
    if tree != head:
        raise store.broken(f"its {tree.size} leaves are not the {head.size} that its head is over")
    beyond = min((size for size in signed if size > tree.size), default=None)
    if beyond is not None:
        raise older_copy(store, tree.size, beyond)
    if nodes is not None:
        nodes.expect_end()
    if missing != counted:
        raise store.broken(f"{missing} leaves have no vault record, but {counted} were forgotten")
    _no_strays(store, connection, tree.size)
    return Reading(tree, secrets, missing, checkpoints)


def read_secrets(store: Store, connection: sa.Connection, vault_key: VaultKey) -> dict[bytes, SubjectSecret]:
    """The unwrapped secrets of all subjects.

    Raises:
        LedgerError: one does not open.
    """
    try:
        return {
            row.tag: SubjectSecret(vault_key.unwrap(row.wrapped_secret, about=row.tag))
            for row in connection.execute(sa.select(SUBJECTS))
        }
    except (VaultFault, TypeError) as error:
        raise store.broken(str(error)) from None


@dataclass(frozen=True)
class Stored:
    """A checkpoint as it was stored."""

    number: int
    size: int
    note: bytes


def last_checkpoint(connection: sa.Connection) -> Stored | None:
    """The last checkpoint that was stored."""
    row = connection.execute(sa.select(CHECKPOINTS).order_by(CHECKPOINTS.c.number.desc()).limit(1)).first()
    return None if row is None else Stored(row.number, row.size, row.note)


def open_own_checkpoint(store: Store, note: bytes, verifiers: tuple[VerifierKey, ...], origin: str) -> Checkpoint:
    """The checkpoint in a note that this ledger is said to have signed.

    Raises:
        LedgerError: it did not.
    """
    try:
        checkpoint = open_checkpoint(note, verifiers)
        unknown = verify_note(parse_note(note), verifiers).ignored
    except NoteFault as error:
        raise store.broken(f"a checkpoint that it signed was changed ({error})") from None
    except (TypeError, AttributeError):  # SQLite keeps any type in any column
        raise store.broken("a checkpoint that it signed was changed (it is no note)") from None
    if unknown:  # readers pass over them, but this ledger has written none
        raise store.broken(f"a checkpoint that it signed was changed (it bears a signature of {unknown[0]})")
    if checkpoint.origin != origin:
        raise store.broken(f"a checkpoint is of another ledger, {checkpoint.origin}")
    return checkpoint


def older_copy(store: Store, size: int, signed: int) -> LedgerError:
    """The error of a store that holds fewer leaves than its keys have signed."""
    return store.error(
        f"holds {size} leaves, but {signed} were signed with its keys: it is an older copy or was cut short; "
        "do not use it, restore the newest backup"
    )


def _signed(
    store: Store, connection: sa.Connection, folder: KeyFolder, origin: str, *, thorough: bool
) -> tuple[dict[int, bytes], int]:
    """Which root was signed for which size, by the witness, the last checkpoint, and where thorough all; and how many."""
    verifiers = folder.verifiers()
    query = sa.select(CHECKPOINTS).order_by(CHECKPOINTS.c.number.desc())
    rows = connection.execute(query if thorough else query.limit(1)).all()
    notes = [folder.witness(), *(row.note for row in rows)]
    roots: dict[int, bytes] = {}
    for note in notes:
        checkpoint = open_own_checkpoint(store, note, verifiers, origin)
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            raise store.broken(f"two roots were signed for {checkpoint.size} leaves: the log was forked")
    if thorough:
        if notes[0] not in notes[1:]:
            raise store.broken("the last checkpoint that was signed here is missing")
        numbers = [row.number for row in rows]
        if numbers != list(range(len(rows)))[::-1]:
            raise store.broken("a checkpoint that it signed is missing")
        if any(open_checkpoint(row.note, verifiers).size != row.size for row in rows):
            raise store.broken("a checkpoint is stored under another size")
    if not rows:
        raise store.broken("the checkpoints that it signed are missing")
    return roots, rows[0].number + 1


def _compare_signed(store: Store, tree: CompactRange, signed: Mapping[int, bytes]) -> None:
    if tree.size in signed and signed[tree.size] != tree.root():
        raise store.broken(
            f"its first {tree.size} leaves are not those that were signed: the log was edited or is a fork"
        )


def _kind(leaf: bytes, ledger_id: str, seq: int, *, thorough: bool) -> str:
    if thorough:
        fault = leaf_fault(leaf, ledger_id=ledger_id, seq=seq)
        if fault is not None:
            raise LeafFault(fault)
    return kind_of(leaf)


def _compare_opening(leaf: bytes, opening: Opening) -> None:
    fault = opening_fault(leaf, opening)
    if fault is not None:
        raise LeafFault(fault)


def _no_strays(store: Store, connection: sa.Connection, size: int) -> None:
    stray = connection.execute(sa.select(RECORDS.c.seq).where(sa.or_(RECORDS.c.seq >= size, RECORDS.c.seq < 0))).first()
    if stray is not None:
        raise store.broken("the vault holds a record of a leaf that is not there", stray.seq)


class _Nodes:
    """Compares the stored subtrees with those that the leaves give; reads them in one go, 40 bytes each."""

    def __init__(self, store: Store, connection: sa.Connection) -> None:
        self._store = store
        self._stored = {(row.level, row.place): row.hash for row in connection.execute(sa.select(NODES))}

    def expect(self, made: list[tuple[int, int, bytes]]) -> None:
        for level, place, found in made:
            if self._stored.pop((level, place), None) != found:
                raise self._store.broken(f"the subtree {place} of level {level} was changed or is missing")

    def expect_end(self) -> None:
        if self._stored:
            level, place = min(self._stored)
            raise self._store.broken(f"the subtree {place} of level {level} is of no leaves")
