"""The frames of CSM, held against what its generator makes of the same turns."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from duologue_pipeline.errors import UsageError
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
    asked: dict[str, Any] = {"tokenizer": str(tokenizer), "where": [("recording_id", "==", "call-1")]}
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    export(release, whole, "csm", options={"codebooks": 2}, **asked)
    (entry,) = listed(whole)
    export(release, parted, "csm", options={"codebooks": 2, "rows": entry["rows"] - 1}, **asked)
    pieces = listed(parted)
    tokens = [load_file(parted / piece["path"])["tokens"] for piece in pieces]
    assert len(pieces) == 1  # the event list holds one turn, which does not fit in less
    assert not np.array_equal(tokens[0], load_file(whole / entry["path"])["tokens"])


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


def test_a_tokenizer_without_the_marks_is_refused(release: Path, tokenizer: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set eos=</s>: the tokenizer has no such token"):
        export(release, tmp_path / "e", "csm", tokenizer=str(tokenizer), options={"codebooks": 2, "eos": "</s>"})
