import re

import pytest

from duologue_cards import commented_statement, parse_statement, statement_bytes
from duologue_schemas import load_schema


def test_the_commented_file_names_every_field_and_states_nothing() -> None:
    text = commented_statement()
    fields = load_schema("dataset")["properties"]
    assert [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith("#")] == list(fields)
    assert parse_statement(text.encode(), "dataset.yaml") == {}


def test_what_was_stated_is_kept_and_read_back() -> None:
    stated = parse_statement(
        b"# ours\npublisher: Example Lab\nspontaneous: true\norigin_countries: [NO, DE]\ndate_published: 2026-04-01\nowner:\n",
        "dataset.yaml",
    )
    assert stated == {
        "publisher": "Example Lab",
        "spontaneous": True,
        "origin_countries": ["NO", "DE"],  # Norway, and not false
        "date_published": "2026-04-01",  # as text, and not a date
    }
    kept = statement_bytes(stated)
    assert b"ours" not in kept
    assert parse_statement(kept, "cards/dataset.yaml") == stated


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"publisher: [", "dataset.yaml: is no YAML"),
        (b"\xff", "dataset.yaml: is no YAML"),
        (b"1: x", "dataset.yaml: the name 1 of a field is no text; put it into quotes"),
        (b"speaker: Alice", "dataset.yaml: speaker: is not a known field"),
        (b"spontaneous: 3", "dataset.yaml: spontaneous: found 3, expected true or false"),
        (b"- a", "dataset.yaml: "),
    ],
)
def test_what_cannot_be_stated_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_statement(text, "dataset.yaml")
    assert str(raised.value).startswith(message)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ValueError) as raised:
        parse_statement(b"spontaneous: maybe\nurl: example\npayment: money\n", "dataset.yaml")
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('contact: "a\\x01b"', "contact holds '\\x01', a character that no page may hold; leave it out"),
        ('owner: "\\ud800"', "owner holds '\\ud800', a character that no page may hold; leave it out"),
        ('x_note: [{deep: "\\0"}]', "x_note holds '\\x00', a character that no page may hold; leave it out"),
        ('name: "MIT \\u202e(3)"', "name holds '\\u202e', a character that no page may hold; leave it out"),
        ('funding: "one\\u2028two"', "funding holds '\\u2028', a character that no page may hold; leave it out"),
        ("x_a: &a [1]\nx_b: [*a, *a]", "holds an alias (*NAME); write out what it stands for"),
    ],
)
def test_what_no_page_may_hold_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        parse_statement(text.encode(), "dataset.yaml")


def test_letters_of_every_language_and_lines_may_stand_there() -> None:
    stated = {"owner": "Zoë 東京 🎙", "collection": "one\ntwo\tthree"}
    assert parse_statement(statement_bytes(stated), "dataset.yaml") == stated
