"""The Parquet files of nu-dialogue, read as their trainer reads them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
import sentencepiece

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.views import dual_stream
from tests.pipeline.export.support import document_of, export, sentencepiece_file
from tests.pipeline.views.references import nu_delayed
from tests.pipeline.withdrawal.support import make_calls

DELAYS = [0, 0, 1, 0, 1]


def streams(row: dict[str, Any], speaker: str) -> npt.NDArray[np.int64]:
    """nu-dialogue/moshi-finetune@3879d29 utils/data.py ``main_speaker_streams``."""
    other = {"A": "B", "B": "A"}[speaker]
    return np.concatenate([np.array(row[speaker]), np.array(row[other])[1:]], axis=0)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sentencepiece_file(tmp_path_factory.mktemp("tokenizer"))


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(out.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_their_streams_are_those_of_dual_stream(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "e", "nu-dialogue", tokenizer=str(tokenizer), options={"codebooks": "2"})
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    samples = {sample.key: sample for sample in open_dataset(str(release))}
    rows = rows_of(tmp_path / "e")
    assert [row["dialogue_id"] for row in rows] == list(samples)
    for row in rows:
        for speaker in "AB":
            theirs = nu_delayed(streams(row, speaker), DELAYS, [32000, *[2048] * 4], [3, *[2048] * 4])
            ours = dual_stream(
                samples[row["dialogue_id"]],
                pieces,
                speaker=speaker.lower(),
                placement="spread",
                delays=DELAYS,
                tail="keep",
                initial=True,
            )
            assert np.array_equal(theirs, ours)


def test_the_one_model_speaker_is_a(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"tokenizer": str(tokenizer), "options": {"codebooks": 2}}
    for name in ("both", "b"):
        export(release, tmp_path / name, "nu-dialogue", model_speaker=name, **asked)
    for as_is, swapped in zip(rows_of(tmp_path / "both"), rows_of(tmp_path / "b"), strict=True):
        assert (as_is["A"], as_is["B"]) == (swapped["B"], swapped["A"])


def test_words_that_find_no_room_are_counted(release: Path, tmp_path: Path) -> None:
    tokenizer = sentencepiece_file(tmp_path, ["x y", "y x"])  # a piece a letter: 25 frames do not hold ten words
    export(release, tmp_path / "e", "nu-dialogue", tokenizer=str(tokenizer), options={"codebooks": 2})
    words = document_of(tmp_path / "e")["words"]
    assert words["left_out"]["no_room"] > 0
    assert words["written"] + sum(words["left_out"].values()) == words["listed"]


def test_more_codebooks_than_there_are_are_refused(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 2 codebooks a frame and 8 are asked for"):
        export(release, tmp_path / "e", "nu-dialogue", tokenizer=str(tokenizer))


def test_it_wants_its_tokenizer(release: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nu-dialogue: needs --tokenizer FILE, a model of sentencepiece"):
        export(release, tmp_path / "e", "nu-dialogue")
    with pytest.raises(UsageError, match=r"no-such: cannot be read \(No such file"):
        export(release, tmp_path / "e", "nu-dialogue", tokenizer=str(tmp_path / "no-such"))
    (tmp_path / "bad").write_bytes(b"no model")
    with pytest.raises(UsageError, match="is not a model of sentencepiece"):
        export(release, tmp_path / "e", "nu-dialogue", tokenizer=str(tmp_path / "bad"))
    assert not (tmp_path / "e").exists()
