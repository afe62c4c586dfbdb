"""A sample is found as a reader may find it, and its tokens are decoded by the codec that made them and by no other."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.codec.document import release_codec_document
from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.decode import decode_sample, find_sample, release_codec
from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import UsageError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.reader.dataset import PurposeError, open_dataset
from duologue_pipeline.release.write import write_release
from duologue_pipeline.shards.write import STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.conftest import make_annotated, make_recording, make_release_options
from tests.pipeline.withdrawal.world import make_world

PURPOSE = "training_inhouse"


def make_demo_release(folder: Path) -> Path:
    """12.3 s of a demo conversation in two samples of the embedded codec, with audio."""
    pcm, rate_hz = soundfile.read(
        demo_files().manifest.parent / "audio" / "demo-garden.flac", stop=round(12.3 * 16_000)
    )
    soundfile.write(folder / "call.wav", pcm, rate_hz)
    codec, out = EmbeddedCodec(), folder / "out"
    part = tokenize_conversation(
        make_annotated(make_recording(folder / "call.wav")),
        codec=codec,
        options=TokenizeOptions(segment_s=8.0, include_audio=True),
        staging=str(out / STAGING),
    )
    options = make_release_options(codec=release_codec_document(codec), segment_s=8.0)
    write_release([write_shard("train-00000", [part], out=str(out))], [], out=str(out), options=options)
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo_release(tmp_path_factory.mktemp("decode"))


def loudness(pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The level of each 20 ms in dB, at 24 kHz; the embedded codec makes up its phases, so samples cannot be compared."""
    pieces = pcm[: len(pcm) // 480 * 480].reshape(-1, 480).astype(np.float64)
    return 10 * np.log10(np.maximum((pieces**2).mean(axis=1), 1e-8))


def test_what_is_decoded_is_as_long_as_the_frames_and_sounds_like_its_source(out: Path) -> None:
    source = np.concatenate(
        [np.stack(pair) for pair in conversation_blocks(make_recording(out.parent / "call.wav"), rate_hz=24_000)],
        axis=1,
    )
    decoded = []
    for key in ("call-1-00000", "call-1-00001"):
        release, sample = find_sample(str(out), key, purpose=PURPOSE)
        pcm = decode_sample(sample, release_codec(release))
        assert pcm.dtype == np.float32
        assert pcm.shape == (2, sample.codes.shape[2] * 1920)
        assert pcm.flags.c_contiguous
        decoded.append(pcm)
    heard = np.concatenate(decoded, axis=1)
    assert 0 <= heard.shape[1] - source.shape[1] < 1920
    alike = np.corrcoef([loudness(each[: source.shape[1]]) for each in (*source, *heard)])[:2, 2:]
    assert alike.diagonal().min() > 0.9
    assert alike[0, 1] < 0.5
    assert alike[1, 0] < 0.5


def test_the_tracks_of_one_speaker_or_of_both_in_the_order_asked_for(out: Path) -> None:
    release, sample = find_sample(str(out), "call-1-00001", purpose=PURPOSE)
    codec = release_codec(release)
    both, b = decode_sample(sample, codec), decode_sample(sample, codec, ("b",))
    assert np.array_equal(b, both[1:])
    assert np.array_equal(decode_sample(sample, codec, ("b", "a")), both[::-1])
    assert np.array_equal(b[0], codec.decode(sample.codes[1]))


@pytest.mark.parametrize(
    ("change", "spec", "message"),
    [
        (
            {"weights_sha256": "1" * 64},
            None,
            "its weights have SHA-256 2b79987ec693…, and those .* 111111111111….*older duologue",
        ),
        (
            {"name": "mimi"},
            "embedded",
            "--codec embedded: the tokens of the release were made with mimi; give --codec mimi",
        ),
        ({"name": "other"}, None, "unknown codec 'other'; known are embedded, mimi, encodec, dac and lyra"),
        ({"codebooks": 4}, None, "codec embedded: its codebooks is 8, and dataset.json says 4"),
    ],
)
def test_another_codec_is_refused(change: dict[str, Any], spec: str | None, message: str, out: Path) -> None:
    release, _ = find_sample(str(out), "call-1-00000", purpose=PURPOSE)
    with pytest.raises(UsageError, match=message):
        release_codec({**release, "codec": {**release["codec"], **change}}, spec)


def test_a_sample_of_the_other_split_is_found_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    assert find_sample(str(world.out), "call-5-00000", purpose=PURPOSE)[1].metadata["split"] == "validation"
    for key in ("call-9-00000", ""):
        with pytest.raises(UsageError, match=f"there is no sample '{key}' to be read for training_inhouse"):
            find_sample(str(world.out), key, purpose=PURPOSE)
    with pytest.raises(PurposeError, match="not for likeness"):
        find_sample(str(world.out), "call-1-00000", purpose="likeness")


def test_a_sample_that_was_withdrawn_is_not_found(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    world.withdraw("anna")

    def stop(text: str) -> None:
        if text.startswith("rewriting"):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        propagate_release(str(world.out), world.ledger, tell=stop)
    # dataset.json and the shards are the old ones; revocations.jsonl alone says that it may not be read
    with pytest.raises(UsageError, match="or a speaker has withdrawn it"):
        find_sample(str(world.out), "call-1-00000", purpose=PURPOSE)
    assert find_sample(str(world.out), "call-3-00000", purpose=PURPOSE)[1].key == "call-3-00000"
    propagate_release(str(world.out), world.ledger)
    release, sample = find_sample(str(world.out), "call-1-00000", purpose=PURPOSE)
    assert (release["version"], sample.metadata["speakers"]["a"]["commitment"]) == ("2.0.0", "withdrawn")
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    with pytest.raises(UsageError, match="or a speaker has withdrawn it"):
        find_sample(str(world.out), "call-2-00000", purpose=PURPOSE)  # nobody is left in it


def test_mimi_is_opened_by_its_folder_with_the_codebooks_of_the_release_and_only_with_the_same_weights(
    tmp_path: Path, out: Path
) -> None:
    from duologue_pipeline.codec.mimi import MimiCodec
    from tests.pipeline.codec.test_mimi import make_model

    model, other = make_model(tmp_path / "model"), make_model(tmp_path / "other", layer_scale_initial_scale=0.4)
    made = MimiCodec(str(model), codebooks=10)
    release: dict[str, Any] = {"codec": {**release_codec_document(made), "quality": ""}}
    codec = release_codec(release, f"mimi:{model}")
    assert (codec.codebooks, codec.weights_sha256) == (10, made.weights_sha256)
    _, sample = find_sample(str(out), "call-1-00001", purpose=PURPOSE)
    codes = (np.concatenate([sample.codes, sample.codes[:, :2]], axis=1) % 64).astype(np.uint16)
    pcm = decode_sample(replace(sample, codes=codes), codec)
    assert pcm.shape == (2, codes.shape[2] * 1920)
    with pytest.raises(UsageError, match=r"other weights turn its tokens into noise.*with --codec mimi:FOLDER"):
        release_codec(release, f"mimi:{other}")
    with pytest.raises(UsageError, match="give `--codec mimi:models/mimi`"):
        release_codec(release, f"mimi:{tmp_path / 'no'}")


def test_the_name_of_a_crop_leads_to_its_sample(out: Path) -> None:
    (key, *_) = (crop.key for crop in open_dataset(str(out), crop_s=4))
    with pytest.raises(UsageError, match=rf"'{key}' names a crop.*holds the sample '{key[:-7]}'.*frame 0: decode that"):
        find_sample(str(out), key, purpose=PURPOSE)
    with pytest.raises(UsageError, match="there is no sample 'other-f00000'"):
        find_sample(str(out), "other-f00000", purpose=PURPOSE)
