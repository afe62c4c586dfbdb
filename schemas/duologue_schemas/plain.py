"""Tells quickly of a document that it has no fault, by functions that are made from its schema once.

A validator of JSON Schema takes half a millisecond for a line of a manifest, nearly all of it to find out that nothing is wrong.
What is in doubt here is left to it, and so are all messages.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from duologue_schemas.crosschecks import is_rfc3339, is_rfc3339_or_date

__all__ = ["plain_check"]

Check = Callable[[Any], bool]

_WORDLESS: Final = {"description", "title", "$schema", "$id", "$defs", "default", "x-expected"}
"""Keywords that say nothing of a value."""

_OF_OBJECTS: Final = {"properties", "patternProperties", "additionalProperties", "required"}

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "boolean": (bool,),
}


def plain_check(schema: Mapping[str, Any]) -> Check:
    """Makes a function that tells whether a document plainly follows a schema.

    Args:
        schema: of duologue; it may use the keywords that are known here.

    Returns:
        A function of a parsed document. True: it follows the schema, and JSON in UTF-8 can hold it. False: nobody knows.

    Raises:
        ValueError: the schema has a keyword that is not known here.
    """
    return _check(schema, schema)


def _check(schema: Any, root: Mapping[str, Any]) -> Check:
    if schema is True:
        return _may_be_anything
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _all([_check(_found(schema["$ref"], root), root), *_keywords(rest, root)])
    return _all(_keywords(schema, root))


def _found(ref: str, root: Mapping[str, Any]) -> Any:
    place: Any = root
    for name in ref.removeprefix("#/").split("/"):
        place = place[name]
    return place


def _keywords(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Check]:
    checks: list[Check] = []
    for word in ("type", *(each for each in schema if each != "type")):
        if word not in schema or word in _WORDLESS:
            continue
        rule = schema[word]
        if word == "type":
            checks.append(_of_type(rule))
            if rule == "object":
                checks.append(_object(schema, root))
        elif word in _OF_OBJECTS and schema.get("type") == "object":
            continue
        elif word == "items":
            checks.append(_each(_check(rule, root)))
        elif word in _RULES:
            checks.append(_RULES[word](rule))
        else:
            raise ValueError(f"the keyword {word!r} is not known here")
    return checks


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    several = tuple(checks)

    def every(value: Any) -> bool:
        for check in several:  # noqa: SIM110 - a loop takes half the time of all()
            if not check(value):
                return False
        return True

    return every


def _of_type(name: str) -> Check:
    types = _TYPES[name]  # of the very type: True is no 1, and what a subclass does is not known
    if name == "number":
        return lambda value: type(value) in types and math.isfinite(value)
    if name == "string":
        return lambda value: type(value) is str and (value.isascii() or not _SURROGATE(value))
    (only,) = types
    return lambda value: type(value) is only


_SURROGATE: Final = re.compile("[\ud800-\udfff]").search


def _object(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    own = {name: _check(rule, root) for name, rule in schema.get("properties", {}).items()}
    patterns = schema.get("patternProperties", {})
    other = schema.get("additionalProperties", True)
    if other is True or (own and (other or set(map(str, patterns.values())) - {"True"})):
        raise ValueError("other fields than those listed must be forbidden, or free by their name")
    if other and patterns:
        raise ValueError("other fields than those named by patterns must be forbidden")
    matchers: list[tuple[Callable[[str], Any], Check]] = [
        (re.compile(pattern).search, _check(rule, root)) for pattern, rule in patterns.items()
    ]
    if other:
        matchers.append((re.compile("").search, _check(other, root)))
    listed = frozenset(schema.get("required", ()))

    def is_free(name: str, part: Any) -> bool:
        checks = [check for matches, check in matchers if matches(name)]
        return bool(checks) and not _SURROGATE(name) and False not in [check(part) for check in checks]

    def check(value: Any) -> bool:
        for name, part in value.items():
            found = own.get(name)
            if not (is_free(name, part) if found is None else found(part)):
                return False
        return listed <= value.keys()

    return check


def _each(check: Check) -> Check:
    return lambda value: False not in map(check, value)


def _may_be_anything(value: Any) -> bool:
    """Tells whether a value is a plain one, which no other rule can speak of; containers are left to the validator."""
    kind = type(value)
    if kind is str:
        return not _SURROGATE(value)
    return kind is int or kind is bool or value is None or (kind is float and math.isfinite(value))


def _enum(rule: list[Any]) -> Check:
    allowed = {(type(each), each) for each in rule}
    return lambda value: value.__hash__ is not None and (type(value), value) in allowed


def _pattern(rule: str) -> Check:
    matches = re.compile(rule).fullmatch
    return lambda value: matches(value) is not None


def _format(rule: str) -> Check:
    known: dict[str, Check] = {"date-time": is_rfc3339, "date-time-or-date": is_rfc3339_or_date}
    if rule not in known:
        raise ValueError(f"the format {rule!r} is not known here")
    return known[rule]


def _unique(rule: bool) -> Check:
    return lambda value: (
        not rule or len(value) < 2 or (set(map(type, value)) == {str} and len(set(value)) == len(value))
    )


_RULES: Final[dict[str, Callable[[Any], Check]]] = {
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "const": lambda rule: _enum([rule]),
    "uniqueItems": _unique,
    "minLength": lambda rule: lambda value: len(value) >= rule,
    "maxLength": lambda rule: lambda value: len(value) <= rule,
    "minItems": lambda rule: lambda value: len(value) >= rule,
    "maxItems": lambda rule: lambda value: len(value) <= rule,
    "minimum": lambda rule: lambda value: value >= rule,
    "maximum": lambda rule: lambda value: value <= rule,
    "exclusiveMinimum": lambda rule: lambda value: value > rule,
}
