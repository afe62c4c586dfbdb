"""What the views share of a sample: its sides, its clock, its codebooks."""

import warnings

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import dual_stream, sides
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
