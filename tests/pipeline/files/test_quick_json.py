"""Quick reading of JSON takes nothing that strict reading refuses, and gives the same."""

import json
import math
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from duologue_pipeline.files.quick_json import DoubtError, quick_json
from duologue_pipeline.files.text import canonical_json, parse_json
from duologue_schemas import parse_json as parse_strictly

SAMPLE = {
    "key": "call-1-00000",
    "audio": {
        "a": {"sha256": "0e1000" + "7" * 40 + "e999", "peak": -3.25, "share": 0.12345678901234567},
        "gain_db": 0.0,
    },
    "events": [{"kind": "gap", "repair": {"start_s": 1.5, "end_s": 2.0}, "fto_s": -0.1, "take_over": False}] * 7,
    "words": [
        {"word": word, "start_s": 0.1, "confidence": 0.93}
        for word in ("{laughs}", "[noise]", "so", 'a "b"', "naïve", "e:e")
    ],
    "codec": {"cardinalities": [2048] * 8, "codebooks": 8},
    "purposes": ["training_inhouse"],
}

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["0e1234", '":', "{", "[", "1e999", "7" * 30, " :", "\\ud800", '\\"', "e123", "12:345e678,"]),
)
names = st.one_of(st.text(max_size=4), st.sampled_from(["a", "b", "1e999", "x:"]))
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(names, inner, max_size=4),
        st.dictionaries(names, scalars, max_size=3).map(lambda each: [each] * 3),
    ),
    max_leaves=20,
)


def strict(data: bytes) -> Any:
    """What was there before: the strict reader, and what a reader of files adds to it."""
    document = parse_strictly(data.decode())
    json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair
    stack = [document]
    while stack:
        value = stack.pop()
        stack += value if isinstance(value, list) else value.values() if isinstance(value, dict) else []
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ValueError("too large")
    return document


def same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


def agrees(data: bytes) -> None:
    """Whatever the quick reader takes the strict one takes, as the same."""
    try:
        found = quick_json(data)
    except (DoubtError, ValueError, RecursionError):
        return
    assert same(found, strict(data))


def test_the_document_of_a_sample_is_read_quickly() -> None:
    for document in (SAMPLE, SAMPLE["codec"], {}):
        assert quick_json(canonical_json(document)) == document
        assert quick_json(json.dumps(document).encode()) == document


@settings(max_examples=400, deadline=None)
@given(documents, st.sampled_from([(",", ":"), (", ", ": "), (",\n", " : ")]), st.booleans())
def test_every_document_comes_back(document: Any, separators: tuple[str, str], ascii_only: bool) -> None:
    data = json.dumps(document, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    agrees(data)
    try:
        expected = strict(data)
    except ValueError:
        with pytest.raises(ValueError):
            parse_json(data)
        return
    assert same(parse_json(data), expected)


@settings(max_examples=400, deadline=None)
@given(
    documents.map(canonical_json),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list('{}[]":,\\ eE+-.0179ud'))), max_size=6),
)
@example(b'{"a":1}', [])
def test_no_damaged_document_is_taken_that_the_strict_reader_refuses(
    data: bytes, changes: list[tuple[int, str]]
) -> None:
    for place, letter in changes:
        place %= len(data) + 1
        data = data[:place] + letter.encode() + data[place:]
    agrees(data)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":[{"b":1},{"b":1,"b":2}]}',
        '{"a":[{"b":{"c":1}},{"b":{"c":1,"c":1}}]}',
        '{"a":[{"b":1},{"c":{"d":1,"d":2}}]}',
        '{"a" :1,"a":2}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":[-1.5E+400]}',
        '{"a":1e0000000400}',
        '{"a":9223372036854775808}',
        '{"a":-9223372036854775809}',
        "[ 99999999999999999999]",
        '{"a":"\\ud800"}',
        '{"a":"\\uDC00x"}',
        "[" * 200 + "]" * 200,
        '{"a":' * 200 + "1" + "}" * 200,
        '{"a":' + "[" * 200 + "]" * 200 + "}",
        '{"a":[1,' + "[" * 200 + "]" * 200 + "]}",
        '{"a":[{"b":' + "[" * 200 + "]" * 200 + "}]}",
        "[" * 100_000,
        '{"a":1',
        "",
        '{"a":1}x',
        "\ufeff{}",
    ],
)
def test_what_is_refused_is_refused_as_before(text: str) -> None:
    data = text.encode()
    with pytest.raises((DoubtError, ValueError, RecursionError)):
        quick_json(data)
    with pytest.raises(ValueError) as before:
        strict(data)
    with pytest.raises(ValueError) as now:
        parse_json(data)
    if "large" not in str(before.value) and "surrogate" not in str(before.value):
        assert str(now.value) == str(before.value)


def test_numbers_that_only_look_large_are_taken_by_one_of_the_two() -> None:
    for number in (1e-300, 1.5e16, 0.1234567890123456789, 2**63 - 1, -(2**63), 1e300):
        assert parse_json(json.dumps({"a": number}).encode()) == {"a": number}
    assert math.isinf(json.loads("1e999"))


def test_objects_within_those_of_a_list_are_not_taken_however_deep() -> None:
    with pytest.raises(DoubtError):
        quick_json(b'{"x":[' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"]}")


def test_a_long_run_of_digits_takes_no_long_time() -> None:
    began = time.monotonic()
    with suppress(DoubtError):
        quick_json(b'{"x":"' + b"1" * 2_000_000 + b'"}')
    assert time.monotonic() - began < 5
