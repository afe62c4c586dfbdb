"""EnCodec and DAC chunk by chunk against transformers' own models in one pass, on tiny models with random weights."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.codec.base import Codec, silence_tokens
from duologue_pipeline.codec.engine_codec import EngineCodec
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.codec.together import encode_in_step, encode_in_turn
from duologue_pipeline.errors import UsageError
from tests.pipeline.codec.tiny import encode_in_pieces, make_dac, make_encodec, make_noise  # isort: split

from transformers import DacModel, EncodecModel

torch.set_num_threads(1)


class Case(NamedTuple):
    """A codec, the model of transformers that it runs, and a track of 7 s less some samples."""

    codec: Codec
    model: Any
    pcm: npt.NDArray[np.float32]

    @property
    def frame(self) -> int:
        return self.codec.samples_per_frame

    def in_one_pass(self, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        padded = torch.from_numpy(np.pad(pcm, (0, -pcm.size % self.frame)))[None, None].double()
        with torch.inference_mode():
            if self.codec.name == "dac":
                codes: npt.NDArray[np.int64] = self.model.encode(padded).audio_codes[0].numpy()
            else:
                codes = self.model.encode(padded, bandwidth=6.0).audio_codes[0, 0].numpy()
        return codes

    def decoded_in_one_pass(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
        whole = torch.from_numpy(codes.astype(np.int64))[None]
        with torch.inference_mode():
            if self.codec.name == "dac":
                pcm: npt.NDArray[np.float32] = self.model.decode(audio_codes=whole).audio_values[0].numpy()
            else:
                pcm = self.model.decode(whole[None], [None]).audio_values[0, 0].numpy()
        return pcm


def make_case(name: str, folder: Path) -> Case:
    """Makes one: ``dac44`` is a DAC of 44.1 kHz and 512 samples a frame, 86.1328125 frames a second."""
    if name == "encodec":
        model: Any = EncodecModel.from_pretrained(make_encodec(folder))
    else:
        wide = {"downsampling_ratios": [2, 4, 8, 8], "sampling_rate": 44_100} if name == "dac44" else {}
        model = DacModel.from_pretrained(make_dac(folder, **wide))
    codec = open_codec(f"{name.removesuffix('44')}:{folder}")
    assert isinstance(codec, EngineCodec)
    codec.engine.model.double()  # type: ignore[attr-defined]  # in float32 a few codes of random weights are nearly ties
    return Case(codec, model.double().eval(), make_noise(7 * codec.sample_rate_hz - 7))


@pytest.fixture(scope="module", params=["encodec", "dac", "dac44"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(request.param, tmp_path_factory.mktemp(request.param))


# --- what they are --------------------------------------------------------------------------------------------------


def test_encodec_says_what_it_is(tmp_path: Path) -> None:
    codec = open_codec(f"encodec:{make_encodec(tmp_path)}?codebooks=32")
    assert (codec.name, codec.sample_rate_hz, codec.frame_rate_hz, codec.samples_per_frame) == (
        "encodec",
        24_000,
        75,
        320,
    )
    assert (codec.codebooks, codec.cardinalities) == (32, (1024,) * 32)
    assert codec.weights_sha256 == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()
    assert codec.quality.startswith(
        "EnCodec (arXiv:2210.13438), a codec for sound of every kind, at 24 kbit/s: fit for "
    )


def test_dac_has_all_codebooks_of_its_model_and_a_rate_that_is_no_whole_number(tmp_path: Path) -> None:
    folder = make_dac(tmp_path, downsampling_ratios=[2, 4, 8, 8], sampling_rate=44_100)
    codec = open_codec(f"dac:{folder}")
    assert (codec.sample_rate_hz, codec.samples_per_frame, codec.frame_rate_hz) == (44_100, 512, 86.1328125)
    assert (codec.codebooks, codec.cardinalities) == (4, (64,) * 4)
    assert open_codec(f"dac:{folder}?codebooks=3").codebooks == 3


# --- encoding -------------------------------------------------------------------------------------------------------


def test_the_codes_of_the_tiny_models_vary(case: Case) -> None:
    codes = case.in_one_pass(case.pcm)
    assert codes.shape == (case.codec.codebooks, -(-case.pcm.size // case.frame))
    assert min(len(set(row)) for row in codes.tolist()) >= 10


def test_streaming_gives_the_codes_of_one_pass(case: Case) -> None:
    codes = encode_in_pieces(case.codec, case.pcm, [])
    assert codes.dtype == np.uint16
    np.testing.assert_array_equal(codes, case.in_one_pass(case.pcm))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_length_and_any_cuts_give_the_codes_of_one_pass(case: Case, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, case.pcm.size), "length")
    cuts = data.draw(st.lists(st.integers(0, length), max_size=6), "cuts")
    codes = encode_in_pieces(case.codec, case.pcm[:length], cuts)
    np.testing.assert_array_equal(codes, encode_in_pieces(case.codec, case.pcm[:length], []))
    np.testing.assert_array_equal(codes, case.in_one_pass(case.pcm[:length]))


def test_a_track_without_samples_has_no_frames(case: Case) -> None:
    assert encode_in_pieces(case.codec, np.empty(0, np.float32), []).shape == (case.codec.codebooks, 0)


def test_fewer_codebooks_are_the_first_of_more(tmp_path: Path) -> None:
    for name, make in (("encodec", make_encodec), ("dac", make_dac)):
        folder = make(tmp_path / name)
        two, more = open_codec(f"{name}:{folder}?codebooks=2"), open_codec(f"{name}:{folder}?codebooks=4")
        pcm = make_noise(3 * two.sample_rate_hz)
        np.testing.assert_array_equal(encode_in_pieces(two, pcm, []), encode_in_pieces(more, pcm, [])[:2])


def test_what_encodec_remembers_of_a_track_does_not_grow(tmp_path: Path) -> None:
    codec: Any = open_codec(f"encodec:{make_encodec(tmp_path)}")
    encoder = codec.encoder()

    def held_bytes() -> int:
        session = codec.engine._sessions[encoder._session]
        return sum(tensor.untyped_storage().nbytes() for tensor, _ in session.memory.seen)

    encoder.push(make_noise(4 * 24_000))
    after = held_bytes()
    encoder.push(make_noise(20 * 24_000))
    assert held_bytes() == after < 20_000


def test_several_conversations_in_step_give_the_codes_of_each_alone(tmp_path: Path) -> None:
    """As a GPU takes them: forks and rows of EnCodec's memory."""
    codec = open_codec(f"encodec:{make_encodec(tmp_path)}")
    assert isinstance(codec, EngineCodec)
    codec.engine.model.double()  # type: ignore[attr-defined]
    whole = [make_noise(length) for length in (150_000, 50_000, 130_001)]
    conversations = [[(pcm, pcm[::-1].copy())] for pcm in whole]
    alone: dict[int, list[npt.NDArray[np.uint16]]] = {0: [], 1: [], 2: []}
    together: dict[int, list[npt.NDArray[np.uint16]]] = {0: [], 1: [], 2: []}
    for place, codes in encode_in_turn(codec, conversations):
        alone[place].append(codes)
    step = {"chunk_samples": 48_000, "samples_per_frame": 320}
    for place, codes in encode_in_step(codec.engine, conversations, **step):
        together[place].append(codes)
    for place in range(3):
        np.testing.assert_array_equal(np.concatenate(together[place], -1), np.concatenate(alone[place], -1))


