"""Reads and writes files wherever they lie: local paths, ``s3://``, ``gs://`` and (to read) ``http(s)://``.

Object stores are reached through their own clients (:mod:`duologue_pipeline.files.object_store`), in the pipeline and in the
reader alike (docs/adr/0026). A file is written under a temporary name and renamed on a local disk, and
appears whole at its close on an object store: nobody ever sees half of one.
"""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import pyarrow.fs

from duologue_pipeline.files.faults import no_room, storage_faults
from duologue_pipeline.files.file_fault import FileFault, FileMissing, StoreFaultError, too_large
from duologue_pipeline.files.local import check_regular, open_regular
from duologue_pipeline.files.names import (
    absolute_uri,
    check_name,
    is_remote,
    join,
    local_path,
    scheme,
    shown,
    sibling_uri,
    suffix,
)
from duologue_pipeline.files.object_store import object_store
from duologue_pipeline.files.pace import Pace
from duologue_pipeline.files.temporary import temporary_file
from duologue_pipeline.files.web import fetch
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules

__all__ = [
    "absolute_uri",
    "delete_directory",
    "delete_file",
    "digest",
    "exists",
    "file_size",
    "filesystem_of",
    "is_file",
    "is_remote",
    "join",
    "list_entries",
    "list_files",
    "local_copy",
    "local_path",
    "make_durable",
    "move",
    "open_input",
    "open_output",
    "read_bytes",
    "sibling_uri",
    "unfinished_file",
    "write_bytes",
]

_REMOVALS: Final = 5
_COPY_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 16  # small, so that the pace of a store is seen while it sends


def filesystem_of(uri: str) -> tuple[Any, str]:
    """Gives the file system of a uri, and the name of the file in it.

    Raises:
        FileFault: the uri names no place that files are written to.
    """
    check_name(uri)
    kind = scheme(uri)
    if kind == "file":
        return pyarrow.fs.LocalFileSystem(), str(local_path(uri).absolute())
    if kind in ("http", "https"):
        raise FileFault(
            f"{shown(uri)}: cannot be reached (only audio, words and releases are read from there); use a local path, s3:// or gs://",
            "not_allowed",
        )
    return object_store(uri)


def exists(uri: str) -> bool:
    """Tells whether there is a file or a folder of this name."""
    filesystem, path = filesystem_of(uri)
    return filesystem.get_file_info(path).type != pyarrow.fs.FileType.NotFound


def is_file(uri: str) -> bool:
    """Tells whether there is a file of this name; a store is asked once, where :func:`exists` asks for a folder as well."""
    filesystem, path = filesystem_of(uri)
    if filesystem.type_name == "local":
        return file_size(uri) is not None
    try:
        filesystem.mark(path)
    except FileMissing:
        return False
    return True


def file_size(uri: str) -> int | None:
    """Gives the size of a file in bytes; None where there is none."""
    filesystem, path = filesystem_of(uri)
    info = filesystem.get_file_info(path)
    return info.size if info.type == pyarrow.fs.FileType.File else None


def open_input(uri: str) -> Any:
    """Opens a file to read bytes from it in order (a file object; close it).

    Raises:
        FileFault: it cannot be read; FileMissing where there is none.
    """
    check_name(uri)
    if not is_remote(uri):
        return open_regular(uri)
    filesystem, path = filesystem_of(uri)
    return filesystem.open_input_stream(path)


def read_bytes(uri: str, *, max_bytes: int | None = None) -> bytes:
    """Reads a whole file; for small ones.

    Args:
        uri: of the file.
        max_bytes: a longer file is not read to its end; None: there is no bound.

    Raises:
        FileFault: it cannot be read, or is longer.
    """
    with open_input(uri) as stream:
        data = bytes(stream.read() if max_bytes is None else stream.read(max_bytes + 1))
    if max_bytes is not None and len(data) > max_bytes:
        raise too_large(shown(uri), len(data), max_bytes)
    return data


@contextmanager
def open_output(uri: str, *, work: str | None = None) -> Iterator[IO[bytes]]:
    """Opens a file to write; it appears under its name when the block ends without an error, whole or not at all.

    Args:
        uri: where.
        work: a folder on the same file system for the unfinished file; beside the target if None.

    Raises:
        UsageError: the disk or the system does not take it (:mod:`duologue_pipeline.files.faults`).
    """
    filesystem, path = filesystem_of(uri)
    if filesystem.type_name != "local":
        with filesystem.open_output_stream(path) as stream:
            yield stream
        return
    with unfinished_file(Path(path), work=work) as temporary:
        with storage_faults(path):
            handle = temporary.open("wb")
        with storage_faults(path, within=True), handle:
            yield handle
        with storage_faults(path):
            temporary.replace(path)


