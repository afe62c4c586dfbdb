"""Documents as text: one way to write them."""

import pytest

from duologue_pipeline.files.text import canonical_json


def test_json_is_written_one_way() -> None:
    assert canonical_json({"b": 1.5, "a": ["ü", None, True]}) == '{"a":["ü",null,true],"b":1.5}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        canonical_json({"value": value})
