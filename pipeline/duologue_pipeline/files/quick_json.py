"""Reads JSON faster than ``json.loads``, where a look at its bytes shows that the strict reader would take it too.

The strict reader (:func:`duologue_schemas.parse_json`) asks Python about every object and number, which takes three times as
long as all else. orjson refuses what is no JSON, infinite numbers and halves of surrogate pairs; for fields that stand twice,
long numbers and deep nesting the bytes are searched here. Whatever is in doubt is left to the strict reader: what is taken
here, it takes, and gives the same document.
"""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

__all__ = ["DoubtError", "quick_json"]

_DEPTH: Final = 20
_QUOTE, _COLON, _BRACE, _BLANK = b'":{ '
_SMALL: Final = np.uint8(32)
_EIGHT_DIGITS: Final = np.uint64(0x0101010101010101)
_LONG: Final = re.compile(rb"[0-9]{19}")
_NUMBER_BEGINS_AFTER: Final = b":,[- \t\n\r"
_IN_NUMBERS: Final = b"0123456789."
_LOOKED_BACK: Final = 1 << 10  # what has more digits is in doubt


class DoubtError(Exception):
    """Says that the strict reader has to look at a document."""


def quick_json(data: bytes) -> Any:
    """Reads JSON in UTF-8.

    Raises:
        DoubtError: it may hold a field twice or a number of more than 64 bits, or be nested deeply.
        ValueError: it is not JSON in UTF-8, or holds an infinite number or half of a surrogate pair.
    """
    text = np.frombuffer(data, np.uint8)
    colons = text[1:] == _COLON
    if (colons & (text[:-1] <= _BLANK)).any() or _has_large_number(text, data):
        raise DoubtError
    document = orjson.loads(data)
    quotes, opened = text[:-1] == _QUOTE, (text | _SMALL) == _BRACE  # a bracket as a brace
    within = int(np.count_nonzero(opened)) - int(
        np.count_nonzero(opened[1:] & quotes)
    )  # but where a text begins with one
    if np.count_nonzero(colons & quotes) != _fields(document, within):
        raise DoubtError
    return document


def _has_large_number(text: npt.NDArray[np.uint8], data: bytes) -> bool:
    """Tells whether a number has 19 digits in a row; what looks so in a hash is none."""
    digits = text - np.uint8(48) < 10
    # 19 digits in a row have eight that begin at a multiple of eight.
    eights = np.flatnonzero(digits[: len(digits) // 8 * 8].view(np.uint64) == _EIGHT_DIGITS) * 8
    return any(
        _LONG.search(data, max(place - 18, 0), place + 26) and _is_in_number(data, place) for place in eights.tolist()
    )


def _is_in_number(data: bytes, place: int) -> bool:
    before = data[max(place - _LOOKED_BACK, 0) : place + 1].rstrip(_IN_NUMBERS)
    return not before or before[-1] in _NUMBER_BEGINS_AFTER


def _fields(document: Any, opened: int) -> int:
    """Counts the fields of all objects; each is followed by a quote and a colon in the text, and one that stands twice by two.

    The objects of a list are alike: they hold others where the first one does. Where that is not so, or a text holds braces,
    fewer are found than there are braces.

    Raises:
        DoubtError: not so many objects and lists were found as were opened.
    """
    if type(document) is not dict:
        raise DoubtError
    fields = len(document)
    opened -= 1
    rest: list[tuple[int, dict[str, Any]]] = [(0, document)]
    while rest:
        depth, inner = rest.pop()
        if depth > _DEPTH:
            raise DoubtError
        for value in inner.values():
            kind = type(value)
            if kind is dict:
                fields += len(value)
                opened -= 1
                rest.append((depth + 1, value))
            elif kind is list:
                opened -= 1
                groups = [(depth + 1, value)] if value and type(value[0]) is dict else []
                while groups:
                    deep, group = groups.pop()
                    if deep > _DEPTH:
                        raise DoubtError
                    if set(map(type, group)) != {dict}:
                        raise DoubtError
                    fields += sum(map(len, group))
                    opened -= len(group)
                    if opened < 0:
                        raise DoubtError
                    for name, held in group[0].items():
                        if type(held) is dict:
                            groups.append((deep + 1, [each.get(name) for each in group]))
    if opened:
        raise DoubtError
    return fields
