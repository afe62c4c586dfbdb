"""Explains the errors of JSON Schema in plain words: found, expected, what to do.

A schema may carry ``x-expected`` beside a pattern or a length, which says in words what the rule is for.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from jsonschema import ValidationError

__all__ = ["Path", "describe", "field_name", "shown"]

_TYPE_WORDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "an object",
    "boolean": "true or false",
    "null": "null",
}

_DATE_TIME: Final = "a date and time with zone (RFC 3339), such as 2026-03-01T10:00:00Z"

Path = tuple[str | int, ...]

_SHOWN_CHARACTERS: Final = 60


def field_name(path: Path) -> str:
    """Writes a place as a reader would: ``("tracks", 1, "uri")`` is ``tracks[1].uri``; the whole document is empty."""
    text = ""
    for part in path:
        if isinstance(part, str) and re.fullmatch(r"[A-Za-z0-9_-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=True)}]"
    return text


def shown(value: object) -> str:
    """Writes a found value on one short line of ASCII, a container only by its kind and size."""
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return {0: "an empty list", 1: "a list of 1 entry"}.get(len(value), f"a list of {len(value)} entries")
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{json.dumps(value[:_SHOWN_CHARACTERS])}... ({len(value)} characters)"
    return json.dumps(value)


def describe(error: ValidationError) -> Iterator[tuple[Path, str]]:
    """Turns one error of jsonschema into faults: the place and the message of each."""
    path: Path = tuple(error.absolute_path)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    value: Any = error.instance
    rule: Any = error.validator_value
    match error.validator:
        case "required":
            for name in rule:
                if name not in value:
                    yield (*path, name), _missing(schema, name)
        case "additionalProperties":
            patterns = schema.get("patternProperties", {})
            for name in value:
                if name not in schema.get("properties", {}) and not any(
                    re.search(pattern, name) for pattern in patterns
                ):
                    yield (*path, name), _unknown(schema, name)
        case "type":
            yield path, _wrong_type(rule, value)
        case "enum" | "const":
            yield path, _wrong_choice(rule if error.validator == "enum" else [rule], value)
        case "pattern":
            yield path, f"found {shown(value)}, expected {schema['x-expected']}"
        case "format":
            date = ", or a date such as 2026-03-01" if rule == "date-time-or-date" else ""
            yield path, f"found {shown(value)}, expected {_DATE_TIME}{date}"
        case "minItems" | "maxItems":
            yield path, f"found {shown(value)}, expected {schema['x-expected']}"
        case "minLength":
            yield path, "is an empty text; write a value, or leave the field out where it is optional"
        case "maxLength":
            yield path, f"has {len(value)} characters, expected at most {rule}; shorten it"
        case "minimum" | "maximum" | "exclusiveMinimum":
            if math.isfinite(value):  # the cross-checks report the rest
                yield path, f"found {shown(value)}, expected {_range(schema)}"
        case "uniqueItems":
            yield path, "names an entry more than once; remove the repetition"
        case _:
            yield path, error.message


def _missing(schema: Mapping[str, Any], name: str) -> str:
    meaning = schema.get("properties", {}).get(name, {}).get("description", "").rstrip(".")
    return f"is missing; add it ({meaning})" if meaning else "is missing; add it"


def _unknown(schema: Mapping[str, Any], name: str) -> str:
    known = schema.get("properties", {})
    if not known:  # fields are named by a pattern only
        return "is not a known field; correct its name or remove it"
    nearest = get_close_matches(name, known, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    own = " (a field of your own must begin with x_)" if "patternProperties" in schema else ""
    return f"is not a known field; {remedy}{own}"


def _wrong_type(expected: str | list[str], value: object) -> str:
    names = [expected] if isinstance(expected, str) else expected
    text = f"found {shown(value)}, expected {' or '.join(_TYPE_WORDS[name] for name in names)}"
    if value is None:
        return f"{text}; give a value, or leave the field out where it is optional"
    if isinstance(value, str) and {"integer", "number", "boolean"} & set(names):
        return f"{text}; write it without quotes"
    return text


def _wrong_choice(choices: list[object], value: object) -> str:
    text = f"found {shown(value)}, expected {' or '.join(shown(choice) for choice in choices)}"
    if not isinstance(value, str) or len(choices) == 1:
        return text
    nearest = get_close_matches(value, [choice for choice in choices if isinstance(choice, str)], n=1)
    return f"{text}; did you mean {shown(nearest[0])}?" if nearest else text


def _range(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        return f"a number above {schema['exclusiveMinimum']}"
    if high is None:
        return f"a number of at least {low}"
    return f"a number from {low} to {high}"
