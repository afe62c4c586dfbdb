"""Reads what the scan needs to know of the files that it looks into, format by format."""

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.withdrawal.traces import read_pcm
from duologue_schemas.tables import WITHDRAWN

__all__ = [
    "column_strings",
    "commitments",
    "is_binary",
    "is_tar",
    "lines_of",
    "loud_tracks",
    "may_be_withdrawn",
    "metadata_texts",
    "parse_json",
    "texts_of",
    "withdrawn_sides",
]

_BLOCK_BYTES: Final = 1 << 20


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Reads the lines of a stream that knows only how to read."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def is_tar(head: bytes) -> bool:
    """Tells whether a file that begins so is a tar archive."""
    return head[257:262] == b"ustar"


def is_binary(head: bytes) -> bool:
    """Tells whether a file that begins so is anything but text."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except ValueError:
        return True
    return b"\0" in head


def loud_tracks(content: bytes, sides: Iterable[Speaker]) -> Iterator[Speaker]:
    """Finds which of these tracks of a ``.flac`` or ``.npy`` file are not silent: neither zeros nor one frame over and over."""
    is_audio = content.startswith(b"fLaC")
    tracks = read_pcm(content).T[:, None] if is_audio else parse_npy(content)
    for side in sides:
        track = tracks[SPEAKERS.index(side)]
        if (track if is_audio else track != track[:, :1]).any():
            yield side


def parse_json(content: bytes) -> Any:
    """Parses a JSON document; None where it is none: it was gone through as text."""
    if content.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None


def commitments(document: Any) -> dict[str, str]:
    """Maps side -> commitment, of the document of a sample; empty for any other."""
    if not isinstance(document, dict) or not str(document.get("schema")).startswith("sample/"):
        return {}
    return {side: document["speakers"][side]["commitment"] for side in SPEAKERS}


def may_be_withdrawn(content: bytes) -> bool:
    """Tells whether JSON may be the document of a sample that calls a speaker withdrawn."""
    return b'"withdrawn"' in content or b"\\" in content


def withdrawn_sides(document: Any) -> tuple[Speaker, ...]:
    """Finds the speakers that the document of a sample calls withdrawn."""
    named = commitments(document)
    return tuple(side for side in SPEAKERS if named.get(side) == WITHDRAWN)


def texts_of(document: Any) -> Iterator[tuple[str, str]]:
    """Gives every text with the name of its field, and every name of a field (under no name)."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        name, value = stack.pop()
        match value:
            case dict():
                yield from (("", key) for key in value)
                stack.extend(value.items())
            case list():
                stack.extend((name, part) for part in value)
            case str():
                yield name, value


def column_strings(column: pa.ChunkedArray) -> Iterator[str | bytes]:
    """Gives every text and every run of bytes in a column, each once, whatever it is nested in."""
    for chunk in column.chunks:
        yield from _strings_in(chunk)


def _strings_in(array: pa.Array) -> Iterator[str | bytes]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings_in(array.dictionary)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _strings_in(array.flatten())
    elif pa.types.is_map(kind):
        yield from _strings_in(array.keys)
        yield from _strings_in(array.items)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _strings_in(part)
    elif (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    ):
        yield from (value for value in pc.unique(array).to_pylist() if value is not None)


def metadata_texts(metadata: Any) -> list[str]:
    """Gives names and values of the metadata of a schema or a field."""
    return [text.decode("utf-8", "replace") for pair in (metadata or {}).items() for text in pair]
