"""Text on frames: Kyutai's two ways, held against their own loader written anew, and what no words and no transcript mean."""

import json
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import dual_stream
from duologue_pipeline.views.text_row import Placement
from tests.pipeline.views.build import Pieces, Spoken, make_sample
from tests.pipeline.views.references import kyutai_text

TOKENS = {
    "": [],
    "no": [20],
    "yes": [31, 32, 33],
    "pad": [3],
    "mix": [3, 0, 3],
    "\n": [13],
    "long": list(range(40, 60)),
}


def encode(text: str) -> list[int]:
    return TOKENS.get(text, [100 + len(text)])


def text_of(words: list[Spoken], **options: Any) -> list[int]:
    sample = make_sample(words=words, frames=options.pop("frames", 8), **options.pop("about", {}))
    row: list[int] = dual_stream(sample, encode, **options)[0].tolist()
    return row


def spoken(*words: tuple[str, float, float]) -> list[Spoken]:
    return [("a", *word) for word in words]


# times on the frame grid, between, at both cuts; in the order of KEY.json
milliseconds = st.integers(-20, 60).map(lambda step: step * 80) | st.integers(-500, 5000)
lengths = st.sampled_from([0, 1, 40, 80, 240, 1000])
word = st.tuples(
    st.sampled_from("ab"), st.sampled_from([*TOKENS, "other", "a\nyes", "New York", " "]), milliseconds, lengths
)
transcripts = st.lists(word, max_size=25).map(
    lambda words: [
        (speaker, text, start / 1000, (start + length) / 1000)
        for speaker, text, start, length in sorted(words, key=lambda each: (each[2], each[2] + each[3], each[0]))
    ]
)


@given(
    words=transcripts,
    frames=st.integers(1, 60),
    placement=st.sampled_from(["drop", "shift"]),
    speaker=st.sampled_from("ab"),
)
def test_text_is_that_of_kyutais_loader(words: list[Spoken], frames: int, placement: Placement, speaker: str) -> None:
    sample = make_sample(words=words, frames=frames)
    row = dual_stream(sample, encode, placement=placement, speaker=speaker)[0]
    own = [(text, start, end) for who, text, start, end in words if who == speaker]
    expected = kyutai_text(own, encode, frames / 12.5, shift=placement == "shift")
    assert row.tolist() == expected[:frames]  # ceil(duration * 12.5) may be one frame more; the loader crops it too


@pytest.mark.parametrize("track", ["demo-car-repair.a", "demo-car-repair.b", "demo-friends.a", "demo-garden.b"])
@pytest.mark.parametrize("placement", ["drop", "shift"])
def test_text_of_the_demo_is_that_of_kyutais_loader(track: str, placement: Placement) -> None:
    document = files("duologue_pipeline.demo").joinpath("words", f"{track}.json")
    words = [
        (each["word"], each["start_s"], each["end_s"]) for each in json.loads(document.read_text(encoding="utf-8"))
    ]
    sample = make_sample(words=spoken(*words), frames=600)
    tokenizer = Pieces()
    row = dual_stream(sample, tokenizer, placement=placement)[0]
    assert row.tolist() == kyutai_text(words, tokenizer.encode, 48.0, shift=placement == "shift")


def test_the_next_word_cuts_a_word_off_or_waits() -> None:
    words = spoken(("yes", 0.08, 0.4), ("no", 0.24, 0.5))
    assert text_of(words) == [0, 31, 32, 20, 3, 3, 3, 3]
    assert text_of(words, placement="shift") == [0, 31, 32, 33, 20, 3, 3, 3]


def test_of_words_that_begin_in_one_frame_the_last_is_written() -> None:
    words = spoken(("yes", 0.16, 0.2), ("no", 0.2, 0.3))
    assert text_of(words) == [3, 0, 20, 3, 3, 3, 3, 3]
    assert text_of(words, placement="shift") == [3, 0, 31, 32, 33, 20, 3, 3]


def test_a_word_of_no_length_is_left_out_and_a_word_of_no_tokens_cuts() -> None:
    assert text_of(spoken(("yes", 0.16, 0.16))) == [3] * 8
    assert text_of(spoken(("yes", 0.16, 0.3), (" ", 0.24, 0.3))) == [3, 0, 31, 3, 3, 3, 3, 3]


def test_frames_are_counted_in_doubles() -> None:
    row = text_of(spoken(("no", 2.32, 2.5)), frames=40)
    assert row.index(20) == 28  # 2.32 * 12.5 is 28.999999999999996


def test_a_word_that_begins_before_the_sample_or_behind_it_has_no_tokens() -> None:
    assert text_of(spoken(("yes", -0.08, 0.4))) == [3] * 8
    assert text_of(spoken(("yes", -0.001, 0.4))) == [3] * 8
    assert text_of(spoken(("yes", 0.64, 0.9))) == [3] * 8
    assert text_of(spoken(("no", 2.32, 2.5)), frames=29) == [3] * 29  # in doubles it would be the last frame
    assert text_of(spoken(("no", 0.639, 0.9))) == [3, 3, 3, 3, 3, 3, 0, 20]


def test_end_of_padding_stands_one_frame_before_a_token_that_follows_padding() -> None:
    assert text_of(spoken(("no", 0.0, 0.1))) == [20, 3, 3, 3, 3, 3, 3, 3]
    assert text_of(spoken(("no", 0.08, 0.1))) == [0, 20, 3, 3, 3, 3, 3, 3]
    assert text_of(spoken(("no", 0.08, 0.1), ("yes", 0.16, 0.3))) == [0, 20, 31, 32, 33, 3, 3, 3]


def test_a_new_line_in_a_word_has_its_token() -> None:
    assert text_of(spoken(("\nno\nyes ", 0.08, 0.1))) == [0, 20, 13, 31, 32, 33, 3, 3]


def test_no_transcript_is_not_no_words() -> None:
    assert text_of([]) == [3] * 8
    assert text_of([], about={"transcripts": {"a": False}}) == [-1] * 8
    assert text_of([], about={"transcripts": {"b": False}}) == [3] * 8
    assert text_of([], about={"transcripts": {"a": False}}, zero=-7, placement="spread") == [-7] * 8


def test_a_speaker_who_was_taken_out_has_no_text() -> None:
    assert text_of(spoken(("yes", 0.08, 0.4)), about={"withdrawn": "a"}) == [-1] * 8


def test_ids_are_those_that_are_asked_for() -> None:
    row = text_of(spoken(("no", 0.16, 0.3)), text_padding=128002, end_of_text_padding=128004)
    assert row == [128002, 128004, 20, 128002, 128002, 128002, 128002, 128002]


def test_tokens_that_equal_the_padding_count_as_padding_as_in_kyutais_code() -> None:
    assert text_of(spoken(("mix", 0.08, 0.4))) == [0, 0, 0, 3, 3, 3, 3, 3]


def test_an_unknown_placement_is_refused() -> None:
    with pytest.raises(UsageError, match='placement \'late\': expected "drop", "shift" or "spread"'):
        text_of([], placement="late")


def test_the_sample_stays_as_it_is() -> None:
    sample = make_sample(words=spoken(("yes", 0.08, 0.4)))
    before: npt.NDArray[np.uint16] = sample.codes.copy()
    said = json.dumps(sample.metadata)
    streams = dual_stream(sample, encode)
    streams[:] = 0
    assert np.array_equal(sample.codes, before)
    assert json.dumps(sample.metadata) == said
