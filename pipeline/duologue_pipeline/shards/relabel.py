"""Writes the split into the samples of a part: only the whole plan says it, and no part waits for the plan.

Parts are written as of :data:`PART_SPLIT`, which nearly all of them stay. Those that come to another split are copied with other
``KEY.json``, to the very bytes that they would have if the split had been known.
"""

import tarfile
from collections.abc import Mapping
from typing import IO, Any, Final

from duologue_pipeline.files.storage import open_input, open_output
from duologue_pipeline.files.text import canonical_json, parse_json
from duologue_pipeline.records import SPLITS
from duologue_pipeline.shards.tar import write_members

__all__ = ["PART_SPLIT", "relabelled"]

PART_SPLIT: Final = SPLITS[0]
"""What samples say in a part."""


def relabelled(part_uri: str, document: Mapping[str, Any], *, split: str) -> tuple[str, Mapping[str, Any]]:
    """Gives a part whose samples are of a split: the part itself, or a copy beside it.

    Args:
        part_uri: the part.
        document: what lies beside it (:func:`duologue_pipeline.tokens.encode.tokenize_conversation`).
        split: a name of :data:`duologue_pipeline.records.SPLITS`.

    Returns:
        Where the part lies, and the document with the places of its samples.
    """
    if split == PART_SPLIT:
        return part_uri, document
    copy = f"{part_uri}.{split}"
    index, offset = [], 0
    with open_input(part_uri) as part, open_output(copy) as out:
        for row in document["index"]:
            sample = _exactly(part, row["bytes"])
            about, rest = _first_member(sample)
            size = write_members(out, row["key"], {"json": canonical_json({**parse_json(about), "split": split})})
            out.write(rest)
            index.append({**row, "offset": offset, "bytes": size + len(rest)})
            offset += size + len(rest)
    return copy, {**document, "index": index, "part_bytes": offset}


def _first_member(sample: bytes) -> tuple[bytes, memoryview]:
    """Parts the content of the first member, ``KEY.json``, from the other members."""
    size = tarfile.TarInfo.frombuf(sample[: tarfile.BLOCKSIZE], tarfile.ENCODING, "strict").size
    stop = tarfile.BLOCKSIZE + size
    return sample[tarfile.BLOCKSIZE : stop], memoryview(sample)[stop + -size % tarfile.BLOCKSIZE :]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """Reads so many bytes; a stream may give fewer at a time."""
    read = b""
    while len(read) < size:
        block = stream.read(size - len(read))
        if not block:
            raise EOFError(f"a part ends {size - len(read)} bytes too early")
        read += block
    return read
