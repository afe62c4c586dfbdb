"""Views of samples that come out of a release, and of a release from which a speaker was taken out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.reader import open_dataset
from duologue_pipeline.views import dual_stream, parallel, speaker_rows, turn_frames
from duologue_pipeline.withdrawal.silence import silence_codes, silence_document
from tests.pipeline.views.build import Pieces

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")


def test_every_sample_has_its_views(release: Path) -> None:
    for sample in open_dataset(str(release)):
        codebooks, frames = sample.codes.shape[1:]
        assert dual_stream(sample, Pieces()).shape == (1 + 2 * codebooks, frames)
        assert speaker_rows(sample, Pieces())["B"].shape == (1 + codebooks, frames)
        assert turn_frames(sample, Pieces())[0].shape[1] == 1 + codebooks
        assert parallel(sample, Pieces()).ids.shape[0] == 2


def test_a_speaker_who_was_taken_out_has_neither_text_nor_turns(release: Path) -> None:
    sample = next(iter(open_dataset(str(release))))
    silence = [7, 0]
    without = replace(
        sample,
        metadata=silence_document(sample.metadata, "a"),
        codes=silence_codes(sample.codes, "a", silence=silence),
    )
    streams = dual_stream(without, Pieces())
    assert set(streams[0].tolist()) == {-1}
    assert streams[1:3, 0].tolist() == silence
    assert set(speaker_rows(without, Pieces())["A"][0].tolist()) == {-1}
    assert np.array_equal(
        dual_stream(without, Pieces(), speaker="b")[:3], dual_stream(sample, Pieces(), speaker="b")[:3]
    )
    assert len(turn_frames(without, Pieces())[0]) == 0
