"""Says what a file held when it was read, and that it holds something else by now."""

from dataclasses import dataclass

__all__ = ["ConflictError", "Version"]


class ConflictError(Exception):
    """Says that another process wrote the file, or took the lock, in between. Nothing was written: read again, decide anew."""


@dataclass(frozen=True)
class Version:
    """Holds what a file held when it was read, and what tells that state from any other.

    Attributes:
        data: the bytes.
        tag: SHA-256 on a local disk, the ETag on S3, the generation in Google's store.
    """

    data: bytes
    tag: str
