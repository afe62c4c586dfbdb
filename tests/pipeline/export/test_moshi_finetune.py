"""The files of moshi-finetune, read as its loader reads them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
import soundfile

from duologue_pipeline.export.make import make_export
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views import dual_stream
from tests.pipeline.export.support import bytes_of, document_of, export, sentencepiece_file
from tests.pipeline.views.references import kyutai_text
from tests.pipeline.withdrawal.support import make_calls


@dataclass(frozen=True)
class Item:
    """What kyutai-labs/moshi-finetune@2acc879 makes of one line of the list, with chunks as long as the file."""

    path: Path
    wav: Any
    alignments: list[Any]

    @property
    def key(self) -> str:
        return self.path.stem[:-2]

    @property
    def side(self) -> Any:
        return self.path.stem[-1]


def load(folder: Path, name: str = "train.jsonl") -> Iterator[Item]:
    """finetune/data/dataset.py ``maybe_load_local_dataset`` and ``get_dataset_iterator``, interleaver.py ``InterleavedTokenizer``.

    sphn takes a relative path from where the list lies.
    """
    for line in (folder / name).read_text().splitlines():
        data = json.loads(line)
        path = folder / data["path"]
        wav, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        assert len(wav) / rate_hz == pytest.approx(data["duration"])
        assert rate_hz == 24000
        yield Item(path, wav.T, json.loads(path.with_suffix(".json").read_text())["alignments"])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"))


@pytest.fixture
def out(release: Path, tmp_path: Path) -> Path:
    export(release, tmp_path / "export")
    return tmp_path / "export"


def test_every_sample_is_there_once_for_each_speaker_as_the_model(release: Path, out: Path) -> None:
    keys = [sample.key for sample in open_dataset(str(release))]
    assert [(item.key, item.side) for item in load(out)] == [(key, side) for key in keys for side in SPEAKERS]


def test_their_text_is_that_of_dual_stream(release: Path, out: Path, tmp_path: Path) -> None:
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_file(tmp_path)))
    samples = {sample.key: sample for sample in open_dataset(str(release))}
    said = 0
    for item in load(out):
        starts = [start for _, (start, _), _ in item.alignments]
        assert starts == sorted(starts)  # they are searched by halving
        main = [(word, *time) for word, time, speaker in item.alignments if speaker == "SPEAKER_MAIN"]
        frames = samples[item.key].codes.shape[2]
        row = kyutai_text(main, tokenizer.encode, frames * 0.08)
        assert row == dual_stream(samples[item.key], tokenizer, speaker=item.side)[0].tolist()
        said += sum(token > 3 for token in row)
    assert said > 100


def test_the_model_is_on_the_left_and_nothing_is_moved_in_time(release: Path, out: Path) -> None:
    samples = {sample.key: sample for sample in open_dataset(str(release))}
    for item in load(out):
        audio = samples[item.key].audio
        assert audio is not None
        pcm, rate_hz = audio
        own = pcm[SPEAKERS.index(item.side)]
        assert rate_hz == 8000
        assert item.wav.shape[1] == 3 * len(own)
        model, user = item.wav[:, ::3]  # the samples of 8 kHz are those of 24 kHz at every third place
        assert np.corrcoef(model, own)[0, 1] > 0.95
        assert abs(np.corrcoef(user, own)[0, 1]) < 0.1


def test_the_audio_is_kept_sample_for_sample_at_its_own_rate(release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "e", options={"rate": "8000"}, model_speaker="b")
    sample = next(iter(open_dataset(str(release))))
    wav, rate_hz = soundfile.read(tmp_path / "e" / f"train-00000/{sample.key}-b.wav", dtype="float32")
    assert sample.audio is not None
    assert rate_hz == 8000
    assert np.array_equal(wav.T, sample.audio[0][::-1])


def test_a_side_without_transcript_is_not_the_model(tmp_path: Path) -> None:
    from tests.pipeline.export.test_refresh import withdrawn_release

    release = withdrawn_release(tmp_path, "anna")  # silenced in call-1 and call-2
    out = tmp_path / "export"
    export(release, out)
    assert {(item.key, item.side) for item in load(out) if item.key.startswith("call-1")} == {
        (f"call-1-{number:05d}", "b") for number in range(3)
    }
    for item in load(out):
        if item.key.startswith("call-1"):
            assert not item.wav[1].any()
            assert {speaker for _, _, speaker in item.alignments} <= {"SPEAKER_MAIN"}
    export(release, tmp_path / "a", model_speaker="a", where=(("recording_id", "==", "call-7"),))
    assert document_of(tmp_path / "a")["samples"]["left_out"] == {"not_chosen": 7}


def test_their_search_for_lists_finds_no_other_file(out: Path) -> None:
    assert [path.name for path in out.rglob("*jsonl")] == ["train.jsonl"]
    assert "export.json" in bytes_of(out)


def test_two_splits_make_two_lists(release: Path, tmp_path: Path) -> None:
    from duologue_pipeline.export.request import ExportRequest

    request = ExportRequest(format="moshi-finetune", splits=("validation", "train"))
    make_export(str(release), str(tmp_path / "e"), request)
    assert {item.key[:6] for item in load(tmp_path / "e", "validation.jsonl")} == {"call-5"}
    assert {item.key[:6] for item in load(tmp_path / "e")} == {"call-1", "call-2", "call-3", "call-7"}
