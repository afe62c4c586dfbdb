"""Reads the files that belong to one version of a release, also while another version takes its place."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import read_inside
from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.release import MANIFEST

__all__ = ["JOURNAL", "release_file", "table_paths", "waiting_path"]

JOURNAL: Final = ".propagate"
"""The folder of what a propagation has decided and not yet done; the tables of a new version wait in its ``next``."""


def release_file(root: str, release: Mapping[str, Any], path: str) -> bytes:
    """Reads a table or card that belongs to this very ``dataset.json``.

    Between the switch of ``dataset.json`` and the moving of the tables the new ones still lie in the journal's folder; what
    `duologue card build` writes may wait under its :func:`waiting_path`.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.
        path: of the file, in the folder.

    Raises:
        UsageError: it is in none of these places.
    """
    entry = next((entry for entry in release["files"] if entry["path"] == path), None)
    if entry is None:
        raise UsageError(f"{join(root, MANIFEST)}: does not list {path}; see `duologue shards verify {root}`")
    for _ in range(3):  # it may be moved between the two looks
        for place in (path, f"{JOURNAL}/next/{path}", waiting_path(entry)):
            try:
                data = read_inside(root, place, max_bytes=entry["bytes"])
            except StoreFaultError:
                raise
            except (OSError, ValueError):
                continue
            if hashlib.sha256(data).hexdigest() == entry["sha256"]:
                return data
    raise UsageError(
        f"{join(root, path)}: is not the file that dataset.json names; it was changed: put back the one with SHA-256 "
        f"{entry['sha256']}"
    )


def waiting_path(entry: Mapping[str, Any]) -> str:
    """Names where a file waits for the ``dataset.json`` that lists it: beside its place, as an unfinished file.

    Args:
        entry: of the file, in ``files`` of ``dataset.json``.
    """
    folder, slash, name = entry["path"].rpartition("/")
    return f"{folder}{slash}.{name}.{entry['sha256'][:32]}.tmp"


def table_paths(release: Mapping[str, Any], name: str) -> list[str]:
    """Lists the files of a table of a release: ``NAME.parquet``, or the files of the folder ``NAME/`` in their order."""
    paths = [entry["path"] for entry in release["files"]]
    return [path for path in paths if path == f"{name}.parquet"] or sorted(
        path for path in paths if path.startswith(f"{name}/") and path.endswith(".parquet")
    )
