"""lhotse reads its export with its own code: both layouts, all words in supervisions, on the right clock and side."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("LHOTSE_AUDIO_BACKEND", "LibsndfileBackend")  # torchaudio of PyPI is linked against CUDA
lhotse = pytest.importorskip("lhotse")

from tests.pipeline.export.formats.samples import conversation, export, own


def read(layout: str, out: Path):  # type: ignore[no-untyped-def]
    """Exports a conversation and gives the cuts as lhotse reads them."""
    export("lhotse", conversation(), out, options={"layout": layout})
    if layout == "shar":
        return list(lhotse.CutSet.from_shar(in_dir=out / "train"))
    return list(lhotse.CutSet.from_file(out / "train.jsonl.gz").with_recording_path_prefix(out))


@pytest.mark.parametrize("layout", ["cuts", "shar"])
def test_lhotse_reads_every_word_and_both_tracks(layout: str, tmp_path: Path) -> None:
    cuts, samples = read(layout, tmp_path / "out"), conversation()
    assert [cut.id for cut in cuts] == [sample.key for sample in samples]
    for cut, sample in zip(cuts, samples, strict=True):
        lhotse.validate(cut)
        assert sample.audio is not None
        assert np.abs(cut.load_audio() - sample.audio[0]).max() < 1e-4
        for supervision in cut.supervisions:
            items = supervision.alignment["word"]
            assert supervision.text == " ".join(item.symbol for item in items)
            assert all(supervision.start <= item.start and item.end <= supervision.end + 1e-6 for item in items)
            assert supervision.speaker == sample.metadata["speakers"]["ab"[supervision.channel]]["commitment"]
    said = [item.symbol for cut in cuts for each in cut.supervisions for item in each.alignment["word"]]
    assert sorted(said) == own(samples)


def test_backchannels_have_supervisions_of_their_own(tmp_path: Path) -> None:
    kinds = {each.custom["kind"] for cut in read("cuts", tmp_path / "out") for each in cut.supervisions}
    assert {"turn", "backchannel"} <= kinds


def test_words_stay_where_they_are_said_when_lhotse_cuts_windows(tmp_path: Path) -> None:
    cuts = read("cuts", tmp_path / "out")
    whole = {
        item.symbol: cuts[0].id for cut in cuts[:1] for each in cut.supervisions for item in each.alignment["word"]
    }
    windows = list(lhotse.CutSet.from_cuts(cuts[:1]).cut_into_windows(2.0))
    assert len(windows) == 6
    for window in windows:
        for each in window.supervisions:
            # lhotse moves the supervision to the window's clock and leaves the words on that of the recording
            assert each.start + window.start == pytest.approx(each.alignment["word"][0].start)
            assert all(item.symbol in whole for item in each.alignment["word"])


def test_without_transcripts_there_are_turns_without_text(tmp_path: Path) -> None:
    samples = conversation(transcripts={"a": True, "b": False})
    export("lhotse", samples, tmp_path)
    cut = next(iter(lhotse.CutSet.from_file(tmp_path / "train.jsonl.gz")))
    assert cut.custom["transcripts"] == {"a": True, "b": False}
    assert {each.channel: each.text is None for each in cut.supervisions} == {0: False, 1: True}


def test_root_goes_in_front_of_the_paths(tmp_path: Path) -> None:
    export("lhotse", conversation(), tmp_path / "out", options={"root": str(tmp_path / "out") + "/"})
    cut = next(iter(lhotse.CutSet.from_file(tmp_path / "out" / "train.jsonl.gz")))
    assert cut.load_audio().shape[0] == 2
