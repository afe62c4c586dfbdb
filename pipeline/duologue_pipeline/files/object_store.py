"""Names what every object store can do, and gives the one that a uri lies in: here alone a scheme is told from another."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Any, Final, Protocol

import pyarrow.fs

from duologue_pipeline.files.google_files import GoogleFiles
from duologue_pipeline.files.names import object_name, scheme
from duologue_pipeline.files.s3_files import S3Files
from duologue_pipeline.files.version import Version

__all__ = ["ObjectStore", "is_object", "object_store"]


class ObjectStore(Protocol):
    """Gives the objects of a bucket as files; a path is ``BUCKET/KEY``, the key as it stands.

    All methods raise FileFault where the store does not do it: FileMissing where there is no such object or bucket, the kind
    ``forbidden`` where it may not be done, ``changed`` where it was another object, and StoreFaultError where the store could not
    be asked or failed, as often as it was tried.
    """

    @property
    def type_name(self) -> str:
        """Gives the scheme."""

    def get_file_info(self, where: str | pyarrow.fs.FileSelector) -> Any:
        """Tells what has this name, as ``pyarrow.fs.FileInfo``; of a selector, what lies in the folder."""

    def open_input_stream(self, path: str) -> IO[bytes]:
        """Opens an object to read it in order, all of it of one state of the object."""

    def open_output_stream(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Opens an object to write it; where the block raises, what was under its key stays as it was."""

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        """Reads a part of an object; the whole part, or as much of it as the object has."""

    def read_version(self, path: str) -> Version:
        """Reads an object with what tells its state from any other."""

    def swap(self, path: str, data: bytes, old: Version | None) -> Version:
        """Writes an object if it still is what was read before, or is not there for None; raises ConflictError else."""

    def delete_version(self, path: str, old: Version) -> bool:
        """Removes an object if it still is what was read before; gives whether it was. Not there is as good as removed."""

    def keeps_versions(self, path: str) -> bool:
        """Tells whether the bucket keeps what is deleted in it."""

    def mark(self, path: str) -> str:
        """Gives what two objects share that hold the same bytes and were written in the same way."""

    def move(self, source: str, target: str) -> None:
        """Copies an object to another key, of whatever size, and removes it when the copy is there."""

    def delete_file(self, path: str) -> None:
        """Removes an object, if it is there."""

    def delete_dir(self, path: str) -> None:
        """Removes all objects of a folder."""


_STORES: Final[dict[str, Callable[[], ObjectStore]]] = {"s3": S3Files, "gs": GoogleFiles}


def is_object(uri: str) -> bool:
    """Tells whether a uri names an object of a store."""
    return scheme(uri) in _STORES


def object_store(uri: str) -> tuple[ObjectStore, str]:
    """Gives the store of a uri, and the path of the object in it.

    Args:
        uri: one of which :func:`is_object` is true.

    Raises:
        FileFault: it can name no object.
    """
    bucket, key = object_name(uri)
    return _STORES[scheme(uri)](), f"{bucket}/{key}"
