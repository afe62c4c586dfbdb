"""Writes JSON in the one way in which its bytes are hashed and compared, and reads files of JSON."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from duologue_pipeline.files.storage import read_bytes
from duologue_schemas import parse_json

__all__ = ["canonical_json", "parse_json", "read_json", "read_json_lines"]

_MAX_DEPTH: Final = 64
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
        ValueError: it is not JSON in UTF-8, names a field twice, holds a number that is none (NaN, an infinity) or needs
            more than 64 bits, text that is no Unicode, or is nested deeper than 64 levels.
    """
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels") from None
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                if not value.isascii():
                    value.encode()  # half of a surrogate pair is a UnicodeEncodeError, which is a ValueError
            elif isinstance(value, float):
                if not math.isfinite(value):
                    raise ValueError("it holds a number that is too large")
            elif isinstance(value, int) and not -_MAX_INTEGER <= value < _MAX_INTEGER:
                raise ValueError("it holds a whole number of more than 64 bits")
        level = below
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field is named twice")
    return found


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


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
