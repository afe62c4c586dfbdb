"""Labels of turn-taking models, against their own code written anew."""

import re
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import activity_labels, dualturn_labels, vap_labels
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples


def naive_activity(sample: Sample, frame_ms: Fraction) -> list[list[int]]:
    """Asks of every frame whether its middle lies in a span."""
    rows = []
    for speaker in "ab":
        row: list[int] = []
        while len(row) * frame_ms < 80 * sample.codes.shape[-1]:
            middle = (len(row) + Fraction(1, 2)) * frame_ms
            row.append(
                int(
                    any(
                        x["speaker"] == speaker and round(x["start_s"] * 1000) <= middle < round(x["end_s"] * 1000)
                        for x in sample.metadata["activity"]
                    )
                )
            )
        rows.append(row)
    return rows


@given(drawn_samples(), st.sampled_from([80, 20, 10, 160, 50, 7, 62.5]))
def test_a_frame_is_active_if_its_middle_is(sample: Sample, frame_ms: float) -> None:
    labels = activity_labels(sample, frame_ms=frame_ms)
    assert labels.dtype == np.uint8
    assert labels.flags.c_contiguous
    assert labels.tolist() == naive_activity(sample, Fraction(frame_ms))


def test_a_span_has_the_frames_whose_middle_it_holds() -> None:
    activity = [{"speaker": "a", "start_s": 0.04, "end_s": 0.2}, {"speaker": "b", "start_s": 0.041, "end_s": 0.201}]
    sample = make_sample(frames=4, activity=activity)
    assert activity_labels(sample).tolist() == [[1, 1, 0, 0], [0, 1, 1, 0]]


# --- VAP ------------------------------------------------------------------------------------------------------------


