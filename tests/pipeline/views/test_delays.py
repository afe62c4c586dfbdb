"""Delays: as Kyutai's and nu-dialogue's code apply them, and taken back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import dual_stream, undelay
from duologue_pipeline.views.delays import Tail, delay_streams
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.references import kyutai_delayed, nu_delayed

MOSHI = [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]
INITIAL = [32000] + [2048] * 16
PADDING = [3] + [2048] * 16


def encode(text: str) -> list[int]:
    return [10 + len(text)]


delays_of_five = st.lists(st.integers(0, 7), min_size=5, max_size=5)


@given(delays=delays_of_five, frames=st.integers(1, 9), tail=st.sampled_from(["cut", "keep"]), initial=st.booleans())
def test_what_is_known_comes_back(delays: list[int], frames: int, tail: Tail, initial: bool) -> None:
    streams = np.arange(5 * frames, dtype=np.int32).reshape(5, frames)
    delayed = delay_streams(
        streams, delays, tail=tail, initial=initial, text_padding=3, text_initial=32000, audio_initial=2048
    )
    back, known = undelay(delayed, delays, tail=tail, initial=initial, zero=-9)
    assert (back.dtype.name, known.dtype.name, back.shape) == ("int32", "bool", known.shape)
    assert known.shape == (5, frames)
    assert np.array_equal(back[known], streams[known])
    assert (back[~known] == -9).all()
    lost = 0 if tail == "keep" else sum(min(delay, frames) for delay in delays)
    assert int((~known).sum()) == lost


@given(delays=st.lists(st.integers(0, 12), min_size=17, max_size=17))
def test_cut_is_kyutais_delay(delays: list[int]) -> None:
    sample = make_sample(words=[("a", "no", 0.1, 0.2)], frames=10)
    streams = dual_stream(sample, encode)
    delayed = dual_stream(sample, encode, delays=delays)
    assert np.array_equal(delayed, kyutai_delayed(streams, delays, INITIAL))
    first = dual_stream(sample, encode, delays=delays, initial=True)
    assert first[:, 0].tolist() == INITIAL
    assert np.array_equal(first[:, 1:], delayed)


@given(delays=st.lists(st.integers(0, 12), min_size=17, max_size=17))
def test_keep_with_the_initial_column_is_nu_dialogues_delay(delays: list[int]) -> None:
    sample = make_sample(words=[("b", "no", 0.1, 0.2)], frames=10)
    streams = dual_stream(sample, encode, speaker="b")
    delayed = dual_stream(sample, encode, speaker="b", delays=delays, tail="keep", initial=True)
    assert np.array_equal(delayed, nu_delayed(streams, delays, INITIAL, PADDING))


def test_tails_of_moshis_delays() -> None:
    sample = make_sample(frames=4)
    coarse, fine = sample.codes[0, 0].tolist(), sample.codes[0, 1].tolist()
    cut = dual_stream(sample, encode, delays=MOSHI)
    assert cut.shape == (17, 4)
    assert cut[1].tolist() == coarse
    assert cut[2].tolist() == [2048, *fine[:3]]
    keep = dual_stream(sample, encode, delays=MOSHI, tail="keep", initial=True)
    assert keep.shape == (17, 6)
    assert keep[0].tolist() == [32000, 3, 3, 3, 3, 3]
    assert keep[1].tolist() == [2048, *coarse, 2048]
    assert keep[2].tolist() == [2048, 2048, *fine]


def test_rstnets_ids() -> None:
    sample = make_sample(frames=3)
    streams = dual_stream(
        sample, encode, delays=MOSHI, tail="keep", text_padding=128002, text_initial=128002, audio_initial=2048
    )
    assert streams.shape == (17, 4)
    assert streams[0].tolist() == [128002] * 4
    assert streams[1].tolist() == [*sample.codes[0, 0].tolist(), 2048]
    assert streams[10].tolist() == [2048, *sample.codes[1, 1].tolist()]


def test_hibikis_ids() -> None:
    sample = make_sample(frames=3, codebooks=16)
    delays = [0, 0, *[2] * 15, 0, *[2] * 15]
    streams = dual_stream(sample, encode, delays=delays, initial=True, text_initial=48000)
    assert streams.shape == (33, 4)
    assert streams[0, 0] == 48000
    assert streams[16].tolist() == [2048, 2048, 2048, int(sample.codes[0, 15, 0])]


def test_without_delays_the_initial_column_may_stand_alone() -> None:
    sample = make_sample(frames=3)
    streams = dual_stream(sample, encode, initial=True)
    assert streams[:, 0].tolist() == INITIAL
    assert np.array_equal(streams[:, 1:], dual_stream(sample, encode))


@pytest.mark.parametrize(
    ("delays", "message"),
    [
        ([0] * 9, r"9 delays for 17 streams \(text and 8 codebooks a side\): expected one a stream; give codebooks=4$"),
        ([0] * 33, r"33 delays for 17 streams \(text and 8 codebooks a side\): expected one a stream$"),
        ([0] * 16 + [-1], "delay -1: expected 0 or more frames"),
    ],
)
def test_delays_that_do_not_fit_are_refused(delays: Sequence[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        dual_stream(make_sample(), encode, delays=delays)


def test_what_cannot_be_undelayed_is_refused() -> None:
    streams = np.zeros((2, 3), np.int32)
    with pytest.raises(UsageError, match='tail \'kept\': expected "cut" or "keep"'):
        undelay(streams, [0, 1], tail="kept")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="streams of 3 frames are shorter than what keep adds"):
        undelay(streams, [0, 5], tail="keep")
    for wrong in (streams[0], np.zeros((0, 3), np.int32), streams.astype(np.float32)):
        with pytest.raises(UsageError, match=r"streams \w+ \[.*\]: expected ids, integers \[streams, frames\]"):
            undelay(wrong, [0, 0])


@pytest.mark.parametrize("delays", [[0.5, 1], 1, None, ["0", "1"]])
def test_delays_that_are_no_list_of_whole_numbers_are_refused(delays: Any) -> None:
    with pytest.raises(UsageError, match=r"delays .*: expected a list of whole numbers of frames, one a stream"):
        undelay(np.zeros((2, 3), np.int32), delays)


def test_lists_are_undelayed_as_arrays_are() -> None:
    streams, known = undelay([[1, 2], [9, 1]], np.array([0, 1]))  # type: ignore[arg-type]
    assert streams.tolist() == [[1, 2], [1, -1]]
    assert known.tolist() == [[True, True], [True, False]]
