"""Writes JSON in the one way in which its bytes are hashed and compared, and reads files of JSON."""

import json
from collections.abc import Iterator
from typing import Any, Final

from duologue_pipeline.files.quick_json import DoubtError, quick_json
from duologue_pipeline.files.storage import read_bytes
from duologue_schemas import parse_json as parse_text

__all__ = ["canonical_json", "parse_json", "read_json", "read_json_lines"]

_MAX_INTEGER: Final = 2**63


def canonical_json(document: Any) -> bytes:
    """Writes a document in the one way in which it is hashed: sorted keys, no spaces, UTF-8, no newline.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse_json(data: bytes) -> Any:
    """Reads JSON of somebody else: what means one thing to all readers, and does no harm to whoever goes through it.

    Raises:
        ValueError: it is not JSON in UTF-8, could be read in two ways or is nested too deeply
            (:func:`duologue_schemas.parse_json`), holds a whole number of more than 64 bits, or text that is no Unicode.
    """
    try:
        return quick_json(data)
    except (DoubtError, ValueError, RecursionError):
        pass
    document = parse_text(data.decode("utf-8"))
    stack = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value)
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, str):
            if not value.isascii():
                value.encode()  # half of a surrogate pair is a UnicodeEncodeError, which is a ValueError
        elif isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
            raise ValueError("it holds a whole number of more than 64 bits")
    return document


def read_json(uri: str) -> Any:
    """Reads the one JSON document that a file holds.

    Raises:
        OSError: the file cannot be read; FileNotFoundError where there is none.
        ValueError: it is not such JSON (:func:`parse_json`).
    """
    return parse_json(read_bytes(uri))


def read_json_lines(uri: str) -> Iterator[Any]:
    """Reads a file of JSON Lines: one document a line, in their order.

    Raises:
        OSError: the file cannot be read; FileNotFoundError where there is none.
        ValueError: a line is not such JSON (:func:`parse_json`).
    """
    for line in read_bytes(uri).splitlines():
        yield parse_json(line)
