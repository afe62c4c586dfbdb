"""SyncLLM's chunks: the paper's example, a second way of writing it, and back again."""

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import clock_chunks, split_clock_chunks
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples

TAGS = (5000, 5001)
Way = Literal["stream", "chunk"] | None
WAYS: tuple[Way, ...] = ("stream", "chunk", None)


def with_codes(model: list[int], user: list[int]) -> Sample:
    """A sample of one codebook whose model is ``a``."""
    sample = make_sample(frames=len(model), codebooks=1)
    return Sample(sample.key, sample.metadata, np.array([[model], [user]], np.uint16), None)


PAPER = with_codes([75, 75, 75, 75, 17, 17, 338, 338], [89] * 8)
"""arXiv 2409.15594, 3.2: chunks of four."""


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("stream", "[S0] 75 [S1] 89 [S0] 17 338"),
        ("chunk", "[S0] 75 [S1] 89 [S0] 17 338 [S1] 89"),
        (None, "[S0] 75 75 75 75 [S1] 89 89 89 89 [S0] 17 17 338 338 [S1] 89 89 89 89"),
    ],
)
def test_the_example_of_the_paper(way: Way, text: str) -> None:
    tokens = clock_chunks(PAPER, chunk_frames=4, tags=TAGS, deduplicate=way)
    names = dict(zip(TAGS, ("[S0]", "[S1]"), strict=True))
    assert " ".join(names.get(i, str(i)) for i in tokens.ids.tolist()) == text
    assert tokens.ids.dtype == np.int32
    assert tokens.kind.dtype == np.uint8


def test_the_models_tag_stands_where_it_has_nothing_new() -> None:
    tokens = clock_chunks(with_codes([7] * 4, [1, 1, 2, 2]), chunk_frames=2, tags=TAGS)
    assert tokens.ids.tolist() == [5000, 7, 5001, 1, 5000, 5001, 2]
    assert tokens.kind.tolist() == [4, 3, 4, 0, 4, 4, 0]


def naive_chunks(sample: Sample, speaker: str, chunk_frames: int, way: Way) -> list[tuple[int, int]]:
    """Walks frame by frame: (id, kind) each."""
    sides = sample.codes[::-1, 0].tolist() if speaker == "b" else sample.codes[:, 0].tolist()
    written: list[tuple[int, int]] = []
    for lo in range(0, len(sides[0]), chunk_frames):
        for side, (tag, kind, always) in zip(sides, ((TAGS[0], 3, True), (TAGS[1], 0, False)), strict=True):
            new = []
            for t in range(lo, min(lo + chunk_frames, len(side))):
                before = t - 1 if way == "stream" or t > lo else -1
                if way is None or before < 0 or side[t] != side[before]:
                    new.append((side[t], kind))
            if new or always:
                written += [(tag, 4), *new]
    return written


@given(drawn_samples(), st.sampled_from("ab"), st.integers(1, 5), st.sampled_from(WAYS))
def test_any_codes_in_any_chunks(sample: Sample, speaker: str, chunk_frames: int, way: Way) -> None:
    tokens = clock_chunks(sample, speaker=speaker, chunk_frames=chunk_frames, tags=TAGS, deduplicate=way)
    found = list(zip(tokens.ids.tolist(), tokens.kind.tolist(), strict=True))
    assert found == naive_chunks(sample, speaker, chunk_frames, way)


@given(drawn_samples(), st.sampled_from("ab"), st.integers(1, 5), st.sampled_from(WAYS))
def test_back_and_forth_gives_the_same_tokens(sample: Sample, speaker: str, chunk_frames: int, way: Way) -> None:
    def write(of: Sample) -> Any:
        return clock_chunks(of, speaker=speaker, chunk_frames=chunk_frames, tags=TAGS, deduplicate=way)

    frames = sample.codes.shape[-1]
    codes = split_clock_chunks(write(sample), frames=frames, speaker=speaker, chunk_frames=chunk_frames, tags=TAGS)
    again = write(Sample(sample.key, sample.metadata, codes[:, np.newaxis].astype(np.uint16), None))
    assert again.ids.tolist() == write(sample).ids.tolist()
    assert again.kind.tolist() == write(sample).kind.tolist()
    if way is None or chunk_frames == 1:
        assert codes.tolist() == sample.codes[:, 0].tolist()
    for mine, theirs in zip(codes.tolist(), sample.codes[:, 0].tolist(), strict=True):  # what is said is never lost
        assert [x for x, y in pairwise([*mine, -1]) if x != y] == [x for x, y in pairwise([*theirs, -1]) if x != y]


def test_a_token_is_repeated_equally_often() -> None:
    tokens = clock_chunks(with_codes([7, 7, 7, 9], [1, 2, 3, 3]), chunk_frames=4, tags=TAGS)
    assert split_clock_chunks(tokens, frames=4, chunk_frames=4, tags=TAGS).tolist() == [[7, 7, 9, 9], [1, 1, 2, 3]]


def test_of_simulated_conversations_too() -> None:
    for sample in simulated_samples():
        tokens = clock_chunks(sample, speaker="b", chunk_frames=3, tags=TAGS)
        assert list(zip(tokens.ids, tokens.kind, strict=True)) == naive_chunks(sample, "b", 3, "stream")


def test_what_is_no_chunk_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^chunk_frames 2\.5: expected a whole number of frames of 80 ms; take 2"):
        clock_chunks(PAPER, chunk_frames=2.5, tags=TAGS)  # type: ignore[arg-type]
    for number in (0, "2", None, float("nan"), float("inf"), True):
        with pytest.raises(UsageError, match=rf"^chunk_frames {number!r}: expected a whole number of frames of 80 ms"):
            clock_chunks(PAPER, chunk_frames=number, tags=TAGS)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^tags \(1, 1\): the model's and the user's are the same; give two ids$"):
        clock_chunks(PAPER, tags=(1, 1))
    with pytest.raises(UsageError, match=r"^tags 1: expected two ids"):
        clock_chunks(PAPER, tags=1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^tags \('\[S0\]', '\[S1\]'\): expected ids, which are whole numbers"):
        clock_chunks(PAPER, tags=("[S0]", "[S1]"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r'^deduplicate \'all\': expected "stream", "chunk" or None$'):
        clock_chunks(PAPER, tags=TAGS, deduplicate="all")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^2 tags of the model and 9 frames in chunks of 4: expected 3 tags"):
        split_clock_chunks(clock_chunks(PAPER, chunk_frames=4, tags=TAGS), frames=9, chunk_frames=4, tags=TAGS)
    with pytest.raises(UsageError, match=r"^chunk 0 has 4 tokens of one side and 2 frames; it is not of this view$"):
        split_clock_chunks(
            clock_chunks(PAPER, chunk_frames=4, tags=TAGS, deduplicate=None), frames=4, chunk_frames=2, tags=TAGS
        )
