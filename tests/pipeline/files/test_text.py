"""JSON: written in one way, and read from files."""

from pathlib import Path

import pytest

from duologue_pipeline.files.text import canonical_json, parse_json, read_json, read_json_lines


def test_json_is_written_one_way() -> None:
    assert canonical_json({"b": 1.5, "a": ["ü", None, True]}) == '{"a":["ü",null,true],"b":1.5}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        canonical_json({"value": value})


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(canonical_json({"b": [1.5, None], "a": "ü"}))
    assert read_json(str(tmp_path / "one.json")) == {"a": "ü", "b": [1.5, None]}


def test_each_line_is_a_document(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text('{"n":1}\n[2]\n', encoding="utf-8")
    assert list(read_json_lines(str(tmp_path / "some.jsonl"))) == [{"n": 1}, [2]]
    (tmp_path / "some.jsonl").write_bytes(b"")
    assert list(read_json_lines(str(tmp_path / "some.jsonl"))) == []


def test_what_is_cut_off_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"n":')
    with pytest.raises(ValueError, match="Expecting value"):
        read_json(str(tmp_path / "one.json"))
    with pytest.raises(ValueError, match="Expecting value"):
        list(read_json_lines(str(tmp_path / "one.json")))


def test_a_file_that_is_not_there_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(str(tmp_path / "one.json"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1, "a": 2}', 'gives the field "a" twice in one object'),
        (b"[NaN]", "it holds NaN"),
        (b"[1e999]", "holds the number 1e999, which is too large"),
        (b"[9223372036854775808]", "more than 64 bits"),
        (b"1" * 5000, "a number of 5000 digits"),
        (b"[" * 101 + b"]" * 101, "is nested too deeply"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'"\\ud800"', "surrogates"),
        (b'{"\\ud800": 1}', "surrogates"),
        (b"\xff", "utf-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"{}{}", "Extra data"),
    ],
)
def test_json_of_somebody_else_means_one_thing_or_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(data)


def test_json_of_somebody_else_is_read_as_it_is() -> None:
    deep = b"[" * 63 + b"1" + b"]" * 63
    assert parse_json(b'{"a": [1, 2.5, "\\u00e9", null, true]}') == {"a": [1, 2.5, "\u00e9", None, True]}
    assert parse_json(deep) is not None
