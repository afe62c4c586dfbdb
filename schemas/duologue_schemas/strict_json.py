"""Parses JSON that other people wrote: what could be read in two ways, or would not come back from a reader, is a fault."""

import json
import math
from collections import Counter
from functools import cache
from typing import Any, Final

from duologue_schemas.messages import shown

__all__ = ["MAX_DEPTH", "NestedError", "parse_json", "parse_line"]

MAX_DEPTH: Final = 100
"""How deep lists and objects may lie in one another."""

_MAX_DIGITS: Final = 30


_BEFORE_COLON: Final = (b" :", b"\t:", b"\r:", b"\n:")


class NestedError(ValueError):
    """Says that lists and objects lie too deep in one another."""


def parse_json(text: str) -> Any:
    """Parses a document, more strictly than ``json.loads``.

    Raises:
        ValueError: it is not JSON (json.JSONDecodeError), holds NaN or an infinite number, gives a field twice, has a
            number of too many digits, or is nested more than :data:`MAX_DEPTH` deep (:class:`NestedError`).
    """
    try:
        document = json.loads(
            text,
            object_pairs_hook=_no_repetition,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_short_integer,
        )
    except RecursionError:
        raise NestedError("is nested too deeply") from None
    if _is_deep(document):
        raise NestedError("is nested too deeply")
    return document


def parse_line(data: bytes) -> Any:
    """Parses a short document as :func:`parse_json` does, at the speed of ``json.loads`` where its bytes show that both agree.

    Raises:
        ValueError: as :func:`parse_json`, or the bytes are no UTF-8.
    """
    text = data.decode("utf-8")
    # Both agree where no field can stand twice unseen, and no more is nested than there are brackets.
    if b"\\" in data or any(map(data.__contains__, _BEFORE_COLON)) or data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        return parse_json(text)
    try:
        document = _plain().decode(text)
    except (ValueError, RecursionError):
        return parse_json(text)  # says what is wrong
    return document if _fields(document) == data.count(b'":') else parse_json(text)


def _fields(value: Any) -> int:
    """Counts the fields of all objects in a value: what stands twice in one is counted once."""
    fields, rest = 0, [value]
    while rest:
        each = rest.pop()
        if type(each) is dict:
            fields += len(each)
            rest += [part for part in each.values() if type(part) is dict or type(part) is list]
        elif type(each) is list:
            rest += each
    return fields


@cache
def _plain() -> json.JSONDecoder:
    return json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_short_integer)


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        containers = [value for value in level if isinstance(value, dict | list)]
        if not containers:
            return False
        level = [part for value in containers for part in (value.values() if isinstance(value, dict) else value)]
    return True


def _no_constant(name: str) -> None:
    raise ValueError(f"is not valid JSON: it holds {name}; leave the field out where the value is not known")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"holds the number {digits[:_MAX_DIGITS]}, which is too large; correct it")
    return value


def _short_integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"holds a number of {len(digits)} digits; correct it")
    return int(digits)


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = next(name for name in counts if counts[name] > 1)
        raise ValueError(f"gives the field {shown(repeated)} twice in one object; keep one of them")
    return document
