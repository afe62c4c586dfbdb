"""Reads parts of files: so many bytes from a place on, on a local disk, in an object store or on a web server."""

from typing import Any

from duologue_pipeline.files.names import check_name, is_web, scheme
from duologue_pipeline.files.s3_files import read_object_range
from duologue_pipeline.files.storage import filesystem_of, object_faults
from duologue_pipeline.files.web_parts import NoRangesError, fetch_range

__all__ = ["NoRangesError", "read_range"]


def read_range(uri: str, offset: int, size: int) -> bytes:
    """Reads a part of a remote file.

    Args:
        uri: ``s3://``, ``gs://`` or ``http(s)://``.
        offset: where it begins, in bytes.
        size: how many bytes, at least 1.

    Returns:
        The bytes; fewer where the file ends before.

    Raises:
        FileFault: it cannot be read; FileMissing where there is no such file, NoRangesError where a server gives no parts.
    """
    check_name(uri)
    if scheme(uri) == "s3":
        return read_object_range(uri, offset, size)
    if is_web(uri):
        return fetch_range(uri, offset, size)
    filesystem, path = filesystem_of(uri)
    stream: Any
    with object_faults(uri), filesystem.open_input_file(path) as stream:
        return bytes(stream.read_at(size, offset))