class ObjectiveVAP:
    """ErikEkstedt/VAP@bbb23f7 vap/objective.py in plain Python: ``ProjectionWindow``, ``Codebook`` and ``get_labels``."""

    def __init__(self, frame_hz: float = 50) -> None:
        # (torch.tensor(bin_times) * frame_hz).long(), where float32 is enough to tell.
        self.bin_frames = [int(np.float32(time) * np.float32(frame_hz)) for time in (0.2, 0.4, 0.6, 0.8)]
        self.horizon = sum(self.bin_frames)
        # single_idx_to_onehot: bit i of the index is entry i of the vector.
        self.codes = [[float(bit) for bit in reversed(f"{index:08b}")] for index in range(256)]

    def projection(self, va: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[n, 2] -> [N, 2, horizon]: ``va[1:].unfold(0, horizon, 1)``."""
        later = va[1:]
        windows = [later[i : i + self.horizon].T for i in range(len(later) - self.horizon + 1)]
        return np.array(windows).reshape(-1, 2, self.horizon)

    def projection_bins(self, windows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """[N, 2, horizon] -> [N, 2, 4]."""
        start, bins = 0, []
        for frames in self.bin_frames:
            ratio = windows[..., start : start + frames].sum(axis=-1) / frames
            bins.append((ratio >= 0.5).astype(float))
            start += frames
        return np.stack(bins, axis=-1)

    def get_labels(self, va: npt.NDArray[Any]) -> list[int]:
        """[n, 2] -> N classes: the nearest code of a's bins followed by b's."""
        flat = self.projection_bins(self.projection(va)).reshape(-1, 8)
        return [self.codes.index(row.tolist()) for row in flat]


@pytest.mark.parametrize("frame_hz", [50, 25, 12.5, 10, 5])
def test_vap_classes_are_those_of_its_objective(frame_hz: float) -> None:
    for sample in simulated_samples():
        labels = vap_labels(sample, frame_hz=frame_hz)
        va = activity_labels(sample, frame_ms=1000 / frame_hz).T
        assert labels.dtype == np.int16
        assert labels.tolist() == ObjectiveVAP(frame_hz).get_labels(va)
        assert frame_hz != 50 or len(labels) == max(0, 4 * sample.codes.shape[-1] - 100)


@given(drawn_samples())
def test_vap_classes_of_any_activity(sample: Sample) -> None:
    assert vap_labels(sample).tolist() == ObjectiveVAP().get_labels(activity_labels(sample, frame_ms=20).T)


def test_the_bits_of_a_vap_class() -> None:
    # From frame 1 on (n = 0): a in the first bin, b in the last two.
    activity = [{"speaker": "a", "start_s": 0.02, "end_s": 0.22}, {"speaker": "b", "start_s": 0.62, "end_s": 2.02}]
    labels = vap_labels(make_sample(frames=26, activity=activity))
    assert labels[0] == 1 + 64 + 128
    assert len(labels) == 4
    half = [{"speaker": "a", "start_s": 0.02, "end_s": 0.12}]  # 5 of 10 frames are enough
    assert vap_labels(make_sample(frames=26, activity=half)).tolist() == [1, 0, 0, 0]


def test_two_seconds_have_no_vap_class() -> None:
    assert vap_labels(make_sample(frames=25)).shape == (0,)
    assert vap_labels(make_sample(frames=3)).shape == (0,)


# --- DualTurn -------------------------------------------------------------------------------------------------------


def test_the_marks_of_a_conversation_lie_where_its_events_do() -> None:
    for sample in simulated_samples(1000):
        labels, events = dualturn_labels(sample), sample.metadata["events"]
        marks = {
            "bot": [(e["speaker"], int(e["start_s"] * 1000) // 80) for e in events if e["kind"] == "turn"],
            "hold": [(e["speaker"], (round(e["start_s"] * 1000) - 1) // 80) for e in events if e["kind"] == "pause"],
            # In a conversation of two every turn but the last is answered, here always within 4 s.
            "eot": [(e["speaker"], (round(e["end_s"] * 1000) - 1) // 80) for e in events if e["kind"] == "turn"],
        }
        last = max((e["end_s"], e["start_s"], e["speaker"]) for e in events if e["kind"] == "turn")
        marks["eot"].remove((last[2], (round(last[0] * 1000) - 1) // 80))
        for name, places in marks.items():
            wanted = np.zeros_like(labels[name])
            for speaker, frame in places:
                wanted["ab".index(speaker), frame] = 1
            assert labels[name].tolist() == wanted.tolist(), name
        assert labels["vad"].tolist() == activity_labels(sample).tolist()
        assert (labels["bc"].sum() > 0) == any(e["kind"] == "backchannel" for e in events)


@given(drawn_samples())
def test_future_activity_is_that_of_the_frames_ahead(sample: Sample) -> None:
    labels = dualturn_labels(sample)
    frames = sample.codes.shape[-1]
    for row in (0, 1):
        for k, ahead in enumerate((3, 6, 12, 25)):
            for t in range(frames):
                window = labels["vad"][row, t + 1 : t + 1 + ahead]
                wanted = -1 if len(window) < ahead else int(2 * window.sum() >= ahead)
                assert labels["fvad"][row, k, t] == wanted


def test_who_waits_longer_than_four_seconds_was_not_answered() -> None:
    def events(onset_s: float) -> list[dict[str, Any]]:
        return [
            {"kind": "turn", "speaker": "a", "start_s": 0.0, "end_s": 1.0},
            {"kind": "turn", "speaker": "b", "start_s": onset_s, "end_s": 7.0},
            {"kind": "floor_transfer", "speaker": "b", "start_s": 1.0, "end_s": onset_s},
        ]

    assert dualturn_labels(make_sample(frames=100, events=events(5.0)))["eot"].nonzero()[1].tolist() == [12]
    assert not dualturn_labels(make_sample(frames=100, events=events(5.001)))["eot"].any()


def test_a_length_of_nothing_is_refused() -> None:
    for number in (0, "x", None, float("nan"), float("inf"), -80, 1e-9):
        with pytest.raises(UsageError, match=rf"^frame_ms {number!r}: expected a number of at least 1 ms, the clock"):
            activity_labels(make_sample(), frame_ms=number)  # type: ignore[arg-type]
    for number in (4, "50", None, float("nan"), float("inf"), 1e12):
        with pytest.raises(UsageError, match=re.escape(f"frame_hz {number!r}: expected a number from 5, below which")):
            vap_labels(make_sample(), frame_hz=number)  # type: ignore[arg-type]
