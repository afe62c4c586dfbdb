"""Damages bytes and documents in the ways in which they are damaged, and knows without duologue what is still a document.

Used by the kinds of :mod:`benchmarks.fuzz`.
"""

import copy
import json
import random
from typing import Any, Final

import jsonschema

from duologue_schemas import load_schema

EXTREMES: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutate(data: bytes, rng: random.Random, *, head: int = 256) -> tuple[str, bytes]:
    """Damages bytes in one of the ways in which files are damaged; gives the way and the bytes."""
    way = rng.choice(("flip", "field", "field", "cut", "grow", "zeros", "hole", "double", "insert", "swap", "text"))
    at = rng.randrange(len(data))
    near = rng.randrange(min(head, len(data)))
    match way:
        case "flip":
            changed = bytearray(data)
            for _ in range(rng.choice((1, 1, 4, 64))):
                changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return way, bytes(changed)
        case "field":
            width = rng.choice((1, 2, 4, 8))
            value = rng.choice(EXTREMES) & (1 << 8 * width) - 1
            field = value.to_bytes(width, rng.choice(("little", "big")))
            return way, data[:near] + field + data[near + width :]
        case "cut":
            return way, data[: rng.choice((at, near, len(data) - 1, 0))]
        case "grow":
            return way, data + rng.randbytes(rng.choice((1, 100, 100_000)))
        case "zeros":
            return way, data + bytes(rng.choice((1, 511, 100_000)))
        case "hole":
            return way, data[:at] + data[at + rng.choice((1, 2, 1000, 5000)) :]
        case "double":
            return way, data + data
        case "insert":
            return way, data[:at] + rng.randbytes(rng.choice((1, 3, 1000))) + data[at:]
        case "swap":
            other = rng.randrange(len(data))
            first, second = sorted((at, other))
            return way, data[:first] + data[second:] + data[first:second]
        case _:
            return way, data[:near] + rng.choice((b"Info", b"Xing", b"RIFF", b"OggS", b"fLaC", b"ID3\3\0\0")) + data[
                near:
            ]


VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**40,
    -(10**400),
    0.5,
    "",
    " ",
    "a",
    "\ud800",
    "\0",
    "../../etc/passwd",
    "x" * 100_000,
    "call.wav#1",
    "http://[",
    "s3://",
    "\u202e",
    [],
    {},
    [[]],
    {"": ""},
    {"a": {"b": []}},
)


def mutate_json(document: Any, rng: random.Random) -> str:
    """Damages a document in one place; gives its text, which need not be JSON any more."""
    text = json.dumps(document)
    way = rng.choice(("value", "value", "value", "remove", "add", "deep", "nan", "twice", "bytes", "bytes", "list"))
    places = list(_places(document))
    match way:
        case "bytes":
            return mutate(text.encode(), rng)[1].decode("latin-1")
        case "deep":
            depth = rng.choice((100, 5000, 200_000))
            return text.replace('"en"', "[" * depth + "]" * depth, 1) if '"en"' in text else "[" * depth
        case "nan":
            return text.replace("0", rng.choice(("NaN", "Infinity", "-Infinity", "1e999")), 1)
        case "list":
            return json.dumps([document])
        case "twice":
            holder = rng.choice([place for place, _ in places if isinstance(place, dict)] or [{}])
            if not holder:
                return text
            key = rng.choice(list(holder))
            whole = json.dumps(holder)
            return text.replace(whole, f"{{{json.dumps(key)}: {json.dumps(rng.choice(VALUES[:10]))}, {whole[1:]}", 1)
    holder, key = rng.choice(places)
    if way == "remove":
        del holder[key]
    elif way == "add" and isinstance(holder, dict):
        holder[rng.choice(("x", "x_note", "", "uri2", "\u202e"))] = copy.deepcopy(rng.choice(VALUES))
    else:
        holder[key] = copy.deepcopy(rng.choice(VALUES))
    return json.dumps(document)


def _places(document: Any) -> Any:
    stack = [document]
    while stack:
        holder = stack.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            yield holder, key
            if isinstance(value, dict | list):
                stack.append(value)


def is_valid(schema: str, text: str) -> bool:
    """Tells, without duologue's own checks, whether a text is a document of a schema, each field once."""
    doubled = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            doubled.append(pairs)
        return dict(pairs)

    def never(constant: str) -> Any:
        raise ValueError(constant)

    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=never)
    except (ValueError, RecursionError):
        return False
    registered = load_schema(schema)
    checker = jsonschema.Draft202012Validator(registered, format_checker=jsonschema.FormatChecker())
    return not doubled and bool(checker.is_valid(document))
