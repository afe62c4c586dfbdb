"""The quick look at a manifest line says yes only where the validator finds nothing, and leaves all messages to it."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_schemas import Fault, faults, iter_faults, load_schema
from duologue_schemas.plain import plain_check

EXAMPLES = Path(faults.__file__).parent / "examples" / "recording"
FULL: dict[str, Any] = json.loads((EXAMPLES / "valid" / "full.json").read_text(encoding="utf-8"))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(),
    st.sampled_from(
        ["", "a@b.c", "en-US", "2026-03-01T10:00:00Z", "2026-02-30T10:00:00Z", "\ud800", "x" * 300, "US-CA", "id\n"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def thorough(document: object, monkeypatch: pytest.MonkeyPatch) -> list[Fault]:
    """The faults as the validator alone finds them."""
    with monkeypatch.context() as without:
        without.setattr(faults, "_QUICKLY", ())
        return list(iter_faults("recording", document))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.json")), ids=lambda path: path.stem)
def test_every_example_has_the_same_faults_either_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert list(iter_faults("recording", document)) == thorough(document, monkeypatch)


def test_a_full_line_is_plain() -> None:
    assert plain_check(load_schema("recording"))(FULL)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_plain_has_no_fault(data: st.DataObject) -> None:
    document = copy.deepcopy(FULL)
    places: list[Any] = [document, document["source"], *document["tracks"]]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        name = data.draw(st.sampled_from([*place, "x_own", "start_s", "end_s", "\ud800"]))
        if data.draw(st.booleans()):
            place.pop(name, None)
        else:
            place[name] = data.draw(VALUES)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert list(iter_faults("recording", document)) == thorough(document, monkeypatch)


def test_a_keyword_that_is_not_known_is_no_reason_to_pass() -> None:
    with pytest.raises(ValueError, match="the keyword 'const' is not known here"):
        plain_check({"type": "string", "const": "a"})
    with pytest.raises(ValueError, match="other fields than those listed must be forbidden"):
        plain_check({"type": "object", "properties": {}})
