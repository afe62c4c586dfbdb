"""Text spread over the time of words, held against nu-dialogue's script written anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import speaker_rows
from tests.pipeline.views.build import Pieces, Spoken, make_sample
from tests.pipeline.views.references import nu_text

starts = st.integers(0, 60).map(lambda step: step * 80) | st.integers(0, 5000)
lengths = st.sampled_from([0, 1, 40, 80, 240, 1000])
said = st.lists(
    st.tuples(st.sampled_from(["no", "warranty", "New York", "I", "über", "天気", "😀", "です"]), starts, lengths),
    min_size=1,
    max_size=20,
).map(
    lambda words: [(text, at / 1000, (at + long) / 1000) for text, at, long in sorted(words, key=lambda each: each[1])]
)


def row_of(words: list[tuple[str, float, float]], tokenizer: object, frames: int, **more: object) -> list[int]:
    spoken: list[Spoken] = [("a", *word) for word in words]
    rows = speaker_rows(make_sample(words=spoken, frames=frames, **more), tokenizer)  # type: ignore[arg-type]
    row: list[int] = rows["A"][0].tolist()
    return row


@given(words=said, frames=st.integers(1, 80), prefix=st.booleans(), length=st.integers(1, 5))
def test_text_is_that_of_nu_dialogues_script(
    words: list[tuple[str, float, float]], frames: int, prefix: bool, length: int
) -> None:
    tokenizer = Pieces(prefix=prefix, length=length)
    inside = [word for word in words if round(word[1] * 1000) < 80 * frames]
    expected = nu_text(inside, tokenizer, frames) if inside else [3] * frames
    assert row_of(words, tokenizer, frames) == expected


@given(words=said, language=st.sampled_from(["ja", "ja-JP", "zh-Hant-TW"]))
def test_words_of_japanese_and_chinese_are_not_joined_by_spaces(
    words: list[tuple[str, float, float]], language: str
) -> None:
    tokenizer = Pieces(prefix=False)
    assert row_of(words, tokenizer, 75, language=language) == nu_text(words, tokenizer, 75, spaces=False)


def test_characters_share_the_time_of_their_word() -> None:
    tokenizer = Pieces(length=2)
    h, el, lo = (tokenizer.piece_to_id(piece) for piece in ("▁h", "el", "lo"))
    # 160 ms a character: h at .2 s, el at .36 s, lo at .68 s
    assert row_of([("hello", 0.2, 1.0)], tokenizer, 12) == [3, 0, h, 0, el, 3, 3, 0, lo, 3, 3, 3]


def test_times_on_the_grid_fall_a_frame_early_as_in_their_floor_division() -> None:
    row = row_of([("no", 0.24, 0.5)], Pieces(), 8)
    assert [frame for frame, token in enumerate(row) if token not in (0, 3)] == [2]


def test_a_token_whose_frame_is_taken_goes_to_the_next() -> None:
    tokenizer = Pieces(length=1)
    row = row_of([("abc", 0.1, 0.11)], tokenizer, 8)
    assert row == [0, *(tokenizer.piece_to_id(piece) for piece in "abc"), 3, 3, 3, 3]


def test_tokens_that_come_too_late_are_left_out() -> None:
    row = row_of([("x" * 60, 0.0, 0.08)], Pieces(length=1), 40)
    assert sum(token != 3 for token in row) == int((0.08 + 1) * 12.5)


def test_a_side_without_words_is_all_padding() -> None:
    rows = speaker_rows(make_sample(words=[("a", "no", 0.1, 0.2)], transcripts={"b": True}), Pieces())
    assert set(rows["B"][0].tolist()) == {3}


def test_a_word_of_white_space_is_left_out() -> None:
    assert row_of([(" ", 0.0, 0.1), ("no", 0.4, 0.5)], Pieces(), 9) == row_of([("no", 0.4, 0.5)], Pieces(), 9)


def test_more_or_fewer_characters_than_the_text_are_no_fault() -> None:
    class Widening(Pieces):
        def encode_as_pieces(self, text: str) -> list[str]:
            return [*super().encode_as_pieces(text), "...", "..."]

    class Narrowing(Pieces):
        def encode_as_pieces(self, text: str) -> list[str]:
            return super().encode_as_pieces(text)[:1]

    words = [("hello", 0.1, 0.3), ("world", 0.4, 0.9)]
    assert sum(token not in (0, 3) for token in row_of(words, Widening(), 30)) == 6
    assert sum(token not in (0, 3) for token in row_of(words, Narrowing(), 30)) == 1


def test_a_tokenizer_without_pieces_is_refused() -> None:
    with pytest.raises(
        UsageError, match="needs encode_as_pieces and piece_to_id of the tokenizer: give a sentencepiece"
    ):
        row_of([("no", 0.1, 0.2)], lambda text: [1], 9)


def test_bytes_that_are_no_character_are_refused() -> None:
    class Broken(Pieces):
        def encode_as_pieces(self, text: str) -> list[str]:
            return ["▁no", "<0xF0>", "<0x9F>"]

    with pytest.raises(UsageError, match="the tokenizer gives the bytes f0 9f for 'no', which are no character"):
        row_of([("no", 0.1, 0.2)], Broken(), 9)
