"""Reads and writes files wherever they lie: local paths, ``s3://``, ``gs://`` and (to read) ``http(s)://``.

Object stores are reached through ``pyarrow.fs``, in the pipeline and in the reader alike (docs/adr/0003). A file is
written under a temporary name and renamed on a local disk, and appears whole at its close on an object store: nobody
ever sees half of one.
"""

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow.fs

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import storage_faults

__all__ = [
    "absolute_uri",
    "delete_directory",
    "delete_file",
    "digest",
    "exists",
    "file_size",
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

_COPY_BYTES = 1 << 20


def is_remote(uri: str) -> bool:
    """Tells whether the uri names another place than the local disk."""
    return "://" in uri and not uri.startswith("file://")


def absolute_uri(uri: str) -> str:
    """Makes a local path absolute, so that workers with another working directory find it; leaves the rest."""
    return uri if is_remote(uri) else str(local_path(uri).absolute())


def sibling_uri(base: str, uri: str) -> str:
    """Resolves ``uri`` as a manifest means it: absolute as it stands, else beside the file ``base``."""
    if is_remote(uri) or uri.startswith("file://"):
        return uri
    if is_remote(base):
        return uri if uri.startswith("/") else join(base.rpartition("/")[0], uri)
    return str(local_path(base).absolute().parent / uri)


def join(folder: str, *names: str) -> str:
    """Puts names under a folder uri."""
    return "/".join([folder.rstrip("/") or "/", *names])


def local_path(uri: str) -> Path:
    """Gives the local path that a local uri names."""
    return Path(uri.removeprefix("file://")).expanduser()


def _filesystem(uri: str) -> tuple[Any, str]:
    if not is_remote(uri):
        return pyarrow.fs.LocalFileSystem(), str(local_path(uri).absolute())
    try:
        return pyarrow.fs.FileSystem.from_uri(uri)
    except (OSError, ValueError) as error:
        raise UsageError(f"{uri}: cannot be reached ({error}); use a local path, s3:// or gs://") from None


def exists(uri: str) -> bool:
    """Tells whether there is a file or a folder of this name."""
    filesystem, path = _filesystem(uri)
    return filesystem.get_file_info(path).type != pyarrow.fs.FileType.NotFound


def file_size(uri: str) -> int | None:
    """Gives the size of a file in bytes; None where there is none."""
    filesystem, path = _filesystem(uri)
    info = filesystem.get_file_info(path)
    return info.size if info.type == pyarrow.fs.FileType.File else None


def open_input(uri: str) -> Any:
    """Opens a file to read bytes from it in order (a file object; close it)."""
    filesystem, path = _filesystem(uri)
    return filesystem.open_input_stream(path)


def read_bytes(uri: str) -> bytes:
    """Reads a whole file; for small ones."""
    with open_input(uri) as stream:
        return bytes(stream.read())


@contextmanager
def open_output(uri: str, *, work: str | None = None) -> Iterator[IO[bytes]]:
    """Opens a file to write; it appears under its name when the block ends without an error, whole or not at all.

    Args:
        uri: where.
        work: a folder on the same file system for the unfinished file; beside the target if None.

    Raises:
        UsageError: the disk or the system does not take it (:mod:`duologue_pipeline.files.faults`).
    """
    filesystem, path = _filesystem(uri)
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
    filesystem, path = _filesystem(source)
    _, target_path = _filesystem(target)
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
    filesystem, path = _filesystem(uri)
    filesystem.delete_file(path)


def delete_directory(uri: str) -> None:
    """Removes a folder and all in it, if it is there."""
    filesystem, path = _filesystem(uri)
    if filesystem.get_file_info(path).type == pyarrow.fs.FileType.Directory:
        filesystem.delete_dir(path)


def list_entries(uri: str) -> list[str]:
    """Lists the names of all that lies directly in a folder, sorted; empty where there is no such folder."""
    filesystem, path = _filesystem(uri)
    selector = pyarrow.fs.FileSelector(path, allow_not_found=True)
    return sorted(info.base_name for info in filesystem.get_file_info(selector))


def list_files(uri: str) -> list[str]:
    """Lists the paths of all files in and below a folder, relative to it, sorted; empty where there is no such folder."""
    filesystem, path = _filesystem(uri)
    selector = pyarrow.fs.FileSelector(path, allow_not_found=True, recursive=True)
    files = (info for info in filesystem.get_file_info(selector) if info.type != pyarrow.fs.FileType.Directory)
    return sorted(info.path.removeprefix(path.rstrip("/") + "/") for info in files)


@contextmanager
def local_copy(uri: str) -> Iterator[Path]:
    """Gives a local path to read a file from: the file itself, or a temporary copy of a remote one.

    Raises:
        FileNotFoundError: there is no such file.
        PermissionError: it may not be read.
        OSError: it cannot be fetched.
    """
    if not is_remote(uri):
        try:
            path = local_path(uri)
            with path.open("rb"):  # says "not found" and "not permitted" apart, which libsndfile does not
                pass
        except (ValueError, RuntimeError) as error:  # a NUL in the name, the home of an unknown user
            raise OSError(f"not a file name ({error})") from None
        yield path
        return
    suffix = Path(uri.rpartition("/")[2]).suffix
    with tempfile.NamedTemporaryFile(prefix="duologue-", suffix=suffix) as handle:
        if uri.startswith(("http://", "https://")):
            try:
                with urllib.request.urlopen(uri, timeout=60) as response:
                    shutil.copyfileobj(response, handle, _COPY_BYTES)
            except urllib.error.HTTPError as error:
                raise (FileNotFoundError if error.code == 404 else OSError)(f"{uri}: {error}") from None
        else:
            try:
                stream = open_input(uri)
            except UsageError as error:
                raise OSError(str(error)) from None
            with stream:
                shutil.copyfileobj(stream, handle, _COPY_BYTES)
        handle.flush()
        yield Path(handle.name)
