"""The frames of CSM, held against what its generator makes of the same turns."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.formats.csm import Csm
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.words import own_words, text_of_turn, turns
from tests.pipeline.export.support import document_of, export, json_file
from tests.pipeline.views.references import csm_segment
from tests.pipeline.withdrawal.support import make_calls


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("calls"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return json_file(tmp_path_factory.mktemp("tokenizer"))


def listed(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]


def test_the_frames_are_those_of_the_generator(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    out = tmp_path / "e"
    export(release, out, "csm", tokenizer=str(tokenizer), options={"codebooks": 2}, model_speaker="b")
    made = Tokenizer.from_file(str(tokenizer))
    samples = {sample.key: sample for sample in open_dataset(str(release))}
    found = listed(out)
    assert found
    for entry in found:
        sample = samples[Path(entry["path"]).stem[:-4]]
        words = {side: own_words(sample, side) for side in SPEAKERS}
        segments = []
        for turn in turns(sample):
            text = f"[{'ba'.index(turn.speaker)}]{text_of_turn(turn, words)}"
            ids = made.encode(f"<|begin_of_text|>{text}<|end_of_text|>", add_special_tokens=False).ids
            segments.append(
                csm_segment(ids, sample.codes["ab".index(turn.speaker), :, turn.first_frame : turn.end_frame])
            )
        arrays = load_file(out / entry["path"])
        assert arrays["tokens"].dtype == np.int64
        assert arrays["mask"].dtype == np.bool_
        assert np.array_equal(arrays["tokens"], np.concatenate([tokens for tokens, _ in segments]))
        assert np.array_equal(arrays["mask"], np.concatenate([mask for _, mask in segments]))
        assert entry["rows"] == len(arrays["tokens"])


def test_a_sample_is_parted_between_turns(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    turns_of = [("a", 0, 400), ("b", 400, 800), ("a", 800, 1600)]
    events = [
        {"kind": "turn", "speaker": who, "start_s": start / 1000, "end_s": end / 1000} for who, start, end in turns_of
    ]
    sample = next(iter(open_dataset(str(release))))
    sample = replace(sample, metadata={**sample.metadata, "events": events})
    made = Csm()
    for most in range(1, 200):
        context = ExportRequest(format="csm", tokenizer=str(tokenizer), options={"codebooks": 2, "rows": most}).context(
            {}, Tokenizer.from_file(str(tokenizer))
        )
        out = tmp_path / str(most)
        out.mkdir()
        result = made.part(iter([sample]), out, replace(context, part="p"))
        rows = [entry["rows"] for entry in result.index]
        assert max(rows, default=0) <= most
        assert result.words + sum(result.words_left_out.values()) == len(sample.metadata["words"])
        if len(rows) == 1 and not result.words_left_out.get("too_long"):
            break
        if most > 1 and len(rows) > 1:
            parted = rows
    else:
        raise AssertionError("never whole")
    assert sum(parted) == sum(rows)  # parted in between turns nothing is lost


def test_words_outside_of_turns_and_of_turns_that_are_too_long_are_counted(
    release: Path, tokenizer: Path, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"tokenizer": str(tokenizer)}
    export(release, tmp_path / "e", "csm", options={"codebooks": 2}, **asked)
    words = document_of(tmp_path / "e")["words"]
    assert words["left_out"]["no_turn"] > 0
    assert words["written"] + sum(words["left_out"].values()) == words["listed"]
    export(release, tmp_path / "short", "csm", options={"codebooks": 2, "rows": 3}, **asked)
    words = document_of(tmp_path / "short")["words"]
    assert words["written"] == 0
    assert words["left_out"]["too_long"] > 0
    assert not listed(tmp_path / "short")


def test_a_tokenizer_without_the_marks_is_refused(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set eos=</s>: the tokenizer has no such token"):
        export(release, tmp_path / "e", "csm", tokenizer=str(tokenizer), options={"codebooks": 2, "eos": "</s>"})
