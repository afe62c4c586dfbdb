"""Keeps apart what the launches of one run lay ready, and finds what one of them has left ready to be published.

Each launch has a folder of its own (:func:`duologue_pipeline.shards.write.ready_folder`), so that workers of an earlier one,
which may still be at work or wake up late, cannot touch what a later one makes. The mark of the staging folder says whose turn
it is; a step that finds another mark, or none, writes nothing.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import delete_file, exists, join, list_entries, list_files, write_bytes
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.files.text import canonical_json, read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.release_file import table_paths
from duologue_pipeline.shards.write import READY, STAGING, ready_folder

__all__ = [
    "JOB",
    "MARK",
    "REFUSED",
    "find_ready",
    "mark_launch",
    "published",
    "ready_table",
    "release_paths",
    "require_launch",
    "stop_launch",
    "work_stands",
]

JOB: Final = f"{STAGING}/job.json"
"""The file that names the job that works for the folder, where there is one (:mod:`duologue_pipeline.run.job`)."""

MARK: Final = f"{STAGING}/run.json"
"""The file that names the run, by its fingerprint, and the launch that the staging folder belongs to."""

REFUSED: Final = "rejected.jsonl"
"""What was refused, and why; every launch lays it ready, before anything else that the closing step writes."""

_READERS: Final = 16


def mark_launch(out: str, *, fingerprint: str, launch: str) -> None:
    """Marks the staging folder as that of a launch.

    Args:
        out: the output folder.
        fingerprint: of the run.
        launch: its name, unlike that of any other.
    """
    write_bytes(join(out, MARK), canonical_json({"fingerprint": fingerprint, "launch": launch}))


def require_launch(out: str, launch: str) -> None:
    """Makes sure that the staging folder still is that of this launch, before something is written into it.

    Raises:
        UsageError: the run has ended, or another one has begun: this step came late.
    """
    try:
        found = read_json(join(out, MARK))["launch"]
    except FileNotFoundError:
        found = None
    if found != launch:
        raise UsageError(
            f"{out}: {'another run goes on in' if found else 'the run is over that worked in'} this folder, so a worker that "
            "came late has written nothing; end the job that it belongs to"
        )


def stop_launch(out: str) -> None:
    """Takes the mark away, so that whoever still works for the folder stops at the next look (:func:`require_launch`)."""
    if exists(join(out, MARK)):
        delete_file(join(out, MARK))


def work_stands(out: str) -> bool:
    """Tells whether a launch that did not end is marked, or a job noted, that may still be at work for the folder."""
    return exists(join(out, MARK)) or exists(join(out, JOB))


def published(out: str, fingerprint: str) -> dict[str, Any] | None:
    """Reads the release of this very run where it is published already; None where it is not."""
    uri = join(out, MANIFEST)
    if not exists(uri):
        return None
    document: dict[str, Any] = read_json(uri)
    return document if document["run"]["fingerprint"] == fingerprint else None


def find_ready(out: str, fingerprint: str, *, also: Collection[str] = ()) -> str | None:
    """Finds a launch of this very run that has laid its whole release ready and was not published, or only in part.

    So it is with one that was killed then, and with a job that nobody waited for. A launch that has refused everything has come to
    its end as well: no shard and no ``dataset.json`` lies ready, but what was refused.

    Args:
        out: the output folder; the caller holds it.
        fingerprint: of the run.
        also: names of files that must lie ready beside it.

    Returns:
        The launch; None where there is none.
    """
    there: set[str] | None = None
    for launch in list_entries(join(out, READY)):
        ready = ready_folder(out, launch)
        if not all(exists(join(ready, name)) for name in also):
            continue
        if not exists(join(ready, MANIFEST)):
            if _has_refused_everything(out, ready, fingerprint=fingerprint, launch=launch):
                return launch
            continue
        document = read_json(join(ready, MANIFEST))
        there = set(list_files(out)) if there is None else there
        prefix = f"{READY}/{launch}/"
        if document["run"]["fingerprint"] == fingerprint and all(
            path in there or prefix + path in there for path in release_paths(document)
        ):
            return launch
    return None


def _has_refused_everything(out: str, ready: str, *, fingerprint: str, launch: str) -> bool:
    if not exists(join(ready, REFUSED)) or list_entries(join(ready, "shards")) or not exists(join(out, MARK)):
        return False  # shards are there before the list of what was refused is
    mark = read_json(join(out, MARK))
    return bool(mark["fingerprint"] == fingerprint and mark["launch"] == launch)


def ready_table(out: str, launch: str, name: str) -> pa.Table:
    """Reads a table of a release that lies ready, also where some of its files are at their names already.

    Args:
        out: the output folder.
        launch: who has laid it ready.
        name: of the table.
    """
    ready = ready_folder(out, launch)

    def read(path: str) -> pa.Table:
        try:
            return read_table(join(ready, path))
        except FileNotFoundError:
            return read_table(join(out, path))

    with ThreadPoolExecutor(_READERS) as readers:
        return pa.concat_tables(readers.map(read, table_paths(read_json(join(ready, MANIFEST)), name)))


def release_paths(document: Mapping[str, Any]) -> list[str]:
    """Lists the files that a ``dataset.json`` names, shards first."""
    return [entry["path"] for entry in (*document["shards"], *document["files"])]
