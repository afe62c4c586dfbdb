"""Checks a document against its schema and lists every fault, with its place and in plain words."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from duologue_schemas.crosschecks import cross_faults, is_rfc3339, is_rfc3339_or_date, relation_faults
from duologue_schemas.messages import Path, describe, field_name
from duologue_schemas.plain import plain_check

__all__ = ["SCHEMA_NAMES", "Fault", "iter_faults", "load_schema"]

SCHEMA_NAMES: Final = (
    "recording",
    "words",
    "sample",
    "release",
    "statistics",
    "rejected",
    "receipt",
    "revocations",
    "consent_record",
    "consent_receipt",
    "annotation",
    "tokens_audit",
    "dataset",
    "facts",
    "requirements",
    "consent_statement",
    "ab2013",
    "eu_summary",
    "datasheet",
    "dps",
    "usage_odrl",
    "changes",
    "leakage",
)

_MOST: Final = 1000
"""So many faults of the schema are looked for: of a document that is made to have millions, nobody reads more."""

_QUICKLY: Final = ("recording", "release")

_WRITTEN_BY_HAND: Final = ("recording", "words", "consent_record", "dataset")


@dataclass(frozen=True)
class Fault:
    """Describes one fault of a document.

    ``field`` is its place, e.g. ``tracks[1].uri``, empty for the whole document. ``message`` says what was found, what
    was expected and what to do.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Loads the JSON Schema of a format.

    Args:
        name: one of :data:`SCHEMA_NAMES`.

    Returns:
        The parsed schema. It is shared; treat it as read-only.

    Raises:
        ValueError: there is no such format.
    """
    if name not in SCHEMA_NAMES:
        raise ValueError(f"there is no schema {name!r}; choose one of {', '.join(SCHEMA_NAMES)}")
    text = files("duologue_schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def iter_faults(name: str, document: object) -> Iterator[Fault]:
    """Lists the faults of a document, in an order that depends on the document only.

    Beside the schema it checks what JSON Schema cannot say: spans that end before they begin, a track or a speaker
    given twice, counts of a release that do not add up, numbers and text that cannot be written as JSON in UTF-8.

    Args:
        name: one of :data:`SCHEMA_NAMES`.
        document: the parsed JSON.

    Yields:
        The faults, sorted by field; none if the document is valid.

    Raises:
        ValueError: there is no such format.
    """
    if _is_plain(name, document):
        return
    found: set[tuple[Path, str]] = set()
    for error in islice(_validator(name).iter_errors(document), _MOST):
        found.update(islice(describe(error), _MOST))
    found.update(cross_faults(name, document))
    for path, message in sorted(found, key=lambda fault: (_sortable(fault[0]), fault[1])):
        yield Fault(field_name(path), message)


def _is_plain(name: str, document: object) -> bool:
    """Tells whether a document surely has no fault; only of a format of which very many, or very long ones, are read."""
    return name in _QUICKLY and _quick_check(name)(document) and next(relation_faults(name, document), None) is None


@cache
def _quick_check(name: str) -> Callable[[Any], bool]:
    return plain_check(load_schema(name))


def _sortable(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Makes a key that sorts list places by number and field names by alphabet, and never compares the two."""
    return tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in path)


def _whole_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    # Python's $ also matches before a final newline, JSON Schema's does not: "call-1\n" must not pass.
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique(_: object, wanted: bool, instance: object, __: object) -> Iterator[ValidationError]:
    # jsonschema's own compares each with each where the entries are of several types.
    if wanted and isinstance(instance, list):
        entries = [json.dumps(entry, sort_keys=True, default=str) for entry in instance]
        if len(set(entries)) < len(entries):
            yield ValidationError("has non-unique elements")


def _is_whole(_: object, value: object) -> bool:
    # 5.0 is an integer to JSON Schema, and no Python program may count with it.
    return isinstance(value, int) and not isinstance(value, bool)


@cache
def _validator(name: str) -> Any:
    checker = FormatChecker(formats=())
    checker.checks("date-time")(is_rfc3339)
    checker.checks("date-time-or-date")(is_rfc3339_or_date)
    rules = {"pattern": _whole_pattern, "uniqueItems": _unique}
    types = Draft202012Validator.TYPE_CHECKER
    if name not in _WRITTEN_BY_HAND:
        types = types.redefine("integer", _is_whole)
    validator: Any = extend(Draft202012Validator, rules, type_checker=types)  # type: ignore[no-untyped-call]
    return validator(load_schema(name), format_checker=checker)
