"""Knows what may lie in the folder of a release, removes what is ours and of no release, and names what is not ours.

What is ours is told by its name alone, and only by names that nobody else gives: shards whose name ends in a hash,
unfinished files, locks. What somebody else has put there is never touched.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from duologue_cards import CARD_FILES, LEAKAGE, STATEMENT
from duologue_consent.ledger.publication import PUBLISHED
from duologue_pipeline.files.locks import remove_dead_lock
from duologue_pipeline.files.storage import delete_file, exists, is_remote, join, list_files, move
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.release_file import JOURNAL, waiting_path
from duologue_pipeline.reader.revocations import FILE_NAME as REVOCATIONS
from duologue_pipeline.shards.write import STAGING
from duologue_schemas.tables import TABLES

__all__ = [
    "KEPT",
    "LOCK",
    "RECEIPT",
    "RECEIPTS",
    "RECEIPT_PAGE",
    "Strays",
    "find_strays",
    "install_statement",
    "is_tidy",
    "remove_strays",
]

LOCK: Final = ".release.lock"
"""The lock of all that writes into the folder of a release: ``run`` and ``consent propagate``."""

KEPT: Final = (STATEMENT, LEAKAGE)
"""Files that no table can be made into again: while ``dataset.json`` changes they wait beside their place."""

RECEIPTS: Final = "receipts"
RECEIPT: Final = re.compile(rf"{RECEIPTS}/[0-9]{{4,}}\.json")
RECEIPT_PAGE: Final = re.compile(rf"{RECEIPTS}/[0-9]{{4,}}\.md")
"""The folder of the receipts of withdrawals, the paths of receipts in the release, and those of their pages."""

_WORK: Final = (STAGING, JOURNAL)
_SHARD: Final = re.compile(r"shards/(?:train|validation|bridge)-[0-9]{5,}-[0-9a-f]{12}\.tar")
_UNFINISHED: Final = re.compile(r"(?:[^/]+/)?\.[^/]+\.[0-9a-f]{32}\.tmp")
_LOCKS: Final = re.compile(
    r"\.(?:propagate|release|dataset\.json|ledger\.pub|revocations\.jsonl)\.lock|receipts/\.[0-9]{4,}\.json\.lock"
)
_CARDS: Final = (*CARD_FILES, "statistics.json", "rejected.jsonl")
_OF_A_RELEASE: Final = frozenset({*(f"{table}.parquet" for table in TABLES), *_CARDS, *PUBLISHED})
_TABLE: Final = re.compile(rf"(?:{'|'.join(TABLES)})/[a-z]+-[0-9]{{5,}}\.parquet|speakers/[0-9a-f]{{2}}\.parquet")
"""A file of a table that is a folder of files."""


@dataclass(frozen=True)
class Strays:
    """Lists what lies in the folder of a release and is not of it, by paths in it.

    Attributes:
        ours: what an interrupted run or propagation has left.
        locks: of ours, the locks; whether they are held is not said.
        foreign: what duologue never wrote.
    """

    ours: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def find_strays(root: str, release: Mapping[str, Any] | None) -> Strays:
    """Finds what in a folder is not of its release; the staging folder and the journal's folder are left out.

    Args:
        root: the folder.
        release: the document of ``dataset.json``; None where there is none: then the files that a run gives their names
            when it ends are strays of one that was killed while it did.
    """
    entries = [] if release is None else [*release["shards"], *release["files"]]
    live = {entry["path"] for entry in entries} | (set() if release is None else {MANIFEST, REVOCATIONS, *PUBLISHED})
    ours, locks, foreign = list[str](), list[str](), list[str]()
    for path in list_files(root):
        if (
            path in live
            or path == LOCK
            or path.startswith(tuple(f"{name}/" for name in _WORK))
            or (release is not None and (RECEIPT.fullmatch(path) or RECEIPT_PAGE.fullmatch(path)))
        ):
            continue
        if _LOCKS.fullmatch(path):
            locks.append(path)
        elif _SHARD.fullmatch(path) or _UNFINISHED.fullmatch(path) or (release is None and _is_of_a_release(path)):
            ours.append(path)
        else:
            foreign.append(path)
    return Strays(tuple(ours), tuple(locks), tuple(foreign))


def _is_of_a_release(path: str) -> bool:
    return path in _OF_A_RELEASE or _TABLE.fullmatch(path) is not None


def is_tidy(root: str, release: Mapping[str, Any]) -> bool:
    """Tells whether nothing lies in the folder of a release that an interrupted command has left, a lock included."""
    strays = find_strays(root, release)
    left = any(exists(join(root, name)) for name in (LOCK, *_WORK))
    return not (left or strays.ours or strays.locks)


def install_statement(root: str, release: Mapping[str, Any]) -> None:
    """Moves what was stated and measured to its place, where a `duologue card build` was killed between ``dataset.json`` and that.

    Args:
        root: the folder; the caller holds its lock.
        release: the document of ``dataset.json``.
    """
    for entry in release["files"]:
        if entry["path"] in KEPT and exists(join(root, waiting_path(entry))):
            move(join(root, waiting_path(entry)), join(root, entry["path"]))


def remove_strays(root: str, release: Mapping[str, Any] | None, *, tell: Callable[[str], None]) -> None:
    """Removes what :func:`find_strays` finds of ours, under the lock of the folder, and names the rest.

    Args:
        root, release: as there.
        tell: is told each as a line of text.
    """
    if release is not None:
        install_statement(root, release)
    strays = find_strays(root, release)
    for path in strays.ours:
        tell(f"removing {path}, which an interrupted command has left")
        delete_file(join(root, path))
    for path in () if is_remote(root) else strays.locks:
        if remove_dead_lock(join(root, path)):
            tell(f"removing {path}, the lock of a process that has ended")
    for path in strays.foreign:
        tell(f"{path} is not of duologue and stays; move it out of the folder of the release")