@contextmanager
def unfinished_file(final: Path, *, work: str | None) -> Iterator[Path]:
    """Gives a new name for a local file that is not whole yet, and removes what is left under it when the block ends.

    Args:
        final: the name that it will have; its folder is made.
        work: the folder of the unfinished file, which is made; the folder of ``final`` if None.
    """
    folder = final.parent if work is None else local_path(work)
    with storage_faults(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{final.name}.{uuid.uuid4().hex}.tmp"
    try:
        yield temporary
    finally:
        with suppress(OSError):  # nothing to say beside the fault that led here; strays are swept by their name
            temporary.unlink(missing_ok=True)


def digest(uri: str) -> tuple[str, int]:
    """Hashes a file: gives (SHA-256 in lower-case hex, size in bytes)."""
    sha256 = hashlib.sha256()
    size = 0
    with open_input(uri) as stream:
        while block := stream.read(_COPY_BYTES):
            sha256.update(block)
            size += len(block)
    return sha256.hexdigest(), size


def write_bytes(uri: str, data: bytes, *, work: str | None = None) -> None:
    """Writes a whole file; for small ones. ``work`` as for :func:`open_output`."""
    with open_output(uri, work=work) as stream:
        stream.write(data)


def move(source: str, target: str) -> None:
    """Renames a file within one file system, over whatever has the name."""
    filesystem, path = filesystem_of(source)
    _, target_path = filesystem_of(target)
    if filesystem.type_name != "local":
        filesystem.move(path, target_path)
        return
    with storage_faults(target_path):
        Path(target_path).parent.mkdir(parents=True, exist_ok=True)
        filesystem.move(path, target_path)


def make_durable(uri: str) -> None:
    """Waits until a local file is on the disk, so that it is there after a crash of the machine too."""
    if not is_remote(uri):
        with storage_faults(uri), local_path(uri).open("rb") as handle:
            os.fsync(handle.fileno())


def delete_file(uri: str) -> None:
    """Removes a file."""
    filesystem, path = filesystem_of(uri)
    filesystem.delete_file(path)


def delete_directory(uri: str) -> None:
    """Removes a folder and all in it, if it is there; what another process lays in it meanwhile is removed too."""
    filesystem, path = filesystem_of(uri)
    for left in reversed(range(_REMOVALS)):
        if filesystem.get_file_info(path).type != pyarrow.fs.FileType.Directory:
            return
        try:
            filesystem.delete_dir(path)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or not left:
                raise


def list_entries(uri: str) -> list[str]:
    """Lists the names of all that lies directly in a folder, sorted; empty where there is no such folder."""
    filesystem, path = filesystem_of(uri)
    selector = pyarrow.fs.FileSelector(path, allow_not_found=True)
    return sorted(info.base_name for info in filesystem.get_file_info(selector))


def list_files(uri: str) -> list[str]:
    """Lists the paths of all files in and below a folder, relative to it, sorted; empty where there is no such folder."""
    filesystem, path = filesystem_of(uri)
    selector = pyarrow.fs.FileSelector(path, allow_not_found=True, recursive=True)
    files = (info for info in filesystem.get_file_info(selector) if info.type != pyarrow.fs.FileType.Directory)
    return sorted(info.path.removeprefix(path.rstrip("/") + "/") for info in files)


@contextmanager
def local_copy(uri: str, *, max_bytes: int | None = None) -> Iterator[Path]:
    """Gives a local path to read a file from: the file itself, or a temporary copy of a remote one.

    Args:
        uri: of the file.
        max_bytes: a longer one is refused; ``max_file_bytes`` of rules/files.json if None.

    Raises:
        FileFault: it cannot be had; FileMissing where there is none.
    """
    check_name(uri)
    limit = load_rules(FilesRules).max_file_bytes if max_bytes is None else max_bytes
    if not is_remote(uri):
        seen = check_regular(uri)
        if seen.size > limit:
            raise too_large(shown(uri), seen.size, limit)
        yield seen.path
        return
    with temporary_file(suffix(uri)) as handle:
        if scheme(uri) in ("http", "https"):
            fetch(uri, handle, max_bytes=limit)
        else:
            _copy_object(uri, handle, limit)
        handle.flush()
        yield Path(handle.name)


def _copy_object(uri: str, handle: IO[bytes], limit: int) -> None:
    copied = 0
    with ExitStack() as held:
        stream, pace = held.enter_context(open_input(uri)), Pace(load_rules(FilesRules))
        size = stream.raw.length
        if size > limit:
            raise too_large(shown(uri), size, limit)
        if size > (free := shutil.disk_usage(handle.name).free):
            raise no_room(shown(uri), size, free, Path(handle.name).parent)
        cut = getattr(stream.raw, "cut", None)
        if cut is not None:  # else the client itself bounds how long each part may take
            pace.stop = cut
            held.enter_context(pace)
        while block := stream.read(_BLOCK_BYTES):
            copied += len(block)
            pace.received = copied
            if copied > limit:
                raise too_large(shown(uri), copied, limit)
            handle.write(block)
        if pace.too_slow:
            raise StoreFaultError(
                f"{shown(uri)}: cannot be read: the store is too slow ({pace.too_slow}); run the command again later"
            )
