"""Lets an object appear when it has come whole: for the outputs of every store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

__all__ = ["appearing"]


@contextmanager
def appearing(output: Any) -> Iterator[IO[bytes]]:
    """Gives a store's output to write to: it is finished where the block ends, and taken back where it raises.

    Args:
        output: a stream with ``finish``, which makes the object appear, and ``abort``, which leaves what was there as it was.
    """
    try:
        yield output
        output.finish()
    except BaseException:
        output.abort()
        raise
