"""What the views share of a sample: its sides, its clock, its codebooks."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import (
    activity_labels,
    chunk_states,
    clock_blocks,
    clock_chunks,
    continuous,
    dual_stream,
    dualturn_labels,
    flattened,
    interleaved,
    parallel,
    persona_prompt,
    sides,
    speaker_rows,
    split_clock_chunks,
    turn_frames,
    turn_text,
    vap_labels,
)
from duologue_pipeline.views.spans import sample_end_ms
from duologue_pipeline.views.words import own_words
from tests.pipeline.views.build import make_sample


def encode(text: str) -> list[int]:
    return [10 + len(text)]


def test_a_side_and_the_other() -> None:
    sample = make_sample(frames=4)
    assert np.array_equal(sides.side_codes(sample, "b", 3), sample.codes[1, :3])
    assert [sides.other_speaker(speaker) for speaker in "ab"] == ["b", "a"]
    with pytest.raises(UsageError, match="speaker 'A'"):
        sides.other_speaker("A")


def test_the_embedded_codec_is_told_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "_warned", set())
    sample = make_sample(codec="embedded")
    with pytest.warns(UserWarning, match="of the embedded codec: its tokens are for trying out") as caught:
        dual_stream(sample, encode)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dual_stream(sample, encode)
        dual_stream(make_sample(), encode)


def test_another_frame_rate_is_refused() -> None:
    sample = make_sample()
    sample.metadata["codec"]["frame_rate_hz"] = 25.0
    with pytest.raises(
        UsageError, match=r"^call-00000: the codec mimi gives 25 frames a second and the views count 12\.5"
    ):
        dual_stream(sample, encode)
    assert "duologue retokenize --codec mimi" in _refusal(lambda: dual_stream(sample, encode))


@pytest.mark.parametrize("view", [activity_labels, chunk_states, continuous, dualturn_labels, vap_labels])
def test_labels_too_are_refused_at_another_frame_rate(view: Callable[[Any], Any]) -> None:
    """They count time by the frames of the sample: at 50 frames a second they would be four times as long as it is."""
    sample = make_sample()
    sample.metadata["codec"]["frame_rate_hz"] = 50.0
    assert "gives 50 frames a second and the views count 12.5" in _refusal(lambda: view(sample))


def test_what_counts_no_frames_is_the_same_at_any_frame_rate() -> None:
    """Label files, cuts and tables are made of a release of any codec; its words and its end are where they were."""
    words = [("a", "yes", 0.5, 0.9), ("b", "no", 3.95, 4.2)]
    sample, at_50_hz = make_sample(words=words), make_sample(words=words)
    at_50_hz.metadata["codec"]["frame_rate_hz"] = 50.0
    at_50_hz = dataclasses.replace(at_50_hz, codes=np.repeat(sample.codes, 4, axis=2))
    assert sides.end_of_frames_ms(at_50_hz) == sides.end_of_frames_ms(sample) == sides.FRAME_MS * sample.codes.shape[2]
    assert sample_end_ms(at_50_hz) == sample_end_ms(sample)
    assert [own_words(at_50_hz, side) for side in "ab"] == [own_words(sample, side) for side in "ab"]


def _refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(UsageError) as caught:
        call()
    return str(caught.value)


ODD: tuple[Any, ...] = ("2", None, -1, 1.5, float("nan"), 2**70, [1], True)


@pytest.mark.parametrize("value", [each for each in ODD if each is not None])
def test_a_number_of_codebooks_that_cannot_be_is_refused(value: Any) -> None:
    sample = make_sample()
    calls: tuple[Callable[[], Any], ...] = (
        lambda: dual_stream(sample, ord_ids, codebooks=value),
        lambda: speaker_rows(sample, ord_ids, placement="drop", codebooks=value),
        lambda: turn_frames(sample, ord_ids, codebooks=value),
        lambda: interleaved(sample, ord_ids, codebooks=value),
        lambda: turn_text(sample, ord_ids, codebooks=value),
        lambda: flattened(sample, ord_ids, codebooks=value, silent_text=1, silent_speech=2),
        lambda: parallel(sample, ord_ids, layers=value),
    )
    for call in calls:
        with pytest.raises(UsageError, match=r"^(codebooks|layers) .*: expected "):
            call()


@pytest.mark.parametrize("value", ODD)
def test_other_lengths_that_cannot_be_are_refused(value: Any) -> None:
    sample = make_sample()
    tokens = clock_chunks(sample, tags=(1, 2))
    calls: tuple[Callable[[], Any], ...] = (
        lambda: persona_prompt([1], silence_frames=value),
        lambda: parallel(sample, ord_ids, lead=value),
        lambda: split_clock_chunks(tokens, frames=value, tags=(1, 2)),
        lambda: clock_chunks(sample, chunk_frames=value, tags=(1, 2)),
        lambda: chunk_states(sample, chunk_ms=value),
        lambda: turn_frames(sample, ord_ids, speakers=value),
        lambda: parallel(sample, ord_ids, style=value),
    )
    for call in calls:
        with pytest.raises(UsageError, match=r"^\w+ .*: expected "):
            call()
    if value is not True:
        with pytest.raises(UsageError, match=r"^initial .*: expected True or False$"):
            dual_stream(sample, ord_ids, initial=value)
    if value is not None:
        with pytest.raises(UsageError):
            clock_blocks(sample, ord_ids, listen=1, begin=2, pad=3, end=4, actions=value)


def ord_ids(text: str) -> list[int]:
    return [ord(letter) for letter in text]
