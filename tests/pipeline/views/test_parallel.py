"""Text and audio side by side, held against Kimi-Audio's prompts and SLAM-LLM's answers written anew."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import KIMI_AUDIO, MINI_OMNI, SLAM_OMNI, parallel
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.references import slam_group, snac_answer

BLANK, EOS = 151666, 151667


def encode(text: str) -> list[int]:
    return [ord(character) for character in text]


WORDS = [("b", "hello", 0.1, 0.2), ("a", "hi", 0.9, 1.0), ("a", "you", 1.0, 1.1)]
TURNS = [("b", 0.08, 0.4), ("a", 0.88, 1.2)]
SHIFT, STRIDE = 152000, 4160


def test_kimi_audio_has_two_streams_of_one_length_and_audio_six_behind_text() -> None:
    sample = make_sample(words=WORDS, turns=TURNS, frames=15)
    user = [int(code) + 152064 for code in sample.codes[1, 0, 1:5]]
    model = [int(code) + 152064 for code in sample.codes[0, 0, 11:15]]
    # kimia_infer/api/prompt_manager.py tokenize_message and, for the answer, kimia.py _generate_loop
    audio = [151670, 151661, *user, 151663, 151676, 151645, 151671, *[BLANK] * 6, *model, 151663, 151645]
    text = [BLANK] * 10 + [*encode("hi you"), EOS]
    tokens = parallel(sample, encode)
    assert (tokens.ids.dtype.name, tokens.kind.dtype.name, tokens.ids.flags.c_contiguous) == ("int32", "uint8", True)
    assert tokens.ids[1].tolist() == audio
    assert tokens.ids[0].tolist() == text + [BLANK] * (len(audio) - len(text))
    assert tokens.kind[1].tolist() == [4, 4, 0, 0, 0, 0, 4, 4, 4, 4, *[4] * 6, *[3] * 5, 4]
    assert tokens.kind[0].tolist() == [*[4] * 10, *[2] * 7, *[4] * (len(audio) - 17)]


def test_the_longer_of_text_and_audio_decides() -> None:
    sample = make_sample(words=[("a", "x" * 40, 0.9, 1.0)], turns=[("a", 0.88, 1.2)], frames=15)
    tokens = parallel(sample, encode)
    assert tokens.ids.shape == (2, 1 + 41 + 1)
    assert tokens.ids[1, 12:-1].tolist() == [BLANK] * 30


def test_mini_omnis_answer_is_that_of_snac_layers() -> None:
    sample = make_sample(words=WORDS, turns=[("a", 0.88, 1.2)], frames=15)
    answer = snac_answer(sample.codes[0, :7, 11:15].tolist())
    expected = [[token + SHIFT + STRIDE * layer for token in line] for layer, line in enumerate(answer)]
    tokens = parallel(sample, encode, lead=1, style=MINI_OMNI)
    assert tokens.ids[1:].tolist() == expected
    assert tokens.ids[0].tolist() == [*encode("hi you"), 151936, *[151937] * 5]
    assert ((tokens.kind[1:] == 3) == (np.array(answer) != 4097)).all()


def test_mini_omnis_question_holds_the_place_of_features() -> None:
    sample = make_sample(turns=[("b", 0.08, 0.24)], frames=15)
    tokens = parallel(sample, encode, lead=1, style=MINI_OMNI)
    assert tokens.ids[0].tolist() == [151938, *[151937] * 8, 151936, 151939]
    for layer in range(7):
        # inference.py get_input_ids_whisper
        line = [4098, *[4097] * 8, 4096, 4099]
        assert tokens.ids[1 + layer].tolist() == [token + SHIFT + STRIDE * layer for token in line]
    assert set(tokens.kind.ravel().tolist()) == {4}


@given(frames=st.integers(1, 20), latency=st.integers(0, 5), layers=st.integers(1, 8))
def test_slam_omnis_answer_is_that_of_groups(frames: int, latency: int, layers: int) -> None:
    sample = make_sample(turns=[("a", 0.0, frames * 0.08)], frames=frames, codebooks=1)
    answer = slam_group(sample.codes[0, 0].tolist(), latency, layers)
    tokens = parallel(sample, encode, latency, style=SLAM_OMNI, layers=layers)
    assert (tokens.ids[1:] - SHIFT).tolist() == answer
    assert tokens.ids[0, 0] == 151936
    assert int((tokens.kind[1:] == 3).sum()) == frames + 1


@given(
    turns=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 1900), st.integers(1, 1500)).map(
            lambda turn: (turn[0], turn[1] / 1000, (turn[1] + turn[2]) / 1000)
        ),
        max_size=6,
    ),
    lead=st.integers(0, 8),
    folded=st.booleans(),
    layers=st.integers(1, 8),
)
def test_codes_come_back(turns: list[tuple[str, float, float]], lead: int, folded: bool, layers: int) -> None:
    sample = make_sample(turns=turns, frames=25)
    style = replace(KIMI_AUDIO, folded=folded, layer_step=0 if folded else 2)
    tokens = parallel(sample, encode, lead, style=style, layers=layers)
    for kind, own in ((0, "b"), (3, "a")):
        rows = [row[at == kind] - 152064 for row, at in zip(tokens.ids[1:], tokens.kind[1:], strict=True)]
        codes = [row[row != 151663 - 152064] for row in rows]
        spans = sorted((round(s * 1000), round(e * 1000)) for who, s, e in turns if who == own)
        parts = [sample.codes["ab".index(own), :, start // 80 : -(-end // 80)] for start, end in spans]
        for layer, line in enumerate(codes):
            expected = [part[0, layer::layers] if folded else part[layer] for part in parts]
            assert line.tolist() == [int(code) for piece in expected for code in piece]


def test_both_speakers_are_the_model_by_two_calls() -> None:
    sample = make_sample(words=WORDS, turns=TURNS, frames=15)
    tokens = parallel(sample, encode, speaker="b")
    assert tokens.ids[0, 1:6].tolist() == encode("hello")


def test_a_sample_without_turns_gives_nothing() -> None:
    tokens = parallel(make_sample(), encode)
    assert (tokens.ids.shape, tokens.kind.shape) == ((2, 0), (2, 0))


def test_it_is_said_where_it_is_not_known_what_is_said() -> None:
    sample = make_sample(turns=[("a", 0.0, 0.8)], transcripts={"a": False})
    with pytest.warns(UserWarning, match="a sample has no transcript of speaker a, so this view has no text where a"):
        parallel(sample, encode)


def test_what_cannot_be_laid_out_is_refused() -> None:
    for lead in (-1, 1.5):
        with pytest.raises(UsageError, match=f"lead {lead}: expected a whole number of at least 0"):
            parallel(make_sample(), encode, lead)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the release has 2 codebooks a frame and 7 are asked for"):
        parallel(make_sample(codebooks=2), encode, 1, style=MINI_OMNI)
    with pytest.raises(UsageError, match="layers 0: expected a whole number of at least 1"):
        parallel(make_sample(codebooks=2), encode, 1, style=SLAM_OMNI, layers=0)
