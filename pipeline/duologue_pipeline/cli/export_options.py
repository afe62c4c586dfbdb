"""Reads the conditions and settings that ``duologue export`` takes as text."""

import re
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.errors import UsageError
from duologue_schemas.tables import TABLES

__all__ = ["parse_condition", "parse_settings"]

_CONDITION: Final = re.compile(
    r"\s*(?P<column>\w+)\s*(?P<operator>==|!=|<=|>=|<|>|\bnot\s+in\b|\bin\b)\s*(?P<value>.*?)\s*"
)


def parse_condition(text: str) -> tuple[str, str, Any]:
    """Reads a condition such as ``language in en-US,en-GB`` or ``frames >= 125``.

    The value is read as what the column holds: a number, true or false, or text, also in quotation marks.

    Raises:
        UsageError: it is none.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--where {text!r}: expected COLUMN OPERATOR VALUE such as 'language == en-US'; the operators are ==, !=, <, <=, >, "
            ">=, in, not in"
        )
    column, operator = match["column"], " ".join(match["operator"].split())
    type_ = next((table.field(column).type for table in TABLES.values() if column in table.names), pa.string())
    values = match["value"].strip("[]()").split(",") if operator in ("in", "not in") else [match["value"]]
    read = [_value(text, type_, each.strip()) for each in values]
    return column, operator, read if operator in ("in", "not in") else read[0]


def parse_settings(given: Iterable[str]) -> dict[str, str]:
    """Reads ``NAME=VALUE`` each.

    Raises:
        UsageError: one is none, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--set {text!r}: expected NAME=VALUE")
        if name in found:
            raise UsageError(f"--set {text!r}: {name} is set twice")
        found[name] = value
    return found


def _value(text: str, type_: pa.DataType, value: str) -> Any:
    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
    if pa.types.is_boolean(type_):
        if bare.lower() not in ("true", "false"):
            raise UsageError(f"--where {text!r}: expected true or false, found {value!r}")
        return bare.lower() == "true"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        try:
            return int(bare) if re.fullmatch(r"[+-]?\d+", bare) else float(bare)
        except ValueError:
            raise UsageError(f"--where {text!r}: expected a number, found {value!r}") from None
    return bare
