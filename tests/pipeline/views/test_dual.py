"""Moshi's streams: whose rows stand where, how many codebooks, and how long."""

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import dual_stream, speaker_rows
from tests.pipeline.views.build import Pieces, make_sample


def encode(text: str) -> list[int]:
    return [10 + len(text)]


WORDS = [("a", "yes", 0.0, 0.4), ("b", "no", 0.08, 0.3)]


def test_the_model_comes_first_and_the_user_follows() -> None:
    sample = make_sample(words=WORDS, frames=4)
    a, b = dual_stream(sample, encode), dual_stream(sample, encode, speaker="b")
    for streams in (a, b):
        assert (streams.dtype.name, streams.shape, streams.flags.c_contiguous) == ("int32", (17, 4), True)
    assert a[0].tolist() == [13, 3, 3, 3]
    assert b[0].tolist() == [0, 12, 3, 3]
    assert np.array_equal(a[1:], sample.codes.reshape(16, 4))
    assert np.array_equal(b[1:], sample.codes[::-1].reshape(16, 4))


@pytest.mark.parametrize("codebooks", [1, 2, 8, 16, 32])
def test_any_number_of_codebooks(codebooks: int) -> None:
    sample = make_sample(words=WORDS, frames=4, codebooks=codebooks)
    streams = dual_stream(sample, encode)
    assert streams.shape == (1 + 2 * codebooks, 4)
    assert np.array_equal(streams[1 + codebooks :], sample.codes[1])


def test_the_coarsest_codebooks_of_many() -> None:
    sample = make_sample(words=WORDS, frames=4, codebooks=32)
    streams = dual_stream(sample, encode, codebooks=8)
    assert np.array_equal(streams[1:9], sample.codes[0, :8])
    assert np.array_equal(streams[9:], sample.codes[1, :8])


def test_more_codebooks_than_the_release_has_are_refused() -> None:
    message = (
        "^call-00000: the release has 8 codebooks a frame and 32 are asked for; make it with a codec that gives 32$"
    )
    with pytest.raises(UsageError, match=message):
        dual_stream(make_sample(), encode, codebooks=32)
    with pytest.raises(UsageError, match=message):
        speaker_rows(make_sample(), Pieces(), codebooks=32)


@pytest.mark.parametrize("frames", [1, 3, 4, 9])
def test_frames_pads_and_crops_every_row(frames: int) -> None:
    sample = make_sample(words=WORDS, frames=4)
    whole = dual_stream(sample, encode)
    streams = dual_stream(sample, encode, frames=frames)
    assert streams.shape == (17, frames)
    assert np.array_equal(streams[:, :4], whole[:, :frames])
    assert (streams[:, 4:] == -1).all()


def test_frames_pads_before_the_delays() -> None:
    sample = make_sample(frames=4)
    streams = dual_stream(sample, encode, frames=6, delays=[0, *[1] * 16], tail="keep")
    assert streams[0].tolist() == [3, 3, 3, 3, -1, -1, 3]
    assert streams[1].tolist() == [2048, *sample.codes[0, 0].tolist(), -1, -1]


def test_what_is_none_of_the_choices_is_refused() -> None:
    with pytest.raises(UsageError, match='speaker \'main\': expected "a" or "b", whose side the model speaks'):
        dual_stream(make_sample(), encode, speaker="main")
    for frames in (0, 1.5):
        with pytest.raises(UsageError, match=f"frames {frames}: expected a whole number of at least 1"):
            dual_stream(make_sample(), encode, frames=frames)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"text_padding, .*zero .*: expected ids, which are whole numbers"):
        dual_stream(make_sample(), encode, text_padding="<pad>")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"text_padding, .*zero .*: expected ids, which are whole numbers"):
        speaker_rows(make_sample(), Pieces(), zero=None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match='tail \'kept\': expected "cut" or "keep"'):
        dual_stream(make_sample(), encode, tail="kept")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="codebooks 0: expected a whole number of at least 1"):
        dual_stream(make_sample(), encode, codebooks=0)


def test_rows_of_each_speaker() -> None:
    sample = make_sample(words=WORDS, frames=4)
    rows = speaker_rows(sample, Pieces())
    assert list(rows) == ["A", "B"]
    for side, index in (("A", 0), ("B", 1)):
        assert (rows[side].dtype.name, rows[side].shape, rows[side].flags.c_contiguous) == ("int32", (9, 4), True)
        assert np.array_equal(rows[side][1:], sample.codes[index])
        assert np.array_equal(rows[side][0], dual_stream(sample, Pieces(), speaker=side.lower(), placement="spread")[0])


def test_rows_take_the_other_placements_and_ids() -> None:
    sample = make_sample(words=WORDS, frames=4, withdrawn="b")
    rows = speaker_rows(sample, encode, placement="drop", text_padding=7, end_of_text_padding=8, zero=-5, codebooks=2)
    assert rows["A"][0].tolist() == [13, 7, 7, 7]
    assert rows["B"][0].tolist() == [-5] * 4
    assert rows["A"].shape == (3, 4)


def test_a_sample_put_together_by_hand_needs_words_and_transcripts_only() -> None:
    about = {
        "transcripts": {"a": True, "b": False},
        "words": [{"speaker": "a", "word": "yes", "start_s": 0.0, "end_s": 0.1}],
    }
    sample = Sample(key="mine", metadata=about, codes=np.zeros((2, 8, 3), np.uint16), flac=None)
    assert dual_stream(sample, encode)[0].tolist() == [13, 3, 3]
    assert dual_stream(sample, encode, speaker="b")[0].tolist() == [-1] * 3
