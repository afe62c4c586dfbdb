"""Reads parts of files: so many bytes from a place on, on a local disk, in an object store or on a web server."""

from duologue_pipeline.files.names import check_name, is_web
from duologue_pipeline.files.object_store import object_store
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
    if is_web(uri):
        return fetch_range(uri, offset, size)
    store, path = object_store(uri)
    return store.read_range(path, offset, size)
