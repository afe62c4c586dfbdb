"""Fetches the files of a model from an object store or a web server, once a machine.

They lie in ``duologue/models`` in the user's cache folder (``XDG_CACHE_HOME``), or in that for temporary files where there
is no home. A folder appears there whole or not at all; processes that want the same model wait for the one that fetches.
"""

import fcntl
import filecmp
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.names import join, shown
from duologue_pipeline.files.storage import local_copy

__all__ = ["Fetch", "fetched_folder", "files_sha256", "models_cache"]

Fetch = Callable[[str], Path | None]
"""Fetches a file by name and gives its local path; None where there is no such file."""


def models_cache() -> Path:
    """Gives the folder in which fetched models lie, which it makes; only its owner may look into it.

    Raises:
        UsageError: it cannot be made, or belongs to somebody else.
    """
    named = os.environ.get("XDG_CACHE_HOME")
    home = Path(named) if named else Path("~/.cache").expanduser()
    if not named and not os.access(home if home.exists() else home.parent, os.W_OK):
        home = Path(tempfile.gettempdir()) / f"duologue-cache-{os.getuid()}"
    folder = home / "duologue" / "models"
    with storage_faults(folder):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UsageError(
            f"{folder}: is not a folder that you alone can write; correct its rights, or name another cache folder in "
            "XDG_CACHE_HOME"
        )
    return folder


def fetched_folder(uri: str, choose: Callable[[Fetch], Sequence[Path]], *, sha256: str | None) -> Path:
    """Fetches the files of a model, unless this machine holds them.

    Without a hash they are fetched anew, for nothing says whether they are still the same.

    Args:
        uri: of the folder: ``s3://``, ``gs://`` or ``https://``.
        choose: fetches what the model needs with the function that it is given, and gives the weights among it, in the
            order in which they are hashed.
        sha256: what the weights must hash to, one after the other; None where anything will do.

    Returns:
        The local folder.

    Raises:
        UsageError: a file cannot be fetched or kept, or the weights have another hash.
    """
    cache = models_cache()
    place = hashlib.sha256(uri.encode()).hexdigest()[:16]
    with _held(cache / f"{place}.lock"):
        if sha256 is not None and (cache / f"{place}-{sha256}").is_dir():
            return cache / f"{place}-{sha256}"
        unfinished = cache / f".{place}.tmp"  # what a process that was killed has left in it is of no use
        shutil.rmtree(unfinished, ignore_errors=True)
        with storage_faults(unfinished):
            unfinished.mkdir()
        try:
            found = files_sha256(choose(lambda name: _fetched(uri, name, unfinished)))
            if sha256 is not None and found != sha256:
                raise UsageError(
                    f"{shown(uri)}: the weights that were fetched have SHA-256 {found}, and {sha256} was pinned; "
                    "give the model that was meant, or pin this one if you trust it"
                )
            return _kept(unfinished, cache / f"{place}-{found}")
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Keeps other processes and threads from fetching the same while the block runs."""
    with storage_faults(lock), lock.open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetched(uri: str, name: str, folder: Path) -> Path | None:
    """Copies one file into a folder; None where there is no such file."""
    target = folder / name
    try:
        with storage_faults(target), local_copy(join(uri, name)) as path:
            shutil.copyfile(path, target)
    except FileMissing:
        return None
    except FileFault as fault:
        raise UsageError(str(fault)) from None
    return target


def files_sha256(files: Sequence[Path]) -> str:
    """Hashes the bytes of the files, one after the other; one file gives what ``sha256sum`` gives."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _kept(unfinished: Path, folder: Path) -> Path:
    """Gives a fetched folder its name; where the very same files have it already, those stay."""
    if folder.is_dir():
        names = [file.name for file in unfinished.iterdir()]
        if filecmp.cmpfiles(unfinished, folder, names, shallow=False)[1:] != ([], []):
            replaced = folder.with_name(f".{folder.name}.old")
            folder.rename(replaced)
            unfinished.rename(folder)
            shutil.rmtree(replaced, ignore_errors=True)
        return folder
    unfinished.rename(folder)
    return folder
