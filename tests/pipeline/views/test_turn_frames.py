"""CSM's frames, held against its generator written anew, and read back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import turn_frames
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.references import csm_segment


def encode(text: str) -> list[int]:
    return [128000, *(ord(character) for character in text), 128001]


WORDS = [
    ("a", "hi", 0.1, 0.2),
    ("b", "oh", 0.5, 0.6),
    ("a", "there", 0.24, 0.3),
    ("a", "well", 0.9, 1.0),
    ("b", "no", 0.2, 0.3),
]
TURNS = [("a", 0.1, 0.41), ("b", 0.45, 0.7), ("a", 0.9, 1.2)]


@pytest.mark.parametrize("codebooks", [1, 8, 32])
def test_turns_are_those_of_csms_generator(codebooks: int) -> None:
    sample = make_sample(words=WORDS, turns=TURNS, frames=14, codebooks=codebooks)
    a, b = sample.codes
    segments = [
        csm_segment(encode("[0]hi there"), a[:, 1:6]),
        csm_segment(encode("[1]oh"), b[:, 5:9]),
        csm_segment(encode("[0]well"), a[:, 11:14]),  # it ends after the sample
    ]
    frames, mask = turn_frames(sample, encode)
    assert (frames.dtype.name, mask.dtype.name, frames.flags.c_contiguous) == ("int32", "bool", True)
    assert np.array_equal(frames, np.concatenate([segment[0] for segment in segments]))
    assert np.array_equal(mask, np.concatenate([segment[1] for segment in segments]))


def test_the_first_speaker_is_zero_and_one_may_stand_alone() -> None:
    sample = make_sample(words=WORDS, turns=TURNS, frames=14)
    _, b = sample.codes
    expected = csm_segment(encode("[0]oh"), b[:, 5:9])[0]
    assert np.array_equal(turn_frames(sample, encode, speakers=("b",))[0], expected)
    first = turn_frames(sample, encode, speakers=("b", "a"))[0]
    assert first[1:4, -1].tolist() == [ord(character) for character in "[1]"]


@given(
    turns=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(-500, 2500), st.integers(1, 1500)).map(
            lambda turn: (turn[0], turn[1] / 1000, (turn[1] + turn[2]) / 1000)
        ),
        max_size=6,
    )
)
def test_codes_of_turns_come_back(turns: list[tuple[str, float, float]]) -> None:
    sample = make_sample(turns=turns, frames=25)
    frames, mask = turn_frames(sample, encode)
    ends = np.flatnonzero(mask[:, 0] & (frames == 0).all(1))
    blocks = [block for block in np.split(frames, ends + 1) if len(block)]
    clipped = sorted(
        (round(start * 1000), round(end * 1000), speaker)
        for speaker, start, end in turns
        if round(end * 1000) > 0 and round(start * 1000) < 2000
    )
    assert len(blocks) == len(clipped)
    for block, (start, end, speaker) in zip(blocks, clipped, strict=True):
        codes = sample.codes["ab".index(speaker), :, max(0, start // 80) : -(-end // 80)]
        assert np.array_equal(block[5:-1, :-1].T, codes)  # BOS, [i], EOS and the end


def test_a_turn_at_a_cut_has_the_words_that_begin_in_the_sample() -> None:
    words = [("a", "before", -0.2, 0.1), ("a", "in", 0.1, 0.3)]
    sample = make_sample(words=words, turns=[("a", -1.5, 0.3)], frames=10)
    frames, _ = turn_frames(sample, encode)
    assert np.array_equal(frames, csm_segment(encode("[0]in"), sample.codes[0, :, :4])[0])


def test_a_sample_without_turns_gives_nothing() -> None:
    frames, mask = turn_frames(make_sample(), encode)
    assert (frames.shape, mask.shape) == ((0, 9), (0, 9))


def test_it_is_said_where_it_is_not_known_what_is_said() -> None:
    sample = make_sample(turns=[("a", 0.0, 0.8)], transcripts={"a": False})
    with pytest.warns(UserWarning, match="a sample has no transcript of speaker a, so this view has no text where a"):
        turn_frames(sample, encode, speakers=("a",))


def test_what_csm_cannot_have_is_refused() -> None:
    with pytest.raises(UsageError, match="the release has 8 codebooks a frame and 32 are asked for"):
        turn_frames(make_sample(), encode, codebooks=32)
    with pytest.raises(UsageError, match=r"speakers \('a', 'a'\): expected \"a\", \"b\" or both, each once"):
        turn_frames(make_sample(), encode, speakers=("a", "a"))
    with pytest.raises(UsageError, match="speaker 'c'"):
        turn_frames(make_sample(), encode, speakers=("c",))