def test_silence_settles(case: Case) -> None:
    assert silence_tokens(case.codec) is not None


# --- decoding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 0.1, 2.0, 2.1, 6.9])
def test_decoding_gives_the_audio_of_transformers(case: Case, seconds: float) -> None:
    frames = int(seconds * case.codec.frame_rate_hz)
    codes = encode_in_pieces(case.codec, case.pcm, [])[:, :frames]
    decoded = case.codec.decode(codes)
    assert decoded.dtype == np.float32
    assert decoded.shape == (frames * case.frame,)
    if frames:
        expected = np.clip(case.decoded_in_one_pass(codes), -1, 1)
        missing = decoded.size - expected.size  # 8 of 24 kHz and 16 kHz: the stride of 5 gives one column less
        assert missing == (8 if case.codec.sample_rate_hz == 16_000 else 0)
        np.testing.assert_allclose(decoded[: expected.size], expected, rtol=0, atol=2e-5)
        assert np.std(decoded) > 0.001


def test_codes_of_another_shape_or_range_are_refused(case: Case) -> None:
    with pytest.raises(ValueError, match=r"^codes are uint16 \[7, 2, 2\], expected uint16"):
        case.codec.decode(np.zeros((7, 2, 2), np.uint16))
    entries = case.codec.cardinalities[0]
    with pytest.raises(ValueError, match=f"^a code is {entries}, expected below {entries}$"):
        case.codec.decode(np.full((case.codec.codebooks, 2), entries, np.uint16))


# --- refusing -------------------------------------------------------------------------------------------------------


def edited(folder: Path, copy: Path, **changes: object) -> Path:
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | changes))
    return copy


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"model_type": "mimi"}, "model_type in {file} is 'mimi', expected 'encodec'"),
        ({"audio_channels": 2}, "audio_channels in {file} is 2, expected 1"),
        ({"normalize": True}, "normalize in {file} is True, expected False"),
        ({"chunk_length_s": 1.0}, "chunk_length_s in {file} is 1.0, expected None"),
        ({"use_causal_conv": False}, "use_causal_conv in {file} is False, expected True"),
        ({"norm_type": "time_group_norm"}, "norm_type in {file} is 'time_group_norm', expected 'weight_norm'"),
    ],
)
def test_an_encodec_that_cannot_be_streamed_is_refused(tmp_path: Path, changes: dict[str, object], fault: str) -> None:
    other = edited(make_encodec(tmp_path / "made"), tmp_path / "other", **changes)
    with pytest.raises(UsageError) as caught:
        open_codec(f"encodec:{other}")
    remedy = "Download it once with `hf download facebook/encodec_24khz --local-dir models/encodec`, then give "
    file = repr(str(other / "config.json"))
    assert str(caught.value) == f"codec encodec: {fault.format(file=file)}. {remedy}`--codec encodec:models/encodec`."


def test_codebooks_that_a_model_does_not_have_are_refused(tmp_path: Path) -> None:
    folder = make_dac(tmp_path)
    with pytest.raises(UsageError) as caught:
        open_codec(f"dac:{folder}?codebooks=5")
    assert str(caught.value) == (
        f"codec dac: 5 codebooks asked for, expected 1 to 4, which the model in '{folder}' has."
    )


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^codec dac: model_type in .* is 'encodec', expected 'dac'\."):
        open_codec(f"dac:{make_encodec(tmp_path)}")


def test_weights_that_are_not_those_pinned_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^codec encodec: the weights in .* and 0{64} was pinned"):
        open_codec(f"encodec:{make_encodec(tmp_path)}?sha256={'0' * 64}")
