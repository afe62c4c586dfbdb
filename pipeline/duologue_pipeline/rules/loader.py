"""Builds a rule set, a frozen dataclass, from its JSON file, and refuses a file that does not fit it."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType, UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["RuleSet", "RulesError", "load_rules", "parse_rules"]


class RulesError(Exception):
    """Says that a rule file lacks a key, has an unknown one, or a value of the wrong type; names file and key."""


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """Holds what every rule set has; a subclass adds its parameters, each with its unit in its name.

    Attributes:
        name: of the rule set and of its file; a class attribute.
        version: e.g. ``"1.0"``; changes whenever a parameter does.
        source: where the parameters come from.
    """

    name: ClassVar[str]
    version: str
    source: str


AnyRules = TypeVar("AnyRules", bound=RuleSet)


def load_rules(kind: type[AnyRules]) -> AnyRules:
    """Reads the packaged rule set of a kind, e.g. ``load_rules(IngestRules)``; it is read once.

    Raises:
        RulesError: the file cannot be read, or does not fit the dataclass.
    """
    key: Any = kind
    rules: AnyRules = _read(key)
    return rules


@cache
def _read(kind: Any) -> Any:
    where = f"rules/{kind.name}.json"
    try:
        document = json.loads(
            files("duologue_pipeline.rules").joinpath(f"{kind.name}.json").read_text(encoding="utf-8")
        )
    except (OSError, ValueError) as error:
        raise RulesError(f"{where}: cannot be read ({error})") from None
    return parse_rules(kind, document, where=where)


def parse_rules(kind: type[AnyRules], document: Any, *, where: str) -> AnyRules:
    """Builds a rule set from a parsed JSON document.

    Args:
        kind: the dataclass. Its fields may be finite numbers, strings, ``Literal``s, dataclasses, ``tuple[X, ...]``,
            ``Mapping[str, X]`` and unions of these.
        document: what ``json.loads`` gave.
        where: the file, for messages.

    Raises:
        RulesError: a key is missing or unknown, or a value has the wrong type.
    """
    built: AnyRules = _built(kind, document, where)
    return built


def _built(kind: Any, value: Any, where: str) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _dataclass(kind, value, where)
    if origin is tuple and isinstance(value, list):
        return _tuple(parts, value, where)
    if origin is Mapping and isinstance(value, dict):
        return MappingProxyType(
            {_built(parts[0], key, where): _built(parts[1], each, f"{where}: {key}") for key, each in value.items()}
        )
    if origin in (Union, UnionType):
        return _first_that_fits(parts, value, where)
    if origin is Literal and value in parts:
        return value
    if kind is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:  # neither NaN nor infinite
        return value  # as it is written: 20 stays an int, so that a rule set prints as its file reads
    if kind is not float and isinstance(kind, type) and origin is None and type(value) is kind:
        return value
    raise RulesError(f"{where}: expected {_told(kind)}, found {value!r}")


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise RulesError(f"{where}: expected an object, found {value!r}")
    hints = get_type_hints(kind)
    needed = [field.name for field in fields(kind)]
    missing = [name for name in needed if name not in value]
    unknown = [name for name in value if name not in needed]
    if missing or unknown:
        faults = [f"lacks the key {name!r}" for name in missing] + [f"has the unknown key {name!r}" for name in unknown]
        raise RulesError(f"{where}: {', '.join(faults)}")
    return kind(**{name: _built(hints[name], value[name], f"{where}: {name}") for name in needed})


def _tuple(parts: tuple[Any, ...], value: list[Any], where: str) -> tuple[Any, ...]:
    kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
    if len(kinds) != len(value):
        raise RulesError(f"{where}: expected {len(kinds)} values, found {len(value)}")
    return tuple(_built(kind, each, f"{where}[{i}]") for i, (kind, each) in enumerate(zip(kinds, value, strict=True)))


def _first_that_fits(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    for kind in kinds:
        try:
            return _built(kind, value, where)
        except RulesError:
            continue
    raise RulesError(f"{where}: expected {' or '.join(_told(kind) for kind in kinds)}, found {value!r}")


def _told(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(repr, get_args(kind)))}"
    names: Mapping[Any, str] = {int: "an integer", float: "a number", str: "a string", bool: "true or false"}
    return names.get(kind, str(kind))
