"""PersonaPlex's prompt, and whose voice may be in it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import dual_stream, persona_prompt, role_text, voice_codes
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.references import personaplex_frames


@given(text=st.lists(st.integers(4, 31999), max_size=9), voice=st.integers(0, 9), silence=st.integers(0, 7))
def test_the_prompt_is_what_personaplex_steps_through(text: list[int], voice: int, silence: int) -> None:
    codes = np.random.default_rng(voice).integers(0, 2048, (8, voice)).astype(np.uint16)
    prompt = persona_prompt(text, codes, silence)
    assert (prompt.dtype.name, prompt.flags.c_contiguous) == ("int32", True)
    assert np.array_equal(prompt, personaplex_frames(codes, text, silence))


def test_the_prompt_without_a_voice_and_in_front_of_a_conversation() -> None:
    prompt = persona_prompt([101, 102])
    assert prompt.shape == (17, 6 + 2 + 6)
    assert prompt[0].tolist() == [3] * 6 + [101, 102] + [3] * 6
    whole = np.concatenate([prompt, dual_stream(make_sample(), lambda text: [5])], axis=1)
    assert whole.shape == (17, 14 + 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], np.zeros((4, 3), int)), r"voice_codes of shape \[4, 3\]: expected \[8, frames\]; PersonaPlex's prompt"),
        (([1], np.zeros((8, 3))), r"voice_codes of shape \[8, 3\]: expected"),
        (([1], np.full((8, 3), 2048)), "voice_codes: expected codes of 0 to 2047, as Mimi gives them"),
        (([-1],), "text_ids: expected a list of ids of 0 or more"),
        (("<system>",), "text_ids: expected a list of ids of 0 or more"),
        (([1], None, -1), "silence_frames -1: expected a whole number of at least 0"),
    ],
)
def test_what_is_no_prompt_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        persona_prompt(*arguments)


def with_likeness(sample: Sample, speaker: str = "a") -> Sample:
    sample.metadata["consent"][speaker] = {
        "commitment": speaker * 64,
        "grants": [{"purpose": "recording"}, {"purpose": "likeness"}],
    }
    return sample


def test_a_voice_needs_the_purpose_likeness_of_its_speaker() -> None:
    turns = [("b", 0.0, 1.0), ("a", 1.04, 1.2), ("a", 2.0, 3.0)]
    sample = with_likeness(make_sample(turns=turns, codebooks=32))
    voice = voice_codes(sample, "a")
    assert (voice.dtype.name, voice.shape, voice.flags.c_contiguous) == ("int32", (8, 13), True)
    assert np.array_equal(voice, sample.codes[0, :8, 25:38])
    message = (
        "^call-00000: speaker b has not granted the purpose likeness in this release, so their voice may not be given to a "
        "model to speak in; prompt without voice_codes, or make the release with `--purpose likeness`$"
    )
    with pytest.raises(UsageError, match=message):
        voice_codes(sample, "b")
    with pytest.raises(UsageError, match="speaker a has not granted the purpose likeness"):
        voice_codes(with_likeness(make_sample(turns=turns, withdrawn="a")), "a")


def test_a_voice_is_of_the_same_speaker() -> None:
    sample = with_likeness(make_sample())
    assert voice_codes(sample, commitment="a" * 64).shape == (8, 50)
    with pytest.raises(UsageError, match="call-00000: speaker a is not the one that the model speaks as"):
        voice_codes(sample, commitment="b" * 64)


def test_a_voice_of_frames_that_are_named() -> None:
    sample = with_likeness(make_sample(frames=20))
    assert np.array_equal(voice_codes(sample, first_frame=3, frames=4), sample.codes[0, :, 3:7])
    assert voice_codes(sample).shape == (8, 20)
    with pytest.raises(UsageError, match="first_frame 20: the sample has the frames 0 to 19"):
        voice_codes(sample, first_frame=20)
    with pytest.raises(UsageError, match="frames 0: expected a whole number of at least 1"):
        voice_codes(sample, frames=0)


def test_a_voice_is_of_mimi() -> None:
    with pytest.raises(
        UsageError, match=r"^call-00000: the codec is embedded and PersonaPlex's prompt is made of Mimi's codes"
    ):
        voice_codes(with_likeness(make_sample(codec="embedded")))
    with pytest.raises(UsageError, match="the release has 4 codebooks a frame and 8 are asked for"):
        voice_codes(with_likeness(make_sample(codebooks=4)))


CONDITIONS = {
    "topic": "a used car",
    "register": "",
    "a": {"role": "seller", "role_prompt": ""},
    "b": {"role": "buyer", "role_prompt": " You want a good price. "},
}


def test_the_role_is_what_the_manifest_says() -> None:
    sample = make_sample(conditions=CONDITIONS)
    assert role_text(sample) == "<system> You are seller. The conversation is about a used car. <system>"
    assert role_text(sample, "b") == "<system> You want a good price. <system>"
    assert role_text(make_sample(conditions=CONDITIONS, withdrawn="b"), "b") == ""
    tagged = {**CONDITIONS, "a": {"role": "", "role_prompt": "<system> Be kind. <system>"}}
    assert role_text(make_sample(conditions=tagged)) == "<system> Be kind. <system>"


def test_where_the_manifest_says_nothing_there_is_no_role() -> None:
    nothing = {"topic": "", "register": "", "a": {"role": "", "role_prompt": ""}, "b": {"role": "", "role_prompt": ""}}
    assert role_text(make_sample(conditions=nothing)) == ""
    assert role_text(make_sample()) == ""  # a release of an earlier version
