"""The lines of dGSLM."""

from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.dataset import open_dataset
from tests.pipeline.export.support import document_of, export
from tests.pipeline.withdrawal.support import make_calls


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"))


def test_a_line_holds_equally_many_units_of_both(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "e"
    export(release, out, "dgslm", splits=("train", "validation"), options={"codebook": 1})
    for split, stem in (("train", "train"), ("validation", "valid")):
        # sample_speech_dlm.py reads a line by ``eval``; fairseq-preprocess splits the lines of the others at white space
        lines = [literal_eval(line) for line in (out / f"{stem}.txt").read_text().splitlines()]
        channels = [(out / f"{stem}.{name}").read_text().splitlines() for name in ("unitA", "unitB")]
        samples = list(open_dataset(str(release), split))
        assert [line["audio"] for line in lines] == [sample.key for sample in samples]
        for line, unit_a, unit_b, sample in zip(lines, *channels, samples, strict=True):
            assert (line["unitA"], line["unitB"]) == (unit_a, unit_b)
            units = np.array([list(map(int, row.split())) for row in (unit_a, unit_b)])
            assert np.array_equal(units, sample.codes[:, 1])


def test_all_words_are_left_out_as_there_is_no_text(release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "e", "dgslm")
    words = document_of(tmp_path / "e")["words"]
    assert words["written"] == 0
    assert words["left_out"] == {"no_text": words["listed"]}


def test_a_codebook_that_is_not_there_is_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="3 are asked for"):
        export(release, tmp_path / "e", "dgslm", options={"codebook": "2"})
    export(release, tmp_path / "e", "dgslm", options={"codebook": "1"})  # what failed binds nobody
    with pytest.raises(UsageError, match="--set codebook=-1: expected 0 or more"):
        export(release, tmp_path / "f", "dgslm", options={"codebook": "-1"})
