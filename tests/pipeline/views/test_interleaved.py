"""Text and speech in alternation, as models write and read it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import interleaved
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word
from tests.pipeline.views.test_flattened import all_turns, frames_of, pairs, text_of

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")


def naive_interleaved(sample: Sample, speaker: str, text: int, speech: int, codebooks: int) -> list[tuple[int, int]]:
    """A model that is asked for the next token until text and speech are said (THUDM/GLM-4-Voice: 13 text, then 26 audio)."""
    written: list[tuple[int, int]] = []
    for turn in all_turns(sample):
        side = "ab".index(turn[2])
        frames = [sample.codes[side, :codebooks, t].tolist() for t in frames_of(sample, turn)]
        if turn[2] != speaker:
            written += [(i, 0) for frame in frames for i in frame]
            continue
        words = text_of(sample, turn) if frames else []
        while words or frames:
            for _ in range(text):
                if words:
                    written.append((words.pop(0), 2))
            for _ in range(speech):
                if frames:
                    written += [(i, 3) for i in frames.pop(0)]
    return written


RATIOS = st.sampled_from([(13, 26), (1, 4), (3, 10), (1, 2), (2, 1)])


@given(drawn_samples(), st.sampled_from("ab"), RATIOS, st.integers(1, 2))
def test_groups_follow_each_other(sample: Sample, speaker: str, ratio: tuple[int, int], codebooks: int) -> None:
    text, speech = ratio
    tokens = interleaved(sample, two_tokens_a_word, speaker=speaker, text=text, speech=speech, codebooks=codebooks)
    assert pairs(tokens) == naive_interleaved(sample, speaker, text, speech, codebooks)


def test_what_was_said_comes_back_out() -> None:
    """As the demo of GLM-4-Voice does it: ids below the offset of audio are text, the others audio."""
    offset = 1_000_000
    for sample in simulated_samples():
        tokens = interleaved(sample, two_tokens_a_word, speaker="b")
        assert pairs(tokens) == naive_interleaved(sample, "b", 13, 26, 1)
        stream = np.where(tokens.kind == 2, tokens.ids, tokens.ids + offset)[tokens.kind != 0]
        text_tokens = [i for i in stream.tolist() if i < offset]
        audio_tokens = [i - offset for i in stream.tolist() if i >= offset]
        turns = [turn for turn in all_turns(sample) if turn[2] == "b"]
        assert text_tokens == [i for turn in turns for i in text_of(sample, turn)]
        assert audio_tokens == [int(sample.codes[1, 0, t]) for turn in turns for t in frames_of(sample, turn)]


def test_chroma_has_a_token_of_text_for_two_frames_of_eight_codes() -> None:
    """FlashLabs-AI-Corp/FlashLabs-Chroma@6551fcb modeling_chroma.py ``prepare_inputs_for_generation``: the flag of its thinker."""
    sample = make_sample(
        frames=10, words=[("a", f"w{i}", 0.16 * i, 0.16 * i + 0.1) for i in range(3)], turns=[("a", 0, 0.8)]
    )
    ids = iter([1, 2, 3])
    tokens = interleaved(sample, lambda _: list(ids), text=1, speech=2, codebooks=8)
    fed, thinker_flag, text = [], True, [1, 2, 3]  # the prompt comes with the first token of text
    if thinker_flag:
        fed, thinker_flag = [("text", text.pop(0))], False
    for frame in range(10):
        fed.append(("audio", frame))
        if thinker_flag and text:
            fed.append(("text", text.pop(0)))
            thinker_flag = False
        else:
            thinker_flag = True
    wanted = [i for what, x in fed for i in ([x] if what == "text" else sample.codes[0, :, x].tolist())]
    assert tokens.ids.tolist() == wanted


def test_the_rest_follows_where_text_or_speech_runs_out() -> None:
    sample = make_sample(frames=3, words=[("a", "x", 0, 0.1)], turns=[("a", 0, 0.24)])
    codes = sample.codes[0, 0].tolist()
    long = interleaved(sample, lambda _: [1, 2, 3, 4, 5], text=2, speech=2)
    assert long.ids.tolist() == [1, 2, *codes[:2], 3, 4, codes[2], 5]
    short = interleaved(sample, lambda _: [1], text=2, speech=1)
    assert short.ids.tolist() == [1, *codes]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": 0}, "^text 0: expected a whole number of at least 1$"),
        ({"speech": 2.5}, r"^speech 2\.5: expected"),
        ({"codebooks": 9}, "the release has 8 codebooks a frame and 9 are asked for"),
        ({"speaker": "c"}, "^speaker 'c': expected"),
    ],
)
def test_what_is_no_layout_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        interleaved(make_sample(), two_tokens_a_word, **wrong)
