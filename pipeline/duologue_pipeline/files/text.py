"""Writes JSON in the one way in which its bytes are hashed and compared, and reads files of JSON."""

import json
from collections.abc import Iterator
from typing import Any

from duologue_pipeline.files.storage import read_bytes
from duologue_schemas import parse_json

__all__ = ["canonical_json", "read_json", "read_json_lines"]


def canonical_json(document: Any) -> bytes:
    """Writes a document in the one way in which it is hashed: sorted keys, no spaces, UTF-8, no newline.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON cannot say.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def read_json(uri: str) -> Any:
    """Reads the one JSON document that a file holds.

    Raises:
        OSError: the file cannot be read; FileNotFoundError where there is none.
        ValueError: it is not JSON, or could be read in two ways (:func:`duologue_schemas.parse_json`).
    """
    return parse_json(read_bytes(uri).decode("utf-8"))


def read_json_lines(uri: str) -> Iterator[Any]:
    """Reads a file of JSON Lines: one document a line, in their order.

    Raises:
        OSError: the file cannot be read; FileNotFoundError where there is none.
        ValueError: a line is not JSON.
    """
    for line in read_bytes(uri).splitlines():
        yield parse_json(line.decode("utf-8"))
