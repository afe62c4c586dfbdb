"""Inspects and prepares the output folder of a run, and counts what the run refused."""

from collections import Counter

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import (
    delete_directory,
    exists,
    is_remote,
    join,
    list_entries,
    local_path,
    write_bytes,
)
from duologue_pipeline.files.text import canonical_json, read_json_lines
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.shards.write import STAGING

__all__ = ["is_complete", "prepare", "refused_counts"]


def is_complete(out: str, fingerprint: str) -> bool:
    """Tells whether the folder already holds the release of this very run.

    Raises:
        UsageError: it holds another release, or files of somebody else.
    """
    if not is_remote(out) and local_path(out).exists() and not local_path(out).is_dir():
        raise UsageError(f"{out}: is a file; --out names a folder")
    if exists(join(out, MANIFEST)):
        release = read_release(out)
        if release["run"]["fingerprint"] == fingerprint:
            delete_directory(join(out, STAGING))
            return True
        raise UsageError(
            f"{out}: already holds the release {release['name']} {release['version']} of another run (other manifest, "
            "ledger state or options); a release is never written over: choose another --out"
        )
    names = [name for name in list_entries(out) if name not in (STAGING, "rejected.jsonl")]
    if names and not exists(join(out, STAGING)):
        raise UsageError(f"{out}: holds files that are not of duologue ({names[0]}, ...); choose another --out")
    return False


def prepare(out: str, fingerprint: str) -> None:
    """Begins the work in the output folder: tries to write to it, and marks it with the run's fingerprint.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        write_bytes(join(out, STAGING, "run.json"), canonical_json({"fingerprint": fingerprint}))
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error}); choose another --out or correct its rights") from None


def refused_counts(out: str) -> dict[str, int]:
    """Counts the refusals in ``rejected.jsonl``: reason -> how many."""
    rows = read_json_lines(join(out, "rejected.jsonl"))
    return dict(sorted(Counter(row["reason"] for row in rows).items()))
