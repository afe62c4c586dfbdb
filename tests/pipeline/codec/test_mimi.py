"""The Mimi adapter against ``transformers.MimiModel`` itself, on a tiny model with random weights made here."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.codec import model_files
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.mimi import MimiCodec
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

import_torchaudio()  # transformers' audio models import it

from transformers import MimiConfig, MimiModel

FRAME = 1920
REMEDY = (
    "Download it once with `hf download kyutai/mimi --local-dir models/mimi`, then give `--codec mimi:models/mimi`."
)

torch.set_num_threads(1)


def make_model(folder: Path, *, max_shard_size: str = "1GB", **changes: Any) -> Path:
    """Saves a Mimi with other strides than the published one, 10 codebooks of 64, and a window of 6 (3 frames)."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "upsampling_ratios": [12, 10, 8],
        "hidden_size": 16,
        "num_filters": 2,
        "num_quantizers": 10,
        "codebook_size": 64,
        "codebook_dim": 8,
        "vector_quantization_hidden_dimension": 8,
        "upsample_groups": 16,
        "num_hidden_layers": 2,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "sliding_window": 6,
        "layer_scale_initial_scale": 0.5,
        "initializer_range": 0.5,
    }
    model: Any = MimiModel(MimiConfig(**(sizes | changes)))
    # Untrained codebooks are all zero, and every code with them.
    random = torch.Generator().manual_seed(1)
    for name, buffer in model.named_buffers():
        if name.endswith("embed_sum"):
            buffer.copy_(torch.randn(buffer.shape, generator=random))
    # Untrained decoders are far too loud, and everything would be clipped.
    model.decoder.decoder_seanet.layers[-1].conv.weight.data.mul_(0.05)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    return folder


def load(folder: Path) -> Any:
    model: Any = MimiModel.from_pretrained(folder)
    return model.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("mimi"))


@pytest.fixture(scope="module")
def codec(folder: Path) -> MimiCodec:
    return MimiCodec(str(folder))


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return load(folder)


@pytest.fixture(scope="module")
def pcm() -> npt.NDArray[np.float32]:
    """61 frames less 7 samples: two full chunks and a part, 122 steps of a transformer with a window of 6."""
    random = np.random.default_rng(2)
    loudness = np.abs(np.sin(np.arange(61 * FRAME - 7) / 9000))
    return (0.3 * loudness * random.standard_normal(61 * FRAME - 7)).astype(np.float32)


