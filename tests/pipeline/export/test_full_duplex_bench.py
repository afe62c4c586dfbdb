"""The folders of Full-Duplex-Bench."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import PartResult
from duologue_pipeline.export.format import Context
from duologue_pipeline.export.formats.full_duplex_bench import FullDuplexBench, item_number
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.tables import iter_release_table
from tests.pipeline.export.scenes import scene
from tests.pipeline.export.support import document_of, export

BUSY = scene(
    [(1000, 3000), (6000, 9000), (13_000, 18_000), (18_700, 22_000)],
    [(3300, 6600), (9400, 12_500), (15_000, 15_400), (22_300, 26_000)],
)


def made(out: Path, *samples: Sample, public: bool = False, model_speaker: str = "b", **options: Any) -> PartResult:
    """The part and the end of a pack of these samples."""
    request = ExportRequest(
        format="full-duplex-bench",
        splits=("validation",),
        model_speaker=model_speaker,
        options=options,
        public=public,
        purpose="redistribution" if public else "training_inhouse",
    )
    context: Context = replace(request.context({}, None), part="validation-00007")
    out.mkdir(exist_ok=True)
    result = FullDuplexBench().part(iter(samples), out, context)
    index: Any = type(
        "P", (), {"name": "validation-00007", "split": "validation", "index": json.loads(json.dumps(result.index))}
    )
    FullDuplexBench().finish(out, [index], context)
    return result


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_folders_and_files_are_those_that_its_code_reads(tmp_path: Path) -> None:
    result = made(tmp_path, BUSY)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    number = "20000700001"
    always = {"input.wav", "input.json", "item.json"}
    expected = {
        "v1_0/pause_handling": always | {"transcription.json", "pause.json"},
        "v1_0/smooth_turn_taking": always | {"transcription.json", "turn_taking.json"},
        "v1_0/backchannel": always | {"transcription.json"},
        "v1_0/user_interruption": always | {"transcription.json", "interrupt.json", "context.wav", "interrupt.wav"},
        "v1_5/user_interruption": always | {"clean_input.wav", "clean_input.json", "metadata.json"},
    }
    for folder, names in expected.items():
        assert {path.name for path in (tmp_path / folder / number).iterdir()} == names
    assert {"README.md", "icc_gt_distribution.json"} <= files
    assert {entry[0] for entry in result.index} == set(expected)
    assert not [path for path in files if path.endswith("output.json")]  # its code scores every one that it finds


def test_the_input_is_the_user_alone_and_the_human_answer_the_other_one(tmp_path: Path) -> None:
    made(tmp_path, BUSY, human="yes")
    item = tmp_path / "v1_0" / "user_interruption" / "20000700001"
    tracks = {}
    for name in ("input", "output", "context", "interrupt"):
        pcm, rate_hz = soundfile.read(item / f"{name}.wav")
        assert (rate_hz, soundfile.info(item / f"{name}.wav").channels) == (16_000, 1)
        tracks[name] = pcm
    assert len(tracks["input"]) == len(tracks["output"]) == 16 * 11_500
    loud = {name: np.abs(pcm).reshape(-1, 1600).max(axis=1) > 0.1 for name, pcm in tracks.items()}
    assert list(np.flatnonzero(loud["input"])) == [*range(20), *range(50, 80)]
    assert list(np.flatnonzero(loud["output"])) == [*range(23, 56), *range(84, 115)]
    assert (len(tracks["context"]), len(tracks["interrupt"])) == (16 * 2000, 16 * 3000)


def test_times_and_texts_count_from_the_item(tmp_path: Path) -> None:
    made(tmp_path, BUSY, human="yes")
    folder = tmp_path / "v1_0"
    number = "20000700001"
    (interruption,) = read(folder / "user_interruption" / number / "interrupt.json")
    assert interruption == {
        "context": "a1000 a1500 a2000 a2500",
        "interrupt": "a6000 a6500 a7000 a7500 a8000 a8500",
        "timestamp": [5.0, 8.0],
    }
    heard = read(folder / "user_interruption" / number / "output.json")["chunks"]
    assert (heard[0]["text"], heard[0]["timestamp"]) == (
        "b9400",
        [8.4, 8.8],
    )  # as its asr.py, after the interruption alone
    assert read(folder / "pause_handling" / number / "pause.json") == [{"text": "[PAUSE]", "timestamp": [5.0, 5.7]}]
    metadata = read(tmp_path / "v1_5" / "user_interruption" / number / "metadata.json")
    assert metadata["timestamps"] == [5.0, 8.0]
    assert metadata["context_text"] == interruption["context"]
    clean, rate_hz = soundfile.read(tmp_path / "v1_5" / "user_interruption" / number / "clean_input.wav")
    assert np.abs(clean[2 * rate_hz + 200 :]).max() == 0
    assert np.abs(clean[: 2 * rate_hz]).max() > 0.1
    truth = read(tmp_path / "icc_gt_distribution.json")[number]
    assert sum(truth) == pytest.approx(1)
    assert int(np.argmax(truth)) == 2000 // 200


def test_a_word_that_reaches_beyond_the_item_by_a_moment_is_cut_there(tmp_path: Path) -> None:
    sample = scene([(1000, 3000), (3600, 5000)], [(5000, 7000)])
    first, *_ = sample.metadata["words"]
    first["start_s"] = 0.995
    early = next(word for word in sample.metadata["words"] if word["speaker"] == "b")
    early["start_s"] = 4.99
    made(tmp_path, sample, human="yes")
    item = tmp_path / "v1_0" / "pause_handling" / "20000700001"
    assert read(item / "input.json")["chunks"][0]["timestamp"] == [0.0, 0.4]
    assert read(item / "output.json") == {"text": "", "chunks": []}


def test_every_word_is_in_an_item_or_counted(tmp_path: Path) -> None:
    result = made(tmp_path, BUSY)
    assert result.words + sum(result.words_left_out.values()) == len(BUSY.metadata["words"])
    written = {
        (word["text"], path.parent.name)
        for path in tmp_path.rglob("transcription.json")
        for speaker in read(path)
        for word in speaker["item"]
    }
    assert result.words == len({text for text, _ in written})
    quiet = scene([(1000, 1500)], [])
    nothing = made(tmp_path / "quiet", quiet)
    assert (nothing.samples, nothing.samples_left_out, nothing.words_left_out) == (0, {"no_item": 1}, {"no_item": 1})


@pytest.mark.parametrize("unknown", ["a", "b"])
def test_of_whom_no_transcript_is_there_no_file_says_that_nothing_is_said(unknown: str, tmp_path: Path) -> None:
    about = BUSY.metadata
    known = [word for word in about["words"] if word["speaker"] != unknown]
    made(
        tmp_path,
        replace(BUSY, metadata=about | {"words": known, "transcripts": {side: side != unknown for side in "ab"}}),
        human="yes",
    )
    item = tmp_path / "v1_0" / "pause_handling" / "20000700001"
    missing, held = ("input.json", "output.json")[:: 1 if unknown == "a" else -1]
    assert (item / "output.wav").exists()
    assert not (item / missing).exists()
    assert "chunks" in read(item / held)
    assert [each["speaker"] for each in read(item / "transcription.json")] == [int(unknown == "b")]


def test_who_was_taken_out_makes_no_item(tmp_path: Path) -> None:
    gone = scene([(1000, 3000)], [(3300, 6600)], speakers={"a": {"commitment": "withdrawn"}, "b": {"commitment": "2"}})
    assert made(tmp_path, gone).samples_left_out == {"silenced": 1}


def test_a_public_pack_names_nobody(tmp_path: Path) -> None:
    made(tmp_path, BUSY, public=True)
    told = read(tmp_path / "v1_0" / "pause_handling" / "20000700001" / "item.json")
    assert told == {
        "language": "en-US",
        "conversation": "validation-00007-00000",
        "sample": "validation-00007-00000-00000",
        "model": "b",
    }


def test_numbers_of_two_parts_never_meet() -> None:
    numbers = {
        item_number(part, n) for part in ("train-00000", "validation-00000", "validation-00001") for n in (1, 11)
    }
    assert len(numbers) == 6
    assert all(number.isdigit() for number in numbers)


# --- held out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["full-duplex-bench", "turnbench"])
@pytest.mark.parametrize("splits", [("train",), ("bridge",), ("validation", "train")])
def test_what_models_are_trained_on_makes_no_pack(name: str, splits: tuple[str, ...]) -> None:
    with pytest.raises(
        UsageError, match="tests models, which must not have been trained on its speakers; give --split"
    ):
        ExportRequest(format=name, splits=splits)


@pytest.mark.parametrize("name", ["full-duplex-bench", "turnbench"])
def test_a_speaker_who_speaks_in_train_too_is_found(
    name: str, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export(release, tmp_path / "good", name, splits=("validation",)).document["format"] == name
    tables = list(iter_release_table(str(release), json.loads((release / "dataset.json").read_text()), "recordings"))

    def leaked(*_: Any, **__: Any) -> Any:
        for table in tables:
            rows = table.to_pylist()
            voice = next(row["speaker_a"] for row in rows if row["split"] == "train")
            for row in rows:
                if row["split"] == "validation":
                    row["speaker_b"] = voice
            yield type(table).from_pylist(rows, table.schema)

    monkeypatch.setattr("duologue_pipeline.export.held_out.iter_release_table", leaked)
    with pytest.raises(UsageError, match="1 speakers of validation speak in train as well"):
        export(release, tmp_path / "leak", name, splits=("validation",))
    assert not (tmp_path / "leak" / "export.json").exists()


def test_a_release_without_anything_to_test_gives_an_empty_pack_that_says_so(release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "e", "full-duplex-bench", splits=("validation",))
    assert document_of(tmp_path / "e")["samples"]["left_out"] == {"no_item": 1}
    assert "There are no items." in (tmp_path / "e" / "README.md").read_text()


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set min_pause=0: expected seconds"):
        made(tmp_path, BUSY, min_pause=0.0)
