"""JSON of other people: what means one thing to all readers passes, everything else is a fault with its name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_schemas import parse_json
from duologue_schemas.strict_json import MAX_DEPTH, NestedError, parse_line

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(VALUES)
def test_what_json_can_say_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": 2, "a": 1}', 'gives the field "a" twice in one object; keep one of them'),
        ('[{"x": {"b": 1, "b": 2}}]', 'gives the field "b" twice in one object; keep one of them'),
        ('{"a": 1, "\\u0061": 2}', 'gives the field "a" twice in one object; keep one of them'),
        ("[NaN]", "is not valid JSON: it holds NaN; leave the field out where the value is not known"),
        ("[-Infinity]", "is not valid JSON: it holds -Infinity; leave the field out where the value is not known"),
        ("[1e400]", "holds the number 1e400, which is too large; correct it"),
        ("1" * 31, "holds a number of 31 digits; correct it"),
    ],
)
def test_what_could_be_read_in_two_ways_is_a_fault(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_json(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False), (900, False), (10**6, False)])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(depth: int, fits: bool, begin: str, end: str) -> None:
    text = begin * depth + ("1" if begin != "[" else "") + end * depth
    if fits:
        parse_json(text)
    else:
        with pytest.raises(NestedError):
            parse_json(text)


def outcome(read: Any, given: Any) -> tuple[str, str]:
    """What a reader gives, types and the order of fields included, or what it says."""
    try:
        return "read", repr(read(given))
    except ValueError as error:
        return type(error).__name__, str(error)


TEXTS = st.lists(
    st.sampled_from(
        [*'{}[]:," \t\n', '"a"', '"b"', '"a":', '"a" :', '":"', '"\\u0061"', '"\\""', "1", "1e400", "1" * 31, "-0", "2.5", "NaN", "null"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(
    TEXTS
    | VALUES.map(json.dumps)
    | VALUES.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))
)
def test_a_line_is_read_quickly_as_it_is_read_strictly(text: str) -> None:
    data = text.encode(errors="surrogatepass")
    try:
        strict = outcome(parse_json, data.decode())
    except UnicodeDecodeError:
        return
    assert outcome(parse_line, data) == strict


@pytest.mark.parametrize(
    "text", ['{"a":1,"a":1}', '{"a":1,"a" :1}', '{"a":{"b":1,"b":2}}', '[{"a":1,"a":":"}]', '{"a":1,"\\u0061":2}']
)
def test_a_field_that_stands_twice_is_seen_quickly_too(text: str) -> None:
    with pytest.raises(ValueError, match="twice in one object"):
        parse_line(text.encode())
