"""Says in a sentence what a disk or the system did not take: a full disk, a folder that may not be written, too many files.

Such a fault is nobody's recording and no error of the program: it ends the command with what is to be done. On Beam it
goes through a worker, from which only text comes back; :func:`usage_error_in` finds it again.
"""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import UsageError

__all__ = [
    "NoRoomError",
    "is_exhausted",
    "memory_fault",
    "no_room",
    "storage_fault",
    "storage_faults",
    "usage_error_in",
]

_FULL: Final = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota of the disk is used up"}
_REMEDIES: Final = {
    errno.EROFS: "the file system is read-only; name a folder that can be written",
    errno.EIO: "the disk reports an input/output error; check the disk, or name a folder on another one",
    errno.EFBIG: "the file would be larger than the system allows; raise the limit (`ulimit -f`) or name a folder on "
    "another file system",
    errno.EMFILE: "this process has too many files open; raise the limit (`ulimit -n`)",
    errno.ENFILE: "this machine has too many files open; end what holds them",
    errno.EACCES: "permission is denied; correct the rights of the folder, or name another one",
    errno.EPERM: "the operation is not permitted there; correct the rights of the folder, or name another one",
    errno.ENOENT: "the folder is not there any more; put it back, or begin with another one",
    errno.ENOTDIR: "a part of the path is a file and no folder; name another folder",
    errno.ESTALE: "the file system was mounted anew meanwhile; wait until it is there",
    errno.ENOMEM: "the system has no memory left; end what needs it",
    errno.ENOLCK: "the file system gives no locks; name a folder on another one",
    errno.ENOTSUP: "the file system cannot do that; name a folder on another one",
    errno.ENAMETOOLONG: "the name is too long for the file system; name a shorter folder",
}
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, *_FULL)
_OF_THE_DISK: Final = (errno.EIO, errno.EROFS, errno.EFBIG, errno.ESTALE)
_WRAPPED: Final = re.compile(
    r"duologue_pipeline\.(?:errors\.UsageError|files\.faults\.NoRoomError|files\.file_fault\.(?:FileFault|FileMissing|StoreFaultError)): (.*?)"
    r"(?: \[while running |\s*$)",
    re.MULTILINE,
)
_NO_MEMORY: Final = re.compile(
    r"^(?:[\w.]*MemoryError\b|RuntimeError: can't start new thread|\w+: .*(?:can't allocate memory|cannot allocate memory|"
    r"failed to map segment from shared object|std::bad_alloc))",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"^\w*Error: (\[Errno \d+\] .*?)(?: \[while running |\s*$)", re.MULTILINE)


class NoRoomError(UsageError, OSError):
    """Says that a file from elsewhere does not fit on the disk: a sentence with the remedy. Its ``errno`` is ENOSPC.

    No file is at fault, and no recording is refused for it.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.errno = errno.ENOSPC

    def __str__(self) -> str:
        return str(self.args[0])


def no_room(shown: str, size: int, free: int, folder: Path | str) -> NoRoomError:
    """Makes the fault of a file that does not fit into the folder for temporary files.

    Args:
        shown: the file, as for messages.
        size: the bytes that it takes.
        free: the bytes that are free.
        folder: where it was to lie.
    """
    return NoRoomError(
        f"{shown}: has {size} bytes, and {free} are free in {folder}; make room, or name another folder in TMPDIR, and run the "
        "command again: what is done is kept"
    )


def storage_fault(error: OSError, path: Path | str) -> UsageError | None:
    """Says what it means that a file cannot be written; None where the system gives no number that is known here.

    Args:
        error: what the system raised.
        path: of the file; a local one.
    """
    if isinstance(error, NoRoomError):
        return UsageError(str(error))
    if error.errno in _FULL:
        return UsageError(
            f"{path}: {_FULL[error.errno]} ({_free(Path(path))}); make room and run the command again: what is done is kept"
        )
    remedy = _REMEDIES.get(error.errno or 0)
    return None if remedy is None else UsageError(f"{path}: cannot be written: {remedy}, and run the command again")


def is_exhausted(error: OSError) -> bool:
    """Tells whether the system has nothing left (room, files, memory), so that no file is at fault."""
    return error.errno in _EXHAUSTED


@contextmanager
def storage_faults(path: Path | str, *, within: bool = False) -> Iterator[None]:
    """Turns what the system raises while a file is written into a UsageError that says what to do.

    Args:
        path: of the file.
        within: whether the block also does other things than to write this file: then only what is surely no fault of
            another file counts.

    Raises:
        UsageError: in place of an OSError that :func:`storage_fault` knows; others go on as they are.
    """
    try:
        yield
    except OSError as error:
        fault = storage_fault(error, path)
        if fault is None or (
            within and (error.filename is not None or error.errno not in (*_EXHAUSTED, *_OF_THE_DISK))
        ):
            raise
        raise fault from None


def memory_fault(error: BaseException) -> UsageError | None:
    """Says that the memory is used up, where this is what an error means, or what the text of a worker's error ends in."""
    if not _NO_MEMORY.search(f"{type(error).__name__}: {error}"):
        return None
    return UsageError(
        "there is not enough memory: give the command more (`ulimit -v`, the limit of a container), or fewer workers, and "
        "run it again"
    )


def usage_error_in(error: BaseException, folder: str) -> UsageError | None:
    """Finds in what Beam made of a worker's error, which holds the worker's traceback as text, what the user can do.

    Args:
        error: what the run raised.
        folder: its output folder.

    Returns:
        The UsageError that the worker raised, or one that says what the system told of a file in the folder or that there
        is no memory; None where it was none of them.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, UsageError):
            return UsageError(str(seen).partition(" [while running ")[0])
        if fault := memory_fault(seen):
            return fault
        text = f"{type(seen).__name__}: {seen}"
        if found := _WRAPPED.findall(text):
            return UsageError(found[-1])
        if found := [each for each in _NUMBERED.findall(text) if folder in each]:
            return UsageError(f"{folder}: the work in it was disturbed ({found[-1]}); run the command again")
        seen = seen.__cause__ or seen.__context__
    return None


def _free(path: Path) -> str:
    for folder in (path, *path.absolute().parents):
        try:
            return f"{shutil.disk_usage(folder).free / 1e6:.1f} MB are free in {folder}"
        except OSError:
            continue
    return "how much is free cannot be told"
