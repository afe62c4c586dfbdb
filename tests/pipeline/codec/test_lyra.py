"""Lyra v2 through ai-edge-litert: with its own weights where they are given, and what is refused where they are not.

The weights are no part of the repository: they and the telephone tracks lie in a folder beside the checkout, or nowhere.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.codec.base import Codec, silence_tokens
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.errors import UsageError
from tests.pipeline.codec.tiny import encode_in_pieces, make_noise

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
FILES = ("soundstream_encoder.tflite", "quantizer.tflite", "lyragan.tflite")
REMEDY = f"Give a folder with {FILES[0]}, {FILES[1]} and {FILES[2]}, as google/lyra has in lyra/model_coeffs."


@pytest.fixture(scope="module")
def folder() -> Path:
    pytest.importorskip("ai_edge_litert")
    if not (SHARED / "weights" / "lyra").is_dir():
        pytest.skip("no folder shared/data with the weights of Lyra beside the checkout")
    return SHARED / "weights" / "lyra"


@pytest.fixture(scope="module")
def codec(folder: Path) -> Codec:
    return open_codec(f"lyra:{folder}")


@pytest.fixture(scope="module")
def pcm() -> npt.NDArray[np.float32]:
    return make_noise(3 * 16_000 - 7)


def test_lyra_says_what_it_is(codec: Codec) -> None:
    assert (codec.name, codec.sample_rate_hz, codec.frame_rate_hz, codec.samples_per_frame) == (
        "lyra",
        16_000,
        50.0,
        320,
    )
    assert (codec.codebooks, codec.cardinalities) == (16, (16,) * 16)
    assert "3.2 kbit/s" in codec.quality


def test_the_same_track_has_the_same_codes_whatever_came_between(codec: Codec, pcm: npt.NDArray[np.float32]) -> None:
    """A-B-A: an interpreter that is used again goes on in the state of another track."""
    first = encode_in_pieces(codec, pcm, [])
    other = encode_in_pieces(codec, pcm[::-1].copy(), [])
    assert (first != other).mean() > 0.3
    np.testing.assert_array_equal(encode_in_pieces(codec, pcm, []), first)
    audio = codec.decode(first)
    codec.decode(other)
    np.testing.assert_array_equal(codec.decode(first), audio)


def test_any_cuts_and_two_tracks_at_once_give_the_same_codes(codec: Codec, pcm: npt.NDArray[np.float32]) -> None:
    whole = encode_in_pieces(codec, pcm, [])
    assert whole.shape == (16, 150)
    np.testing.assert_array_equal(encode_in_pieces(codec, pcm, [1, 319, 320, 5000, 5000, 40_001]), whole)
    first, second = codec.encoder(), codec.encoder()
    mixed = []
    for piece in np.split(pcm, [7000, 20_000]):
        mixed.append(first.push(piece))
        second.push(piece[::-1].copy())
    np.testing.assert_array_equal(np.concatenate([*mixed, first.finish()], axis=1), whole)


def test_the_codes_of_a_beginning_are_the_beginning_of_the_codes(codec: Codec, pcm: npt.NDArray[np.float32]) -> None:
    half = encode_in_pieces(codec, pcm[: 70 * 320], [])
    np.testing.assert_array_equal(half, encode_in_pieces(codec, pcm, [])[:, :70])
    audio = codec.decode(half)
    np.testing.assert_array_equal(codec.decode(half[:, :40]), audio[: 40 * 320])


def test_fewer_codebooks_are_the_first_of_more(folder: Path, codec: Codec, pcm: npt.NDArray[np.float32]) -> None:
    all_of_them = encode_in_pieces(open_codec(f"lyra:{folder}?codebooks=46"), pcm, [])
    assert all_of_them.shape[0] == 46
    assert int(all_of_them.max()) < 16
    np.testing.assert_array_equal(all_of_them[:16], encode_in_pieces(codec, pcm, []))


def test_silence_settles(codec: Codec) -> None:
    assert silence_tokens(codec) is not None


def test_a_finished_track_takes_no_more_samples(codec: Codec) -> None:
    encoder = codec.encoder()
    encoder.push(np.zeros(5, np.float32))
    assert encoder.finish().shape == (16, 1)
    assert encoder.finish().shape == (16, 0)
    with pytest.raises(RuntimeError, match="this track is finished"):
        encoder.push(np.zeros(1, np.float32))


def test_speech_stays_intelligible(codec: Codec) -> None:
    """The mean of four telephone tracks, 20 s each; docs/codec.md has whole tracks."""
    import soundfile
    import soxr
    from pystoi import stoi

    found = []
    for path in sorted((SHARED / "calls").glob("*.flac")):
        pcm, rate_hz = soundfile.read(path, dtype="float32")
        original = soxr.resample(pcm[: 20 * rate_hz], rate_hz, 16_000).astype(np.float32)
        decoded = codec.decode(encode_in_pieces(codec, original, []))[: len(original)]
        found.append(float(stoi(original, decoded, 16_000)))
    assert np.mean(found) >= 0.82


# --- refusing -------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_bytes(b"no model")
    return tmp_path


def test_a_missing_folder_and_a_missing_file_are_named(fake: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_codec("lyra:/no/such/folder")
    assert str(caught.value) == f"codec lyra: there is no folder '/no/such/folder'. {REMEDY}"
    (fake / FILES[2]).unlink()
    with pytest.raises(UsageError) as caught:
        open_codec(f"lyra:{fake}")
    assert str(caught.value) == f"codec lyra: the folder '{fake}' holds no lyragan.tflite. {REMEDY}"


def test_files_that_are_no_models_are_refused(fake: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(UsageError, match=r"^codec lyra: the files in .* are not those of Lyra v2 \("):
        open_codec(f"lyra:{fake}")


def test_files_in_each_others_place_are_refused(folder: Path, tmp_path: Path) -> None:
    for name, source in zip(FILES, (FILES[2], FILES[1], FILES[0]), strict=True):
        shutil.copy(folder / source, tmp_path / name)
    with pytest.raises(UsageError, match=r"^codec lyra: the files in .* are not those of Lyra v2 \("):
        open_codec(f"lyra:{tmp_path}")


def test_files_that_are_not_those_pinned_are_refused(fake: Path) -> None:
    with pytest.raises(UsageError, match=r"^codec lyra: the files in .* and 0{64} was pinned"):
        open_codec(f"lyra:{fake}?sha256={'0' * 64}")


def test_without_the_extra_the_remedy_is_named(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(
        UsageError, match=r'^codec lyra: ai-edge-litert cannot be loaded .* `pip install "duologue\[lyra\]"`$'
    ):
        open_codec(f"lyra:{fake}")
