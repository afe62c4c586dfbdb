"""Opens local files, and only files: nothing that blocks, never ends, or is of the system.

A FIFO waits for a writer, a device may have no end or do something when it is opened, and what lies in ``/proc`` is no
recording. So a name is looked at before it is opened, and what was opened is looked at again.
"""

import errno
import os
import stat
import unicodedata
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Final

from duologue_pipeline.files.file_fault import FileFault, FileMissing
from duologue_pipeline.files.names import hint, local_path, shown

__all__ = ["Seen", "check_regular", "open_regular"]

_KINDS: Final = (
    (stat.S_ISDIR, "a folder", "folder"),
    (stat.S_ISFIFO, "a FIFO (a named pipe)", "fifo"),
    (stat.S_ISSOCK, "a socket", "socket"),
    (stat.S_ISCHR, "a device", "device"),
    (stat.S_ISBLK, "a device", "device"),
)


_LISTED: Final = 100_000
"""So many names of a folder are looked at for one that is meant."""


class Seen:
    """Remembers what a file was when it was opened, so that it is noticed when it changes while it is read.

    Attributes:
        path, uri: of the file.
        size: its bytes.
        state: tells it from any other file, and from itself as it was.
    """

    def __init__(self, path: Path, uri: str) -> None:
        self.path = path
        self.uri = uri
        self.state = _state(_stat(path, uri))
        self.size = self.state[2]

    def check(self) -> None:
        """Raises FileFault (``changed``) where another file has the name now, or this one was written to."""
        try:
            now = _state(self.path.stat())
        except OSError:
            now = None
        if now != self.state:
            raise FileFault(
                f"{shown(self.uri)}: was changed while it was read; wait until nobody writes it and run the command again",
                "changed",
            )


def check_regular(uri: str) -> Seen:
    """Looks at a local file before somebody opens it by its name.

    Raises:
        FileFault: it is no file, or may not be read; FileMissing where there is none.
    """
    path = _path(uri)
    with open_regular(uri):
        return Seen(path, uri)


def open_regular(uri: str) -> IO[bytes]:
    """Opens a local file to read it from its beginning; close it.

    Raises:
        FileFault: it is no file, or may not be read; FileMissing where there is none.
    """
    path = _path(uri)
    _check(_stat(path, uri), uri)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise _fault(error, uri) from None
    try:
        _check(os.fstat(descriptor), uri)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _path(uri: str) -> Path:
    try:
        path = local_path(uri)
        os.fsencode(path)
    except (ValueError, RuntimeError) as error:  # half of a surrogate pair, the home of an unknown user
        raise FileFault(f"{shown(uri)}: not a file name ({error})", "missing") from None
    if "\0" in str(path):
        raise FileFault(f"{shown(uri)}: not a file name (it holds a NUL character)", "missing")
    return path


def _stat(path: Path, uri: str) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _fault(error, uri) from None


def _state(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _check(found: os.stat_result, uri: str) -> None:
    for is_kind, name, word in _KINDS:
        if is_kind(found.st_mode):
            raise FileFault(f"{shown(uri)}: is {name} and not a file; name a file", "not_a_file", {"found": word})
    if found.st_dev in _system_devices():
        raise FileFault(
            f"{shown(uri)}: is a file of the system and not of a disk; name a file of your own",
            "not_a_file",
            {"found": "system_file"},
        )


@cache
def _system_devices() -> frozenset[int]:
    """Gives the devices of ``/proc`` and ``/sys``."""
    return frozenset(os.stat(folder).st_dev for folder in ("/proc", "/sys") if os.path.ismount(folder))


def _fault(error: OSError, uri: str) -> FileFault:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return FileMissing(f"{shown(uri)}: no such file{_alike(uri) or hint(uri)}")
    if error.errno == errno.ELOOP:
        return FileFault(f"{shown(uri)}: is a link that leads back to itself; name the file itself", "not_a_file")
    if error.errno == errno.ENAMETOOLONG:
        return FileMissing(f"{shown(uri)}: no such file (the name is longer than a file may have)")
    if error.errno in (errno.EACCES, errno.EPERM):
        return FileFault(f"{shown(uri)}: may not be read; correct its rights", "forbidden")
    return FileFault(f"{shown(uri)}: cannot be opened ({error.strerror})")


def _alike(uri: str) -> str:
    """Names the file that differs from one that is missing in capital letters or in the form of its accents only."""
    found = Path("/")
    try:
        asked = local_path(uri).absolute()
        for part in asked.parts[1:]:
            step = found / part
            if not os.path.lexists(step):
                name = _names(str(found)).get(_key(part))
                if name is None:
                    return ""
                step = found / name
            found = step
    except (OSError, ValueError, RuntimeError):
        return ""
    if found == asked:
        return ""  # a link that leads nowhere
    return f"; {shown(str(found))} is there: write the name as it stands, with its capital letters and accents"


@lru_cache(maxsize=16)
def _names(folder: str) -> dict[str, str]:
    """Lists what lies in a folder by the key of its name."""
    with os.scandir(folder) as entries:
        return {_key(name): name for name in sorted((entry.name for entry in islice(entries, _LISTED)), reverse=True)}


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
