"""The text of a turn ahead of its speech, between chunks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import turn_text
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word
from tests.pipeline.views.test_flattened import all_turns, frames_of, pairs, text_of

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")


def naive_turn_text(sample: Sample, speaker: str, chunk_frames: int, codebooks: int) -> list[tuple[int, int]]:
    """Frame by frame, with tags 8 and 9."""
    model = "ab".index(speaker)
    total = sample.codes.shape[-1]
    mine = [turn for turn in all_turns(sample) if turn[2] == speaker and frames_of(sample, turn)]
    written: list[tuple[int, int]] = []
    for lo in range(0, total, chunk_frames):
        frames = range(lo, min(total, lo + chunk_frames))
        written += [(int(i), 0) for t in frames for i in sample.codes[1 - model, :codebooks, t]]
        for turn in mine:
            if frames_of(sample, turn)[0] in frames and (text := text_of(sample, turn)):
                written += [(8, 4), *((i, 2) for i in text), (9, 4)]
        written += [(int(i), 3) for t in frames for i in sample.codes[model, :codebooks, t]]
    return written


@given(drawn_samples(), st.sampled_from("ab"), st.integers(1, 12), st.integers(1, 2))
def test_text_stands_once_ahead_of_the_chunk_in_which_its_turn_begins(
    sample: Sample, speaker: str, chunk_frames: int, codebooks: int
) -> None:
    tokens = turn_text(
        sample, two_tokens_a_word, speaker=speaker, chunk_frames=chunk_frames, codebooks=codebooks, tags=(8, 9)
    )
    assert pairs(tokens) == naive_turn_text(sample, speaker, chunk_frames, codebooks)


def test_speech_keeps_its_clock() -> None:
    for sample in simulated_samples():
        tokens = turn_text(sample, two_tokens_a_word, codebooks=8)
        for side, kind in ((0, 3), (1, 0)):
            assert tokens.ids[tokens.kind == kind].reshape(-1, 8).T.tolist() == sample.codes[side].tolist()
        said = [i for turn in all_turns(sample) if turn[2] == "a" for i in text_of(sample, turn)]
        assert tokens.ids[tokens.kind == 2].tolist() == said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"chunk_frames": 0}, "^chunk_frames 0: expected a whole number of at least 1$"),
        ({"tags": (1,)}, r"tags \(1,\): expected two ids, in front of the text of a turn and behind it"),
        ({"tags": ("<", ">")}, "tags .*: expected ids, which are whole numbers"),
        ({"codebooks": 9}, "the release has 8 codebooks a frame and 9 are asked for"),
    ],
)
def test_what_is_no_layout_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        turn_text(make_sample(), two_tokens_a_word, **wrong)