def edit_config(folder: Path, copy: Path, **changes: object) -> Path:
    """Copies the model in ``folder`` and changes its configuration."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    del config["_frame_rate"]  # transformers writes this null and prefers it; published configurations have none
    (copy / "config.json").write_text(json.dumps(config | changes))
    return copy


def encode_in_one_pass(model: Any, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """What transformers gives for the whole signal, zeros appended up to a whole frame."""
    padded = torch.from_numpy(np.pad(pcm, (0, -pcm.size % FRAME)))[None, None]
    with torch.inference_mode():
        codes: npt.NDArray[np.int64] = model.encode(padded, num_quantizers=8).audio_codes[0].numpy()
    return codes


def encode_in_pieces(codec: Codec, pcm: npt.NDArray[np.float32], cuts: list[int]) -> npt.NDArray[np.uint16]:
    encoder = codec.encoder()
    codes = [encoder.push(piece) for piece in np.split(pcm, sorted(cuts))]
    return np.concatenate([*codes, encoder.finish()], axis=1)


# --- what it is -----------------------------------------------------------------------------------------------------


def test_the_codec_says_what_it_is(codec: MimiCodec, folder: Path) -> None:
    assert codec.name == "mimi"
    assert codec.sample_rate_hz == 24_000
    assert codec.frame_rate_hz == 12.5
    assert codec.samples_per_frame == 1920
    assert codec.codebooks == 8
    assert codec.cardinalities == (64,) * 8
    assert codec.quality == (  # 8 codebooks of 6 bits
        "Mimi (arXiv:2410.00037), the codec that Moshi is trained on, at 0.6 kbit/s: fit for training. "
        "How good it sounds depends on the weights given; it was not measured here."
    )


def test_the_weights_are_named_by_their_file(codec: MimiCodec, folder: Path) -> None:
    assert codec.weights_sha256 == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_weights_in_pieces_are_read_and_hashed_in_order_of_name(
    tmp_path: Path, codec: MimiCodec, pcm: npt.NDArray[np.float32]
) -> None:
    pieces = MimiCodec(str(make_model(tmp_path, max_shard_size="30KB")))
    files = sorted(tmp_path.glob("*.safetensors"))
    assert len(files) > 1
    assert pieces.weights_sha256 == hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    np.testing.assert_array_equal(encode_in_pieces(pieces, pcm, []), encode_in_pieces(codec, pcm, []))


# --- encoding -------------------------------------------------------------------------------------------------------


def test_the_codes_of_the_tiny_model_vary(reference: Any, pcm: npt.NDArray[np.float32]) -> None:
    codes = encode_in_one_pass(reference, pcm)
    assert codes.shape == (8, 61)
    assert min(len(set(row)) for row in codes.tolist()) >= 10


def test_streaming_gives_the_codes_of_one_pass(codec: MimiCodec, reference: Any, pcm: npt.NDArray[np.float32]) -> None:
    codes = encode_in_pieces(codec, pcm, [])
    assert codes.dtype == np.uint16
    np.testing.assert_array_equal(codes, encode_in_one_pass(reference, pcm))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_length_and_any_cuts_give_the_codes_of_one_pass(
    codec: MimiCodec, reference: Any, pcm: npt.NDArray[np.float32], data: st.DataObject
) -> None:
    length = data.draw(st.integers(1, pcm.size), "length")
    cuts = data.draw(st.lists(st.integers(0, length), max_size=6), "cuts")
    codes = encode_in_pieces(codec, pcm[:length], cuts)
    assert codes.shape == (8, -(-length // FRAME))
    np.testing.assert_array_equal(codes, encode_in_one_pass(reference, pcm[:length]))


def test_a_reused_buffer_of_the_caller_does_no_harm(codec: MimiCodec, pcm: npt.NDArray[np.float32]) -> None:
    encoder = codec.encoder()
    buffer = np.empty(10_000, dtype=np.float32)
    codes = []
    for start in range(0, pcm.size, buffer.size):
        piece = pcm[start : start + buffer.size]
        buffer[: piece.size] = piece
        codes.append(encoder.push(buffer[: piece.size]))
    codes.append(encoder.finish())
    np.testing.assert_array_equal(np.concatenate(codes, axis=1), encode_in_pieces(codec, pcm, []))


def test_the_sliding_window_matters_for_this_signal(
    tmp_path: Path, reference: Any, pcm: npt.NDArray[np.float32]
) -> None:
    """So that "streaming gives the codes of one pass" says that the window is kept to."""
    unbounded = load(make_model(tmp_path, sliding_window=1000))
    assert (encode_in_one_pass(unbounded, pcm) != encode_in_one_pass(reference, pcm)).mean() > 0.1


def test_the_state_of_a_track_is_small_and_does_not_grow(codec: MimiCodec, pcm: npt.NDArray[np.float32]) -> None:
    def state_bytes(encoder: Any) -> int:
        session = encoder._codec.engine._sessions[encoder._session]
        tensors = [*session.padding.padding_cache]
        tensors += [tensor for layer in session.past.layers for tensor in (layer.keys, layer.values)]
        return sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    encoder = codec.encoder()
    encoder.push(pcm)
    after_two_chunks = state_bytes(encoder)
    encoder.push(np.tile(pcm, 4))
    assert state_bytes(encoder) == after_two_chunks
    assert after_two_chunks < 20_000  # the samples of one chunk alone are 192,000


def test_two_tracks_at_once_do_not_mix(codec: MimiCodec, pcm: npt.NDArray[np.float32]) -> None:
    first, second = codec.encoder(), codec.encoder()
    other = pcm[::-1].copy()
    codes: list[list[npt.NDArray[np.uint16]]] = [[], []]
    for start in range(0, pcm.size, 30_000):
        codes[0].append(first.push(pcm[start : start + 30_000]))
        codes[1].append(second.push(other[start : start + 30_000]))
    codes[0].append(first.finish())
    codes[1].append(second.finish())
    np.testing.assert_array_equal(np.concatenate(codes[0], axis=1), encode_in_pieces(codec, pcm, []))
    np.testing.assert_array_equal(np.concatenate(codes[1], axis=1), encode_in_pieces(codec, other, []))


def test_a_track_without_samples_has_no_frames(codec: MimiCodec) -> None:
    assert encode_in_pieces(codec, np.empty(0, dtype=np.float32), []).shape == (8, 0)


def test_fewer_codebooks_are_the_first_of_more(codec: MimiCodec, folder: Path, pcm: npt.NDArray[np.float32]) -> None:
    two = MimiCodec(str(folder), codebooks=2)
    assert two.cardinalities == (64, 64)
    np.testing.assert_array_equal(encode_in_pieces(two, pcm, []), encode_in_pieces(codec, pcm, [])[:2])


def test_samples_of_another_kind_are_refused(codec: MimiCodec) -> None:
    with pytest.raises(ValueError, match=r"^pcm is float64 \[3\], expected float32 \[T\]$"):
        codec.encoder().push(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^pcm is float32 \[2, 3\], expected float32 \[T\]$"):
        codec.encoder().push(np.zeros((2, 3), dtype=np.float32))


def test_a_finished_track_takes_no_more_samples(codec: MimiCodec) -> None:
    encoder = codec.encoder()
    encoder.finish()
    with pytest.raises(RuntimeError, match="this track is finished"):
        encoder.push(np.zeros(1, dtype=np.float32))


# --- decoding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1, 24, 25, 26, 61])
def test_decoding_gives_the_audio_of_transformers(
    codec: MimiCodec, reference: Any, pcm: npt.NDArray[np.float32], frames: int
) -> None:
    codes = encode_in_pieces(codec, pcm, [])[:, :frames]
    decoded = codec.decode(codes)
    assert decoded.dtype == np.float32
    assert decoded.shape == (frames * FRAME,)
    if frames:
        with torch.inference_mode():
            expected = reference.decode(torch.from_numpy(codes.astype(np.int64))[None]).audio_values[0, 0].numpy()
        np.testing.assert_allclose(decoded, np.clip(expected, -1, 1), rtol=0, atol=2e-6)


def test_decoded_audio_is_not_silence_and_rarely_clipped(codec: MimiCodec, pcm: npt.NDArray[np.float32]) -> None:
    """So that "decoding gives the audio of transformers" compares something."""
    decoded = codec.decode(encode_in_pieces(codec, pcm, []))
    assert np.std(decoded) > 0.05
    assert np.mean(np.abs(decoded) == 1.0) < 0.2


def test_codes_of_another_shape_type_or_range_are_refused(codec: MimiCodec) -> None:
    with pytest.raises(ValueError, match=r"^codes are uint16 \[7, 2\], expected uint16 \[8, F\]$"):
        codec.decode(np.zeros((7, 2), dtype=np.uint16))
    with pytest.raises(ValueError, match=r"^codes are int64 \[8, 2\], expected uint16 \[8, F\]$"):
        codec.decode(np.zeros((8, 2), dtype=np.int64))
    with pytest.raises(ValueError, match=r"^a code is 64, expected below 64$"):
        codec.decode(np.full((8, 2), 64, dtype=np.uint16))


# --- finding and refusing models ------------------------------------------------------------------------------------


def test_a_folder_never_touches_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("socket.socket", no_network)
    monkeypatch.setattr(model_files, "snapshot_download", no_network)
    assert MimiCodec(str(folder), allow_network=True).codebooks == 8


def test_a_hub_id_is_read_from_the_local_cache(
    tmp_path: Path, folder: Path, codec: MimiCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--somebody--tiny-mimi"
    shutil.copytree(folder, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert MimiCodec("somebody/tiny-mimi").weights_sha256 == codec.weights_sha256


@pytest.mark.parametrize(("allow_network", "local_files_only"), [(False, True), (True, False)])
def test_the_network_is_used_only_when_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, allow_network: bool, local_files_only: bool
) -> None:
    asked: list[dict[str, Any]] = []

    def download(model: str, **options: Any) -> str:
        asked.append({"model": model, **options})
        return str(folder)

    monkeypatch.setattr(model_files, "snapshot_download", download)
    MimiCodec("somebody/tiny-mimi", allow_network=allow_network)
    assert asked == [
        {
            "model": "somebody/tiny-mimi",
            "allow_patterns": ["config.json", "model*.safetensors", "model.safetensors.index.json"],
            "local_files_only": local_files_only,
        }
    ]


@pytest.mark.parametrize("model", ["/no/such/folder", "./models/mimi", "mimi", "some/where/deep"])
def test_a_missing_folder_is_named(model: str) -> None:
    with pytest.raises(UsageError) as caught:
        MimiCodec(model)
    assert str(caught.value) == f"codec mimi: there is no folder '{model}'. {REMEDY}"


def test_a_hub_id_that_is_not_in_the_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        MimiCodec()
    assert str(caught.value) == (
        f"codec mimi: 'kyutai/mimi' is not a folder, and the local Hugging Face cache holds none of that name. {REMEDY}"
    )


def test_a_download_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*args: object, **kwargs: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(model_files, "snapshot_download", no_connection)
    with pytest.raises(UsageError) as caught:
        MimiCodec("somebody/tiny-mimi", allow_network=True)
    assert str(caught.value) == (
        f"codec mimi: 'somebody/tiny-mimi' is not a folder, and the Hugging Face hub gave none of that name. {REMEDY}"
    )


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, folder: Path, name: str) -> None:
    broken = shutil.copytree(folder, tmp_path / "mimi")
    (broken / name).unlink()
    with pytest.raises(UsageError) as caught:
        MimiCodec(str(broken))
    assert str(caught.value) == f"codec mimi: the folder '{broken}' holds no {name}. {REMEDY}"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"model_type": "encodec"}, "model_type in {file} is 'encodec', expected 'mimi'"),
        ({"sampling_rate": 16000}, "sampling_rate in {file} is 16000, expected 24000"),
        ({"frame_rate": 25.0}, "frame_rate in {file} is 25.0, expected 12.5"),
        ({"upsampling_ratios": [8, 8, 8]}, "frame_rate in {file} is 23.4375, expected 12.5"),
        ({"upsampling_ratios": [8, 8, 8], "frame_rate": 12.5}, "frame_size in {file} is 1024, expected 1920"),
        ({"codebook_size": 131072}, "codebook_size in {file} is 131072, expected at most 65536"),
        ({"audio_channels": 2}, "audio_channels in {file} is 2, expected 1"),
        ({"use_causal_conv": False}, "use_causal_conv in {file} is False, expected True"),
        ({"pad_mode": "reflect"}, "pad_mode in {file} is 'reflect', expected 'constant'"),
        ({"decoder_config": None}, "decoder_config in {file} is None, expected one half beside the other"),
    ],
)
def test_a_model_that_is_not_mimi_is_refused(
    tmp_path: Path, folder: Path, changes: dict[str, object], fault: str
) -> None:
    other = edit_config(folder, tmp_path / "mimi", **changes)
    with pytest.raises(UsageError) as caught:
        MimiCodec(str(other))
    file = repr(str(other / "config.json"))
    assert str(caught.value) == f"codec mimi: {fault.format(file=file)}. {REMEDY}"


def test_the_frame_rate_as_published_configurations_hold_it_is_accepted(tmp_path: Path, folder: Path) -> None:
    assert MimiCodec(str(edit_config(folder, tmp_path / "mimi", frame_rate=12.5))).samples_per_frame == 1920


@pytest.mark.parametrize("codebooks", [0, 11])
def test_codebooks_that_the_model_does_not_have_are_refused(folder: Path, codebooks: int) -> None:
    with pytest.raises(UsageError) as caught:
        MimiCodec(str(folder), codebooks=codebooks)
    assert str(caught.value) == (
        f"codec mimi: {codebooks} codebooks asked for, expected 1 to 10, which the model in '{folder}' has."
    )


@pytest.mark.parametrize(
    "changes",
    [{"hidden_size": 32}, {"codebook_size": "many"}, {"num_semantic_quantizers": 10}, {"upsampling_ratios": 7}],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path: Path, folder: Path, changes: dict[str, object]) -> None:
    damaged = edit_config(folder, tmp_path / "mimi", **changes)
    with pytest.raises(UsageError, match=r"^codec mimi: the model in .* cannot be read: .*Download it once"):
        MimiCodec(str(damaged))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    damaged = shutil.copytree(folder, tmp_path / "mimi")
    whole = (folder / name).read_bytes()
    (damaged / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"^codec mimi: the model in .* cannot be read: .*Download it once"):
        MimiCodec(str(damaged))


def test_weights_that_lack_a_tensor_are_refused(tmp_path: Path, folder: Path) -> None:
    """transformers would go on with random numbers in its place."""
    from safetensors.torch import load_file, save_file

    lacking = shutil.copytree(folder, tmp_path / "mimi")
    tensors = load_file(lacking / "model.safetensors")
    del tensors["downsample.conv.weight"]
    save_file(tensors, lacking / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UsageError) as caught:
        MimiCodec(str(lacking))
    assert str(caught.value) == (
        f"codec mimi: the weights in '{lacking}' lack encoder.downsample.conv.weight (1 missing in all). {REMEDY}"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_falls_back_to_the_cpu_with_a_word_where_there_is_none(
    folder: Path, caplog: pytest.LogCaptureFixture, pcm: npt.NDArray[np.float32], codec: MimiCodec
) -> None:
    fallen = MimiCodec(str(folder), device="cuda")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "codec mimi: torch finds no GPU here, so device=cuda falls back to the CPU")
    ]
    np.testing.assert_array_equal(encode_in_pieces(fallen, pcm, []), encode_in_pieces(codec, pcm, []))


def test_a_gpu_that_is_not_there_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(UsageError) as caught:
        MimiCodec(str(folder), device="cuda:1")
    assert str(caught.value) == (
        "codec mimi: device=cuda:1 was asked for, and this machine has 1 GPUs, counted from 0; give device=cuda"
    )


def test_other_weights_than_those_pinned_are_refused(folder: Path, codec: MimiCodec) -> None:
    pinned = f"mimi:{folder}?sha256={codec.weights_sha256}"
    assert open_codec(pinned).weights_sha256 == codec.weights_sha256
    with pytest.raises(UsageError) as caught:
        open_codec(f"mimi:{folder}?sha256={'0' * 64}")
    assert str(caught.value) == (
        f"codec mimi: the weights in '{folder}' have SHA-256 {codec.weights_sha256}, and {'0' * 64} was pinned; "
        "give the model that was meant, or pin this one if you trust it"
    )
