"""Parses JSON that other people wrote: what could be read in two ways, or would not come back from a reader, is a fault."""

import json
import math
from collections import Counter
from typing import Any, Final

from duologue_schemas.messages import shown

__all__ = ["MAX_DEPTH", "NestedError", "parse_json"]

MAX_DEPTH: Final = 100
"""How deep lists and objects may lie in one another."""

_MAX_DIGITS: Final = 30


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
