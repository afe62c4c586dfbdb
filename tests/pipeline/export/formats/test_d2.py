"""d2.samples.v1: what Dialogue-to-Duplex's trainer checks holds, and each wrong sample is seen by that check."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.d2_qwen import (
    INTERRUPT,
    RESPONSE,
    SELF_DELAY_SAMPLES,
    SILENCE,
    Ids,
    Response,
    causal_log_mel,
    chunk_frames,
    join_responses,
    lay_out,
)
from duologue_pipeline.views.mel import mel_filters
from tests.pipeline.export.formats.samples import SETTINGS, conversation, export

PAD, BOS, EOS = IDS = Ids(pad=9000, codec_bos=2149, codec_eos=2150)
FIELDS = {
    "env_mel": "float32",
    "self_mel": "float32",
    "text_target": "int64",
    "codec_target": "int64",
    "frame_mask": "bool",
    "assistant_mask": "bool",
}


def faults(tensors: dict[str, np.ndarray[Any, Any]], latency_ms: int) -> list[str]:
    """What the trainer refuses: SAMPLES.md, sft.py ``forward`` and base.py ``_forward_impl``, in our words."""
    found = [] if set(tensors) == set(FIELDS) else ["fields"]
    frames = tensors["text_target"].shape[1]
    for name, kind in FIELDS.items():
        wanted = {"env_mel": (1, 128, 8 * frames), "self_mel": (1, 128, 8 * frames), "codec_target": (1, frames, 16)}
        if tensors[name].dtype != kind or tensors[name].shape != wanted.get(name, (1, frames)):
            found.append(f"shape of {name}")
    if frames % (latency_ms // 80) or frames > 1125:
        found.append("frames")
    text, codes, sound = tensors["text_target"][0], tensors["codec_target"][0], tensors["assistant_mask"][0]
    if codes.min() < 0 or codes[:, 1:].max() >= 2048 or codes[:, 0].max() >= 3072:
        found.append("codes")
    if not np.array_equal(text == RESPONSE, codes[:, 0] == BOS):
        found.append("RESPONSE without BOS")
    depth = np.cumsum((codes[:, 0] == BOS).astype(int) - (codes[:, 0] == EOS))
    if depth.min(initial=0) < 0 or depth.max(initial=0) > 1:
        found.append("BOS and EOS")
    elif (sound & ((depth == 0) | (codes[:, 0] == BOS))).any():
        found.append("sound outside")
    is_open, done, started = False, True, False
    for token in text.tolist():
        if token == RESPONSE:
            found += ["nested RESPONSE"] if is_open else []
            is_open, done, started = True, False, True
        elif token == INTERRUPT:
            is_open, done, started = False, True, False
        elif token == PAD:
            found += ["pad after RESPONSE"] if is_open and started else []
            done, started = done or is_open, False
        else:
            found += ["text"] if not is_open or done else []
            started = False
    return found


def exported(tmp_path: Path, **changes: Any) -> list[dict[str, np.ndarray[Any, Any]]]:
    """The tensors of a conversation."""
    export("d2", conversation(codebooks=16), tmp_path, **changes)
    manifest = json.loads((tmp_path / "train.json").read_text())
    return [load_file(tmp_path / row["tensors"]) for row in manifest["samples"]]


@pytest.mark.parametrize("latency_ms", [80, 160, 320, 640, 1040])
def test_what_the_trainer_checks_holds(latency_ms: int, tmp_path: Path) -> None:
    samples = exported(tmp_path, options={"latency_ms": latency_ms})
    assert len(samples) == 2 * len(conversation())
    assert [faults(tensors, latency_ms) for tensors in samples] == [[]] * len(samples)
    assert sum(int((tensors["text_target"] == RESPONSE).sum()) for tensors in samples) > 10
    assert sum(int(tensors["assistant_mask"].sum()) for tensors in samples) > 300


def test_the_manifest_is_what_their_reader_takes(tmp_path: Path) -> None:
    exported(tmp_path)
    manifest = json.loads((tmp_path / "train.json").read_text())
    assert (manifest["format"], manifest["family"], manifest["latency_ms"]) == ("d2.samples.v1", "qwen", 80)
    assert {row["task"] for row in manifest["samples"]} == {"conversation"}
    assert not (tmp_path / "validation.json").exists()  # an empty manifest is refused


WRONG = {
    "frames": lambda t: t.update(
        {name: np.repeat(array, 20, 1 if array.ndim < 3 or name == "codec_target" else 2) for name, array in t.items()}
    ),
    "codes": lambda t: t["codec_target"].__setitem__((0, 3, 5), 2048),
    "RESPONSE without BOS": lambda t: t["codec_target"].__setitem__((t["codec_target"] == BOS), 5),
    "BOS and EOS": lambda t: t["codec_target"].__setitem__((0, 0, 0), EOS),
    "sound outside": lambda t: t["assistant_mask"].__setitem__((0, slice(None)), True),
    "nested RESPONSE": lambda t: t["text_target"].__setitem__((t["text_target"] == INTERRUPT), PAD),
    "text": lambda t: t["text_target"].__setitem__((0, 0), 77),
    "shape of env_mel": lambda t: t.update(env_mel=t["env_mel"][:, :, 1:]),
    "fields": lambda t: t.update(speaker=np.zeros(1)),
}


@pytest.mark.parametrize("fault", WRONG)
def test_each_wrong_sample_is_seen(fault: str, tmp_path: Path) -> None:
    tensors = exported(tmp_path)[0]
    WRONG[fault](tensors)
    assert fault in faults(tensors, 80)


def test_a_conversation_stands_frame_by_frame() -> None:
    codes = np.arange(16 * 20, dtype=np.uint16).reshape(16, 20)
    laid, lost = lay_out([Response(3, 6, [[1, 2], [3]]), Response(14, 16, [[4]])], [1, 9, 15], codes, IDS)
    pad = PAD
    text = [pad, pad, RESPONSE, 1, 2, 3, pad, pad, pad, INTERRUPT, pad, pad, pad, RESPONSE, 4, INTERRUPT, *[pad] * 4]
    assert laid["text_target"].tolist() == text
    assert lost == 0
    book = [SILENCE[0]] * 2 + [BOS, 3, 4, 5, EOS] + [SILENCE[0]] * 6 + [BOS, 14, 15, EOS] + [SILENCE[0]] * 3
    assert laid["codec_target"][:, 0].tolist() == book
    assert laid["codec_target"][6, 1:].tolist() == list(SILENCE[1:])
    assert laid["codec_target"][4].tolist() == codes[:, 4].tolist()
    assert np.flatnonzero(laid["assistant_mask"]).tolist() == [3, 4, 5, 14, 15]


def test_text_is_cut_where_the_user_takes_the_turn_and_counted() -> None:
    codes = np.zeros((16, 12), np.uint16)
    laid, lost = lay_out([Response(2, 10, [[1], [2, 3], [4]])], [4], codes, IDS)
    assert laid["text_target"].tolist() == [PAD, RESPONSE, 1, 2, INTERRUPT, *[PAD] * 7]
    assert lost == 2


def test_responses_without_room_between_them_are_one() -> None:
    joined = join_responses([Response(3, 6, [[1]]), Response(7, 9, [[2]]), Response(11, 12, [[3]])])
    assert joined == [Response(3, 9, [[1], [2]]), Response(11, 12, [[3]])]


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9), st.integers(1, 6)), max_size=8),
    st.sets(st.integers(0, 49)),
)
def test_any_responses_and_onsets_keep_the_contract(drawn: list[tuple[int, int, int]], onsets: set[int]) -> None:
    responses = [Response(first, first + length, [[7]] * words) for first, length, words in sorted(drawn)]
    codes = np.zeros((16, 50), np.uint16)
    laid, lost = lay_out(join_responses(responses), sorted(onsets), codes, IDS)
    mels = dict.fromkeys(("env_mel", "self_mel"), np.zeros((1, 128, 400), np.float32))
    tensors = {
        **mels,
        "frame_mask": np.ones((1, 50), np.bool_),
        **{name: each[np.newaxis] for name, each in laid.items()},
    }
    assert faults(tensors, 80) == []
    assert int((laid["text_target"] == 7).sum()) + lost == sum(words for _, _, words in drawn)


def test_causal_mel_is_that_of_torch_and_knows_no_future() -> None:
    signal = np.random.default_rng(0).normal(0, 0.1, 16000) * np.linspace(0, 1, 16000) ** 3
    padded = torch.nn.functional.pad(torch.from_numpy(signal), (240, 0))
    spectrum = torch.stft(
        padded, 400, 160, window=torch.hann_window(400, dtype=torch.float64), center=False, return_complex=True
    )
    log = (torch.from_numpy(mel_filters(128).copy()) @ spectrum.abs() ** 2).clamp_min(1e-10).log10()
    wanted = (torch.maximum(log, torch.cummax(log.amax(0), 0).values - 8) + 4) / 4
    found = causal_log_mel(signal)
    assert found.shape == (128, 100)
    assert np.abs(found - wanted.numpy()).max() < 1e-5
    assert np.array_equal(causal_log_mel(signal[:8000]), found[:, :50])


def test_the_model_hears_itself_later_and_the_user_at_once(tmp_path: Path) -> None:
    sample = conversation(codebooks=16)[0]
    tensors = exported(tmp_path, model_speaker="a")[0]
    assert sample.audio is not None
    own, user = sample.audio[0].astype(np.float64)
    late = np.concatenate([np.zeros(SELF_DELAY_SAMPLES), own])[: len(own)]
    assert np.abs(tensors["self_mel"][0] - causal_log_mel(late)).max() < 1e-4
    assert np.abs(tensors["env_mel"][0] - causal_log_mel(user)).max() < 1e-4


def test_a_long_sample_becomes_several_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [chunk_frames(latency) for latency in (80, 1040)] == [1125, 1118]
    monkeypatch.setattr("duologue_pipeline.export.formats.d2.chunk_frames", lambda latency_ms: 50)
    samples = exported(tmp_path)
    assert {tensors["text_target"].shape[1] for tensors in samples} >= {50}
    assert [faults(tensors, 80) for tensors in samples] == [[]] * len(samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"latency_ms": 100}, "latency_ms 100: expected one of 80, 160, 320, 640, 1040"),
        ({"pad_id": 0}, "d2: needs --set pad_id=ID: each checkpoint has an id of its own"),
        ({"codec_bos_id": 5}, "expected two ids above the codes"),
        ({"codec_eos_id": 2149}, "expected two ids above the codes"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        export("d2", conversation(codebooks=16), tmp_path, options={**SETTINGS["d2"], **options})


class Commanded:
    """A tokenizer of which some texts are commands."""

    def __init__(self, around: list[int]) -> None:
        self.around = around

    def encode(self, text: str) -> list[int]:
        return self.around + [RESPONSE if word == "<|audio_start|>" else 5 for word in text.split()]


def test_a_word_that_is_a_command_is_left_out_and_counted(tmp_path: Path) -> None:
    sample = conversation(codebooks=16)[0]
    said = next(row for row in sample.metadata["words"] if row["speaker"] == "a")
    said["word"] = "<|audio_start|>"
    result = export("d2", [sample], tmp_path, tokenizer=Commanded([]))
    assert result.words_left_out["special_token"] == 1
    assert faults(load_file(tmp_path / "train-00000" / f"{sample.key}-a-00.safetensors"), 80) == []


def test_a_tokenizer_that_puts_tokens_around_every_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--tokenizer: puts \[1\] around every text"):
        export("d2", conversation(codebooks=16), tmp_path, tokenizer=Commanded([1]))


def test_other_codes_than_sixteen_of_mimi_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the codes are 8 codebooks of mimi, and D2 takes 16 of Mimi"):
        export("d2", conversation(), tmp_path)
