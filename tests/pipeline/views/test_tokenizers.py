"""Tokenizers of any make."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import dual_stream
from duologue_pipeline.views.tokenizers import check_ids, check_unmarked, encode, encode_lines
from tests.pipeline.views.build import Pieces, make_sample


@pytest.mark.parametrize(
    "tokenizer",
    [
        lambda text: [1, 2],
        lambda text: (np.int64(1), np.int32(2)),
        lambda text: np.array([1, 2]),
        SimpleNamespace(encode=lambda text: [1, 2]),
        SimpleNamespace(encode=lambda text: SimpleNamespace(ids=[1, 2])),  # the package tokenizers
    ],
)
def test_a_callable_or_an_object_with_encode(tokenizer: Any) -> None:
    assert encode(tokenizer, "word") == [1, 2]


def test_an_object_with_encode_is_not_called() -> None:
    class Both(Pieces):
        def __call__(self, text: str) -> dict[str, list[int]]:
            return {"input_ids": [1]}

    assert encode(Both(), "no") == Pieces().encode("no")


@pytest.mark.parametrize("given", [{"input_ids": [1]}, "12", None, [1.5], [-1], [[1]], [2**31]])
def test_what_is_no_list_of_ids_is_refused(given: Any) -> None:
    with pytest.raises(
        UsageError, match=r"the tokenizer gives .* for 'word', expected a list of ids; wrap one of transf"
    ):
        encode(lambda text: given, "word")


@pytest.mark.parametrize(("given", "ids"), [(3, [3]), ((1, -1), [1, -1]), (np.array([4, 5], np.uint16), [4, 5])])
def test_ids_that_a_caller_names(given: Any, ids: list[int]) -> None:
    assert check_ids("tags", given) == ids


@pytest.mark.parametrize("given", ["<s>", ("[S0]", "[S1]"), None, 1.0, [1.5], 2**31, [-(2**31)]])
def test_names_of_tokens_are_no_ids(given: Any) -> None:
    with pytest.raises(UsageError, match=r"tags .*: expected ids, which are whole numbers; the tokenizer tells the id"):
        check_ids("tags", given)


def test_what_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(
        UsageError, match="tokenizer NoneType: expected a callable str -> ids or an object with `encode`"
    ):
        encode(None, "word")  # type: ignore[arg-type]


def test_new_lines_are_asked_for_where_there_are_some() -> None:
    asked = []

    def tokenizer(text: str) -> list[int]:
        asked.append(text)
        return [len(text)]

    assert encode_lines(tokenizer, "word") == [4]
    assert asked == ["word"]
    assert encode_lines(tokenizer, "a\n\nbc") == [1, 1, 0, 1, 2]


def test_a_tokenizer_without_a_new_line_is_refused_where_it_needs_one() -> None:
    def tokenizer(text: str) -> list[int]:
        return [len(text)] if text.strip() else []

    assert encode_lines(tokenizer, "word") == [4]
    with pytest.raises(
        UsageError, match=r"the tokenizer gives no token for a new line, and there is one in the word 'a\\nb'"
    ):
        encode_lines(tokenizer, "a\nb")


def test_special_tokens_around_every_word_are_refused() -> None:
    marking = SimpleNamespace(encode=lambda text: [1, *text.encode(), 2], all_special_ids=[0, 1, 2])
    with pytest.raises(
        UsageError, match=r"puts the special tokens \[1, 2\] around every word; give `lambda text: tokenizer"
    ):
        dual_stream(make_sample(), marking)
    check_unmarked(SimpleNamespace(encode=lambda text: list(text.encode()), all_special_ids=[0, 1, 2]))
    check_unmarked(lambda text: [1, *text.encode()])
