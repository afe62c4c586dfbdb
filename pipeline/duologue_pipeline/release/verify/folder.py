"""Checks which files lie in the folder of a release: all that it names, with their hashes, and no others."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from duologue_consent.ledger.publication import PUBLISHED
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import inside_size
from duologue_pipeline.files.storage import digest, is_remote, join, list_files, local_path
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.release_file import JOURNAL
from duologue_pipeline.reader.revocations import FILE_NAME
from duologue_pipeline.release.strays import RECEIPT, RECEIPT_PAGE, RECEIPTS
from duologue_pipeline.shards.write import STAGING
from duologue_schemas.tables import LATER_TABLES, TABLES

__all__ = ["file_faults", "stray_faults", "unlisted_faults"]

_MUST_BE_LISTED: Final = ("rejected.jsonl", "README.md", "croissant.json")
_FOREIGN: Final = "is not in dataset.json; it belongs to no release: remove it"
_UNFINISHED: Final = (
    (STAGING, "is what an unfinished run has left; run it again with the same --out, or remove it"),
    (JOURNAL, "is of a withdrawal that is not finished; run `duologue consent propagate` again"),
)


def file_faults(root: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Checks one file that ``dataset.json`` names: that it is there, its size and its hash."""
    path = entry["path"]
    try:
        size = inside_size(root, path)
        if size != entry["bytes"]:
            yield f"{path}: has {size} bytes, dataset.json says {entry['bytes']}"
        sha256 = digest(join(root, path))[0]
    except FileNotFoundError:
        yield f"{path}: is in dataset.json and not in the folder"
        return
    except StoreFaultError:
        raise
    except (OSError, ValueError) as error:
        yield f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        return
    if sha256 != entry["sha256"]:
        yield f"{path}: has SHA-256 {sha256}, dataset.json says {entry['sha256']}"
    elif path.startswith("shards/") and not path.endswith(f"-{entry['sha256'][:12]}.tar"):
        yield f"{path}: the name does not end in the first 12 digits of its SHA-256, {entry['sha256'][:12]}"


def unlisted_faults(release: Mapping[str, Any]) -> Iterator[str]:
    """Finds the files that every release has and this ``dataset.json`` does not name."""
    listed = {entry["path"] for entry in release["files"]}
    for table in TABLES:
        paths = [path for path in listed if path == f"{table}.parquet" or path.startswith(f"{table}/")]
        if not paths and table not in LATER_TABLES:
            yield f"{table}.parquet: is not in the files of dataset.json"
        elif len(paths) > 1 and f"{table}.parquet" in paths:
            yield f"{table}.parquet: is in dataset.json beside the folder {table}; a table is one of both"
    yield from (f"{name}: is not in the files of dataset.json" for name in _MUST_BE_LISTED if name not in listed)


def stray_faults(root: str, release: Mapping[str, Any]) -> Iterator[str]:
    """Finds whatever lies in the folder and does not belong there: foreign and hidden files, folders, links, half files."""
    known = {entry["path"] for entry in (*release["files"], *release["shards"])}
    known |= {MANIFEST, FILE_NAME, *PUBLISHED}
    folders = {str(parent) for path in known for parent in Path(path).parents} | {RECEIPTS, "shards"}
    told: set[str] = set()
    for path, kind in _entries(root):
        unfinished = next((text for name, text in _UNFINISHED if path.split("/")[0] == name), None)
        if unfinished is not None:
            name = path.split("/")[0]
            if name not in told:
                told.add(name)
                yield f"{name}: {unfinished}"
        elif kind == "link":
            if path not in known or not _is_cached(root):
                yield f"{path}: is a link; a release holds files: put the file itself there, or remove it"
        elif kind == "folder":
            if path not in folders:
                yield f"{path}: is a folder that belongs to no release: remove it"
        elif kind == "other":
            yield f"{path}: is neither a file nor a folder: remove it"
        elif path not in known and not RECEIPT.fullmatch(path) and not RECEIPT_PAGE.fullmatch(path):
            yield f"{path}: {_stray(path)}"


def _stray(path: str) -> str:
    name = path.rpartition("/")[2]
    if name.startswith(".") and name.endswith(".tmp"):
        return "is half of a file that was being written when a process ended: remove it"
    if name.startswith(".") and name.endswith(".lock"):
        return "is the lock of a process that works on the release, or was killed; if none does, remove it"
    return _FOREIGN


def _entries(root: str) -> Iterator[tuple[str, str]]:
    """Gives all that lies below a folder, sorted: (relative path, ``file``, ``folder``, ``link`` or ``other``)."""
    if is_remote(root):
        yield from ((path, "file") for path in list_files(root))
        return
    top = local_path(root)
    found = []
    for folder, _, _ in os.walk(top):
        with os.scandir(folder) as entries:
            for entry in entries:
                mode = entry.stat(follow_symlinks=False).st_mode
                kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
                found.append((os.path.relpath(entry.path, top), kinds.get(stat.S_IFMT(mode), "other")))
    yield from sorted(found)


def _is_cached(root: str) -> bool:
    """Tells whether it is a snapshot in the cache of ``huggingface_hub``, which holds links to its files."""
    return Path(os.path.realpath(local_path(root))).parent.name == "snapshots"
