"""Writes WebDataset tars that are the same each time, made of the parts that recordings leave behind.

A *part* is the run of tar members of one recording, without an end-of-archive mark, so that parts can be joined into
a shard by copying bytes. Headers carry no clock, owner or order of arrival; a shard's name ends in the first 12 hex
digits of its SHA-256, so a changed shard never comes back under an old name (webdataset and others cache by name).
"""

import hashlib
import io
import tarfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from duologue_pipeline.files.storage import join, move, open_input, open_output

__all__ = ["Piece", "join_parts", "npy_bytes", "write_members"]

_RECORD_BYTES = 20 * tarfile.BLOCKSIZE  # tar pads an archive to whole records
_COPY_BYTES = 1 << 20


def npy_bytes(codes: npt.NDArray[np.uint16]) -> bytes:
    """Writes codes as a ``.npy`` file (little-endian, C order).

    Args:
        codes: uint16 [2, K, F], indices of K codebooks of ``a`` and ``b`` in F token frames.
    """
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(codes, dtype="<u2"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def write_members(out: IO[bytes], key: str, members: Mapping[str, bytes]) -> int:
    """Writes the members of one sample, ``KEY.extension`` each, in the order given.

    Args:
        out: where the tar blocks go.
        key: the sample's key: no dot and no slash.
        members: extension (``json``, ``codes.npy``, ``flac``) -> content.

    Returns:
        The bytes written, headers and padding included.
    """
    written = 0
    for extension, content in members.items():
        info = tarfile.TarInfo(f"{key}.{extension}")
        info.size = len(content)
        info.mode = 0o644
        header = info.tobuf(format=tarfile.GNU_FORMAT)
        padding = bytes(-len(content) % tarfile.BLOCKSIZE)
        for piece in (header, content, padding):
            out.write(piece)
            written += len(piece)
    return written


@dataclass(frozen=True, order=True)
class Piece:
    """Names bytes of a part: from ``start`` to before ``stop``."""

    uri: str
    start: int
    stop: int


def join_parts(
    part_uris: Iterable[str], *, folder: str, name: str, staging: str, first: Sequence[Piece] = ()
) -> tuple[str, str, int]:
    """Joins parts into one shard, under a name that ends in its hash.

    Args:
        part_uris: the parts in their order.
        first: what comes before all else, and not again in its part.
        folder: where the shard goes.
        name: e.g. ``train-00000``.
        staging: a folder on the same file system for the unfinished file.

    Returns:
        (file name, SHA-256 in lower-case hex, bytes).
    """
    digest = hashlib.sha256()
    size = 0
    unfinished = join(staging, f".{name}.{uuid.uuid4().hex}.tar")  # of this attempt: another may be under way
    with open_output(unfinished) as out:

        def put(piece: bytes) -> None:
            nonlocal size
            out.write(piece)
            digest.update(piece)
            size += len(piece)

        for piece in first:
            for block in _blocks(piece.uri, piece.start, piece.stop):
                put(block)
        for uri in part_uris:
            position = 0
            for piece in sorted(piece for piece in first if piece.uri == uri):
                for block in _blocks(uri, position, piece.start):
                    put(block)
                position = piece.stop
            for block in _blocks(uri, position, None):
                put(block)
        put(bytes(2 * tarfile.BLOCKSIZE))
        put(bytes(-size % _RECORD_BYTES))
    file_name = f"{name}-{digest.hexdigest()[:12]}.tar"
    move(unfinished, join(folder, file_name))
    return file_name, digest.hexdigest(), size


def _blocks(uri: str, start: int, stop: int | None) -> Iterator[bytes]:
    """Reads a file from ``start`` to before ``stop``, its end if None; what lies before is read over, as streams do not seek."""
    position = 0
    with open_input(uri) as stream:
        while stop is None or position < stop:
            edge = start if position < start else stop
            block = stream.read(_COPY_BYTES if edge is None else min(_COPY_BYTES, edge - position))
            if not block:
                return
            if position >= start:
                yield block
            position += len(block)
