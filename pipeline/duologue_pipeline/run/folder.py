"""Inspects and prepares the output folder of a run, under its lock, and counts what the run refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from duologue_consent import Snapshot
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.locks import Lease, exclusive
from duologue_pipeline.files.storage import (
    delete_directory,
    exists,
    is_remote,
    join,
    list_entries,
    local_path,
)
from duologue_pipeline.files.text import read_json_lines
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.release.ready import mark_launch
from duologue_pipeline.release.strays import LOCK, remove_strays
from duologue_pipeline.shards.write import STAGING
from duologue_pipeline.withdrawal.journal import FOLDER as JOURNAL
from duologue_pipeline.withdrawal.unfinished import find_leftovers, remove_leftovers

__all__ = ["held", "is_complete", "prepare", "refused_counts", "tidy"]

_OURS = (STAGING, LOCK, "rejected.jsonl")


def is_complete(out: str, fingerprint: str) -> bool:
    """Tells whether the folder already holds the release of this very run. Changes nothing.

    Raises:
        UsageError: it holds another release, or files of somebody else.
    """
    if not is_remote(out) and local_path(out).exists() and not local_path(out).is_dir():
        raise UsageError(f"{out}: is a file; --out names a folder")
    if exists(join(out, MANIFEST)):
        release = read_release(out)
        if release["run"]["fingerprint"] == fingerprint:
            return True
        raise UsageError(
            f"{out}: already holds the release {release['name']} {release['version']} of another run (other manifest, "
            "ledger state or options); a release is never written over: choose another --out"
        )
    names = [name for name in list_entries(out) if name not in _OURS]
    if names and not exists(join(out, STAGING)):
        raise UsageError(f"{out}: holds files that are not of duologue ({names[0]}, ...); choose another --out")
    return False


@contextmanager
def held(out: str, *, wait_s: float, tell: Callable[[str], None]) -> Iterator[Lease]:
    """Holds the folder while the block runs, so that no other run and no propagation writes into it.

    Args:
        out: the folder; made where it is not there.
        wait_s: how long to wait for another holder.
        tell: is told who holds it, as a line of text.

    Raises:
        UsageError: another process holds it for longer, or it cannot be written.
    """
    if not is_remote(out):
        try:
            local_path(out).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(out, error) from None
    with exclusive(
        join(out, LOCK), wait_s=wait_s, waiting=lambda who: tell(f"waiting: {out} is held by {who}")
    ) as lease:
        yield lease


def tidy(out: str, *, tell: Callable[[str], None]) -> None:
    """Removes what an interrupted command has left beside the release that is there."""
    if exists(join(out, STAGING)):
        tell(f"removing {STAGING}, which a run has left that was ended after its release was written")
        delete_directory(join(out, STAGING))
    if exists(join(out, JOURNAL)):
        tell(f"a withdrawal was interrupted in {out}; finish it with `duologue consent propagate {out}`")
        return
    remove_strays(out, read_release(out), tell=tell)


def prepare(
    out: str, fingerprint: str, *, launch: str, snapshot: Snapshot | None, as_of: datetime, tell: Callable[[str], None]
) -> None:
    """Begins the work in the output folder: marks it as that of this launch, and removes what it does not go on with.

    Args:
        out: the folder; the caller holds it.
        fingerprint: of the run.
        launch: its name, unlike that of any other.
        snapshot: the ledger; parts that an earlier run has left stay where their speakers allow them now.
        as_of: the moment for which consent is asked.
        tell: is told what goes, as lines of text.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        mark_launch(out, fingerprint=fingerprint, launch=launch)
    except (OSError, UsageError) as error:
        raise _unwritable(out, error) from None
    remove_strays(out, None, tell=tell)
    left = find_leftovers(out, snapshot, as_of=as_of)
    if left.refusals:
        tell(f"removing what an unfinished run has left of {len(left.refusals)} tracks that may no longer be used")
    remove_leftovers(out, left)


def refused_counts(out: str) -> dict[str, int]:
    """Counts the refusals in ``rejected.jsonl``: reason -> how many."""
    rows = read_json_lines(join(out, "rejected.jsonl"))
    return dict(sorted(Counter(row["reason"] for row in rows).items()))


def _unwritable(out: str, error: Exception) -> UsageError:
    return UsageError(f"{out}: cannot be written ({error}); choose another --out or correct its rights")
